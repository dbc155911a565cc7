package packaging_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Prometheus is too large to be installed for the tests, and would start. What its promtool is asked by
// hand (rollcall.rules.test.yaml) is held against the rules here as far as that goes without it.

type alertRule struct {
	Alert, Expr string
	Labels      map[string]string
	Annotations map[string]string
}

func alerts(t *testing.T) (all []alertRule) {
	t.Helper()
	var rules struct {
		Groups []struct{ Rules []alertRule }
	}
	if err := yaml.Unmarshal([]byte(read(t, "monitoring/rollcall.rules.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// A label that an alert sets may not be one that tells its results apart: two of them would then
// be one, which Prometheus takes for an error, and nothing alerts.
func TestAlertsKeepTheirLabelsApart(t *testing.T) {
	grouped := regexp.MustCompile(`^[^(]*?\bby \(([a-z, ]+)\)`)
	for _, a := range alerts(t) {
		m := grouped.FindStringSubmatch(a.Expr)
		for label := range a.Labels {
			if m == nil && strings.Contains(a.Expr, label+"=") || m != nil && slices.Contains(strings.Split(m[1], ", "), label) {
				t.Errorf("%s sets %s, by which its results differ: %s", a.Alert, label, a.Expr)
			}
		}
	}
}

// Each alert has a case in which it fires, with the words that it then says, and one in which it does not.
func TestAlertsHaveTests(t *testing.T) {
	var file struct {
		Tests []struct {
			Cases []struct {
				Alert string `yaml:"alertname"`
				Fires []struct {
					Annotations map[string]string `yaml:"exp_annotations"`
				} `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "monitoring/rollcall.rules.test.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	quiet, said := map[string]bool{}, map[string]string{}
	for _, test := range file.Tests {
		for _, c := range test.Cases {
			if len(c.Fires) == 0 {
				quiet[c.Alert] = true
			}
			for _, f := range c.Fires {
				said[c.Alert] = f.Annotations["description"]
			}
		}
	}
	all := alerts(t)
	for _, a := range all {
		if !quiet[a.Alert] || said[a.Alert] != a.Annotations["description"] {
			t.Errorf("%s is quiet in a test: %v; fires in one saying %q, want %q", a.Alert, quiet[a.Alert], said[a.Alert], a.Annotations["description"])
		}
	}
	if len(all) < 10 || len(said) != len(all) {
		t.Errorf("%d alerts, %d with tests", len(all), len(said))
	}
}
