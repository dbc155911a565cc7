package packaging_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/enroll"
)

// The collectors' configurations are ones that the collector reads, and say what the rest expects.
func TestCollectorConfigurations(t *testing.T) {
	texts := map[string]string{"compose": read(t, "compose/collector.yaml")}
	for _, d := range manifests(t) {
		if text(d, "kind") == "ConfigMap" && text(d, "metadata", "name") == "collector" {
			texts["kubernetes"] = text(d, "data", "collector.yaml")
		}
	}
	if len(texts) != 2 {
		t.Fatalf("found %d configurations", len(texts))
	}
	for where, body := range texts {
		file := filepath.Join(t.TempDir(), "collector.yaml")
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := configs.LoadCollector(configs.Source{File: file})
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		if c.StreamReplicas != 3 || len(c.NATS.URLs) != 3 || !strings.HasSuffix(c.Listen, ":8080") || c.TLSCert == "" || c.AllowOpenListen {
			t.Errorf("%s: %d replicas on %v, listening on %s, certificate %q, open %v", where, c.StreamReplicas, c.NATS.URLs, c.Listen, c.TLSCert, c.AllowOpenListen)
		}
	}
}

// The brokers' configurations are ones that nats-server takes, with what an authority makes, and
// keep what the shipped templates promise.
func TestBrokerConfigurations(t *testing.T) {
	texts := map[string]string{"compose": read(t, "compose/nats.conf")}
	for _, d := range manifests(t) {
		if text(d, "kind") == "ConfigMap" && text(d, "metadata", "name") == "nats" {
			texts["kubernetes"] = text(d, "data", "nats.conf")
		}
	}
	services := documents(t, read(t, "compose/compose.yaml"))[0]
	t.Setenv("NATS_NAME", "nats-1")
	for where, body := range texts {
		dir := t.TempDir()
		a, err := enroll.Init(filepath.Join(dir, "made"), enroll.Settings{Kind: enroll.JWT})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, "authority"), os.DirFS(a.BrokerDir())); err != nil {
			t.Fatal(err)
		}
		a.Close()
		certificate(t, filepath.Join(dir, "tls"))
		edit(t, filepath.Join(dir, "authority", "tls.conf"), "/etc/nats/tls", filepath.Join(dir, "tls"))
		file := filepath.Join(dir, "nats.conf")
		body = strings.NewReplacer("/etc/nats/tls", filepath.Join(dir, "tls"), "/var/lib/nats", filepath.Join(dir, "store")).Replace(body)
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := server.ProcessConfigFile(file)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		if !o.SyncAlways || !o.JetStream || o.ServerName != "nats-1" || o.Port != 4222 || o.Cluster.Port != 6222 || o.TLSConfig == nil || o.Cluster.TLSConfig == nil || len(o.Routes) != 3 {
			t.Errorf("%s: sync %v, JetStream %v, name %q, ports %d and %d, routes %v", where, o.SyncAlways, o.JetStream, o.ServerName, o.Port, o.Cluster.Port, o.Routes)
		}
		for i, r := range o.Routes {
			if where == "compose" && at(services, "services", r.Hostname()) == nil {
				t.Errorf("compose: route %d leads to no service: %s", i, r)
			}
			if where == "kubernetes" && r.Hostname() != fmt.Sprintf("nats-%d.nats.rollcall.svc.cluster.local", i) {
				t.Errorf("kubernetes: route %d leads to no pod of the StatefulSet: %s", i, r)
			}
		}
	}
}

func edit(t *testing.T, file, from, to string) {
	t.Helper()
	b := read(t, file)
	if !strings.Contains(b, from) {
		t.Fatalf("%s does not name %s", file, from)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(b, from, to)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate makes server.crt, server.key and ca.crt in dir.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"nats-1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"server.crt": {Type: "CERTIFICATE", Bytes: der}, "ca.crt": {Type: "CERTIFICATE", Bytes: der}, "server.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
