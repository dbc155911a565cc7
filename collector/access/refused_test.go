package access_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// A proxy on the machine itself makes strangers look like its local person; nginx even writes
// the machine's own name into their requests.
func TestStrangersBehindALocalProxy(t *testing.T) {
	h := build(t, false, loopback)
	b := h.browser()
	for _, header := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"} {
		b.ask("GET", "/admin", "", header, "203.0.113.7").want(t, header, 403, "make a token first")
	}
	r := httptest.NewRequest("GET", "http://127.0.0.1/api/x", nil)
	r.RemoteAddr, r.Proto, r.ProtoMajor, r.ProtoMinor = "127.0.0.1:5000", "HTTP/1.0", 1, 0 // nginx, as it is installed
	w := httptest.NewRecorder()
	h.guard.Require(access.Read, http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("HTTP/1.0: %d", w.Code)
	}
	named := build(t, false, loopback, func(s *access.Settings) { s.Proxies, _ = access.ParseProxies([]string{"127.0.0.1"}) })
	named.browser().ask("GET", "/admin", "").want(t, "where a proxy is named", 403, "make a token first")
	token := named.token("alice", access.Admin, 0)
	named.clock.wait(2 * time.Second)
	named.as(token, "GET", "/admin", "X-Forwarded-For", "203.0.113.7").want(t, "with a token", 200, "alice")
}

// Neither strangers nor those who may only read push what others did out of the log.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	h := build(t, false)
	reader := h.token("reader", access.Read, 0)
	handler := h.guard.Require(access.Operate, http.NotFoundHandler())
	ask := func(from, token string) {
		r := httptest.NewRequest("POST", "http://rollcall.example/api/v1/x", nil)
		r.RemoteAddr = from
		r.Header.Set("Authorization", "Bearer "+token)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	for i := range 3 * 60 { // three hours
		for j := range 3 {
			ask("203.0.113."+string(rune('0'+(i+j)%10))+":5000", "rollcall_wrong")
			ask("192.0.2.1:5000", reader)
		}
		h.clock.wait(time.Minute)
	}
	a := h.audits(store.AuditFilter{})
	if len(a) < 120 || len(a) > 170 {
		t.Errorf("%d are kept of three hours", len(a))
	}
	if last := a[0].Result; !strings.Contains(last, "more before, which are not kept") {
		t.Errorf("the newest says %q", last)
	}
}
