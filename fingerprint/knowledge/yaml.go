package knowledge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Error is one mistake in a file of knowledge.
type Error struct {
	File   string
	Line   int
	Reason string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

func (w Where) errorf(format string, args ...any) error {
	return &Error{File: w.File, Line: w.Line, Reason: fmt.Sprintf(format, args...)}
}

// maxFile bounds one file: the largest of ours has a tenth of that.
const maxFile = 4 << 20

// decodeYAML reads exactly one YAML document strictly: unknown and doubled keys, wrong
// types and aliases (which could make a small file huge) are errors with file and line.
func decodeYAML(file string, data []byte, into any) error {
	if len(data) > maxFile {
		return &Error{File: file, Reason: fmt.Sprintf("is larger than %d bytes", maxFile)}
	}
	if line := firstUnprintable(data); line > 0 {
		return &Error{File: file, Line: line, Reason: "holds a control character, or bytes that are no UTF-8"}
	}
	var doc, more yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(data))
	err := documents.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) != 1 {
		return &Error{File: file, Reason: "holds nothing"}
	}
	if err != nil {
		return yamlSyntaxError(file, err)
	}
	if err := documents.Decode(&more); err == nil {
		return &Error{File: file, Line: more.Line, Reason: "holds a second document; make it a file of its own"}
	} else if !errors.Is(err, io.EOF) {
		return yamlSyntaxError(file, err)
	}
	d := decoder{file}
	return d.value(doc.Content[0], reflect.ValueOf(into).Elem())
}

// firstUnprintable gives the first line with a byte that YAML does not allow, 0 for none: the library names no line.
func firstUnprintable(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		control := func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 }
		if !utf8.Valid(line) || bytes.ContainsFunc(line, control) {
			return i + 1
		}
	}
	return 0
}

// yamlSyntaxError takes the line out of the library's text ("yaml: line 3: …").
func yamlSyntaxError(file string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if n, reason, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(n); err == nil {
				return &Error{File: file, Line: line, Reason: reason}
			}
		}
	}
	return &Error{File: file, Reason: text}
}

type decoder struct{ file string }

// fromNode is implemented by types with a form of their own.
type fromNode interface {
	fromNode(d decoder, n *yaml.Node) error
}

func (d decoder) errorf(n *yaml.Node, format string, args ...any) error {
	return Where{File: d.file, Line: n.Line}.errorf(format, args...)
}

func (d decoder) value(n *yaml.Node, v reflect.Value) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return d.errorf(n, "anchors and aliases are not allowed")
	}
	if f, ok := v.Addr().Interface().(fromNode); ok {
		return f.fromNode(d, n)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.object(n, v)
	case reflect.Slice:
		return d.list(n, v)
	case reflect.Map:
		return d.mapping(n, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(n, v.Elem())
	}
	return d.scalar(n, v)
}

func (d decoder) scalar(n *yaml.Node, v reflect.Value) error {
	if n.Kind != yaml.ScalarNode {
		return d.errorf(n, "a single value is wanted here")
	}
	switch v.Kind() {
	case reflect.String:
		if n.Tag != "!!null" {
			v.SetString(n.Value)
		}
	case reflect.Int:
		i, err := strconv.Atoi(n.Value)
		if err != nil {
			return d.errorf(n, "%q is no whole number", n.Value)
		}
		v.SetInt(int64(i))
	case reflect.Bool:
		if n.Value != "true" && n.Value != "false" {
			return d.errorf(n, "%q is neither true nor false", n.Value)
		}
		v.SetBool(n.Value == "true")
	}
	return nil
}

func (d decoder) list(n *yaml.Node, v reflect.Value) error {
	if n.Kind != yaml.SequenceNode {
		return d.errorf(n, "a list is wanted here")
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		if err := d.value(c, out.Index(i)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func (d decoder) mapping(n *yaml.Node, v reflect.Value) error {
	pairs, err := d.pairs(n)
	if err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range pairs {
		item := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(p.value, item); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(p.key), item)
	}
	return nil
}

func (d decoder) object(n *yaml.Node, v reflect.Value) error {
	pairs, err := d.pairs(n)
	if err != nil {
		return err
	}
	if w := v.FieldByName("Where"); w.IsValid() {
		keys := make(map[string]int, len(pairs))
		for _, p := range pairs {
			keys[p.key] = p.at.Line
		}
		w.Set(reflect.ValueOf(Where{d.file, n.Line, keys}))
	}
	for _, p := range pairs {
		f := fieldByTag(v, p.key)
		if !f.IsValid() {
			return d.errorf(p.at, "unknown key %q", p.key)
		}
		if err := d.value(p.value, f); err != nil {
			return err
		}
	}
	return nil
}

type pair struct {
	key   string
	at    *yaml.Node
	value *yaml.Node
}

func (d decoder) pairs(n *yaml.Node) ([]pair, error) {
	if n.Kind != yaml.MappingNode {
		return nil, d.errorf(n, "keys with values are wanted here")
	}
	seen := map[string]bool{}
	var out []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || seen[k.Value] {
			return nil, d.errorf(k, "key %q stands twice or is no plain text", k.Value)
		}
		seen[k.Value] = true
		out = append(out, pair{k.Value, k, n.Content[i+1]})
	}
	return out, nil
}

func fieldByTag(v reflect.Value, key string) reflect.Value {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == key && key != "-" {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// fromNode reads a list of names, or a map of names to what differs.
func (s *VariantSet) fromNode(d decoder, n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			*s = append(*s, Variant{Name: c.Value})
		}
		return nil
	}
	pairs, err := d.pairs(n)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		var more struct {
			Technology string `yaml:"technology"`
			Chipset    string `yaml:"chipset"`
		}
		if p.value.Tag != "!!null" {
			if err := d.object(p.value, reflect.ValueOf(&more).Elem()); err != nil {
				return err
			}
		}
		*s = append(*s, Variant{p.key, more.Technology, more.Chipset})
	}
	return nil
}

// fromNode reads text and the fields beside it.
func (e *Example) fromNode(d decoder, n *yaml.Node) error {
	pairs, err := d.pairs(n)
	if err != nil {
		return err
	}
	e.Fields, e.Where = map[string]string{}, Where{File: d.file, Line: n.Line}
	for _, p := range pairs {
		if p.value.Kind != yaml.ScalarNode {
			return d.errorf(p.value, "a single value is wanted here")
		}
		if p.key == "text" {
			e.Text = p.value.Value
		} else {
			e.Fields[p.key] = p.value.Value
		}
	}
	return nil
}
