package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
)

// The search finds words of gateways in lists of gateways, modules and findings, and whatever
// stands in it is looked for, not obeyed.
func TestSearch(t *testing.T) {
	srv, s := server(t)
	storetest.Index(t, s)
	total := func(list, q string) int {
		t.Helper()
		r, body := get(t, srv.URL+"/api/v1/"+list+"?limit=1000&q="+url.QueryEscape(q))
		var l struct{ Items []json.RawMessage }
		must(t, json.Unmarshal(body, &l))
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s, %.40q: %d %.200s", list, q, r.StatusCode, body)
		}
		return len(l.Items)
	}
	for _, c := range []struct {
		list, q string
		want    int
	}{
		{"gateways", "gw-03", 1}, {"gateways", "GW 03", 1}, {"gateways", "03", 1}, {"gateways", "gw", 30}, {"gateways", "gw-0", 10}, {"gateways", "nothing", 0},
		{"modules", "gw-07", 1}, {"modules", "alpha gw-07", 1}, {"modules", "gamma gw-07", 0}, {"modules", "gw alpha a25", 23}, {"modules", "g910 gw", 6}, {"modules", "867012040000004", 2}, {"modules", "867012 gw-07", 1},
		{"findings", "gw-07", 2}, {"findings", "nothing here", 0},
	} {
		if got := total(c.list, c.q); got != c.want {
			t.Errorf("%s, %q: %d, want %d", c.list, c.q, got, c.want)
		}
	}
	for _, q := range []string{`"`, "'", "gw*", "NEAR(gw)", "gw AND", "\x00", "gw\x00", "%", "🛰", "🛰 gw", "a:b", "-", "--", "((", strings.Repeat("gw ", 1300), strings.Repeat("🛰", 1000)} {
		for _, list := range []string{"gateways", "modules", "findings"} {
			total(list, q)
		}
	}
	for _, list := range []string{"gateways", "modules", "findings"} {
		r, body := get(t, srv.URL+"/api/v1/"+list+"?q="+strings.Repeat("a", 64<<10))
		if r.StatusCode != http.StatusBadRequest || !bytes.Contains(body, []byte("is longer than 4096 bytes")) {
			t.Errorf("%s, 64 KiB: %d %.200s", list, r.StatusCode, body)
		}
	}
}

// An export has an ETag, in the trailer where it is large, and is not sent to who has it.
func TestExportETag(t *testing.T) {
	srv, _ := server(t)
	const path = "/api/v1/export/modules?sort=gateway"
	r, body := get(t, srv.URL+path)
	tag := r.Header.Get("ETag")
	if r.StatusCode != http.StatusOK || tag == "" || len(body) == 0 {
		t.Fatalf("%d, ETag %q, %d bytes", r.StatusCode, tag, len(body))
	}
	if r, body := get(t, srv.URL+path, "If-None-Match", `"other", W/`+tag); r.StatusCode != http.StatusNotModified || len(body) > 0 || r.Header.Get("ETag") != tag {
		t.Errorf("who has it gets %d, %d bytes", r.StatusCode, len(body))
	}
	if r, again := get(t, srv.URL+path, "If-None-Match", `"other"`); r.StatusCode != http.StatusOK || !bytes.Equal(again, body) {
		t.Errorf("who has another gets %d, %d bytes", r.StatusCode, len(again))
	}
	if r, _ := get(t, srv.URL+path+"&limit=x", "If-None-Match", "*"); r.StatusCode != http.StatusBadRequest || r.Header.Get("ETag") != "" {
		t.Errorf("what went wrong has status %d, ETag %q", r.StatusCode, r.Header.Get("ETag"))
	}
}

func TestLargeETag(t *testing.T) {
	made, text := 0, "old"
	h := api.Tag(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		made++
		w.Header().Set("Content-Type", "text/csv")
		for i := range 600_000 {
			fmt.Fprintf(w, "%s %07d\n", text, i)
		}
	}))
	srv := httptest.NewServer(h)
	defer srv.Close()
	r, body := get(t, srv.URL)
	tag := r.Trailer.Get("ETag")
	if tag == "" || len(body) != 600_000*12 || made != 1 {
		t.Fatalf("ETag %q, %d bytes, made %d times", tag, len(body), made)
	}
	if r, body := get(t, srv.URL, "If-None-Match", tag); r.StatusCode != http.StatusNotModified || len(body) > 0 || made != 2 {
		t.Errorf("who has it gets %d, %d bytes, made %d times", r.StatusCode, len(body), made)
	}
	text = "new"
	r, body = get(t, srv.URL, "If-None-Match", tag)
	if r.StatusCode != http.StatusOK || r.Trailer.Get("ETag") == tag || r.Trailer.Get("ETag") == "" || !bytes.HasPrefix(body, []byte("new 0000000\n")) || len(body) != 600_000*12 {
		t.Errorf("who has the old one gets %d, %d bytes, ETag %q", r.StatusCode, len(body), r.Trailer.Get("ETag"))
	}
}
