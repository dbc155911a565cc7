package access

import (
	"net/http"
	"time"
)

// An answer that is as long as the fleet is large holds memory and a statement of the store until
// its reader has all of it, which may take minutes.
const (
	longAtOnce = 8
	longEach   = 3 // of one caller
	longWait   = 30 * time.Second
)

// Long lets few ask h at once, and fewer that are one caller; the others are told to wait. It
// stands behind Require.
func (g *Guard) Long(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r.Context())
		if v == nil {
			g.refuse(w, r, &refusal{status: http.StatusUnauthorized, text: "who asks is not known"})
			return
		}
		who := v.person.Via + " " + v.person.Name
		if !g.begun(who) {
			g.refuse(w, r, &refusal{status: http.StatusTooManyRequests, text: "others, or you, take away as much now; try again in " + seconds(longWait) + " s", wait: longWait})
			return
		}
		defer g.ended(who)
		h.ServeHTTP(w, r)
	})
}

func (g *Guard) begun(who string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.longAll >= longAtOnce || g.long[who] >= longEach {
		return false
	}
	g.longAll++
	g.long[who]++
	return true
}

func (g *Guard) ended(who string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.longAll--
	if g.long[who]--; g.long[who] == 0 {
		delete(g.long, who)
	}
}
