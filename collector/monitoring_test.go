package collector

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"
)

// What is shipped for Prometheus and Grafana asks for nothing that the collector does not
// tell, and each figure that it tells is in one of the two.
func TestMonitoringAsksForWhatThereIs(t *testing.T) {
	told := figures(t)
	asked := map[string]bool{}
	for _, e := range expressions(t) {
		for _, name := range regexp.MustCompile(`rollcall_[a-z_]+`).FindAllString(e, -1) {
			name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			asked[name] = true
			if !told[name] {
				t.Errorf("%q asks for %s, which the collector does not tell", e, name)
			}
		}
	}
	sources := strings.Join(sourcesOf(t), "")
	for _, e := range expressions(t) {
		for _, m := range regexp.MustCompile(`rollcall_[a-z_]+\{([a-z]+)=~?"([a-z|]+)"`).FindAllStringSubmatch(e, -1) {
			for _, value := range append(strings.Split(m[2], "|"), m[1]) {
				if !strings.Contains(sources, `"`+value+`"`) {
					t.Errorf("%q asks for %s, which the collector does not tell", e, value)
				}
			}
		}
	}
	for name := range told {
		if !asked[name] && !strings.Contains(unasked, " "+name+" ") {
			t.Errorf("nothing asks for %s", name)
		}
	}
}

// A rejection is seen to happen where its counter was there before, at nought.
func TestEveryReasonIsCountedFromTheStart(t *testing.T) {
	r := prometheus.NewRegistry()
	r.MustRegister(newMetrics(prometheus.NewRegistry(), nil).rejected)
	families, err := r.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%v %v", families, err)
	}
	counted := map[string]bool{}
	for _, m := range families[0].GetMetric() {
		counted[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue() == 0
	}
	declared := regexp.MustCompile(`Reason = "([a-z-]+)"`).FindAllStringSubmatch(string(file(t, "outcome.go")), -1)
	if len(declared) < 5 {
		t.Fatalf("found reasons %v", declared)
	}
	for _, m := range declared {
		if !counted[m[1]] {
			t.Errorf("no counter for %s before the first", m[1])
		}
	}
}

// unasked are figures for whoever looks closer.
const unasked = " rollcall_store_messages "

// figures are the names in the sources of the collector and its webhooks: some are
// registered only where what they count is configured.
func figures(t *testing.T) map[string]bool {
	t.Helper()
	told := map[string]bool{}
	for _, source := range sourcesOf(t) {
		for _, m := range regexp.MustCompile(`"(rollcall_[a-z_]+)"`).FindAllStringSubmatch(source, -1) {
			told[m[1]] = true
		}
	}
	if len(told) < 15 {
		t.Fatalf("only %d figures are told", len(told))
	}
	return told
}

func sourcesOf(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{"*.go", "webhook/*.go", "../policy/severity.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if !strings.HasSuffix(path, "_test.go") {
				all = append(all, string(file(t, path)))
			}
		}
	}
	return all
}

// expressions are those of the alerting rules and of the dashboard.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(file(t, "../packaging/monitoring/rollcall.rules.yaml"), &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("an alert has no name, summary or description: %+v", r)
			}
			all = append(all, r.Expr)
		}
	}
	var board struct {
		Panels []struct {
			Title, Description, Type string
			Targets                  []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(file(t, "../packaging/monitoring/rollcall.dashboard.json"), &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Type != "row" && (p.Title == "" || p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("a panel has no title, description or target: %+v", p)
		}
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

func file(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
