package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
)

// Files of the whole fleet are written for few at once: each holds memory until its reader has it.
func TestTakeawaysAreFew(t *testing.T) {
	for _, path := range []string{"/modules.csv", "/findings.csv", "/hbom/cyclonedx-1.7", "/hbom/xlsx"} {
		t.Run(path, func(t *testing.T) {
			h := guarded(t, filled(t)).Config.Handler
			collectortest.Stuck(t, h, path, 3)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+path, nil))
			if w.Code != http.StatusTooManyRequests {
				t.Errorf("the fourth at once: %d %.100s", w.Code, w.Body)
			}
			w = httptest.NewRecorder()
			if h.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/modules", nil)); w.Code != http.StatusOK {
				t.Errorf("pages meanwhile: %d", w.Code)
			}
		})
	}
}
