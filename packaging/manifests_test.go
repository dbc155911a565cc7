package packaging_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/enroll"
)

// doc is a YAML document: maps, lists and values.
type doc = map[string]any

func documents(t *testing.T, text string) (all []doc) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	for {
		var v doc
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
}

// at follows a path of keys and indices.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(doc)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func items(v any, path ...any) []any { l, _ := at(v, path...).([]any); return l }

func text(v any, path ...any) string {
	if s := at(v, path...); s != nil {
		return fmt.Sprint(s)
	}
	return ""
}

func manifests(t *testing.T) (all []doc) {
	t.Helper()
	var kustomization struct{ Resources []string }
	if err := yaml.Unmarshal([]byte(read(t, "kubernetes/kustomization.yaml")), &kustomization); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil || len(files) != len(kustomization.Resources)+1 {
		t.Errorf("kustomization.yaml names %v, there are %v", kustomization.Resources, files)
	}
	for _, f := range kustomization.Resources {
		all = append(all, documents(t, read(t, "kubernetes/"+f))...)
	}
	return all
}

// fields are those that the API of Kubernetes has, by type.
func fields(t *testing.T) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for line := range strings.SplitSeq(read(t, "testdata/kubernetes-fields.tsv"), "\n") {
		if c := strings.Split(line, "\t"); len(c) == 3 {
			if all[c[0]] == nil {
				all[c[0]] = map[string]string{}
			}
			all[c[0]][c[1]] = c[2]
		}
	}
	return all
}

// unknown gives the paths in v that a type does not have, or not so.
func unknown(known map[string]map[string]string, kind, path string, v any) (bad []string) {
	if elem, ok := strings.CutPrefix(kind, "[]"); ok {
		l, ok := v.([]any)
		if !ok {
			return []string{path + " is no list"}
		}
		for i, e := range l {
			bad = append(bad, unknown(known, elem, fmt.Sprintf("%s[%d]", path, i), e)...)
		}
		return bad
	}
	m, isMap := v.(doc)
	if elem, ok := strings.CutPrefix(kind, "map."); ok {
		for k, e := range m {
			bad = append(bad, unknown(known, elem, path+"."+k, e)...)
		}
		if !isMap {
			bad = append(bad, path+" is no map")
		}
		return bad
	}
	if known[kind] != nil {
		for k, e := range m {
			sub, ok := known[kind][k]
			if !ok {
				bad = append(bad, path+"."+k)
				continue
			}
			bad = append(bad, unknown(known, sub, path+"."+k, e)...)
		}
		if !isMap {
			bad = append(bad, path+" is no object")
		}
		return bad
	}
	fits := map[string]func(any) bool{
		"string": func(v any) bool { _, ok := v.(string); return ok },
		"bool":   func(v any) bool { _, ok := v.(bool); return ok },
		"int":    func(v any) bool { _, ok := v.(int); return ok },
		"any":    func(any) bool { return true },
	}
	if fit := fits[kind]; fit == nil || !fit(v) {
		bad = append(bad, fmt.Sprintf("%s is %T, want %s", path, v, kind))
	}
	return bad
}

// problems are what is wrong with manifests by themselves and with each other.
func problems(known map[string]map[string]string, docs []doc) (bad []string) {
	name := func(d doc) string { return text(d, "kind") + " " + text(d, "metadata", "name") }
	objects := map[string]doc{}
	pods := map[string]doc{} // app.kubernetes.io/name → pod
	for _, d := range docs {
		if known[text(d, "kind")] == nil {
			bad = append(bad, name(d)+" is of an unknown kind")
			continue
		}
		bad = append(bad, unknown(known, text(d, "kind"), name(d), d)...)
		objects[name(d)] = d
		if text(d, "kind") != "Namespace" && text(d, "metadata", "namespace") != "rollcall" {
			bad = append(bad, name(d)+" is in another namespace")
		}
		if pod, ok := at(d, "spec", "template").(doc); ok {
			app := text(pod, "metadata", "labels", "app.kubernetes.io/name")
			pods[app] = pod
			if text(d, "spec", "selector", "matchLabels", "app.kubernetes.io/name") != app {
				bad = append(bad, name(d)+" does not select its own pods")
			}
			bad = append(bad, podProblems(name(d), d, pod, objects)...)
		}
	}
	for _, d := range docs {
		switch text(d, "kind") {
		case "Service":
			pod := pods[text(d, "spec", "selector", "app.kubernetes.io/name")]
			for _, p := range items(d, "spec", "ports") {
				if !slices.Contains(portNames(pod), text(p, "targetPort")) {
					bad = append(bad, name(d)+" leads to no port "+text(p, "targetPort"))
				}
			}
		case "PodDisruptionBudget":
			if pods[text(d, "spec", "selector", "matchLabels", "app.kubernetes.io/name")] == nil {
				bad = append(bad, name(d)+" is about no pods")
			}
		case "NetworkPolicy":
			bad = append(bad, policyProblems(name(d), d, pods)...)
		}
	}
	for app := range pods {
		if objects["NetworkPolicy "+app] == nil || objects["Service "+app] == nil {
			bad = append(bad, "pods "+app+" have no network policy, or no service")
		}
	}
	return bad
}

func portNames(pod any) (names []string) {
	for _, p := range items(pod, "spec", "containers", 0, "ports") {
		names = append(names, text(p, "name"))
	}
	return names
}

func podProblems(name string, owner, pod doc, objects map[string]doc) (bad []string) {
	spec := at(pod, "spec")
	volumes := map[string]bool{}
	for _, v := range items(spec, "volumes") {
		volumes[text(v, "name")] = true
		if c := text(v, "configMap", "name"); c != "" && objects["ConfigMap "+c] == nil {
			bad = append(bad, name+": no ConfigMap "+c)
		}
	}
	for _, v := range items(owner, "spec", "volumeClaimTemplates") {
		volumes[text(v, "metadata", "name")] = true
	}
	if text(spec, "securityContext", "runAsNonRoot") != "true" || text(spec, "securityContext", "seccompProfile", "type") != "RuntimeDefault" || text(spec, "automountServiceAccountToken") != "false" {
		bad = append(bad, name+" may do more than it needs")
	}
	for _, c := range items(spec, "containers") {
		s := at(c, "securityContext")
		if text(s, "allowPrivilegeEscalation") != "false" || text(s, "readOnlyRootFilesystem") != "true" || text(s, "capabilities", "drop") != "[ALL]" {
			bad = append(bad, name+": its container may do more than it needs")
		}
		if text(c, "resources", "limits", "memory") == "" || text(c, "resources", "requests", "cpu") == "" || at(c, "readinessProbe") == nil || at(c, "livenessProbe") == nil {
			bad = append(bad, name+" lacks probes or bounds")
		}
		for _, m := range items(c, "volumeMounts") {
			if !volumes[text(m, "name")] {
				bad = append(bad, name+" mounts no volume "+text(m, "name"))
			}
		}
		for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
			if p := text(c, probe, "httpGet", "port"); p != "" && !slices.Contains(portNames(pod), p) {
				bad = append(bad, name+": "+probe+" asks no port "+p)
			}
			if p := text(c, probe, "httpGet", "path"); p != "" && p != "/healthz" && p != "/readyz" {
				bad = append(bad, name+": "+probe+" asks "+p)
			}
		}
	}
	return bad
}

// policyProblems: what a policy opens are ports that the pods have.
func policyProblems(name string, d doc, pods map[string]doc) (bad []string) {
	own := pods[text(d, "spec", "podSelector", "matchLabels", "app.kubernetes.io/name")]
	if own == nil {
		return []string{name + " is about no pods"}
	}
	check := func(rules []any, peers string) {
		for _, r := range rules {
			targets := []doc{own}
			if peers == "to" {
				targets = nil
			}
			for _, p := range items(r, peers) {
				app := text(p, "podSelector", "matchLabels", "app.kubernetes.io/name")
				if pods[app] == nil {
					bad = append(bad, name+" names no pods "+app)
				} else if peers == "to" {
					targets = append(targets, pods[app])
				}
			}
			for _, port := range items(r, "ports") {
				for _, pod := range targets {
					if !slices.ContainsFunc(items(pod, "spec", "containers", 0, "ports"), func(c any) bool { return text(c, "containerPort") == text(port, "port") }) {
						bad = append(bad, name+" opens port "+text(port, "port")+", which nobody has")
					}
				}
			}
		}
	}
	check(items(d, "spec", "ingress"), "from")
	check(items(d, "spec", "egress"), "to")
	return bad
}

func TestManifests(t *testing.T) {
	docs, known := manifests(t), fields(t)
	if len(docs) < 14 || len(known) < 100 {
		t.Fatalf("found %d manifests and %d types", len(docs), len(known))
	}
	for _, p := range problems(known, docs) {
		t.Error(p)
	}
	for _, d := range docs {
		for _, c := range items(d, "spec", "template", "spec", "containers") {
			checkImage(t, text(c, "image"))
		}
	}
}

// The check finds what it is for.
func TestManifestsCheckFinds(t *testing.T) {
	known := fields(t)
	for _, m := range []struct{ file, from, to string }{
		{"collector.yaml", "readinessProbe:", "readyProbe:"},
		{"collector.yaml", "targetPort: web", "targetPort: www"},
		{"collector.yaml", "path: /readyz", "path: /ready"},
		{"collector.yaml", "mountPath: /run/secrets/web, readOnly", "mountPath: /run/secrets/web, readonly"},
		{"collector.yaml", "- {name: web, mountPath", "- {name: wed, mountPath"},
		{"collector.yaml", "replicas: 2", "replicas: two"},
		{"collector.yaml", "runAsNonRoot: true", "runAsNonRoot: false"},
		{"collector.yaml", "{protocol: TCP, port: 5432}", "{protocol: TCP, port: 5433}"},
		{"collector.yaml", "configMap: {name: collector}", "configMap: {name: collectors}"},
		{"nats.yaml", "drop: [ALL]", "drop: [CHOWN]"},
		{"nats.yaml", "{protocol: TCP, port: 6222}", "{protocol: TCP, port: 6223}"},
		{"postgres.yaml", "app.kubernetes.io/name: collector", "app.kubernetes.io/name: collectors"},
	} {
		var docs []doc
		changed := false
		for _, f := range []string{"namespace.yaml", "nats.yaml", "postgres.yaml", "collector.yaml"} {
			s := read(t, "kubernetes/"+f)
			if f == m.file {
				changed = strings.Contains(s, m.from)
				s = strings.Replace(s, m.from, m.to, 1)
			}
			docs = append(docs, documents(t, s)...)
		}
		if !changed || len(problems(known, docs)) == 0 {
			t.Errorf("%s with %q for %q (there: %v) is not found", m.file, m.to, m.from, changed)
		}
	}
}

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

// serviceKeys are those of the Compose specification that may stand in compose.yaml.
var serviceKeys = []string{"image", "build", "command", "restart", "read_only", "cap_drop", "security_opt", "stop_grace_period", "ulimits", "healthcheck",
	"environment", "depends_on", "secrets", "volumes", "ports", "hostname", "mem_limit", "shm_size"}

func TestCompose(t *testing.T) {
	c := documents(t, read(t, "compose/compose.yaml"))[0]
	for k := range c {
		if !slices.Contains([]string{"name", "services", "secrets", "volumes"}, k) && !strings.HasPrefix(k, "x-") {
			t.Errorf("unknown key %s", k)
		}
	}
	services, _ := at(c, "services").(doc)
	header, _, _ := strings.Cut(read(t, "compose/compose.yaml"), "\nname:")
	published := map[string]bool{}
	for name, v := range services {
		s, _ := v.(doc)
		for k := range s {
			if !slices.Contains(serviceKeys, k) {
				t.Errorf("%s: unknown key %s", name, k)
			}
		}
		if image := text(s, "image"); at(s, "build") == nil {
			checkImage(t, image)
		}
		if text(s, "read_only") != "true" && name != "postgres" {
			t.Errorf("%s may write to its image", name)
		}
		if d, _ := at(s, "depends_on").(doc); d != nil {
			for other := range d {
				if services[other] == nil || at(services, other, "healthcheck") == nil {
					t.Errorf("%s waits for %s, which has no health", name, other)
				}
			}
		}
		for _, secret := range items(s, "secrets") {
			if at(c, "secrets", fmt.Sprint(secret)) == nil {
				t.Errorf("%s: no secret %s", name, secret)
			}
		}
		for _, p := range items(s, "ports") {
			outer, _, _ := strings.Cut(fmt.Sprint(p), ":")
			if published[outer] {
				t.Errorf("port %s is published twice", outer)
			}
			published[outer] = true
		}
		checkMounts(t, name, s, c, header)
	}
	if len(services) != 6 || len(published) != 5 {
		t.Errorf("%d services, %d published ports", len(services), len(published))
	}
	for name := range at(c, "secrets").(doc) {
		if file := text(c, "secrets", name, "file"); !strings.Contains(header, strings.TrimPrefix(file, "./")) {
			t.Errorf("the head of compose.yaml does not say where %s comes from", file)
		}
	}
	for _, key := range []string{"dockerfile", "context"} {
		if _, err := os.Stat(filepath.Join("compose", text(c, "x-collector", "build", "context"), strings.TrimPrefix(text(c, "x-collector", "build", key), "../.."))); err != nil {
			t.Error(err)
		}
	}
}

// checkMounts: what a service mounts is a volume, a file beside compose.yaml, or one that its
// head tells the operator to make.
func checkMounts(t *testing.T, name string, s, c doc, header string) {
	t.Helper()
	for _, v := range items(s, "volumes") {
		source, _, _ := strings.Cut(fmt.Sprint(v), ":")
		if !strings.HasPrefix(source, "./") {
			if volumes, _ := at(c, "volumes").(doc); !slices.Contains(keysOf(volumes), source) {
				t.Errorf("%s: no volume %s", name, source)
			}
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(source, "./"), "/")
		_, err := os.Stat(filepath.Join("compose", source))
		if err != nil && !regexp.MustCompile(`(?m)^#\s.*\b`+regexp.QuoteMeta(first)).MatchString(header) {
			t.Errorf("%s mounts %s, which is neither there nor described", name, source)
		}
	}
}

func keysOf(m doc) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
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
