package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// Each route wants the role that the document says.
func TestRoles(t *testing.T) {
	s := collectortest.Store(t)
	set := settings(t, s)
	var err error
	set.Guard, err = access.New(access.Settings{Store: s})
	must(t, err)
	srv := httptest.NewServer(api.New(set))
	defer srv.Close()
	tokens := map[access.Role]string{}
	for _, role := range access.Roles() {
		_, secret, err := access.NewToken(t.Context(), s, "t-"+string(role), role, 0, time.Now())
		must(t, err)
		tokens[role] = secret.Reveal()
	}
	for key, role := range api.Routes() {
		method, path, _ := strings.Cut(key, " ")
		address := srv.URL + strings.NewReplacer("{id}", "gw-1", "{gateway}", "gw-1", "{id...}", "usb:1-1").Replace(path)
		if r, _ := send(t, method, address, "", "Content-Type", "application/json"); (r.StatusCode == 401) != (role != "") {
			t.Errorf("%s without a token: %d", key, r.StatusCode)
		}
		for has, token := range tokens {
			r, _ := send(t, method, address, "", "Authorization", "Bearer "+token)
			if (r.StatusCode == 403) != (role != "" && !has.Includes(access.Role(role))) || r.StatusCode == 401 {
				t.Errorf("%s with role %s: %d, it needs %q", key, has, r.StatusCode, role)
			}
		}
	}
}

// An address that takes other methods says which, as JSON as all that goes wrong; one where nothing
// is says so, whatever the method.
func TestMethods(t *testing.T) {
	srv, _ := server(t)
	for _, c := range []struct {
		method, path, allow, text string
		status                    int
	}{
		{"POST", "/api/v1/modules", "GET, HEAD", "takes GET and HEAD, not \"POST\"", 405},
		{"DELETE", "/api/v1/gateways/gw-01", "GET, HEAD", "not \"DELETE\"", 405},
		{"PUT", "/api/v1/modules/gw-01/usb:1-1", "GET, HEAD", "not \"PUT\"", 405},
		{"GET", "/api/v1/gateways/gw-01/scan", "POST", "takes POST, not \"GET\"", 405},
		{"HEAD", "/api/v1/policy/what-if", "POST", "", 405},
		{"GET", "/api/v1/nothing", "", "there is nothing at this address", 404},
		{"DELETE", "/api/v1/nothing", "", "there is nothing at this address", 404},
	} {
		r, body := send(t, c.method, srv.URL+c.path, "", "Content-Type", "application/json")
		if r.StatusCode != c.status || r.Header.Get("Allow") != c.allow || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d, Allow %q, %s", c.method, c.path, r.StatusCode, r.Header.Get("Allow"), r.Header.Get("Content-Type"))
		}
		var p api.Problem
		if c.method == "HEAD" {
			continue
		}
		if err := json.Unmarshal(body, &p); err != nil || p.Status != c.status || !strings.Contains(p.Error, c.text) {
			t.Errorf("%s %s: %q, %v", c.method, c.path, body, err)
		}
	}
}

// A program that is taken for another site's page is told what to send.
func TestProgramsAreToldWhatToSend(t *testing.T) {
	srv, _ := server(t)
	if r, body := send(t, "POST", srv.URL+"/api/v1/gateways/gw-00/scan", ""); r.StatusCode != 403 || !strings.Contains(string(body), "Content-Type: application/json") {
		t.Errorf("%d %s", r.StatusCode, body)
	}
}

// The fleet is streamed to few at once.
func TestExportsAreFew(t *testing.T) {
	s := collectortest.Store(t)
	h := api.New(settings(t, s))
	const path = "/api/v1/export/modules"
	collectortest.Stuck(t, h, path, 3)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+path, nil))
	if w.Code != http.StatusTooManyRequests {
		t.Errorf("the fourth export at once: %d %s", w.Code, w.Body)
	}
}

// The stream holds all modules, each once, with evidence where it was asked for, and ends with a line that says so.
func TestExport(t *testing.T) {
	srv, s := server(t)
	d, raw := readDocument(t, srv.URL)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	must(t, c.AddResource("openapi.json", raw))
	if d.Paths["/api/v1/export/modules"]["get"].Responses["200"].Content["application/jsonl"].Schema == nil {
		t.Fatal("the document does not say what an export is")
	}
	all, err := s.Modules(t.Context(), store.ModuleFilter{}, store.Page{Limit: 1000, Sort: "gateway"})
	must(t, err)
	for _, evidence := range []string{"", "&evidence=true"} {
		name := map[string]string{"": "ModuleItem", "&evidence=true": "ExportModule"}[evidence]
		item, err := c.Compile("openapi.json#/components/schemas/" + name)
		must(t, err)
		end, err := c.Compile("openapi.json#/components/schemas/ExportEnd")
		must(t, err)
		var got []store.ModuleKey
		cursor, pages := "", 0
		for {
			r, b := get(t, srv.URL+"/api/v1/export/modules?sort=gateway&limit=7"+evidence+"&cursor="+url.QueryEscape(cursor))
			if r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/jsonl" {
				t.Fatalf("%d %s: %s", r.StatusCode, r.Header.Get("Content-Type"), b)
			}
			lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
			for i, l := range lines {
				schema := item
				if i == len(lines)-1 {
					schema = end
				}
				v, err := jsonschema.UnmarshalJSON(strings.NewReader(l))
				must(t, err)
				if err := schema.Validate(v); err != nil {
					t.Fatalf("line %d of %d: %v\n%.300s", i, len(lines), err, l)
				}
				var k store.ModuleKey
				if must(t, json.Unmarshal([]byte(l), &k)); k.Gateway != "" {
					got = append(got, k)
				}
			}
			var e api.ExportEnd
			must(t, json.Unmarshal([]byte(lines[len(lines)-1]), &e))
			if e.Modules != len(lines)-1 || e.Modules > 7 {
				t.Errorf("%d lines, the last says %d", len(lines)-1, e.Modules)
			}
			if pages, cursor = pages+1, e.Next; cursor == "" {
				break
			}
		}
		if len(got) != len(all.Items) || pages != (len(got)+6)/7 {
			t.Fatalf("%d modules in %d parts, want %d", len(got), pages, len(all.Items))
		}
		for i := range got {
			if got[i] != all.Items[i].ModuleKey {
				t.Errorf("module %d is %v, want %v", i, got[i], all.Items[i].ModuleKey)
			}
		}
	}
	_, b := get(t, srv.URL+"/api/v1/export/modules?evidence=true&sort=gateway&limit=10000")
	if _, whole := get(t, srv.URL+"/api/v1/export/modules?evidence=true&sort=gateway"); string(whole) != string(b) {
		t.Errorf("the fleet as a whole is\n%.2000s\nby pages\n%.2000s", whole, b)
	}
	at := store.EncodeCursor("whole", "gw-27")
	if _, rest := get(t, srv.URL+"/api/v1/export/modules?evidence=true&sort=gateway&cursor="+at); strings.Count(string(rest), "\n") != 3 || !strings.HasPrefix(string(rest), `{"gateway":"gw-28"`) {
		t.Errorf("after gw-27: %s", rest)
	}
	_, b = get(t, srv.URL+"/api/v1/export/modules?evidence=true")
	if n := strings.Count(string(b), "\n"); n != len(all.Items)+1 || strings.Count(string(b), `"transcript":[{`) < 30 {
		t.Errorf("%d lines of all, want %d", n, len(all.Items)+1)
	}
	for _, r := range strings.ReplaceAll(string(b), "\n", "") {
		if !unicode.IsGraphic(r) {
			t.Fatalf("an export holds %U", r)
		}
	}
}

// What was done stands in the log of who did what, and what was not as well.
func TestActionsAreKept(t *testing.T) {
	srv, _ := server(t)
	for _, id := range []string{"gw-00", "gw-01"} {
		send(t, http.MethodPost, srv.URL+"/api/v1/gateways/"+id+"/scan", "", "Content-Type", "application/json")
	}
	send(t, http.MethodPost, srv.URL+"/api/v1/gateways/gw-03/settle", "", "Content-Type", "application/json")
	send(t, http.MethodPost, srv.URL+"/api/v1/policy/what-if", "policy: try\nrules: [{id: held, enabled: false}]", "Content-Type", "application/yaml")
	_, b := get(t, srv.URL+"/api/v1/audit")
	var l api.List[store.Audit]
	must(t, json.Unmarshal(b, &l))
	var got []string
	for _, a := range l.Items {
		got = append(got, a.Who+" "+a.Action+" "+a.Object+" "+a.Result)
	}
	want := []string{"local what-if", "local settle gw-03 settled", "local scan gw-01 cannot ask: the gateway is not connected", "local scan gw-00 asked"}
	if len(got) != len(want) {
		t.Fatalf("kept: %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("kept: %q, want %q…", got[i], want[i])
		}
	}
}
