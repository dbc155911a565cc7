package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/policy/internal/yamldoc"
)

// spec is a policy as written, before its expressions are compiled.
type spec struct {
	name       string
	asOf       string
	sets       map[string][]string
	floors     []Floor
	rules      []Rule
	exceptions []Exception
	cases      []Case
}

func (s spec) clone() spec {
	c := s
	c.sets = map[string][]string{}
	for k, v := range s.sets {
		c.sets[k] = v
	}
	c.floors, c.rules = slices.Clone(s.floors), slices.Clone(s.rules)
	c.exceptions, c.cases = slices.Clone(s.exceptions), slices.Clone(s.cases)
	return c
}

// parse reads the overlays on top of s, in order.
func (s *spec) parse(overlays []Overlay) error {
	var errs []error
	for _, o := range overlays {
		f := &yamldoc.Faults{File: o.Name}
		for _, d := range yamldoc.Documents(o.Data, f) {
			s.document(d, o.Name)
		}
		errs = append(errs, f.Err())
	}
	return errors.Join(errs...)
}

func (s *spec) document(d *yamldoc.Doc, file string) {
	s.named(identifier(d, "policy", d.Need("policy")))
	if asOf := d.String("as_of"); asOf != "" {
		s.asOf = asOf
	}
	if sets := d.Doc("sets"); sets != nil {
		for _, name := range sets.Keys() {
			s.sets[setName(sets, name)] = sets.Strings(name)
		}
		sets.Done()
	}
	var floors []Floor
	for _, n := range d.Docs("firmware") {
		floors = append(floors, parseFloor(n))
	}
	s.floors = append(floors, s.floors...) // an overlay's own come first, and the first that fits counts
	seen := map[string]bool{}
	for _, n := range d.Docs("rules") {
		s.rule(n, file, seen)
	}
	for _, n := range d.Docs("exceptions") {
		s.exception(n, file, seen)
	}
	for _, n := range d.Docs("cases") {
		s.cases = append(s.cases, parseCase(n, file))
	}
	d.Done()
}

// named notes the policy's name: with overlays, all of them.
func (s *spec) named(name string) {
	if s.name != "" && !slices.Contains(strings.Split(s.name, "+"), name) {
		name = s.name + "+" + name
	}
	s.name = name
}

func parseFloor(n *yamldoc.Doc) Floor {
	f := Floor{Maker: n.Need("maker"), Model: n.Need("model"), Oldest: n.Need("oldest"), Source: n.String("source")}
	n.Done()
	return f
}

func (s *spec) rule(n *yamldoc.Doc, file string, seen map[string]bool) {
	id := identifier(n, "id", n.Need("id"))
	if seen[id] {
		n.Fault("id", "rule %q stands twice", id)
	}
	seen[id] = true
	i := slices.IndexFunc(s.rules, func(r Rule) bool { return r.ID == id })
	enabled := n.Bool("enabled", true)
	if i >= 0 && !n.Has("when") && !n.Has("message") { // only switches a known rule on or off, or weighs it anew
		r := s.rules[i]
		r.Enabled = enabled
		if n.Has("severity") {
			r.Severity = severity(n)
		}
		s.rules[i] = r
		n.Done()
		return
	}
	r := Rule{
		ID: id, On: OnModule, Each: n.String("each"), When: n.Need("when"), Severity: severity(n), Message: n.Need("message"),
		Brief: n.String("brief"), Evident: n.String("evident"), Doc: n.String("doc"), Enabled: enabled, File: file, Line: n.Line,
	}
	if n.Has("on") {
		r.On = yamldoc.OneOf(n, "on", OnModule, OnGateway)
	}
	n.Done()
	if i >= 0 {
		s.rules[i] = r
		return
	}
	s.rules = append(s.rules, r)
}

func (s *spec) exception(n *yamldoc.Doc, file string, seen map[string]bool) {
	e := Exception{
		ID: identifier(n, "id", n.Need("id")), Rule: n.Need("rule"), List: n.String("list"), When: n.String("when"),
		Owner: n.Need("owner"), Reason: n.Need("reason"), File: file, Line: n.Line,
	}
	if seen["exception "+e.ID] {
		n.Fault("id", "exception %q stands twice", e.ID)
	}
	seen["exception "+e.ID] = true
	until, err := time.Parse(time.DateOnly, n.Need("until"))
	if err != nil {
		n.Fault("until", "want the first day on which it no longer holds, such as 2027-01-31")
	}
	e.Until = until
	n.Done()
	if i := slices.IndexFunc(s.exceptions, func(x Exception) bool { return x.ID == e.ID }); i >= 0 {
		s.exceptions[i] = e
		return
	}
	s.exceptions = append(s.exceptions, e)
}

func severity(n *yamldoc.Doc) Severity {
	sev, err := ParseSeverity(n.Need("severity"))
	if err != nil {
		n.Fault("severity", "%v", err)
	}
	return sev
}

// identifier keeps ids to what can stand in a file name, a link and a metric.
func identifier(d *yamldoc.Doc, key, s string) string {
	if err := checkName(s, '-'); err != nil {
		d.Fault(key, "%v", err)
	}
	return s
}

// setName keeps names of sets to what CEL reads as a field.
func setName(d *yamldoc.Doc, s string) string {
	if err := checkName(s, '_'); err != nil {
		d.Fault(s, "%v", err)
	}
	return s
}

func checkName(s string, and byte) error {
	if len(s) > 64 {
		return fmt.Errorf("longer than 64 characters")
	}
	for i, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == and) {
			continue
		}
		return fmt.Errorf("%q may hold only a-z, 0-9 and %c, and begins with a letter", s, and)
	}
	return nil
}
