package access_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock is one that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// house is a guard with handlers behind it.
type house struct {
	*httptest.Server
	t     testing.TB
	store store.Store
	path  string // of the store
	guard *access.Guard
	clock *clock
	log   *strings.Builder
}

type change func(*access.Settings)

// build serves / for readers, /do for operators and /admin, over TLS or not.
func build(t testing.TB, tls bool, changes ...change) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "rollcall.db"), clock: &clock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, log: &strings.Builder{}}
	var err error
	h.store, err = sqlite.Open(t.Context(), h.path)
	must(t, err)
	t.Cleanup(func() { _ = h.store.Close() })
	s := access.Settings{Store: h.store, Now: h.clock.now, Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, c := range changes {
		c(&s)
	}
	h.guard, err = access.New(s)
	must(t, err)
	mux := http.NewServeMux()
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := access.From(r.Context())
		fmt.Fprintf(w, "%s %s %s\ncsrf=%s\n", p.Name, p.Role, p.Via, access.CSRF(r.Context()))
	})
	mux.Handle("/", h.guard.Require(access.Read, who))
	mux.Handle("/do", h.guard.Require(access.Operate, who))
	mux.Handle("/admin", h.guard.Require(access.Read, h.guard.Require(access.Admin, who)))
	mux.Handle("/api/x", h.guard.Require(access.Read, who))
	for _, p := range []string{"/login", "/login/", "/logout"} {
		mux.Handle(p, h.guard.Pages())
	}
	if tls {
		h.Server = httptest.NewTLSServer(mux)
	} else {
		h.Server = httptest.NewServer(mux)
	}
	t.Cleanup(h.Close)
	return h
}

func loopback(s *access.Settings) { s.Loopback = true }

// token makes one and gives its secret.
func (h *house) token(name string, role access.Role, ttl time.Duration) string {
	h.t.Helper()
	_, secret, err := access.NewToken(context.Background(), h.store, name, role, ttl, h.clock.now())
	must(h.t, err)
	return secret.Reveal()
}

// browser is a person's: it keeps cookies and follows no redirection by itself.
type browser struct {
	*house
	client *http.Client
}

func (h *house) browser() *browser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	must(h.t, err)
	c := h.Client()
	return &browser{h, &http.Client{Transport: c.Transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends one request; header is names and values in turn.
func (b *browser) ask(method, path, body string, header ...string) answer {
	b.t.Helper()
	address := path
	if !strings.HasPrefix(path, "http") {
		address = b.URL + path
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	must(b.t, err)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	r, err := b.client.Do(req)
	must(b.t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	must(b.t, err)
	return answer{r.StatusCode, r.Header, string(text)}
}

func (h *house) as(token, method, path string, header ...string) answer {
	h.t.Helper()
	return h.browser().ask(method, path, "", append(header, "Authorization", "Bearer "+token)...)
}

var hidden = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

// login fills the form in.
func (b *browser) login(token, next string, header ...string) answer {
	b.t.Helper()
	form := b.ask("GET", "/login?next="+url.QueryEscape(next), "", header...)
	m := hidden.FindStringSubmatch(form.body)
	if m == nil {
		b.t.Fatalf("no form: %d %s", form.status, form.body)
	}
	return b.post("/login", url.Values{"csrf": {m[1]}, "token": {token}, "next": {next}}, header...)
}

func (b *browser) post(path string, v url.Values, header ...string) answer {
	b.t.Helper()
	return b.ask("POST", path, v.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

// csrf is what this browser's forms hold.
func (b *browser) csrf() string {
	b.t.Helper()
	_, v, _ := strings.Cut(b.ask("GET", "/", "").body, "csrf=")
	return strings.TrimSpace(v)
}

func (a answer) want(t testing.TB, what string, status int, text string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, text) {
		t.Errorf("%s: %d %.300s; want %d with %q", what, a.status, a.body, status, text)
	}
}

func (h *house) audits(f store.AuditFilter) []store.Audit {
	h.t.Helper()
	l, err := h.store.Audits(context.Background(), f, store.Page{Limit: 1000})
	must(h.t, err)
	return l.Items
}
