package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestEnrollScripts runs the scripts of testdata/enroll. Beside the usual commands they have
// those below.
func TestEnrollScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/enroll",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status, "interrupt": interrupt,
			"copyconf": copyConf, "nats-server": natsServer, "mode": mode, "awaittext": awaitText, "secretless": secretless,
		},
	})
}

// TestEnrolmentDoc: every command that docs/enrolment.md shows stands in a script as it is there.
func TestEnrolmentDoc(t *testing.T) {
	b, err := os.ReadFile("../../docs/enrolment.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/enroll/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var run []string
	for _, s := range scripts {
		text, err := os.ReadFile(s)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			if !strings.HasPrefix(line, "#") {
				run = append(run, line)
			}
		}
	}
	shown, inside := 0, false
	for line := range strings.SplitSeq(string(b), "\n") {
		if strings.HasPrefix(line, "```") {
			inside = line == "```sh"
			continue
		}
		if !inside {
			continue
		}
		shown++
		command, _, _ := strings.Cut(line, " > ")
		if !slices.ContainsFunc(run, func(line string) bool { return strings.Contains(line, command) }) {
			t.Errorf("no script runs %q", command)
		}
	}
	if shown < 10 {
		t.Errorf("found only %d commands", shown)
	}
}

// copyconf DIR: carries the broker's files to $WORK/etc/nats, with the paths and addresses of this test.
func copyConf(ts *testscript.TestScript, _ bool, args []string) {
	to := ts.MkAbs("etc/nats")
	ts.Check(os.MkdirAll(to, 0o700))
	from, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.conf"))
	ts.Check(err)
	for _, f := range from {
		text := strings.NewReplacer(`"/etc/nats/`, `"`+to+`/`, `"/var/lib/nats/`, `"`+ts.MkAbs("var")+`/`, `0.0.0.0:4222`, `127.0.0.1:-1`, `127.0.0.1:8222`, `127.0.0.1:-1`).
			Replace(ts.ReadFile(f))
		ts.Check(os.WriteFile(filepath.Join(to, filepath.Base(f)), []byte(text), 0o600))
	}
}

// nats-server -c FILE: runs a broker until the script ends, with a certificate of its own. BROKER
// is its address, ca.crt the authority.
func natsServer(ts *testscript.TestScript, _ bool, args []string) {
	certificate(ts)
	o, err := server.ProcessConfigFile(filepath.Join(ts.MkAbs("."), args[1]))
	ts.Check(err)
	o.NoLog, o.NoSigs = true, true
	srv, err := server.NewServer(o)
	ts.Check(err)
	go srv.Start()
	ts.Defer(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(time.Minute) {
		ts.Fatalf("nats-server did not start")
	}
	ts.Setenv("BROKER", "tls://"+srv.Addr().String())
}

func certificate(ts *testscript.TestScript) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs("etc/nats/tls"), 0o700))
	for name, block := range map[string]*pem.Block{
		"ca.crt": {Type: "CERTIFICATE", Bytes: der}, "etc/nats/tls/server.crt": {Type: "CERTIFICATE", Bytes: der},
		"etc/nats/tls/server.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), pem.EncodeToMemory(block), 0o600))
	}
}

// mode MODE PATH …: paths have this mode.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	for _, p := range args[1:] {
		info, err := os.Stat(ts.MkAbs(p))
		ts.Check(err)
		if got := info.Mode().String(); got != args[0] {
			ts.Fatalf("%s has mode %s", p, got)
		}
	}
}

// awaittext FILE PATTERN [NAME]: waits until FILE has it, and puts its group into the variable.
func awaitText(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		b, _ := os.ReadFile(ts.MkAbs(args[0]))
		if m := pattern.FindSubmatch(b); m != nil {
			if len(args) > 2 {
				ts.Setenv(args[2], string(m[1]))
			}
			return
		}
	}
	ts.Fatalf("%s never has %s", args[0], args[1])
}

// seed is that of an operator, account, user or scoped signing key.
var seed = regexp.MustCompile(`\bS[OAU][A-Z2-7]{50,}|PRIVATE KEY`)

// secretless FILE …: no seed stands in them.
func secretless(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		if seed.MatchString(ts.ReadFile(name)) != neg {
			ts.Fatalf("%s: holds a secret: %v", name, !neg)
		}
	}
}
