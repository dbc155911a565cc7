package web_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What others wrote is as they published it: a file that differs from its digest was changed.
func TestVendored(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| (.*?) \\|.*`([0-9a-f]{64})` \\|$")
	table, err := os.ReadFile("static/vendor/README.md")
	must(t, err)
	digests := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(table), -1) {
		digests[strings.Trim(m[1], "`")] = m[2]
	}
	files, err := filepath.Glob("static/vendor/*.[cj]s*")
	must(t, err)
	if len(files) < 3 || len(files) != len(digests) {
		t.Fatalf("%d files and %d digests", len(files), len(digests))
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		if sum := sha256.Sum256(b); digests[filepath.Base(f)] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s is not what its README says", f)
		}
	}
	readme, err := os.ReadFile("testdata/axe-core/README.md")
	must(t, err)
	if sum := sha256.Sum256([]byte(axe)); !strings.Contains(string(readme), hex.EncodeToString(sum[:])) {
		t.Error("axe-core is not what its README says")
	}
}

// Files keep for good under names of their contents, and come packed to who takes that.
func TestAssets(t *testing.T) {
	srv := serve(t, filled(t))
	_, body := get(t, srv.URL+"/")
	names := regexp.MustCompile(`/static/[a-z]+-[0-9a-f]{12}\.(css|js|svg)`).FindAllString(body, -1)
	if len(names) < 4 {
		t.Fatalf("the overview needs %q only", names)
	}
	kinds := map[string]string{".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
	for _, name := range names {
		r, plain := get(t, srv.URL+name) // the client asks for gzip and unpacks
		if !r.Uncompressed && len(plain) > 1000 {
			t.Errorf("%s did not come packed", name)
		}
		if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, kinds[filepath.Ext(name)]) {
			t.Errorf("%s is %s", name, got)
		}
		if !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", name, r.Header)
		}
		for _, takes := range []string{"identity", "gzip;q=0", "br"} {
			if got := fetch(t, srv.URL+name, takes); got.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s came packed to who takes %s", name, takes)
			}
		}
		if b, err := gzip.NewReader(fetch(t, srv.URL+name, "br, gzip;q=0.5").Body); err == nil {
			unpacked, err := io.ReadAll(b)
			must(t, err)
			if string(unpacked) != plain {
				t.Errorf("%s is another when packed", name)
			}
		}
	}
}

func fetch(t *testing.T, address, takes string) *http.Response {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	must(t, err)
	q.Header.Set("Accept-Encoding", takes)
	r, err := (&http.Transport{DisableCompression: true}).RoundTrip(q)
	must(t, err)
	t.Cleanup(func() { _ = r.Body.Close() })
	return r
}
