package web_test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/web"
)

// house is a collector's pages behind a guard.
type house struct {
	*httptest.Server
	t       testing.TB
	store   store.Store
	asked   atomic.Int32
	cleared atomic.Value // who settled
	away    error        // what a scan answers
}

// Scan implements fleet.Scanner.
func (h *house) Scan(context.Context, string) error {
	h.asked.Add(1)
	return h.away
}

func guarded(t testing.TB, s store.Store) *house {
	t.Helper()
	h := &house{t: t, store: s}
	f := fleetOf(t, s)
	f.Scanner = h
	f.Clear = func(_ context.Context, gateway, by string) error {
		h.cleared.Store(gateway + " by " + by)
		return nil
	}
	g, err := access.New(access.Settings{Store: s, Loopback: true})
	must(t, err)
	mux := http.NewServeMux()
	mux.Handle("/", g.Require(access.Read, web.New(web.Settings{Fleet: f, Guard: g})))
	for _, p := range []string{"/login", "/login/", "/logout"} {
		mux.Handle(p, g.Pages())
	}
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

// person is somebody with a browser.
type person struct {
	*house
	client *http.Client
}

func (h *house) person() *person {
	jar, err := cookiejar.New(nil)
	must(h.t, err)
	return &person{h, &http.Client{Jar: jar}}
}

// login begins a session with a role.
func (h *house) login(role access.Role) *person {
	h.t.Helper()
	_, secret, err := access.NewToken(context.Background(), h.store, "eve@"+string(role), role, time.Hour, time.Now())
	must(h.t, err)
	p := h.person()
	if r, body := p.post("/login", p.form("/login"), "token", secret.Reveal()); r.StatusCode != http.StatusOK || !strings.Contains(body, "Log out") {
		h.t.Fatalf("no login: %d %s", r.StatusCode, r.Request.URL)
	}
	return p
}

func (p *person) get(path string) (*http.Response, string) {
	p.t.Helper()
	return p.do(http.MethodGet, path, "")
}

func (p *person) do(method, path, body string) (*http.Response, string) {
	p.t.Helper()
	q, err := http.NewRequest(method, p.URL+path, strings.NewReader(body))
	must(p.t, err)
	q.Header.Set("Accept", "text/html")
	if body != "" {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r, err := p.client.Do(q)
	must(p.t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(p.t, err)
	return r, string(b)
}

// form gives what the forms of a page must hold.
func (p *person) form(path string) string {
	p.t.Helper()
	_, body := p.get(path)
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(body)
	if m == nil {
		p.t.Fatalf("%s has no form", path)
	}
	return html.UnescapeString(m[1])
}

func (p *person) post(path, csrf string, pairs ...string) (*http.Response, string) {
	p.t.Helper()
	v := url.Values{"csrf": {csrf}}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return p.do(http.MethodPost, path, v.Encode())
}

// Who may only read sees no form, and cannot do what the forms do; who operates can.
func TestActions(t *testing.T) {
	h := guarded(t, filled(t))
	reader, operator := h.login(access.Read), h.login(access.Operate)
	for _, path := range []string{"/gateways/gw-03", "/policy"} {
		_, body := reader.get(path)
		if n := strings.Count(body, `method="post"`); n != 1 || !strings.Contains(body, `action="/logout"`) {
			t.Errorf("%s shows %d forms to a reader", path, n)
		}
		if !strings.Contains(body, "eve@read") {
			t.Errorf("%s does not say who reads it", path)
		}
	}
	csrf := reader.form("/gateways/gw-03")
	for _, path := range []string{"/gateways/gw-03/scan", "/gateways/gw-03/settle", "/policy/what-if"} {
		if r, _ := reader.post(path, csrf, "maker", "alpha", "list", "test-list"); r.StatusCode != http.StatusForbidden {
			t.Errorf("a reader's %s: %d", path, r.StatusCode)
		}
		if r, _ := operator.post(path, "forged", "maker", "alpha", "list", "test-list"); r.StatusCode != http.StatusForbidden {
			t.Errorf("a forged %s: %d", path, r.StatusCode)
		}
	}
	if h.asked.Load() != 0 || h.cleared.Load() != nil {
		t.Fatal("something was done for who may not")
	}
	csrf = operator.form("/gateways/gw-03")
	if r, body := operator.post("/gateways/gw-03/scan", csrf); h.asked.Load() != 1 || !strings.Contains(body, "was asked to look") || r.Request.Method != http.MethodGet {
		t.Errorf("a scan came to %d, %s", h.asked.Load(), r.Request.URL)
	}
	if _, body := operator.post("/gateways/gw-03/settle", csrf); h.cleared.Load() != "gw-03 by eve@operate" || !strings.Contains(body, "was taken away") {
		t.Errorf("settled: %v", h.cleared.Load())
	}
	if r, _ := operator.post("/gateways/none/scan", csrf); r.StatusCode != http.StatusNotFound {
		t.Errorf("a scan of no gateway: %d", r.StatusCode)
	}
	for err, want := range map[error]string{fleet.ErrAway: "is not connected", &fleet.BusyError{Wait: time.Second}: "asked just now", fmt.Errorf("secret"): "did not work"} {
		h.away = err
		if _, body := operator.post("/gateways/gw-03/scan", csrf); !strings.Contains(body, want) || strings.Contains(body, "secret") {
			t.Errorf("%v is not told as %q", err, want)
		}
	}
	if _, body := operator.get("/gateways/gw-03?said=%3Cb%3Emade+up"); strings.Contains(body, "made up") {
		t.Error("an address puts words into a page")
	}
}

// A person with no session is shown the way to the login; one who leaves is known no more.
func TestLogout(t *testing.T) {
	h := guarded(t, filled(t))
	p := h.login(access.Admin)
	if r, _ := h.person().get("/modules?maker=alpha"); r.Request.URL.Path != "/login" || r.Request.URL.Query().Get("next") != "/modules?maker=alpha" {
		t.Errorf("a stranger comes to %s", r.Request.URL)
	}
	_, _ = p.post("/logout", p.form("/"))
	if r, _ := p.get("/"); r.Request.URL.Path != "/login" {
		t.Errorf("who left comes to %s", r.Request.URL)
	}
}

// What if says which modules would be touched, changes nothing, and says where a text is wrong.
func TestWhatIf(t *testing.T) {
	s := filled(t)
	h := guarded(t, s)
	p := h.login(access.Operate)
	csrf := p.form("/policy")
	before, err := s.FindingCounts(t.Context())
	must(t, err)
	for _, x := range []struct {
		name   string
		pairs  []string
		want   []string
		status int
	}{
		{"a maker", []string{"maker", "gamma", "list", "test-list"}, []string{"10 modules in 10 gateways would be judged otherwise", "named in a proposed edition", "gw-00"}, 200},
		{"a rule", []string{"text", "policy: mine\r\nrules:\r\n  - {id: no-gamma, severity: low}\r\n"}, []string{"10 modules in 10 gateways", "no-gamma", "<td data-label=\"Changed\">10</td>", "policy: mine"}, 200},
		{"a rule and a list", []string{"text", "policy: mine\nrules:\n  - {id: no-gamma, enabled: false}\n---\nextend: test-list\nentries:\n  - {maker: gamma, name: Gamma, since: 2026-01-01, confirmed: true, proposed: true}\n"},
			[]string{"<td data-label=\"Closed\">10</td>", "<td data-label=\"Opened\">10</td>"}, 200},
		{"nothing new", []string{"text", "policy: mine\nrules: []\n"}, []string{"Nothing would be judged otherwise"}, 200},
		{"nothing at all", nil, []string{"say what would be different"}, 422},
		{"no such maker", []string{"maker", "nobody<b>", "list", "test-list"}, []string{"there is no maker &#34;nobody&lt;b&gt;&#34;", `value="nobody&lt;b&gt;"`}, 422},
		{"no such list", []string{"maker", "alpha", "list", "none"}, []string{"there is no list"}, 422},
		{"a rule that is none", []string{"text", "policy: mine\nrules:\n  - {id: x, when: \"module.nothing ==\", severity: low, message: m, doc: d}\n"}, []string{"line:3", "module.nothing"}, 422},
		{"no YAML", []string{"text", "policy: [\n</textarea><script>window.owned=1</script>"}, []string{"&lt;/textarea&gt;&lt;script&gt;"}, 422},
		{"neither", []string{"text", "hello: 1"}, []string{"neither rules"}, 422},
		{"too much", []string{"text", "policy: mine\n#" + strings.Repeat("x", 70_000)}, []string{"longer than 65536 bytes"}, 422},
	} {
		r, body := p.post("/policy/what-if", csrf, x.pairs...)
		if r.StatusCode != x.status {
			t.Errorf("%s: %d", x.name, r.StatusCode)
		}
		for _, w := range x.want {
			if !strings.Contains(body, w) {
				i := max(0, strings.Index(body, `id="what-if"`))
				t.Errorf("%s: does not say %q but\n%s", x.name, w, body[i:min(len(body), i+3000)])
			}
		}
	}
	after, err := s.FindingCounts(t.Context())
	must(t, err)
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("findings were %v and are %v", before, after)
	}
}
