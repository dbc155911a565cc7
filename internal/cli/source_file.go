package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// maxValue bounds one report or page in a file.
const maxValue = 256 << 20

// readModules gives the modules of a file, or of standard input for "-": reports of scan, module
// objects of identify, or what a collector's API answers; as many of them as there are.
func readModules(c *cobra.Command, path string) iter.Seq2[located, error] {
	return func(yield func(located, error) bool) {
		in, err := openInput(c, path)
		if err != nil {
			yield(located{}, err)
			return
		}
		defer func() { _ = in.Close() }()
		values := 0
		for raw, err := range jsonValues(in) {
			var found []located
			if values++; err == nil {
				found, err = readValue(raw)
			}
			if err != nil {
				yield(located{}, fmt.Errorf("cannot read modules from %s: value %d: %w", named(path), values, err))
				return
			}
			for _, l := range found {
				if !yield(l, nil) {
					return
				}
			}
		}
		if values == 0 {
			yield(located{}, fmt.Errorf("cannot read modules from %s: it is empty; want a report of \"rollcall scan -o json\", or modules of \"rollcall identify -o json\"", named(path)))
		}
	}
}

// jsonValues gives one JSON value after the other, each of a bounded size.
func jsonValues(r io.Reader) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		limited := &io.LimitedReader{R: r, N: maxValue}
		for d := json.NewDecoder(limited); ; limited.N = maxValue {
			var raw json.RawMessage
			err := d.Decode(&raw)
			switch {
			case errors.Is(err, io.EOF) && limited.N > 0:
				return
			case err != nil && limited.N <= 0:
				err = fmt.Errorf("larger than %d bytes", maxValue)
			case err != nil:
				err = fmt.Errorf("not JSON: %w", err)
			}
			if !yield(raw, err) || err != nil {
				return
			}
		}
	}
}

// fileModule is a module object with what a collector adds to it.
type fileModule struct {
	inventory.Module
	Gateway    string `json:"gateway"`
	Conflicted bool   `json:"conflicted"`
}

// readValue tells by its keys what a value is, and gives the modules in it.
func readValue(raw json.RawMessage) ([]located, error) {
	if bytes.HasPrefix(raw, []byte("[")) {
		return readList(raw)
	}
	var keys struct {
		Schema   string          `json:"schema"`
		State    string          `json:"state"`
		Items    json.RawMessage `json:"items"`
		Exchange json.RawMessage `json:"exchange"`
		Next     *string         `json:"next"`
	}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, fmt.Errorf("neither a report nor a module: %w", err)
	}
	switch {
	case keys.Schema != "":
		return readReport(raw)
	case keys.Items != nil:
		return readList(keys.Items)
	case keys.State != "":
		return readModule(raw)
	case keys.Next != nil: // the last line of /api/v1/export/modules
		return nil, nil
	case keys.Exchange != nil:
		return nil, errors.New("a transcript, which nobody has judged; run \"rollcall identify -o json --from FILE\" first")
	}
	return nil, errors.New("neither a report of \"rollcall scan -o json\" nor a module of \"rollcall identify -o json\"")
}

func readList(raw json.RawMessage) ([]located, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, err
	}
	var out []located
	for i, item := range items {
		if !bytes.HasPrefix(item, []byte("{")) {
			return nil, fmt.Errorf("item %d is no object", i+1)
		}
		found, err := readValue(item)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

func readReport(raw json.RawMessage) ([]located, error) {
	var compact bytes.Buffer // indented, a report may be larger than one may be
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	r, err := inventory.DecodeReport(compact.Bytes())
	if err != nil {
		return nil, err
	}
	g := &policy.Gateway{Gateway: r.Gateway, ClockSynced: r.ClockSynced}
	out := make([]located, len(r.Modules))
	for i := range r.Modules {
		out[i] = located{gateway: g, module: &r.Modules[i]}
	}
	if len(out) == 0 {
		out = []located{{gateway: g}}
	}
	return out, nil
}

func readModule(raw json.RawMessage) ([]located, error) {
	var m fileModule
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("not a module: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if m.Conflicted && len(m.Conflicts) == 0 {
		m.Conflicts = []inventory.Conflict{unsaid()}
	}
	return []located{{gateway: &policy.Gateway{Gateway: inventory.Gateway{ID: m.Gateway}}, module: &m.Module, bare: true}}, nil
}
