package collector

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// talkative is a store whose database tells its errors as PostgreSQL's driver does.
type talkative struct{ store.Store }

func (talkative) Ping(context.Context) error {
	return errors.New("failed to connect to `user=rollcall database=fleet`: 10.20.0.7:5432 (db.plant.example): connection refused")
}

// Everybody may ask whether a collector is ready, and learns what is wrong, but not where the
// database is and as whom it is used.
func TestReadinessTellsStrangersNoSecrets(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	r := start(t, srv, talkative{openStore(t)})
	guard, err := access.New(access.Settings{Store: r.s.Store})
	must(t, err)
	w := httptest.NewRecorder()
	r.handler(guard).ServeHTTP(w, httptest.NewRequest("GET", "http://rollcall.example/readyz", nil))
	body := w.Body.String()
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(body, "the store does not answer") {
		t.Errorf("%d %q", w.Code, body)
	}
	for _, secret := range []string{"user=", "10.20.0.7", "db.plant"} {
		if strings.Contains(body, secret) {
			t.Errorf("a stranger reads %q: %s", secret, body)
		}
	}
}
