package yamldoc

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Doc is one mapping. Its fields are asked for by name.
type Doc struct {
	Line   int
	faults *Faults
	fields map[string]*yaml.Node
	lines  map[string]int
	asked  map[string]bool
}

func newDoc(n *yaml.Node, f *Faults) *Doc {
	if n.Kind != yaml.MappingNode {
		f.Add(n.Line, "want a mapping of keys and values")
		return nil
	}
	d := &Doc{Line: n.Line, faults: f, fields: map[string]*yaml.Node{}, lines: map[string]int{}, asked: map[string]bool{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if _, twice := d.fields[k.Value]; twice {
			f.Add(k.Line, "key %q stands twice", k.Value)
			continue
		}
		d.fields[k.Value], d.lines[k.Value] = n.Content[i+1], k.Line
	}
	return d
}

// Has says whether the key is there.
func (d *Doc) Has(key string) bool {
	_, ok := d.fields[key]
	return ok
}

// LineOf gives the line of the key, or of the mapping.
func (d *Doc) LineOf(key string) int {
	if l, ok := d.lines[key]; ok {
		return l
	}
	return d.Line
}

// Keys gives all keys, sorted.
func (d *Doc) Keys() []string {
	keys := make([]string, 0, len(d.fields))
	for k := range d.fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Fault notes a fault at the key.
func (d *Doc) Fault(key, format string, args ...any) {
	d.faults.Add(d.LineOf(key), key+": "+format, args...)
}

// String gives the text at the key, or "".
func (d *Doc) String(key string) string {
	d.asked[key] = true
	n, ok := d.fields[key]
	if !ok {
		return ""
	}
	return d.text(key, n)
}

// Need gives the text at the key; it is a fault if there is none.
func (d *Doc) Need(key string) string {
	s := d.String(key)
	if s == "" {
		d.Fault(key, "missing")
	}
	return s
}

// Bool gives the truth value at the key, or otherwise.
func (d *Doc) Bool(key string, otherwise bool) bool {
	switch d.String(key) {
	case "":
		return otherwise
	case "true":
		return true
	case "false":
		return false
	}
	d.Fault(key, "want true or false")
	return otherwise
}

// OneOf gives the text at the key, which is one of those.
func OneOf[T ~string](d *Doc, key string, of ...T) T {
	s := T(d.Need(key))
	if s != "" && !slices.Contains(of, s) {
		words := make([]string, len(of))
		for i, w := range of {
			words[i] = string(w)
		}
		d.Fault(key, "%q is none of %s", s, strings.Join(words, ", "))
	}
	return s
}

// Strings gives the list of texts at the key.
func (d *Doc) Strings(key string) []string {
	var out []string
	for _, n := range d.items(key) {
		out = append(out, d.text(key, n))
	}
	return out
}

// Docs gives the list of mappings at the key.
func (d *Doc) Docs(key string) []*Doc {
	var out []*Doc
	for _, n := range d.items(key) {
		if doc := newDoc(n, d.faults); doc != nil {
			out = append(out, doc)
		}
	}
	return out
}

// Doc gives the mapping at the key, or nil.
func (d *Doc) Doc(key string) *Doc {
	d.asked[key] = true
	n, ok := d.fields[key]
	if !ok {
		return nil
	}
	return newDoc(n, d.faults)
}

// Done notes every key that nobody asked for.
func (d *Doc) Done() {
	for _, k := range d.Keys() {
		if !d.asked[k] {
			d.faults.Add(d.lines[k], "unknown key %q", k)
		}
	}
}

func (d *Doc) items(key string) []*yaml.Node {
	d.asked[key] = true
	n, ok := d.fields[key]
	if !ok || n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		d.Fault(key, "want a list")
		return nil
	}
	return n.Content
}

// text gives a scalar as written. A block scalar loses the newline at its end.
func (d *Doc) text(key string, n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		d.faults.Add(n.Line, "%s: want a text", key)
		return ""
	}
	if n.Tag == "!!null" {
		return ""
	}
	return strings.TrimSpace(n.Value)
}
