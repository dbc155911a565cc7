package policy

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rollcall-iot/rollcall/policy/lists"
)

//go:embed rules/starter.yaml
var starter []byte

// Overlay is one file of a policy. A rule, set or exception of an id that is known already
// replaces that one; firmware entries come before the earlier ones. A rule entry of only id,
// enabled and severity changes those of a known rule.
type Overlay struct {
	// Name stands in error messages.
	Name string
	Data []byte
}

// Starter gives the policy that this version carries, to be loaded first or not at all.
func Starter() Overlay { return Overlay{Name: "starter.yaml", Data: starter} }

// Load loads a policy over those lists, from the overlays in order. It is all or nothing: on a
// fault no policy is given, and the error names every fault with file and line.
func Load(set *lists.Set, overlays ...Overlay) (*Policy, error) {
	return load(set, spec{sets: map[string][]string{}}, overlays)
}

// With gives a new policy with the overlays on top and, if it is not nil, with other lists;
// p stays as it is.
func (p *Policy) With(set *lists.Set, overlays ...Overlay) (*Policy, error) {
	if set == nil {
		set = p.lists
	}
	return load(set, p.spec.clone(), overlays)
}

func load(set *lists.Set, s spec, overlays []Overlay) (*Policy, error) {
	err := s.parse(overlays)
	p := &Policy{lists: set, spec: s, exceptions: map[string][]*exception{}}
	if err = errors.Join(err, p.compile()); err != nil { // one run shows all faults
		return nil, fmt.Errorf("cannot load policy: %w", err)
	}
	p.pool.New = func() any { return new(scope) }
	p.findTurns()
	digest, err := s.digest()
	if err != nil {
		return nil, err
	}
	p.version = fmt.Sprintf("%s %s+%s, lists %s", s.name, s.asOf, digest, set.Version())
	return p, nil
}

func (s *spec) digest() (string, error) {
	b, err := json.Marshal(struct {
		Sets       map[string][]string
		Floors     []Floor
		Rules      []Rule
		Exceptions []Exception
	}{s.sets, s.floors, s.rules, s.exceptions})
	if err != nil {
		return "", fmt.Errorf("cannot digest policy: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:4]), nil
}
