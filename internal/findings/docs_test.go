package findings_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/internal/findings"
)

// What docs/policy.md shows can be loaded, all of it together, and its cases are as they say.
func TestTheGuide(t *testing.T) {
	b, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for i, part := range strings.Split(string(b), "```") {
		text, ok := strings.CutPrefix(part, "yaml\n")
		if i%2 == 0 || !ok {
			continue
		}
		if strings.HasPrefix(text, "exceptions:") || strings.HasPrefix(text, "cases:") {
			text = "policy: guide\n" + text
		}
		blocks = append(blocks, text)
	}
	if len(blocks) != 4 {
		t.Fatalf("%d blocks of YAML", len(blocks))
	}
	p, err := findings.Load(files(t, blocks...))
	if err != nil {
		t.Fatal(err)
	}
	results := p.Test()
	if len(results) != 1 || !results[0].OK() {
		t.Errorf("%+v", results)
	}
	if !p.Lists().Named("acme", "utility", now()) || len(p.Exceptions()) != 1 {
		t.Error("a list or an exception of the guide does not hold")
	}
}
