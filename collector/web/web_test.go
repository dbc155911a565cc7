package web_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/web"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hostile are values that a module, or who pretends to be one, may send.
var hostile = []string{
	`=HYPERLINK("http://evil.example","open")`, `@SUM(1+1)*cmd|' /C calc'!A0`, "+1-800", "-2+3", "\t=1", "\r=1", "x; ＝1+1",
	`<script>window.owned=1</script>`, `"><img src=x onerror="window.owned=1">`, `'><svg/onload=window.owned=1>`,
	`</style><style>*{display:none}</style>`, `javascript:window.owned=1`, "{{.}}", "${7*7}",
	"\x1b]0;owned\x07\x1b[2J\x1b[31m", "\u009b31m\u0090", "\u202egnp.exe\u2066", "a\u200bb\ufeff", "line\nlevel=ERROR msg=forged",
	"a.b.>", "../../etc/passwd", "$(reboot)", "';--", strings.Repeat("W", 400), strings.Repeat("long word ", 60), "\xff\xfe", "",
}

// rules find something of calm modules and, in words that quote them, of hostile ones.
const rules = `policy: test
rules:
  - {id: no-gamma, when: "module.identity.maker == 'gamma'", severity: critical, message: "${module.identity.model} of ${gateway.id}", doc: "Replace it <b>soon</b>."}
  - {id: named, each: lists.naming(module.identity.maker), when: "true", severity: high, message: "${module.identity.maker_name} is ${hit.sentence}", doc: Read the list.}
  - {id: quotes, when: "gateway.id == 'evil'", severity: low, message: "${module.identity.model} ${module.identity.firmware} ${module.reason}", doc: Look.}
  - {id: label, on: gateway, when: "gateway.hostname != '' && !gateway.hostname.endsWith('.example')", severity: info, message: "called ${gateway.hostname}", doc: Name it.}
  - {id: off, when: "true", severity: info, message: never, doc: Off., enabled: false}
exceptions:
  - {id: known, rule: named, when: "gateway.id == 'gw-01'", owner: "Jane <script>window.owned=1</script> Doe", reason: "\"><img src=x onerror=window.owned=1>", until: 2026-11-25}
  - {id: past, rule: no-gamma, owner: Joe, reason: it was, until: 2026-01-01}
firmware:
  - {maker: alpha, model: A2*, oldest: R1, source: "javascript:window.owned=1"}
`

// names is a list that names one maker, and holds hostile words itself.
const names = `id: test-list
name: "List of <script>window.owned=1</script> tests"
authority: "=HYPERLINK(1)"
kind: list
concern: procurement
edition: 2026-10-01
edition_date: 2026-10-01
as_of: 2026-10-01
source: https://example.org/list
effect: "Names <b>one</b>."
status: in-force
confirmed: true
entries:
  - {maker: alpha, name: "Alpha '><svg/onload=window.owned=1> Ltd.", since: 2026-01-01, confirmed: true}
  - {maker: delta, name: Delta, since: 2026-01-01, confirmed: false, note: heard of}
`

// law is the policy of these tests.
func law(t testing.TB) *policy.Policy {
	t.Helper()
	set, err := lists.Load(lists.Overlay{Name: "names.yaml", Data: []byte(names)})
	must(t, err)
	p, err := policy.Load(set, policy.Overlay{Name: "rules.yaml", Data: []byte(rules)})
	must(t, err)
	return p
}

// knower is knowledge that knows the makers of these tests.
type knower struct{ *collectortest.Base }

func (knower) Maker(slug string) (fingerprint.Maker, bool) {
	if slug != "alpha" && slug != "gamma" {
		return fingerprint.Maker{}, false
	}
	return fingerprint.Maker{Slug: slug, Name: strings.ToUpper(slug), Legal: slug + " Ltd.", Country: "CN"}, true
}

// fleetOf answers from a store by the policy of these tests.
func fleetOf(t testing.TB, s store.Store) *fleet.Fleet {
	f := collectortest.Fleet(s)
	f.Knowledge = judge.NewKnowledge(knower{&collectortest.Base{Data: "test-1"}}, law(t))
	f.Base = f.Knowledge
	return f
}

// take gives reports to a collector.
func take(t testing.TB, s store.Store, es ...*inventory.Envelope) {
	t.Helper()
	f := fleetOf(t, s)
	_, err := collector.Take(t.Context(), collector.Settings{Store: s, Knowledge: f.Knowledge, Now: f.Now}, es...)
	must(t, err)
}

// filled is a store with calm gateways, changes, a conflict, a rejection, and one gateway
// that says everything hostile in every field.
func filled(t testing.TB) store.Store {
	t.Helper()
	s := collectortest.Store(t)
	for i := range 70 {
		g := collectortest.NewGateway(fmt.Sprintf("gw-%02d", i))
		take(t, s, g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", fmt.Sprint("R", i%3), fmt.Sprintf("8670120400000%02d", i/2))))
		if i%7 == 0 {
			take(t, s, g.Report(t, collectortest.Held("usb:1-1"), collectortest.Module("tty:/dev/ttyS1", "Gamma", "IT/US", "G910", "G1", "")))
		}
	}
	twin := collectortest.NewGateway("gw-03")
	r, err := inventory.DecodeReport(twin.Report(t).Body)
	must(t, err)
	r.ID = "another"
	e, err := inventory.SealReport(r, twin.Key)
	must(t, err)
	take(t, s, e, evil(t), evilStranger(t))
	return s
}

func evil(t testing.TB) *inventory.Envelope {
	g := collectortest.NewGateway("evil")
	g.Hostname, g.Agent, g.OS, g.Arch = hostile[6], hostile[13], hostile[0], hostile[7]
	g.Labels = map[string]string{}
	var ms []inventory.Module
	for i, v := range hostile {
		g.Labels[v] = hostile[len(hostile)-1-i]
		m := collectortest.Module("tty:"+v+fmt.Sprint(i), v, v+"/"+v, v, v, v)
		m.Reason, m.Banner = v, []string{v}
		m.Ports = []inventory.Port{{Path: v, Role: inventory.Role(v), State: inventory.State(v), Holder: v, Reason: v}}
		m.Device = &inventory.Device{Bus: "usb", VID: v, PID: v, SubVID: v, SubPID: v, Path: v, Driver: v, Manufacturer: v, Product: v}
		m.Transcript = append(m.Transcript, inventory.Exchange{Cmd: v, Lines: []string{v, v}, Final: v, Note: v, Raw: []byte(v)},
			inventory.Exchange{Cmd: "AT+CONFLICT", Lines: []string{v}, Final: "OK"})
		if i%4 == 0 {
			m.State = inventory.StateHeld
		}
		ms = append(ms, m)
	}
	e := g.Report(t, ms...)
	r, err := inventory.DecodeReport(e.Body)
	must(t, err)
	for _, v := range hostile {
		r.Health = append(r.Health, inventory.Warning{Code: v, Severity: inventory.Severity(v), Text: v})
	}
	r.Reason = inventory.Reason(hostile[6])
	e, err = inventory.SealReport(r, g.Key)
	must(t, err)
	return e
}

// evilStranger is rejected; the reason quotes it.
func evilStranger(t testing.TB) *inventory.Envelope {
	g := collectortest.NewGateway("gw-01")
	e := g.Report(t)
	e.Gateway = "gw-02"
	return e
}

func serve(t testing.TB, s store.Store) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(web.New(web.Settings{Fleet: fleetOf(t, s)}))
	t.Cleanup(srv.Close)
	return srv
}

func get(t testing.TB, address string) (*http.Response, string) {
	t.Helper()
	r, err := http.Get(address)
	must(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	must(t, err)
	return r, string(b)
}

// pages lists one address of every kind of page, and all pages of the hostile gateway.
func pages(t testing.TB, s store.Store) []string {
	t.Helper()
	list := []string{"/", "/report", "/modules", "/modules?sort=-model&limit=7", "/modules?maker=alpha&state=identified&origin=CN/CN", "/modules?q=%3Cscript%3E", "/modules?q=nothing+like+it",
		"/modules?conflict=true", "/gateways", "/gateways?state=conflict", "/gateways?q=evil", "/gateways/gw-00", "/gateways/gw-03", "/gateways/evil", "/changes", "/changes?kind=gateway-new",
		"/changes?gateway=evil", "/rejected", "/findings", "/findings?severity=critical&covered=no&sort=-severity", "/findings?gateway=evil&q=nothing", "/findings?covered=yes", "/policy", "/modules/gw-00/usb:1-1", "/modules/gw-00/tty:/dev/ttyS1"}
	l, err := s.Modules(t.Context(), store.ModuleFilter{Gateway: "evil"}, store.Page{Limit: 1000})
	must(t, err)
	if len(l.Items) != len(hostile) {
		t.Fatalf("the hostile gateway has %d modules, want %d", len(l.Items), len(hostile))
	}
	for _, m := range l.Items {
		list = append(list, api.ModulePath("/modules", m.ModuleKey))
	}
	return list
}

// G05: what anybody says is text on every page: no element, no attribute, no rune that is
// not printable comes of it. The pages are parsed as a browser parses them.
func TestG05Pages(t *testing.T) {
	s := filled(t)
	srv, sources := serve(t, s), sourcesOf(law(t))
	for _, path := range pages(t, s) {
		r, body := get(t, srv.URL+path)
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, r.StatusCode)
			continue
		}
		for i, c := range body {
			if c != '\n' && !unicode.IsGraphic(c) {
				t.Errorf("%s holds %U at %d: …%q…", path, c, i, body[max(0, i-40):i])
				break
			}
		}
		doc, err := html.Parse(strings.NewReader(body))
		must(t, err)
		checkElements(t, path, sources, doc)
	}
}

// sourcesOf gives the addresses elsewhere that a page may lead to: where lists were read.
func sourcesOf(p *policy.Policy) map[string]bool {
	out := map[string]bool{}
	for _, l := range p.Lists().All() {
		out[l.Source] = true
		for _, e := range l.Editions {
			out[e.Source] = true
		}
	}
	return out
}

func checkElements(t *testing.T, path string, sources map[string]bool, n *html.Node) {
	t.Helper()
	if n.Type == html.ElementNode {
		switch n.Data {
		case "style", "iframe", "object", "embed", "base":
			t.Errorf("%s has an element %s", path, n.Data)
		case "script":
			if n.FirstChild != nil {
				t.Errorf("%s has a script in its text: %q", path, n.FirstChild.Data)
			}
		case "img", "link":
			for _, a := range n.Attr {
				if (a.Key == "src" || n.Data == "link" && a.Key == "href") && !strings.HasPrefix(a.Val, "/static/") {
					t.Errorf("%s loads %q", path, a.Val)
				}
			}
		}
		for _, a := range n.Attr {
			if strings.Contains(a.Val, "ZgotmplZ") {
				t.Errorf("%s: <%s %s> would lead where html/template lets nobody go", path, n.Data, a.Key)
			}
			link := a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "data-hx-get"
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || link && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !sources[a.Val] {
				t.Errorf("%s: <%s> has %s=%q", path, n.Data, a.Key, a.Val)
			}
		}
	}
	for c := range n.ChildNodes() {
		checkElements(t, path, sources, c)
	}
}

// G05: an export has no cell that a spreadsheet takes for a formula, and no rune that a
// terminal obeys; all rows of all pages are in it.
func TestG05CSV(t *testing.T) {
	s := filled(t)
	srv := serve(t, s)
	r, body := get(t, srv.URL+"/modules.csv?limit=7&sort=maker")
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/csv") || !strings.Contains(r.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("headers are %v", r.Header)
	}
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	must(t, err)
	l, err := s.Modules(t.Context(), store.ModuleFilter{}, store.Page{})
	must(t, err)
	if len(rows) != l.Total+1 {
		t.Errorf("%d rows, want a head and %d", len(rows), l.Total)
	}
	found := 0
	for _, row := range rows {
		for _, c := range row {
			for part := range strings.SplitSeq(c, ";") { // which divides cells in some countries
				if strings.IndexAny(strings.TrimLeft(part, " "), "=+-@\t\r＝＋－＠") == 0 {
					t.Errorf("a cell begins as a formula: %q", c)
				}
			}
			if strings.Contains(c, "HYPERLINK") {
				found++
			}
			for _, x := range c {
				if !unicode.IsGraphic(x) {
					t.Errorf("a cell holds %U: %q", x, c)
				}
			}
		}
	}
	if found == 0 {
		t.Error("the hostile values are not in the export at all")
	}
	_, findings := get(t, srv.URL+"/findings.csv?covered=no&limit=3")
	rows, err = csv.NewReader(strings.NewReader(findings)).ReadAll()
	must(t, err)
	fs, err := s.Findings(t.Context(), store.FindingFilter{Covered: "no"}, store.Page{})
	must(t, err)
	if len(rows) != fs.Total+1 || rows[0][0] != "severity" {
		t.Errorf("%d rows of findings, want a head and %d", len(rows), fs.Total)
	}
	_, some := get(t, srv.URL+"/modules.csv?maker=gamma")
	if n := strings.Count(some, "\n"); n != 11 {
		t.Errorf("the export of one maker has %d lines, want 11", n)
	}
}

func TestHeaders(t *testing.T) {
	srv := serve(t, collectortest.Store(t))
	for _, path := range []string{"/", "/nothing", "/modules?sort=price", "/modules.csv"} {
		r, _ := get(t, srv.URL+path)
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for _, h := range []string{"X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"} {
			if r.Header.Get(h) == "" {
				t.Errorf("%s has no %s", path, h)
			}
		}
	}
}

// Empty pages teach, and errors keep what was typed.
func TestEmptyAndErrors(t *testing.T) {
	srv := serve(t, collectortest.Store(t))
	for path, want := range map[string]string{
		"/": "rollcall up --simulate 12", "/modules": "rollcall agent", "/gateways": "rollcall agent", "/changes": "Nothing has changed yet", "/findings": "Nothing is found", "/policy": "Rules", "/report": "nothing to report yet", "/rejected": "Nothing was rejected",
		"/modules?q=abc%3Cb%3E": `value="abc&lt;b&gt;"`, "/modules?q=abc&sort=price": `value="abc"`, "/modules?cursor=zz": "Start again", "/gateways/none": "nothing here", "/x/y": "nothing here",
	} {
		if _, body := get(t, srv.URL+path); !strings.Contains(body, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	for path, want := range map[string]int{"/modules?sort=price": 400, "/modules?cursor=zz": 400, "/gateways/none": 404, "/static/none.css": 404} {
		if r, _ := get(t, srv.URL+path); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
}

// A fleet that has no module yet shows no headings over nothing, and says what to look at.
func TestNoModules(t *testing.T) {
	s := collectortest.Store(t)
	take(t, s, collectortest.NewGateway("gw-00").Report(t))
	srv := serve(t, s)
	for _, path := range []string{"/", "/report"} {
		if _, body := get(t, srv.URL+path); strings.Contains(body, "<h2>Makers") || strings.Contains(body, "<h2>Certainty") {
			t.Errorf("%s has a heading over nothing", path)
		}
	}
	if _, body := get(t, srv.URL+"/"); !strings.Contains(body, "rollcall doctor") {
		t.Error("the overview does not say what to look at")
	}
}

// A filter by a maker that no module has now is named in the form, too.
func TestUnknownMakerIsNamed(t *testing.T) {
	if _, body := get(t, serve(t, collectortest.Store(t)).URL+"/modules?maker=nobody"); !strings.Contains(body, `<option value="nobody" selected>nobody (0)</option>`) {
		t.Error("the form does not name it")
	}
}

// Every link on every page leads somewhere.
func TestLinks(t *testing.T) {
	s := filled(t)
	srv := serve(t, s)
	done := map[string]bool{}
	queue := []string{"/"}
	outside := regexp.MustCompile(`^/(api|metrics|hbom|modules.csv|findings.csv)`)
	for len(queue) > 0 && len(done) < 400 {
		path := queue[0]
		queue = queue[1:]
		if done[path] || outside.MatchString(path) {
			continue
		}
		done[path] = true
		r, body := get(t, srv.URL+path)
		if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusGone {
			t.Errorf("a link leads to %s: %d", path, r.StatusCode)
			continue
		}
		doc, err := html.Parse(strings.NewReader(body))
		must(t, err)
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				if n.Type == html.ElementNode && a.Key == "href" && strings.HasPrefix(a.Val, "/") {
					queue = append(queue, a.Val)
				}
			}
		}
	}
	if len(done) < 100 {
		t.Errorf("followed %d links only", len(done))
	}
}
