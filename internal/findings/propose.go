package findings

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// Proposal asks what would follow if a list named a maker.
type Proposal struct {
	// Maker is a slug, Name the company's own name.
	Maker, Name string
	// List is the id of a list.
	List string
	// Since is the day from which it would.
	Since time.Time
}

// Propose gives p with the proposals in its lists; p stays as it is. What is found by them says
// that they are proposals.
func Propose(p *policy.Policy, proposals ...Proposal) (*policy.Policy, error) {
	set := p.Lists()
	for _, x := range proposals {
		l, ok := set.List(x.List)
		if !ok {
			return nil, fmt.Errorf("there is no list %q; \"rollcall policy lists\" shows all", x.List)
		}
		if !l.Confirmed {
			return nil, fmt.Errorf("list %q was never confirmed, so that nothing is found by it", x.List)
		}
		text, err := yaml.Marshal(map[string]any{"extend": x.List, "entries": []map[string]string{{
			"maker": x.Maker, "name": x.Name, "since": x.Since.UTC().Format(time.DateOnly), "confirmed": "true", "proposed": "true"}}})
		if err != nil {
			return nil, err
		}
		if set, err = set.With(lists.Overlay{Name: "proposal", Data: text}); err != nil {
			return nil, err
		}
	}
	return p.With(set)
}
