package natslink_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// authority issues certificates for a test.
type authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) issue(t *testing.T, name string, until time.Time) *tls.Config {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// client writes a certificate for a gateway, and its key.
func (a *authority) client(t *testing.T, until time.Time) (cert, key string) {
	t.Helper()
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "gw1"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestOwnCertificate: a gateway's certificate that has expired is told from one that the server does not know, and
// one that is about to is named before.
func TestOwnCertificate(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	server := ours.issue(t, "127.0.0.1", time.Now().Add(time.Hour))
	server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	server.ClientCAs.AddCert(ours.cert)
	sv := natslinktest.Start(t, natslinktest.Settings{TLS: server})
	for name, c := range map[string]struct {
		by         *authority
		until      time.Duration
		code, want string
	}{
		"good":       {ours, 60 * 24 * time.Hour, "", ""},
		"soon":       {ours, 20 * 24 * time.Hour, "nats-expiring", "certificate in "},
		"expired":    {ours, -time.Minute, "nats-tls", "own certificate has expired"},
		"unknown CA": {other, 60 * 24 * time.Hour, "nats-tls", "check the certificates"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key := c.by.client(t, time.Now().Add(c.until))
			l := connect(t, natslink.Settings{URLs: []string{sv.URL()}, CAFile: ours.file, CertFile: cert, KeyFile: key})
			if c.code != "nats-tls" {
				connected(t, l)
			}
			if c.code == "" {
				if h := l.Health(); len(h) != 0 {
					t.Errorf("health says %+v", h)
				}
				return
			}
			natslinktest.Eventually(t, "the reason is told", func() bool { return slices.Contains(codes(l.Health()), c.code) })
			i := slices.Index(codes(l.Health()), c.code)
			if text := l.Health()[i].Text; !strings.Contains(text, c.want) {
				t.Errorf("health says %q, want %q", text, c.want)
			}
		})
	}
}

// TestD12: a certificate that is expired, for another name or from another authority is
// refused with the reason, and so is a server that speaks plain text.
func TestD12(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	soon := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		server *tls.Config
		want   string
	}{
		"good":          {ours.issue(t, "127.0.0.1", soon), ""},
		"expired":       {ours.issue(t, "127.0.0.1", time.Now().Add(-time.Minute)), "expired"},
		"another name":  {ours.issue(t, "nats.example.org", soon), "another name"},
		"unknown CA":    {other.issue(t, "127.0.0.1", soon), "not trusted"},
		"plain text":    {nil, "no safe connection"},
		"by URL, plain": {nil, "no safe connection"},
	} {
		t.Run(name, func(t *testing.T) {
			sv := natslinktest.Start(t, natslinktest.Settings{TLS: c.server})
			s := natslink.Settings{URLs: []string{sv.URL()}, CAFile: ours.file}
			if strings.HasPrefix(name, "by URL") {
				s.CAFile, s.URLs = "", []string{"tls://" + sv.Addr()}
			}
			l := connect(t, s)
			if c.want == "" {
				connected(t, l)
				return
			}
			natslinktest.Eventually(t, "the reason is told", func() bool { return slices.Contains(codes(l.Health()), "nats-tls") })
			if text := l.Health()[0].Text; !strings.Contains(text, c.want) {
				t.Errorf("health says %q, want %q", text, c.want)
			}
			if l.Connected() {
				t.Error("connected")
			}
		})
	}
}
