package findings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// Load gives the lists and the starter policy of this version with the user's own over them:
// the *.yaml of a directory in order of their names, or one file. An empty path means none; a
// path that is not there is an error, since judging without somebody's rules clears too much.
func Load(path string) (*policy.Policy, error) {
	own, err := read(path)
	if err != nil {
		return nil, err
	}
	set, err := lists.Load(own.lists...)
	if err != nil {
		return nil, err
	}
	return policy.Load(set, append([]policy.Overlay{policy.Starter()}, own.rules...)...)
}

// Over gives a policy with the user's files at path over p, which stays as it is.
func Over(p *policy.Policy, path string) (*policy.Policy, error) {
	own, err := read(path)
	if err != nil {
		return nil, err
	}
	set, err := p.Lists().With(own.lists...)
	if err != nil {
		return nil, err
	}
	return p.With(set, own.rules...)
}

// files are the user's own, by what they hold.
type files struct {
	lists []lists.Overlay
	rules []policy.Overlay
}

func read(path string) (files, error) {
	var own files
	found, err := overlay.Files(path)
	if errors.Is(err, fs.ErrNotExist) {
		return own, fmt.Errorf("cannot read your own lists and rules: there is no %q", path)
	}
	if err != nil {
		return own, fmt.Errorf("cannot read your own lists and rules: %w", err)
	}
	for _, f := range found {
		switch kindOf(f.Data) {
		case "policy":
			own.rules = append(own.rules, policy.Overlay(f))
		case "list":
			own.lists = append(own.lists, lists.Overlay(f))
		default:
			return own, fmt.Errorf("cannot read your own lists and rules: %s: neither rules, which begin with \"policy: NAME\", nor a list, which has \"id: NAME\" or \"extend: NAME\"", f.Name)
		}
	}
	return own, nil
}

// kindOf tells a file of rules from one of lists by the keys of its first document. What is
// no YAML goes to a reader of rules, which says where.
func kindOf(data []byte) string {
	var keys map[string]yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&keys); err != nil {
		return "policy"
	}
	for _, k := range []struct{ key, kind string }{{"policy", "policy"}, {"id", "list"}, {"extend", "list"}} {
		if _, ok := keys[k.key]; ok {
			return k.kind
		}
	}
	return ""
}
