// Package yamldoc reads the YAML documents of lists and policies strictly: bounded, without
// aliases, every key known, every fault with its file and line.
//
// A [Doc] hands out the fields of one mapping by name; [Doc.Done] reports what nobody asked
// for. All faults of a file are collected, so that one run shows all of them.
//
// It never guesses: a key twice, a value of another kind or a second meaning is a fault.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes bounds one file.
const MaxBytes = 1 << 20

// maxNodes bounds what a file may hold; the largest real list has a few hundred entries.
const maxNodes = 200_000

// Error is one fault in one file.
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

// Faults collects the faults of one file.
type Faults struct {
	File string
	errs []error
}

// Add notes a fault.
func (f *Faults) Add(line int, format string, args ...any) {
	f.errs = append(f.errs, &Error{File: f.File, Line: line, Reason: fmt.Sprintf(format, args...)})
}

// Err gives all faults as one error, or nil.
func (f *Faults) Err() error { return errors.Join(f.errs...) }

// Documents reads all documents of a file. Each is a mapping.
func Documents(data []byte, f *Faults) []*Doc {
	if len(data) > MaxBytes {
		f.Add(0, "file of %d bytes is larger than %d", len(data), MaxBytes)
		return nil
	}
	var docs []*Doc
	d := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			f.Add(0, "not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
			return nil
		}
		if !plain(&n, f) {
			return nil
		}
		if doc := newDoc(n.Content[0], f); doc != nil {
			docs = append(docs, doc)
		}
	}
}

// plain refuses aliases, which make small files large, and files of too many nodes.
func plain(root *yaml.Node, f *Faults) bool {
	nodes := 0
	stack := []*yaml.Node{root}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n.Kind == yaml.AliasNode || n.Anchor != "" {
			f.Add(n.Line, "anchors and aliases are not read here")
			return false
		}
		if nodes++; nodes > maxNodes {
			f.Add(n.Line, "more than %d values in one file", maxNodes)
			return false
		}
		stack = append(stack, n.Content...)
	}
	return true
}
