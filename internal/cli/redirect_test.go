package cli_test

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall-iot/rollcall/internal/cli"
)

// Wherever a collector's address leads, a token is for the one that was named.
func TestRedirectGetsNoToken(t *testing.T) {
	var got atomic.Value
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got.Store(r.Header.Get("Authorization")) }))
	defer elsewhere.Close()
	named := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusMovedPermanently)
	}))
	defer named.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: named.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ROLLCALL_TOKEN", "rollcall_secret")
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), []string{"fleet", "modules", "--server", named.URL, "--ca", ca}, strings.NewReader(""), &out, &errs)
	if token := got.Load(); token != nil {
		t.Errorf("the other server was asked, with %q", token)
	}
	if code != 1 || !strings.Contains(errs.String(), elsewhere.URL) {
		t.Errorf("status %d: %s", code, &errs)
	}
}
