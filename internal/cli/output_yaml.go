package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/internal/render"
)

// yamlDocuments writes one module a document.
type yamlDocuments struct {
	w     io.Writer
	begun bool
}

func (y *yamlDocuments) module(it render.Item) error { return y.object(it.Module.Normal()) }

func (y *yamlDocuments) object(v any) error {
	if y.begun {
		if _, err := io.WriteString(y.w, "---\n"); err != nil {
			return writing(err)
		}
	}
	y.begun = true
	return writeYAML(y.w, v)
}

func (y *yamlDocuments) close() error { return nil }

// writeYAML writes v with the names and the order of its JSON.
func writeYAML(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot write YAML: %w", err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(escapeYAML(body), &node); err != nil {
		return fmt.Errorf("cannot write YAML: %w", err)
	}
	asBlocks(&node)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&node); err != nil {
		return fmt.Errorf("cannot write YAML: %w", err)
	}
	_, err = w.Write(escapeYAML(b.Bytes()))
	return writing(err)
}

// asBlocks takes the style of JSON off, and quotes strings with runes that have to be
// escaped, or that end a line.
func asBlocks(n *yaml.Node) {
	quoted := n.Kind == yaml.ScalarNode && n.Tag == "!!str" && (hasUnsafe(n.Value) || bytes.ContainsAny([]byte(n.Value), "\n"))
	empty := n.Kind != yaml.ScalarNode && len(n.Content) == 0
	switch {
	case quoted:
		n.Style = yaml.DoubleQuotedStyle
	case !empty:
		n.Style = 0
	}
	for _, c := range n.Content {
		asBlocks(c)
	}
}

// escapeYAML does for YAML what escapeJSON does for JSON: the encoder lets bidirectional
// marks through. They stand in double quotes only, see asBlocks.
func escapeYAML(b []byte) []byte {
	if bytes.IndexFunc(b, unsafeOnScreen) < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for _, r := range string(b) {
		switch {
		case !unsafeOnScreen(r):
			out = append(out, string(r)...)
		case r > 0xFFFF:
			out = fmt.Appendf(out, `\U%08x`, r)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
