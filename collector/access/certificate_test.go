package access

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair makes a certificate for a name, with its key, in two files.
func writePair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// shake asks a server made of config which certificate it has.
func shake(t *testing.T, config *tls.Config, client *tls.Config) (string, error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() { _ = tls.Server(a, config).Handshake() }()
	c := tls.Client(b, client)
	if err := c.Handshake(); err != nil {
		return "", err
	}
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

// Files that change are taken up without a restart; broken ones are not.
func TestCertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, "one.example")
	var log bytes.Buffer
	config, err := TLS(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	c := &certificate{cert: cert, key: key, log: slog.New(slog.NewTextHandler(&log, nil)), now: func() time.Time { return at }}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	config.GetCertificate = c.get
	client := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the name is what is looked at
	want := func(what, name string) {
		t.Helper()
		if got, err := shake(t, config, client); got != name || err != nil {
			t.Errorf("%s: %q, %v; want %q", what, got, err, name)
		}
	}
	want("at first", "one.example")
	writePair(t, dir, "two.example")
	want("at once", "one.example")
	at = at.Add(certificateTime)
	want("later", "two.example")
	if err := os.WriteFile(cert, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	at = at.Add(certificateTime)
	want("broken", "two.example")
	if !strings.Contains(log.String(), "new certificate is not taken") {
		t.Errorf("the log says %q", &log)
	}
	writePair(t, dir, "three.example")
	at = at.Add(certificateTime)
	want("mended", "three.example")
	if _, err := shake(t, config, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil { //nolint:gosec // that is the test
		t.Error("TLS 1.1 is spoken")
	}
	if _, err := TLS(filepath.Join(dir, "none"), key, nil); err == nil || !strings.Contains(err.Error(), "PEM") {
		t.Errorf("without a file: %v", err)
	}
}
