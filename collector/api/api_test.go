package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// server serves a small fleet in which every optional field occurs somewhere.
func server(t *testing.T) (*httptest.Server, store.Store) {
	t.Helper()
	s := collectortest.Store(t)
	take := func(es ...*inventory.Envelope) {
		t.Helper()
		_, err := collector.Take(t.Context(), collector.Settings{Store: s, Base: &collectortest.Base{Data: "test-1"}, Policy: rules(t), Now: collectortest.Fleet(s).Now}, es...)
		must(t, err)
	}
	for i := range 30 {
		g := collectortest.NewGateway(fmt.Sprintf("gw-%02d", i))
		take(g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", fmt.Sprint("R", i%3), fmt.Sprintf("8670120400000%02d", i/2))))
		if i%5 == 0 {
			take(g.Report(t, collectortest.Held("usb:1-1"), collectortest.Module("tty:/dev/ttyS1", "Gamma", "IT/US", "G910", "G1", "")))
		}
	}
	evil := collectortest.NewGateway("evil")
	odd := collectortest.Module("../../x?\u202e", "Al\u009bpha", "CN/CN", "\x1b]0;owned\x07", "<script>", "")
	odd.Transcript = append(odd.Transcript, inventory.Exchange{Cmd: "AT+CONFLICT", Lines: []string{"beta"}, Final: "OK", Note: "doubtful", Raw: []byte{0, 255}})
	odd.Device.SubVID, odd.Device.SubPID, odd.Device.Revision = "1", "2", "3"
	odd.Banner = []string{"RDY"}
	take(evil.Report(t, odd))
	twin := collectortest.NewGateway("gw-03")
	r, err := inventory.DecodeReport(twin.Report(t, odd).Body)
	must(t, err)
	r.ID, r.Health = "another", []inventory.Warning{{Code: "disk-full", Severity: inventory.SeverityError, Text: "no room"}}
	e, err := inventory.SealReport(r, twin.Key)
	must(t, err)
	take(e)
	stranger := collectortest.NewGateway("gw-01")
	stranger.Key = evil.Key
	take(stranger.Report(t))
	srv := httptest.NewServer(api.New(settings(t, s)))
	t.Cleanup(srv.Close)
	return srv, s
}

// settings of an API of this machine's local person.
func settings(t testing.TB, s store.Store) api.Settings {
	t.Helper()
	guard, err := access.New(access.Settings{Store: s, Loopback: true})
	must(t, err)
	f := collectortest.Fleet(s)
	f.Knowledge = judge.NewKnowledge(f.Base, rules(t))
	f.Scanner = scanner{}
	f.Clear = func(context.Context, string, string) error { return nil }
	return api.Settings{Fleet: f, Guard: guard, Audits: s, Ready: func(context.Context) error { return nil }}
}

// rules are those of collectortest, of which an exception covers some.
func rules(t testing.TB) *policy.Policy {
	return collectortest.Policy(t, `
policy: own
exceptions:
  - {id: known, rule: first-firmware, when: 'gateway.id == "gw-01"', owner: fleet team, reason: on order, until: 2030-01-01}
`)
}

// scanner asks nobody.
type scanner struct{}

func (scanner) Scan(_ context.Context, gateway string) error {
	switch gateway {
	case "gw-01":
		return fmt.Errorf("cannot ask: %w", fleet.ErrAway)
	case "gw-02":
		return &fleet.BusyError{Wait: 7 * time.Second}
	}
	return nil
}

func get(t testing.TB, address string, header ...string) (*http.Response, []byte) {
	t.Helper()
	return send(t, http.MethodGet, address, "", header...)
}

func send(t testing.TB, method, address, body string, header ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	must(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	r, err := http.DefaultClient.Do(req)
	must(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(t, err)
	return r, b
}

// document is what the tests read of the OpenAPI document.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		Role       string `json:"x-role"`
		Parameters []struct{ Name, In string }
		Responses  map[string]struct {
			Content map[string]struct{ Schema json.RawMessage }
		}
	}
}

func readDocument(t *testing.T, base string) (document, any) {
	t.Helper()
	_, b := get(t, base+"/api/v1/openapi.json")
	var d document
	must(t, json.Unmarshal(b, &d))
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	must(t, err)
	if d.OpenAPI != "3.1.0" || len(d.Paths) < 9 {
		t.Fatalf("read %d paths of OpenAPI %q", len(d.Paths), d.OpenAPI)
	}
	return d, raw
}

// What is served is what the document says, with the roles that it says.
func TestOpenAPIRoutes(t *testing.T) {
	srv, _ := server(t)
	d, _ := readDocument(t, srv.URL)
	served := api.Routes()
	delete(served, "GET /api/")
	for path, ops := range d.Paths {
		for method, op := range ops {
			key := strings.ToUpper(method) + " " + path
			if strings.HasPrefix(path, "/api/v1/modules/{") {
				key = strings.Replace(key, "{id}", "{id...}", 1)
			}
			role, ok := served[key]
			if !ok || role != op.Role {
				t.Errorf("%s: served %v with role %q, the document says %q", key, ok, role, op.Role)
			}
			if _, says := op.Responses["401"]; says != (role != "") {
				t.Errorf("%s: the document says 401: %v, with role %q", key, says, role)
			}
			delete(served, key)
		}
	}
	for key := range served {
		t.Errorf("the document does not say %s", key)
	}
}

// The document says every parameter that is taken, and none that is not.
func TestOpenAPIParameters(t *testing.T) {
	srv, _ := server(t)
	d, _ := readDocument(t, srv.URL)
	for path, ops := range d.Paths {
		if strings.Contains(path, "{") || !strings.HasPrefix(path, "/api/") || ops["get"].Parameters == nil || len(ops["get"].Parameters) == 0 {
			continue
		}
		_, body := get(t, srv.URL+path+"?no_such_parameter=1")
		known := regexp.MustCompile(`known are ([^"]*)"`).FindSubmatch(body)
		if known == nil {
			t.Errorf("%s does not say which parameters it takes: %s", path, body)
			continue
		}
		var said []string
		for _, p := range ops["get"].Parameters {
			said = append(said, p.Name)
		}
		takes := strings.Split(string(known[1]), ", ")
		if len(takes) != len(said) {
			t.Errorf("%s takes %v, the document says %v", path, takes, said)
		}
		for _, p := range takes {
			if !strings.Contains(" "+strings.Join(said, " ")+" ", " "+p+" ") {
				t.Errorf("the document does not say parameter %s of %s", p, path)
			}
		}
	}
}

// Pages put together are the list, each item once; filters and totals agree.
func TestPaging(t *testing.T) {
	srv, _ := server(t)
	seen := map[string]bool{}
	var cursor string
	total := 0
	for {
		_, b := get(t, srv.URL+"/api/v1/modules?limit=7&maker=alpha&sort=firmware&cursor="+url.QueryEscape(cursor))
		var l api.List[store.Module]
		must(t, json.Unmarshal(b, &l))
		for _, m := range l.Items {
			k := m.Gateway + " " + m.ID
			if seen[k] {
				t.Fatalf("%s stands on two pages", k)
			}
			seen[k] = true
		}
		total = *l.Total
		if cursor = l.Next; cursor == "" {
			break
		}
	}
	if total != len(seen) || total != 29 { // 30, but for the one whose twin counts
		t.Errorf("%d modules on all pages, total says %d, want 29", len(seen), total)
	}
}

func TestETag(t *testing.T) {
	srv, s := server(t)
	address := srv.URL + "/api/v1/modules?limit=3"
	r, _ := get(t, address)
	tag := r.Header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	for _, known := range []string{tag, "W/" + tag, `"other", ` + tag} {
		if r, b := get(t, address, "If-None-Match", known); r.StatusCode != http.StatusNotModified || len(b) != 0 {
			t.Errorf("If-None-Match %s: %d with %d bytes", known, r.StatusCode, len(b))
		}
	}
	_, err := collector.Take(t.Context(), collector.Settings{Store: s, Base: &collectortest.Base{Data: "test-1"}},
		collectortest.NewGateway("aa").Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", "")))
	must(t, err)
	if r, _ := get(t, address, "If-None-Match", tag); r.StatusCode != http.StatusOK {
		t.Errorf("after a change: %d", r.StatusCode)
	}
}

// G05: no byte of an answer leads a terminal astray, and the value is still the one that was sent.
func TestG05JSONIsPrintable(t *testing.T) {
	srv, _ := server(t)
	odd := url.PathEscape(api.EncodeModuleID("../../x?\\u202e"))
	for _, path := range []string{"/api/v1/modules?limit=1000", "/api/v1/gateways/evil", "/api/v1/modules/evil/" + odd, "/api/v1/events", "/api/v1/rejected", "/api/v1/modules?colour=%1b[2J"} {
		_, b := get(t, srv.URL+path)
		for _, r := range strings.TrimSuffix(string(b), "\n") {
			if !unicode.IsGraphic(r) {
				t.Errorf("%s holds %U", path, r)
			}
		}
	}
	_, b := get(t, srv.URL+"/api/v1/modules/evil/"+odd)
	var m struct{ Transcript []inventory.Exchange }
	must(t, json.Unmarshal(b, &m))
	if got := m.Transcript[2].Lines[0]; got != "\x1b]0;owned\x07" {
		t.Errorf("the transcript says %q", got)
	}
}

func TestReadyz(t *testing.T) {
	set := settings(t, collectortest.Store(t))
	set.Ready = func(context.Context) error { return errors.New("no broker") }
	h := api.New(set)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "no broker") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func FuzzModuleID(f *testing.F) {
	for _, s := range []string{"usb:1-1.2", "tty:/dev/ttyS1", "../x", "~x", "", "a//b", "/a", "a/", ".", "%2e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		code := api.EncodeModuleID(id)
		back, err := api.DecodeModuleID(code)
		if err != nil || back != id {
			t.Fatalf("%q became %q and then %q, %v", id, code, back, err)
		}
		u, err := url.Parse("http://h/modules/gw/" + code)
		if err != nil || u.Path != "/modules/gw/"+code {
			t.Fatalf("%q is no plain path: %v", code, err)
		}
	})
}
