package survey

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/atcmd"
)

// Knowledge can plan only what the catalogue holds; a question that is not there would be
// passed over in silence.
func TestEveryPlannedQuestionIsCatalogued(t *testing.T) {
	files, err := filepath.Glob("../fingerprint/knowledge/makers/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../fingerprint/knowledge/plan.yaml")
	n := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		for _, cmd := range values(&doc, "cmd") {
			n++
			if _, err := atcmd.Parse(cmd.Value); err != nil {
				t.Errorf("%s:%d plans %q: %v", f, cmd.Line, cmd.Value, err)
			}
		}
	}
	if n < 20 {
		t.Errorf("found only %d planned questions; has the format of the knowledge changed?", n)
	}
}

// values finds all scalars under a key, at any depth.
func values(n *yaml.Node, key string) []*yaml.Node {
	var found []*yaml.Node
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == key && c.Kind == yaml.ScalarNode {
			found = append(found, c)
		}
		found = append(found, values(c, key)...)
	}
	return found
}
