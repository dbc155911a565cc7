package access

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Settings of a Guard. Store is needed.
type Settings struct {
	Store Store
	// Loopback says that only this machine reaches the listener: while there is neither
	// token nor provider, whoever asks is the local person and may do everything.
	Loopback bool
	// Open says that anybody may read while there is neither token nor provider.
	Open bool
	// Proxies are those whose word about the client's address and TLS counts.
	Proxies []netip.Prefix
	// OIDC is a provider that people log in with. Nil: tokens only.
	OIDC *Provider
	// Idle ends a session that was not used for so long, Lifetime every one. 0 is 2 h and 12 h.
	Idle, Lifetime time.Duration
	// Rate is how many requests a second one caller may make for long, and Burst how many at
	// once. 0 is 50 and 200. Who is not known may make a tenth of both.
	Rate  float64
	Burst int
	// Log gets what an operator wants to know. Nil: nothing.
	Log *slog.Logger
	// Now is the wall clock. Nil: the machine's.
	Now func() time.Time
}

func (s Settings) withDefaults() Settings {
	if s.Idle == 0 {
		s.Idle = 2 * time.Hour
	}
	if s.Lifetime == 0 {
		s.Lifetime = 12 * time.Hour
	}
	if s.Rate == 0 {
		s.Rate = 50
	}
	if s.Burst == 0 {
		s.Burst = 200
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return s
}

// Guard stands before handlers.
type Guard struct {
	s        Settings
	key      [32]byte // of this process, for forms of those who have no session
	origins  *http.CrossOriginProtection
	callers  *limits
	strays   *limits // those who are not known
	failures *limits // wrong tokens and logins
	recorded *limits // refusals that are kept in the log of who did what

	mu      sync.Mutex
	left    map[string]int // refusals that were not, by whom
	long    map[string]int // long answers under way, by whom
	longAll int
	closed  bool      // there is a token; it stays so
	asked   time.Time // when that was last looked up
}

// New makes a guard.
func New(s Settings) (*Guard, error) {
	if s.Store == nil {
		return nil, errors.New("cannot guard without a store")
	}
	s = s.withDefaults()
	g := &Guard{s: s, origins: http.NewCrossOriginProtection(), left: map[string]int{}, long: map[string]int{}}
	_, _ = rand.Read(g.key[:]) // never fails
	g.callers = newLimits(rate.Limit(s.Rate), s.Burst, s.Now)
	g.strays = newLimits(rate.Limit(s.Rate/10), max(10, s.Burst/10), s.Now)
	g.failures = newLimits(rate.Every(10*time.Second), 5, s.Now)
	g.recorded = newLimits(rate.Every(refusalEvery), refusalBurst, s.Now)
	return g, nil
}

// Require lets those with a role through to h, which learns by From who it is. Who is not
// known is sent to the login page, or told with 401. A request that changes something must
// come from a page of ours or from a program.
func (g *Guard) Require(role Role, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r.Context())
		if v == nil {
			var ref *refusal
			v, ref = g.identify(r)
			r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
			if ref != nil {
				g.refuse(w, r, ref)
				return
			}
		}
		if ref := g.check(w, r, v, role); ref != nil {
			g.refuse(w, r, ref)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (g *Guard) check(w http.ResponseWriter, r *http.Request, v *visit, role Role) *refusal {
	switch {
	case !v.known:
		return &refusal{status: http.StatusUnauthorized, text: "log in, or send a token: Authorization: Bearer rollcall_…"}
	case !v.person.Role.Includes(role):
		if !safe(r) {
			p := v.person
			g.refused(r.Context(), p.Via+" "+p.Name, store.Audit{Who: p.Name, Via: p.Via, From: v.from, Action: r.Method + " " + r.URL.Path, Result: "refused: needs " + string(role)})
		}
		return &refusal{status: http.StatusForbidden, text: "this needs the role " + string(role) + "; " + v.person.Name + " has " + string(v.person.Role)}
	case v.meant || safe(r):
		return nil
	}
	if ref := g.meant(w, r, v); ref != nil {
		return ref
	}
	v.meant = true
	return nil
}

// refusal is why a request goes no further.
type refusal struct {
	status int
	text   string
	wait   time.Duration
}

// refuse answers, a person with a page and a program with JSON.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, ref *refusal) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if ref.wait > 0 {
		h.Set("Retry-After", seconds(ref.wait))
	}
	html := wantsPage(r)
	if ref.status == http.StatusUnauthorized {
		if html && safe(r) {
			http.Redirect(w, r, "/login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
			return
		}
		h.Set("WWW-Authenticate", `Bearer realm="rollcall"`)
	}
	if html {
		g.page(w, ref.status, loginPage{Heading: http.StatusText(ref.status), Problem: ref.text})
		return
	}
	problem(w, ref.status, ref.text)
}

func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/api/")
}

func safe(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
}

// controlled says whether there is anything to show: a provider, or a token, also one that
// is revoked, so that revoking the last one opens nothing.
func (g *Guard) controlled(ctx context.Context) (bool, error) {
	if g.s.OIDC != nil {
		return true, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.s.Now(); !g.closed && now.Sub(g.asked).Abs() >= time.Second {
		tokens, err := g.s.Store.Tokens(ctx)
		if err != nil {
			return true, err
		}
		g.closed, g.asked = len(tokens) > 0, now
	}
	return g.closed, nil
}

// Controlled says whether a token exists or a provider is configured, so that nobody is let
// in without either.
func (g *Guard) Controlled(ctx context.Context) (bool, error) { return g.controlled(ctx) }
