package enroll_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// site is an authority and the machine of its broker.
type site struct {
	t  *testing.T
	a  *enroll.Authority
	ca string
	// root stands for the broker's machine: /etc/nats and /var/lib/nats are below it.
	root string
	// change edits the shipped configuration before it is used.
	change func(text string) string
	srv    *server.Server
	// options of the running server; ports are the ones it took.
	options *server.Options
}

func newSite(t *testing.T, kind enroll.Kind) *site {
	t.Helper()
	a, err := enroll.Init(filepath.Join(t.TempDir(), "authority"), enroll.Settings{Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	s := &site{t: t, a: a, root: t.TempDir(), change: func(s string) string { return s }}
	s.certificates()
	return s
}

// certificates makes an authority for TLS and the server's certificate.
func (s *site) certificates() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.check(err)
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	s.check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	s.check(err)
	dir := filepath.Join(s.root, "etc/nats/tls")
	s.check(os.MkdirAll(dir, 0o700))
	s.ca = filepath.Join(dir, "server.crt")
	s.check(os.WriteFile(s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	s.check(os.WriteFile(filepath.Join(dir, "server.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// copyConf carries the broker's files from the authority to its machine, as a person would. Paths are
// those of the test's machine, and addresses are free ones of the loopback.
func (s *site) copyConf() {
	s.t.Helper()
	from, err := filepath.Glob(filepath.Join(s.a.BrokerDir(), "*.conf"))
	s.check(err)
	for _, f := range from {
		b, err := os.ReadFile(f)
		s.check(err)
		text := strings.NewReplacer(
			`"/etc/nats/`, `"`+s.root+`/etc/nats/`, `"/var/lib/nats/`, `"`+s.root+`/var/lib/nats/`,
			`"0.0.0.0:4222"`, `"127.0.0.1:-1"`, `"0.0.0.0:7422"`, `"127.0.0.1:-1"`, `"0.0.0.0:8443"`, `"127.0.0.1:-1"`, `"127.0.0.1:8222"`, `"127.0.0.1:-1"`,
		).Replace(string(b))
		if strings.Contains(text, "0.0.0.0") {
			s.t.Fatalf("%s still names an address of a real machine:\n%s", f, text)
		}
		s.check(os.WriteFile(filepath.Join(s.root, "etc/nats", filepath.Base(f)), []byte(s.change(text)), 0o600))
	}
}

// start runs nats-server with one of the shipped configurations until the test ends.
func (s *site) start(file string) {
	s.t.Helper()
	s.copyConf()
	o, err := server.ProcessConfigFile(filepath.Join(s.root, "etc/nats", file))
	s.check(err)
	o.NoLog, o.NoSigs = true, true
	s.options = o
	s.srv, err = server.NewServer(o)
	s.check(err)
	go s.srv.Start()
	s.t.Cleanup(func() {
		s.srv.Shutdown()
		s.srv.WaitForShutdown()
	})
	if !s.srv.ReadyForConnections(natslinktest.Patience) {
		s.t.Fatalf("nats-server did not start with %s", file)
	}
}

// reload carries the files over again and has the running server read them.
func (s *site) reload() {
	s.t.Helper()
	s.copyConf()
	s.check(s.srv.Reload())
}

func (s *site) url() string { return "tls://" + s.srv.Addr().String() }

// enrol makes credentials and gives the file that holds them.
func (s *site) enrol(name string, o enroll.Options) string {
	s.t.Helper()
	c, err := s.a.Enroll(name, o)
	s.check(err)
	path := filepath.Join(s.t.TempDir(), name)
	s.check(os.WriteFile(path, c.File, 0o600))
	return path
}

// settings of a link with the credentials in a file.
func (s *site) settings(creds string) natslink.Settings {
	ls := natslink.Settings{URLs: []string{s.url()}, CAFile: s.ca, Name: filepath.Base(creds), MaxWait: 200 * time.Millisecond}
	if s.a.Kind() == enroll.NKey {
		ls.NKeyFile = creds
	} else {
		ls.CredsFile = creds
	}
	return ls
}

// link connects as a gateway.
func (s *site) link(gateway, creds string) *natslink.Link {
	s.t.Helper()
	ls := s.settings(creds)
	ls.Gateway = gateway
	l, err := natslink.Connect(s.t.Context(), ls)
	s.check(err)
	s.t.Cleanup(l.Close)
	natslinktest.Eventually(s.t, "gateway "+gateway+" is connected", l.Connected)
	return l
}

// client connects with any credentials, without the manners of an agent. Violations come
// in on the channel.
func (s *site) client(creds, inbox string) (*nats.Conn, chan error) {
	s.t.Helper()
	login := nats.UserCredentials(creds)
	if s.a.Kind() == enroll.NKey {
		var err error
		login, err = nats.NkeyOptionFromSeed(creds)
		s.check(err)
	}
	violations := make(chan error, 100)
	nc, err := nats.Connect(s.url(), login, nats.RootCAs(s.ca), nats.CustomInboxPrefix(inbox), nats.Timeout(natslinktest.Patience),
		nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err }))
	s.check(err)
	s.t.Cleanup(nc.Close)
	return nc, violations
}
