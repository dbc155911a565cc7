package bundle

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// Knowledge is what a bundle makes of the knowledge that is built into the program.
type Knowledge struct {
	Base   *fingerprint.Base
	Policy *policy.Policy
	// Cases is how many cases of the bundle came out as they say.
	Cases int
	// Warnings say what a person should look at, in one sentence each.
	Warnings []string
}

// Load lays the bundle over the knowledge of this program, and the user's own fingerprints
// over both. It is all or nothing: the error names every fault, and then nothing is loaded.
func (b *Bundle) Load(own ...fingerprint.Overlay) (k *Knowledge, err error) {
	defer func() {
		if p := recover(); p != nil { // a reader's mistake must not end a collector
			k, err = nil, fmt.Errorf("cannot load bundle %s: %w: reading it ended in a panic: %v", b, ErrContents, p)
		}
	}()
	base, err1 := fingerprint.Load(append(overlays[fingerprint.Overlay](b, "fingerprints"), own...)...)
	p, warnings, err2 := b.policy()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("cannot load bundle %s: %w: %w", b, ErrContents, err)
	}
	cases := p.Test()
	for _, r := range cases {
		if !r.OK() {
			return nil, fmt.Errorf("cannot load bundle %s: %w: case %q (%s:%d): %s", b, ErrContents, r.Name, r.File, r.Line, wrong(r))
		}
	}
	return &Knowledge{Base: base, Policy: p, Cases: len(cases), Warnings: warnings}, nil
}

func wrong(r policy.Result) string {
	var parts []string
	for _, x := range []struct {
		what string
		keys []string
	}{{"not found: ", r.Missing}, {"found, and should not be: ", r.Unwanted}, {"", r.Failed}} {
		if len(x.keys) > 0 {
			parts = append(parts, x.what+strings.Join(x.keys, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func (b *Bundle) policy() (*policy.Policy, []string, error) {
	embedded, err := lists.Embedded()
	if err != nil {
		return nil, nil, err
	}
	set, err := lists.Load(overlays[lists.Overlay](b, "lists")...)
	if err != nil {
		return nil, nil, err
	}
	p, err := policy.Load(set, append([]policy.Overlay{policy.Starter()}, overlays[policy.Overlay](b, "rules")...)...)
	return p, older(embedded, set), err
}

// older tells of lists that a program newer than the bundle knows better.
func older(embedded, set *lists.Set) []string {
	var out []string
	for _, l := range embedded.All() {
		if got, ok := set.List(l.ID); ok && l.AsOf.After(got.AsOf.Time()) {
			out = append(out, fmt.Sprintf("list %s is as of %s in the bundle and as of %s in this program: publish a newer bundle", l.ID, got.AsOf, l.AsOf))
		}
	}
	return out
}

// overlays gives the files of one folder, named so that an error tells where they came from.
func overlays[T ~struct {
	Name string
	Data []byte
}](b *Bundle, folder string) []T {
	var out []T
	for _, c := range b.contents {
		if strings.HasPrefix(c.Path, folder+"/") {
			out = append(out, T{Name: fmt.Sprintf("%s@%d/%s", b.Name, b.Version, c.Path), Data: c.Data})
		}
	}
	return out
}
