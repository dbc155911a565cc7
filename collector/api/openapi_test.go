package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rollcall-iot/rollcall/collector/api"
)

// question is one that the API is asked, and the status that it answers with.
type question struct {
	method, path, ask string
	media, body       string
	status            int
}

func readings() []question {
	odd := url.PathEscape(api.EncodeModuleID("../../x?\\u202e"))
	return []question{
		{path: "/api/v1/summary", ask: "/api/v1/summary", status: 200},
		{path: "/api/v1/modules", ask: "/api/v1/modules?limit=1000", status: 200},
		{path: "/api/v1/modules", ask: "/api/v1/modules?maker=alpha&model=A25&firmware=R1&origin=CN&state=identified&badge=-&gateway=gw-01&q=A&sort=-model&limit=2", status: 200},
		{path: "/api/v1/modules", ask: "/api/v1/modules?conflict=true", status: 200},
		{path: "/api/v1/modules", ask: "/api/v1/modules?sort=price", status: 400},
		{path: "/api/v1/modules", ask: "/api/v1/modules?colour=red", status: 400},
		{path: "/api/v1/modules", ask: "/api/v1/modules?limit=0", status: 400},
		{path: "/api/v1/modules", ask: "/api/v1/modules?state=identfied", status: 400},
		{path: "/api/v1/modules", ask: "/api/v1/modules?state=held&severity=huge", status: 400},
		{path: "/api/v1/modules", ask: "/api/v1/modules?gateway=gw-00&gateway=gw-01", status: 400},
		{path: "/api/v1/modules", ask: "/api/v1/modules?limit=2&limit=3", status: 400},
		{path: "/api/v1/export/modules", ask: "/api/v1/export/modules?state=identfied", status: 400},
		{path: "/api/v1/modules", ask: "/api/v1/modules?cursor=AAAA", status: 400},
		{path: "/api/v1/modules/{gateway}/{id}", ask: "/api/v1/modules/gw-00/usb:1-1", status: 200},
		{path: "/api/v1/modules/{gateway}/{id}", ask: "/api/v1/modules/gw-00/tty:/dev/ttyS1", status: 200},
		{path: "/api/v1/modules/{gateway}/{id}", ask: "/api/v1/modules/evil/" + odd, status: 200},
		{path: "/api/v1/modules/{gateway}/{id}", ask: "/api/v1/modules/gw-00/usb:9", status: 404},
		{path: "/api/v1/modules/{gateway}/{id}", ask: "/api/v1/modules/gw-00/~%21", status: 404},
		{path: "/api/v1/gateways", ask: "/api/v1/gateways?limit=1000", status: 200},
		{path: "/api/v1/gateways", ask: "/api/v1/gateways?q=gw-0&state=conflict", status: 200},
		{path: "/api/v1/gateways", ask: "/api/v1/gateways?state=happy", status: 400},
		{path: "/api/v1/gateways", ask: "/api/v1/gateways?state=silent&state=conflict", status: 400},
		{path: "/api/v1/gateways/{id}", ask: "/api/v1/gateways/gw-00", status: 200},
		{path: "/api/v1/gateways/{id}", ask: "/api/v1/gateways/evil", status: 200},
		{path: "/api/v1/gateways/{id}", ask: "/api/v1/gateways/nobody", status: 404},
		{path: "/api/v1/gateways/{id}/reports", ask: "/api/v1/gateways/gw-03/reports?limit=1", status: 200},
		{path: "/api/v1/gateways/{id}/reports", ask: "/api/v1/gateways/nobody/reports", status: 404},
		{path: "/api/v1/gateways/{id}/reports", ask: "/api/v1/gateways/gw-03/reports?x=1", status: 400},
		{path: "/api/v1/events", ask: "/api/v1/events?limit=1000", status: 200},
		{path: "/api/v1/events", ask: "/api/v1/events?kind=gateway-new&kind=state-changed&gateway=gw-00&module=usb:1-1", status: 200},
		{path: "/api/v1/events", ask: "/api/v1/events?kind=party", status: 400},
		{path: "/api/v1/events", ask: "/api/v1/events?module=usb:1-1", status: 400},
		{path: "/api/v1/rejected", ask: "/api/v1/rejected", status: 200},
		{path: "/api/v1/me", ask: "/api/v1/me", status: 200},
		{path: "/api/v1/findings", ask: "/api/v1/findings?limit=1000", status: 200},
		{path: "/api/v1/findings", ask: "/api/v1/findings?severity=high&severity=low&rule=named&list=utility&gateway=gw-01&module=usb:1-1&covered=no&q=util&sort=-severity", status: 200},
		{path: "/api/v1/findings", ask: "/api/v1/findings?covered=yes", status: 200},
		{path: "/api/v1/findings", ask: "/api/v1/findings?severity=huge", status: 400},
		{path: "/api/v1/findings", ask: "/api/v1/findings?covered=perhaps", status: 400},
		{path: "/api/v1/findings", ask: "/api/v1/findings?sort=maker", status: 400},
		{path: "/api/v1/findings", ask: "/api/v1/findings?module=usb:1-1", status: 400},
		{path: "/api/v1/findings/counts", ask: "/api/v1/findings/counts", status: 200},
		{path: "/api/v1/lists", ask: "/api/v1/lists", status: 200},
		{path: "/api/v1/rules", ask: "/api/v1/rules", status: 200},
		{path: "/api/v1/audit", ask: "/api/v1/audit?who=local&action=scan", status: 200},
		{path: "/api/v1/audit", ask: "/api/v1/audit?x=1", status: 400},
		{path: "/api/v1/modules", ask: "/api/v1/modules?severity=high&severity=-", status: 200},
		{path: "/api/v1/export/modules", ask: "/api/v1/export/modules?limit=many", status: 400},
		{path: "/api/v1/export/modules", ask: "/api/v1/export/modules?colour=red", status: 400},
		{path: "/api/v1/export/modules", ask: "/api/v1/export/modules?evidence=yes", status: 400},
		{path: "/api/v1/openapi.json", ask: "/api/v1/openapi.json", status: 200},
		{path: "/healthz", ask: "/healthz", status: 200},
		{path: "/readyz", ask: "/readyz", status: 200},
	}
}

func orders() []question {
	const yaml, js = "application/yaml", "application/json"
	return []question{
		{"POST", "/api/v1/gateways/{id}/scan", "/api/v1/gateways/gw-00/scan", js, "", 200},
		{"POST", "/api/v1/gateways/{id}/scan", "/api/v1/gateways/gw-01/scan", js, "", 503},
		{"POST", "/api/v1/gateways/{id}/scan", "/api/v1/gateways/gw-02/scan", js, "", 429},
		{"POST", "/api/v1/gateways/{id}/scan", "/api/v1/gateways/nobody/scan", js, "", 404},
		{"POST", "/api/v1/gateways/{id}/scan", "/api/v1/gateways/gw-00/scan", "text/plain", "", 403},
		{"POST", "/api/v1/gateways/{id}/settle", "/api/v1/gateways/gw-03/settle", js, "", 200},
		{"POST", "/api/v1/gateways/{id}/settle", "/api/v1/gateways/nobody/settle", js, "", 404},
		{"POST", "/api/v1/policy/what-if", "/api/v1/policy/what-if", yaml, "policy: try\nrules:\n  - {id: held, enabled: false}\n  - {id: new, when: module.identity.maker == \"gamma\", severity: low, message: x}\n", 200},
		{"POST", "/api/v1/policy/what-if", "/api/v1/policy/what-if", js, `{"list": "id: other\nname: O\nkind: list\nconcern: export\nsource: https://example.org\nedition: x\nedition_date: 2026-01-01\nas_of: 2026-01-01\neffect: none\nstatus: in-force\nconfirmed: true\nentries: [{maker: gamma, name: G, since: 2026-01-01, confirmed: true}]\n", "limit": 1}`, 200},
		{"POST", "/api/v1/policy/what-if", "/api/v1/policy/what-if", yaml, "policy: try\nrules: [{id: x, when: 1, severity: low, message: x}]", 400},
		{"POST", "/api/v1/policy/what-if", "/api/v1/policy/what-if", js, `{"list": "nonsense"}`, 400},
		{"POST", "/api/v1/policy/what-if", "/api/v1/policy/what-if", js, `{}`, 400},
		{"POST", "/api/v1/policy/what-if", "/api/v1/policy/what-if", js, `{"policy":"x","limit":-1}`, 400},
		{"POST", "/api/v1/policy/what-if", "/api/v1/policy/what-if", js, `{"policy":"policy: try","lists":"id: other"}`, 400},
		{"POST", "/api/v1/policy/what-if", "/api/v1/policy/what-if", yaml, strings.Repeat("# long\n", 1<<20), 400},
	}
}

// Every path of the document is served, with answers of the shape that it says, for every
// status that it says where one can be had.
func TestOpenAPI(t *testing.T) {
	srv, _ := server(t)
	d, raw := readDocument(t, srv.URL)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	must(t, c.AddResource("openapi.json", raw))
	asked := map[string]bool{}
	for _, q := range append(readings(), orders()...) {
		if q.method == "" {
			q.method = http.MethodGet
		}
		asked[q.path] = true
		fits(t, srv.URL, d, c, q)
	}
	for path := range d.Paths {
		if !asked[path] {
			t.Errorf("nothing asked %s of the document", path)
		}
	}
}

// fits holds one answer against the document.
func fits(t *testing.T, base string, d document, c *jsonschema.Compiler, q question) {
	t.Helper()
	what, method := fmt.Sprintf("%s %s %.80s", q.method, q.ask, q.body), strings.ToLower(q.method)
	var header []string
	if q.media != "" {
		header = []string{"Content-Type", q.media}
	}
	r, body := send(t, q.method, base+q.ask, q.body, header...)
	if r.StatusCode != q.status {
		t.Errorf("%s: %d, want %d: %.300s", what, r.StatusCode, q.status, body)
		return
	}
	answer, ok := d.Paths[q.path][method].Responses[fmt.Sprint(q.status)]
	if !ok {
		t.Errorf("%s answers %d, which the document does not say", what, q.status)
		return
	}
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if _, ok := answer.Content[media]; !ok {
		t.Errorf("%s: the document knows no %s", what, media)
	}
	if media != "application/json" {
		return
	}
	schema, err := c.Compile(fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%d/content/application~1json/schema", pointerEscape(q.path), method, q.status))
	must(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	must(t, err)
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s does not fit the document: %v", what, err)
	}
}

func pointerEscape(path string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path)
}
