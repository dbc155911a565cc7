package packaging_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
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
