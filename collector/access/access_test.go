package access_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// A role lets through what it includes, and nothing more.
func TestRoles(t *testing.T) {
	h := build(t, true)
	for role, want := range map[access.Role][3]int{access.Read: {200, 403, 403}, access.Operate: {200, 200, 403}, access.Admin: {200, 200, 200}} {
		token := h.token("one-"+string(role), role, 0)
		for i, path := range []string{"/", "/do", "/admin"} {
			h.as(token, "GET", path).want(t, string(role)+" "+path, want[i], "")
		}
		h.as(token, "GET", "/").want(t, "who", 200, "one-"+string(role)+" "+string(role)+" token")
	}
	h.browser().ask("GET", "/api/x", "").want(t, "nobody", 401, "rollcall_")
	for _, header := range []string{"Bearer", "Bearer x", "Basic cm9vdDpyb290", "Bearer rollcall_AAAAAAAA_" + strings.Repeat("A", 43)} {
		h.browser().ask("GET", "/", "", "Authorization", header).want(t, header, 401, "")
	}
	if access.Role("root").Includes(access.Read) || access.Admin.Includes("root") {
		t.Error("a role that there is not includes something, or is included")
	}
}

// The store holds no secret; names are used once; a token ends when it should.
func TestTokens(t *testing.T) {
	h := build(t, true)
	secret := h.token("grafana", access.Read, time.Hour)
	if _, _, err := access.NewToken(t.Context(), h.store, "grafana", access.Read, 0, h.clock.now()); !errors.Is(err, store.ErrTaken) {
		t.Errorf("the name twice: %v", err)
	}
	for _, name := range []string{"", "a b", "../x", "-x", strings.Repeat("x", 65)} {
		if _, _, err := access.NewToken(t.Context(), h.store, name, access.Read, 0, h.clock.now()); err == nil {
			t.Errorf("a token called %q", name)
		}
	}
	if _, _, err := access.NewToken(t.Context(), h.store, "x", "root", 0, h.clock.now()); err == nil {
		t.Error("a token with a role that there is not")
	}
	h.as(secret, "GET", "/").want(t, "in time", 200, "grafana")
	h.clock.wait(time.Hour)
	h.as(secret, "GET", "/").want(t, "expired", 401, "expired")

	other := h.token("other", access.Read, 0)
	h.as(other, "GET", "/").want(t, "good", 200, "other")
	must(t, h.store.RevokeToken(t.Context(), "other", h.clock.now()))
	h.as(other, "GET", "/").want(t, "revoked", 401, "revoked")
	if err := h.store.RevokeToken(t.Context(), "nobody", h.clock.now()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("revoked one that there is not: %v", err)
	}
	all, err := h.store.Tokens(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].Name != "grafana" || !strings.HasPrefix(secret, all[0].ID+"_") || all[0].Used.IsZero() || all[1].Revoked.IsZero() {
		t.Errorf("the list says %+v", all)
	}
	files, err := filepath.Glob(h.path + "*")
	must(t, err)
	kept := false
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		kept = kept || bytes.Contains(b, []byte("grafana"))
		if _, hidden, _ := strings.Cut(secret, all[0].ID+"_"); bytes.Contains(b, []byte(hidden)) {
			t.Errorf("%s holds the secret", f)
		}
	}
	if !kept {
		t.Fatal("no file holds the token's name; this test looks in the wrong place")
	}
}

// Without token and provider this machine's own person may do everything, by its own names;
// from the first token on nobody may without one, whatever becomes of it.
func TestLoopback(t *testing.T) {
	h := build(t, false, loopback)
	b := h.browser()
	b.ask("GET", "/admin", "").want(t, "the local person", 200, "local admin loopback")
	b.ask("GET", "/", "", "Host", "evil.example").want(t, "by another name", 421, "names of its own machine")
	h.token("first", access.Read, 0)
	h.clock.wait(2 * time.Second)
	b.ask("GET", "/api/x", "").want(t, "with a token there", 401, "")
	must(t, h.store.RevokeToken(t.Context(), "first", h.clock.now()))
	h.clock.wait(2 * time.Second)
	b.ask("GET", "/api/x", "").want(t, "with a revoked token there", 401, "")

	// Also after a restart: revoking the last token opens nothing.
	again, err := access.New(access.Settings{Store: h.store, Loopback: true})
	must(t, err)
	w := httptest.NewRecorder()
	again.Require(access.Read, http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/api/x", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("after a restart with a revoked token there: %d", w.Code)
	}

	// Others than the machine's own are let in nowhere without being told to be, and then may read.
	build(t, true).browser().ask("GET", "/api/x", "").want(t, "not loopback", 401, "")
	open := build(t, true, func(s *access.Settings) { s.Open = true }).browser()
	open.ask("GET", "/", "", "Host", "fleet.example").want(t, "open", 200, "anybody read open")
	open.ask("GET", "/do", "").want(t, "open, to operators", 403, "operate")
}

// A request that changes something counts only where it was meant.
func TestForgedRequests(t *testing.T) {
	const form, text, json = "application/x-www-form-urlencoded", "text/plain", "application/json"
	mine := build(t, false, loopback)
	theirs := build(t, true)
	token := theirs.token("alice", access.Operate, 0)
	session := theirs.browser()
	session.login(token, "/").want(t, "login", 303, "")
	for _, c := range []struct {
		name   string
		b      *browser
		csrf   string
		header []string
		want   int
	}{
		{"session, its form", session, session.csrf(), []string{"Content-Type", form}, 200},
		{"session, no form", session, "", []string{"Content-Type", form}, 403},
		{"session, another's form", session, "AAAA", []string{"Content-Type", form}, 403},
		{"session, JSON", session, "", []string{"Content-Type", json}, 403},
		{"session, header", session, "", []string{"Content-Type", json, "X-CSRF-Token", session.csrf()}, 200},
		{"session, from another site", session, session.csrf(), []string{"Content-Type", form, "Sec-Fetch-Site", "cross-site"}, 403},
		{"session, from a sibling", session, session.csrf(), []string{"Content-Type", form, "Sec-Fetch-Site", "same-site"}, 403},
		{"session, from another origin", session, session.csrf(), []string{"Content-Type", form, "Origin", "https://evil.example"}, 403},
		{"session, from here", session, session.csrf(), []string{"Content-Type", form, "Sec-Fetch-Site", "same-origin"}, 200},
		{"local, its form", mine.browser(), mine.browser().csrf(), []string{"Content-Type", form}, 200},
		{"local, no form", mine.browser(), "", []string{"Content-Type", form}, 403},
		{"local, a form's other types", mine.browser(), "", []string{"Content-Type", text}, 403},
		{"local, no type", mine.browser(), "", nil, 403},
		{"local, a program", mine.browser(), "", []string{"Content-Type", json}, 200},
		{"local, a program's YAML", mine.browser(), "", []string{"Content-Type", "application/yaml"}, 200},
		{"local, another site's script", mine.browser(), "", []string{"Content-Type", json, "Origin", "https://evil.example"}, 403},
		{"token", theirs.browser(), "", []string{"Authorization", "Bearer " + token}, 200},
	} {
		c.b.ask("POST", "/do", url.Values{"csrf": {c.csrf}}.Encode(), c.header...).want(t, c.name, c.want, "")
	}
	if session.csrf() == theirs.browserWith(token).csrf() {
		t.Error("two sessions have the same forms")
	}
}

func (h *house) browserWith(token string) *browser {
	h.t.Helper()
	b := h.browser()
	b.login(token, "/").want(h.t, "login", http.StatusSeeOther, "")
	return b
}

func TestLogin(t *testing.T) {
	for _, tls := range []bool{true, false} {
		h := build(t, tls)
		token := h.token("alice", access.Operate, 0)
		b := h.browser()
		sent := b.ask("GET", "/modules?state=held&q=a%26b", "", "Accept", "text/html")
		if want := "/login?next=" + url.QueryEscape("/modules?state=held&q=a%26b"); sent.status != 303 || sent.header.Get("Location") != want {
			t.Errorf("nobody is sent to %d %q, want %q", sent.status, sent.header.Get("Location"), want)
		}
		b.login("rollcall_wrong", "/").want(t, "a wrong token", 401, "not known here")
		in := b.login(token, "/modules?state=held")
		if in.status != 303 || in.header.Get("Location") != "/modules?state=held" {
			t.Errorf("logged in: %d to %q", in.status, in.header.Get("Location"))
		}
		cookies := in.header.Values("Set-Cookie")
		i := slices.IndexFunc(cookies, func(c string) bool { return strings.Contains(c, "rollcall=") })
		if i < 0 || !strings.Contains(cookies[i], "HttpOnly") || !strings.Contains(cookies[i], "SameSite=Lax") ||
			strings.Contains(cookies[i], "Secure") != tls || strings.HasPrefix(cookies[i], "__Host-rollcall=") != tls {
			t.Errorf("cookies with TLS %v: %q", tls, cookies)
		}
		b.ask("GET", "/", "").want(t, "in", 200, "alice operate session")
		b.ask("GET", "/login?next=/gateways", "").want(t, "the form again", 303, "")
		b.post("/logout", nil).want(t, "a forged logout", 403, "")
		b.post("/logout", url.Values{"csrf": {b.csrf()}}).want(t, "logout", 303, "")
		b.ask("GET", "/api/x", "").want(t, "out", 401, "")
		if got := actions(h.audits(store.AuditFilter{})); !slices.Equal(got, []string{"alice logout ok", "alice login ok", "? login refused"}) {
			t.Errorf("kept: %q", got)
		}
	}
}

func actions(list []store.Audit) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Who+" "+a.Action+" "+a.Result)
	}
	return out
}

// The login page sends nobody elsewhere, and takes no form that it did not give to this browser.
func TestLoginIsNoSignpost(t *testing.T) {
	h := build(t, true)
	token := h.token("alice", access.Read, 0)
	for _, next := range []string{"//evil.example", "https://evil.example", `/\evil.example`, `\\evil.example`, "javascript:alert(1)", "/login?next=/login", "/\t/evil.example", ""} {
		if got := h.browser().login(token, next).header.Get("Location"); got != "/" {
			t.Errorf("next %q leads to %q", next, got)
		}
	}
	h.clock.wait(time.Minute) // the limit of those who are not known is another test's
	mine, other := h.browser(), h.browser()
	form := hidden.FindStringSubmatch(other.ask("GET", "/login", "").body)[1]
	v := url.Values{"csrf": {form}, "token": {token}}
	mine.post("/login", v).want(t, "without a cookie", 403, "")
	mine.ask("GET", "/login", "")
	mine.post("/login", v).want(t, "another browser's form", 403, "")
	other.post("/login", v, "Origin", "https://evil.example").want(t, "from another site", 403, "")
	other.post("/login", v).want(t, "its own", 303, "")
}

// A session ends when it is not used, when it is old, and with its token.
func TestSessionsEnd(t *testing.T) {
	h := build(t, true, func(s *access.Settings) { s.Idle, s.Lifetime = time.Hour, 3*time.Hour })
	alice := h.token("alice", access.Admin, 0)
	idle, used, revoked := h.browserWith(alice), h.browserWith(alice), h.browserWith(h.token("bob", access.Read, 0))
	short := h.browserWith(h.token("carol", access.Read, 30*time.Minute))
	revoked.ask("GET", "/", "").want(t, "bob", 200, "bob read session")
	must(t, h.store.RevokeToken(t.Context(), "bob", h.clock.now()))
	revoked.ask("GET", "/api/x", "").want(t, "bob, revoked", 401, "")
	for range 3 {
		h.clock.wait(50 * time.Minute)
		used.ask("GET", "/", "").want(t, "used", 200, "alice admin session")
	}
	short.ask("GET", "/api/x", "").want(t, "its token has expired", 401, "")
	idle.ask("GET", "/api/x", "").want(t, "idle", 401, "")
	h.clock.wait(31 * time.Minute)
	used.ask("GET", "/api/x", "").want(t, "old", 401, "")
	must(t, h.store.PruneAccess(t.Context(), h.clock.now(), h.clock.now(), 1))
	if got := h.audits(store.AuditFilter{}); len(got) != 0 {
		t.Errorf("after pruning: %v", got)
	}
}

// A cookie that somebody planted before the login is worth nothing after it.
func TestSessionFixation(t *testing.T) {
	h := build(t, false)
	b := h.browser()
	u, err := url.Parse(h.URL)
	must(t, err)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "rollcall", Value: "planted"}})
	b.login(h.token("alice", access.Read, 0), "/").want(t, "login", 303, "")
	b.ask("GET", "/", "").want(t, "her own", 200, "alice")
	h.browser().ask("GET", "/api/x", "", "Cookie", "rollcall=planted").want(t, "the planted one", 401, "")
}

// Few wrong logins are answered from one address, and the right ones go on.
func TestWrongLoginsAreFew(t *testing.T) {
	h := build(t, true)
	right := h.token("alice", access.Read, 0)
	got := map[int]int{}
	for range 20 {
		got[h.as("rollcall_wrong", "GET", "/api/x").status]++
	}
	if got[401] != 5 || got[429] != 15 {
		t.Errorf("20 wrong tokens: %v, want 5 answered with 401", got)
	}
	a := h.as("rollcall_wrong", "GET", "/api/x")
	if a.status != 429 || a.header.Get("Retry-After") != "10" {
		t.Errorf("%d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	h.browser().login("rollcall_wrong", "/").want(t, "the form", 429, "too many wrong logins")
	h.as(right, "GET", "/").want(t, "the right one", 200, "alice")
	h.clock.wait(11 * time.Second)
	h.as("rollcall_wrong", "GET", "/api/x").want(t, "later", 401, "")
}

// One caller cannot take what others need.
func TestLimits(t *testing.T) {
	h := build(t, false, func(s *access.Settings) {
		s.Rate, s.Burst = 1, 20
		s.Proxies, _ = access.ParseProxies([]string{"127.0.0.1", "::1"})
	})
	greedy, other := h.token("greedy", access.Read, 0), h.token("other", access.Read, 0)
	for range 20 {
		h.as(greedy, "GET", "/").want(t, "greedy", 200, "")
	}
	a := h.as(greedy, "GET", "/")
	a.want(t, "greedy", 429, "too many requests")
	if a.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	h.as(other, "GET", "/").want(t, "other", 200, "")
	h.clock.wait(time.Second)
	h.as(greedy, "GET", "/").want(t, "later", 200, "")

	stray := func(from string) int { return h.browser().ask("GET", "/api/x", "", "X-Forwarded-For", from).status }
	for range 10 {
		stray("2001:db8::1")
	}
	if got := stray("2001:db8::2"); got != 429 {
		t.Errorf("a neighbour in the same network: %d", got)
	}
	if got := stray("2001:db8:0:1::2"); got != 401 {
		t.Errorf("another network: %d", got)
	}
}

// Who did what stands in the log with the true address, as one line of text.
func TestAudit(t *testing.T) {
	h := build(t, false, func(s *access.Settings) { s.Proxies, _ = access.ParseProxies([]string{"127.0.0.0/8"}) })
	h.as(h.token("alice", access.Read, 0), "POST", "/do", "X-Forwarded-For", "6.6.6.6, 203.0.113.7").want(t, "not hers", 403, "")
	ctx := context.Background()
	h.guard.Log(ctx, "scan", "gw\x1b[2J\n"+strings.Repeat("x", 1000), "asked")
	got := h.audits(store.AuditFilter{})
	if len(got) != 2 || got[1].Who != "alice" || got[1].Via != "token" || got[1].From != "203.0.113.7" || got[1].Result != "refused: needs operate" || got[1].Action != "POST /do" {
		t.Fatalf("kept: %+v", got)
	}
	if strings.ContainsAny(got[0].Object, "\x1b\n") || len(got[0].Object) > 400 {
		t.Errorf("an object as it came: %.50q…, %d bytes", got[0].Object, len(got[0].Object))
	}
	for i := range 30 {
		h.clock.wait(time.Minute)
		h.guard.Log(ctx, "scan", fmt.Sprint(i), "asked")
	}
	must(t, h.store.PruneAccess(ctx, h.clock.now(), h.clock.now().Add(-9*time.Minute-time.Second), 100))
	if got := h.audits(store.AuditFilter{}); len(got) != 10 || got[0].Object != "29" {
		t.Errorf("%d kept of ten minutes", len(got))
	}
	must(t, h.store.PruneAccess(ctx, h.clock.now(), time.Time{}.AddDate(1, 0, 0), 3))
	if got := h.audits(store.AuditFilter{Action: "scan"}); len(got) != 3 {
		t.Errorf("%d kept of three", len(got))
	}
	if got := h.audits(store.AuditFilter{Who: "alice"}); len(got) != 0 {
		t.Errorf("alice did %v", got)
	}
}

// broken is a store that cannot be asked.
type broken struct{ access.Store }

var errBroken = errors.New("the disk is gone")

func (broken) Token(context.Context, []byte) (store.Token, error) { return store.Token{}, errBroken }
func (broken) Tokens(context.Context) ([]store.Token, error)      { return nil, errBroken }
func (broken) Session(context.Context, []byte) (store.Session, error) {
	return store.Session{}, errBroken
}

// A store that cannot be asked lets nobody in.
func TestBrokenStore(t *testing.T) {
	h := build(t, false, loopback, func(s *access.Settings) { s.Store = broken{s.Store} })
	h.browser().ask("GET", "/", "").want(t, "the local person", 503, "")
	h.as("rollcall_AAAAAAAA_"+strings.Repeat("A", 43), "GET", "/").want(t, "a token", 503, "")
	h.browser().ask("GET", "/", "", "Cookie", "rollcall=x").want(t, "a session", 503, "")
}

// Neither logs nor the log of who did what ever hold a secret.
func TestSecretsStaySecret(t *testing.T) {
	h := build(t, true)
	token := h.token("alice", access.Read, 0)
	b := h.browserWith(token)
	u, err := url.Parse(h.URL)
	must(t, err)
	var cookie string
	for _, c := range b.client.Jar.Cookies(u) {
		if strings.HasSuffix(c.Name, "rollcall") {
			cookie = c.Value
		}
	}
	if cookie == "" {
		t.Fatal("no cookie")
	}
	h.as(token, "POST", "/do")
	wrong := token[:len(token)-1] + "~"
	h.as(wrong, "GET", "/")
	h.browser().login(wrong, "/")
	b.post("/logout", url.Values{"csrf": {b.csrf()}})
	kept := fmt.Sprint(h.audits(store.AuditFilter{}))
	must(t, h.store.Close())
	h.as(token, "GET", "/").want(t, "a closed store", 503, "")
	if h.log.Len() == 0 {
		t.Fatal("nothing was logged; this test shows nothing")
	}
	s := access.NewSecret(token)
	shown := fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s) + h.log.String() + kept
	for _, secret := range []string{token[len("rollcall_12345678_"):], wrong[len("rollcall_12345678_"):], cookie} {
		if strings.Contains(shown, secret) {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
}
