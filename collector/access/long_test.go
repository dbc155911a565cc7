package access_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/access"
)

// Few take the fleet away at once, so that their number is no way to use the memory up; and one
// caller alone does not keep the others from it.
func TestLongAnswersAreFew(t *testing.T) {
	h := build(t, false)
	goOn, ended := make(chan bool), make(chan bool, 99)
	long := h.guard.Require(access.Read, h.guard.Long(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ended <- false; <-goOn })))
	ask := func(token string) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest("GET", "http://rollcall.example/api/x", nil), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer "+token)
		long.ServeHTTP(w, r)
		return w
	}
	begin := func(token string) {
		go func() { ask(token); ended <- true }()
		<-ended
	}
	refused := func(what, token string) {
		t.Helper()
		if w := ask(token); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "30" {
			t.Errorf("%s: %d", what, w.Code)
		}
	}
	alice, bob, carol := h.token("alice", access.Read, 0), h.token("bob", access.Read, 0), h.token("carol", access.Read, 0)
	for range 3 {
		begin(alice)
	}
	refused("the fourth of one caller", alice)
	for range 3 {
		begin(bob)
	}
	begin(carol)
	begin(carol)
	refused("the ninth of all", carol)
	goOn <- true // one of them ends
	<-ended
	begin(carol)
	close(goOn)
}
