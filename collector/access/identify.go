package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// coarse is how exactly the last use of tokens and sessions is kept: a write for each
// request would cost more than the answer.
const (
	coarseToken   = 10 * time.Minute
	coarseSession = time.Minute
)

// lookTime bounds how long is looked up who asks, pageTime a page of the login with all that it asks.
const (
	lookTime = 10 * time.Second
	pageTime = 45 * time.Second
)

// identify finds out who asks, and counts the request.
func (g *Guard) identify(r *http.Request) (*visit, *refusal) {
	address, secure := client(r, g.s.Proxies)
	v := &visit{from: address.String(), secure: secure}
	ctx, cancel := context.WithTimeout(r.Context(), lookTime)
	defer cancel()
	ref := g.recognise(r.WithContext(ctx), v)
	switch {
	case ref != nil:
		return v, ref
	case v.known && v.person.Via == ViaLoopback:
		return v, nil // the machine is theirs
	case v.known && v.person.Via != ViaOpen:
		return v, limited(g.callers.take(v.person.Via + " " + v.person.Name))
	}
	return v, limited(g.strays.take(caller(address)))
}

func limited(wait time.Duration, ok bool) *refusal {
	if ok {
		return nil
	}
	return &refusal{status: http.StatusTooManyRequests, text: "too many requests; try again in " + seconds(wait) + " s", wait: wait}
}

// recognise tries token, session and the machine's own person, in this order.
func (g *Guard) recognise(r *http.Request, v *visit) *refusal {
	if header := r.Header.Get("Authorization"); header != "" {
		return g.bearer(r, v, header)
	}
	if c, err := r.Cookie(sessionCookie(v.secure)); err == nil {
		if err := g.session(r.Context(), v, c.Value); err != nil {
			return g.unavailable(err)
		}
		if v.known {
			return nil
		}
	}
	closed, err := g.controlled(r.Context())
	switch {
	case err != nil:
		return g.unavailable(err)
	case closed:
	case g.s.Open:
		v.person, v.known = Person{Name: "anybody", Role: Read, Via: ViaOpen}, true
	case g.s.Loopback && (len(g.s.Proxies) > 0 || relayed(r)):
		return &refusal{status: http.StatusForbidden, text: "this came through a proxy, so that anybody could have sent it: make a token first (rollcall token create NAME --role admin)"}
	case g.s.Loopback && !ownHost(r):
		return &refusal{status: http.StatusMisdirectedRequest, text: "without tokens this collector answers only by the names of its own machine (localhost, 127.0.0.1)"}
	case g.s.Loopback:
		v.person, v.known = Person{Name: "local", Role: Admin, Via: ViaLoopback}, true
		v.csrf = g.formKey("loopback")
	}
	return nil
}

func (g *Guard) unavailable(err error) *refusal {
	if !errors.Is(err, context.Canceled) { // else who asked has left
		g.s.Log.Error("cannot look up who asks", "error", err)
	}
	return &refusal{status: http.StatusServiceUnavailable, text: "the store cannot be asked who this is; try again", wait: 5 * time.Second}
}

func (g *Guard) bearer(r *http.Request, v *visit, header string) *refusal {
	scheme, text, _ := strings.Cut(header, " ")
	text = strings.TrimSpace(text)
	if !strings.EqualFold(scheme, "Bearer") {
		return g.failed(r, v, "Authorization takes Bearer and a token")
	}
	t, role, err := g.token(r.Context(), text)
	switch {
	case err != nil:
		return g.unavailable(err)
	case role == "":
		return g.failed(r, v, "this token is not known here, expired or revoked; \"rollcall token create\" makes one")
	}
	v.person, v.known, v.meant = Person{Name: t.Name, Role: role, Via: ViaToken}, true, true // no browser adds a token by itself
	return nil
}

// token finds a token that is good now; role is "" where there is none.
func (g *Guard) token(ctx context.Context, text string) (store.Token, Role, error) {
	if !wellFormed(text) {
		return store.Token{}, "", nil
	}
	return g.tokenOf(ctx, hash(text))
}

func (g *Guard) tokenOf(ctx context.Context, sum []byte) (store.Token, Role, error) {
	t, err := g.s.Store.Token(ctx, sum)
	if errors.Is(err, store.ErrNotFound) {
		return store.Token{}, "", nil
	}
	if err != nil {
		return store.Token{}, "", err
	}
	now := g.s.Now()
	role, ok := holds(t, now)
	if !ok || subtle.ConstantTimeCompare(t.Hash, sum) != 1 {
		return t, "", nil
	}
	if now.Sub(t.Used).Abs() >= coarseToken {
		if err := g.s.Store.TokenUsed(ctx, sum, now); err != nil {
			g.s.Log.Warn("cannot remember the use of a token", "token", t.Name, "error", err)
		}
	}
	return t, role, nil
}

// failed counts a wrong token or login: few are answered, and of those few are kept.
func (g *Guard) failed(r *http.Request, v *visit, text string) *refusal {
	address, _ := client(r, g.s.Proxies)
	if wait, ok := g.failures.take(caller(address)); !ok {
		return &refusal{status: http.StatusTooManyRequests, text: "too many wrong logins from here; try again in " + seconds(wait) + " s", wait: wait}
	}
	g.refused(r.Context(), "", store.Audit{Who: "?", From: v.from, Action: "login", Object: r.URL.Path, Result: "refused"})
	return &refusal{status: http.StatusUnauthorized, text: text}
}

// session recognises a cookie.
func (g *Guard) session(ctx context.Context, v *visit, secret string) error {
	sum, now := hash(secret), g.s.Now()
	s, err := g.s.Store.Session(ctx, sum)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if now.After(s.Ends) || now.Sub(s.Seen) > g.s.Idle {
		return g.s.Store.EndSession(ctx, sum)
	}
	role, err := ParseRole(s.Role)
	if len(s.Token) > 0 {
		_, role, err = g.tokenOf(ctx, s.Token)
	}
	if err != nil || role == "" {
		return err
	}
	if now.Sub(s.Seen).Abs() >= coarseSession {
		if err := g.s.Store.SessionSeen(ctx, sum, now); err != nil {
			g.s.Log.Warn("cannot remember the use of a session", "error", err)
		}
	}
	v.person, v.known, v.hash = Person{Name: s.Name, Role: role, Via: ViaSession}, true, sum
	v.csrf = formToken(secret)
	return nil
}

// formToken is what the forms of a cookie's owner hold. It tells nothing about the cookie.
func formToken(secret string) string {
	sum := sha256.Sum256([]byte("rollcall form v1\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// formKey is the same for those who have no cookie.
func (g *Guard) formKey(who string) string {
	m := hmac.New(sha256.New, g.key[:])
	m.Write([]byte(who))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:18])
}
