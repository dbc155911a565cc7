package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/internal/exit"
)

func TestCollectorReady(t *testing.T) {
	answer := func(status int, text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				status, text = http.StatusNotFound, r.URL.Path
			}
			w.WriteHeader(status)
			fmt.Fprintln(w, text)
		})
	}
	closed := httptest.NewServer(answer(200, "ready"))
	closed.Close()
	plain := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	secure := httptest.NewTLSServer(answer(200, "ready"))
	t.Cleanup(secure.Close)
	own := filepath.Join(t.TempDir(), "own.pem")
	if err := os.WriteFile(own, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	other, key := selfSigned(t)
	everywhere := func(address string) string {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		return net.JoinHostPort("0.0.0.0", port)
	}
	ready := plain(answer(200, "ready"))
	for _, c := range []struct {
		name, listen, cert string
		code               int
		says               string
	}{
		{"ready", ready, "", exit.OK, "the collector at " + ready + " is ready"},
		{"at all addresses", everywhere(ready), "", exit.OK, "the collector at " + ready + " is ready"},
		{"not ready", plain(answer(503, "not ready: no broker")), "", exit.Failure, `says "not ready: no broker"`},
		{"something else", plain(answer(200, "<html>")), "", exit.Failure, "is no Rollcall collector; see listen"},
		{"a page that is not there", plain(http.NotFoundHandler()), "", exit.Failure, "status 404 is no Rollcall collector"},
		{"nobody", closed.Listener.Addr().String(), "", exit.Failure, "see whether it runs"},
		{"its certificate", secure.Listener.Addr().String(), own, exit.OK, "is ready"},
		{"another certificate", secure.Listener.Addr().String(), other, exit.Failure, "shows another certificate than"},
		{"no certificate", secure.Listener.Addr().String(), key, exit.Failure, "cannot read tls_cert"},
		{"any port", "127.0.0.1:0", "", exit.Usage, "name the port that the collector took"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "collector.yaml")
			text := "store: sqlite:unused.db\n"
			if c.cert != "" {
				text += fmt.Sprintf("tls_cert: %s\ntls_key: %s\n", c.cert, key)
			}
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs strings.Builder
			code := Run(t.Context(), []string{"collector", "ready", "--config", config, "--listen", c.listen}, strings.NewReader(""), &out, &errs)
			if code != c.code || !strings.Contains(out.String()+errs.String(), c.says) {
				t.Errorf("status %d, want %d; it says %q and %q, want %q", code, c.code, out.String(), errs.String(), c.says)
			}
		})
	}
}

// selfSigned makes a certificate, and gives the files of it and of its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
