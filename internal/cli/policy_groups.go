package cli

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/policy"
)

// groups brings findings together that say the same of several modules.
type groups struct {
	order []groupKey
	all   map[groupKey]*groupOf
}

type groupKey struct {
	mark, key, text, exception string
	severity                   policy.Severity
}

type groupOf struct {
	finding policy.Finding
	members []string
	modules bool
}

func newGroups() *groups { return &groups{all: map[groupKey]*groupOf{}} }

func (g *groups) add(mark string, f *checked, gateways bool) {
	k := groupKey{mark: mark, key: f.Key(), text: f.Text, severity: f.Severity}
	if f.Excepted != nil {
		k.exception = f.Excepted.ID
	}
	member := f.Gateway
	if f.what != "" {
		member = join("  ", f.what, f.Module)
		if gateways {
			member = join("  ", f.Gateway, member)
		}
	}
	g.put(k, f.Finding, f.what != "", member)
}

func (g *groups) put(k groupKey, f policy.Finding, module bool, member string) {
	in, ok := g.all[k]
	if !ok {
		in = &groupOf{finding: f, modules: module}
		g.all[k] = in
		g.order = append(g.order, k)
	}
	in.members = append(in.members, member)
}

// manyTexts is how many texts of one rule make it worth a group, if most modules have one of
// their own.
const manyTexts = 3

// merged puts the findings of a rule into one group where the text of nearly each is its own.
func (g *groups) merged() *groups {
	texts, members := map[groupKey]int{}, map[groupKey]int{}
	for _, k := range g.order {
		texts[k.rule()]++
		members[k.rule()] += len(g.all[k].members)
	}
	out := newGroups()
	for _, k := range g.order {
		in, n := g.all[k], texts[k.rule()]
		if n <= manyTexts || 2*n <= members[k.rule()] {
			out.order, out.all[k] = append(out.order, k), in
			continue
		}
		f := in.finding
		f.Text = ""
		for _, member := range in.members {
			out.put(k.rule(), f, in.modules, join(": ", member, in.finding.Text))
		}
	}
	return out
}

// rule is the key of all groups of one rule.
func (k groupKey) rule() groupKey {
	k.text = ""
	return k
}

// sorted gives the groups, the most severe first, each with at most so many members.
func (g *groups) sorted(show int) []render.Group {
	g = g.merged()
	slices.SortStableFunc(g.order, func(a, b groupKey) int { return -cmp.Compare(a.severity, b.severity) })
	out := make([]render.Group, len(g.order))
	for i, k := range g.order {
		in := g.all[k]
		n := len(in.members)
		shown := min(n, show)
		thing := "module"
		if !in.modules {
			thing = "gateway"
		}
		group := render.Group{Finding: findings.Full([]policy.Finding{in.finding})[0], Mark: k.mark, Members: in.members[:shown], More: n - shown}
		if group.Text == "" {
			group.Text = k.key
		} else {
			group.Facts = append(group.Facts, k.key)
		}
		group.Facts = append(group.Facts, render.Count(n, thing), excepted(in.finding.Excepted))
		out[i] = group
	}
	return out
}

func excepted(e *policy.Exception) string {
	if e == nil {
		return ""
	}
	return "exception " + strconv.Quote(e.ID) + " until " + e.Until.Format(time.DateOnly)
}
