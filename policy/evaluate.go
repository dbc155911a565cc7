package policy

import (
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// scope holds the variables of one judgement.
type scope struct {
	module  *inventory.Module
	gateway *Gateway
	lists   listsAt
	sets    *namedSets
	now     types.Timestamp
	hit     *lists.Hit
}

// ResolveName gives a variable; see [cel.Activation].
func (s *scope) ResolveName(name string) (any, bool) {
	switch name {
	case "module":
		return s.module, true
	case "gateway":
		return s.gateway, true
	case "lists":
		return &s.lists, true
	case "sets":
		return s.sets, true
	case "now":
		return s.now, true
	case "hit":
		return s.hit, s.hit != nil
	}
	return nil, false
}

// Parent is nil: there are no other variables.
func (s *scope) Parent() cel.Activation { return nil }

// Evaluate judges one module of one gateway at that time. The findings are in the order of
// the rules; nil means that there are none.
func (p *Policy) Evaluate(m *inventory.Module, g *Gateway, now time.Time) []Finding {
	return p.AppendFindings(nil, m, g, now)
}

// AppendFindings judges as Evaluate does and appends to dst.
func (p *Policy) AppendFindings(dst []Finding, m *inventory.Module, g *Gateway, now time.Time) []Finding {
	return p.judge(dst, p.module, m, g, now)
}

// EvaluateGateway judges a gateway by the rules on gateways.
func (p *Policy) EvaluateGateway(g *Gateway, now time.Time) []Finding {
	return p.judge(nil, p.gateway, nil, g, now)
}

func (p *Policy) judge(dst []Finding, rules []*rule, m *inventory.Module, g *Gateway, now time.Time) []Finding {
	if g == nil {
		g = &Gateway{}
	}
	s := p.pool.Get().(*scope)
	*s = scope{module: m, gateway: g, sets: p.sets, now: types.Timestamp{Time: now}, lists: listsAt{p.lists, now}}
	for _, r := range rules {
		dst = p.apply(dst, r, s, now)
	}
	*s = scope{}
	p.pool.Put(s)
	return dst
}

func (p *Policy) apply(dst []Finding, r *rule, s *scope, now time.Time) []Finding {
	if r.each == nil {
		return p.once(dst, r, s, now)
	}
	v, _, err := r.each.Eval(s)
	if err != nil {
		return p.failed(dst, r, err)
	}
	hits := v.(traits.Lister)
	first := len(dst)
	for i := types.IntZero; i < hits.Size().(types.Int); i++ {
		s.hit = hits.Get(i).Value().(*lists.Hit)
		n := len(dst)
		dst = p.once(dst, r, s, now)
		if len(dst) > n && slices.ContainsFunc(dst[first:n], func(f Finding) bool { return f.List == dst[n].List }) {
			dst = dst[:n] // two entries of one list are one finding
		}
	}
	s.hit = nil
	return dst
}

func (p *Policy) once(dst []Finding, r *rule, s *scope, now time.Time) []Finding {
	v, _, err := r.when.Eval(s)
	if err != nil {
		return p.failed(dst, r, err)
	}
	if v != types.True {
		return dst
	}
	text, err := r.message.render(s)
	if err != nil {
		return p.failed(dst, r, err)
	}
	f := Finding{Rule: r.ID, Severity: r.Severity, Text: text}
	r.forShowing(&f, s)
	if s.hit != nil {
		f.List, f.Edition, f.Source, f.Since = s.hit.List.ID, s.hit.Edition, s.hit.Source(), s.hit.Since()
	}
	f.Excepted = p.excepted(&f, s, now)
	return append(dst, f)
}

// forShowing adds what only those need who show the finding. What cannot be judged is shown in full.
func (r *rule) forShowing(f *Finding, s *scope) {
	if r.brief != nil {
		f.Brief, _ = r.brief.render(s)
	}
	if r.evident != nil {
		v, _, err := r.evident.Eval(s)
		f.Evident = err == nil && v == types.True
	}
}

func (p *Policy) failed(dst []Finding, r *rule, err error) []Finding {
	return append(dst, Finding{Rule: r.ID, Severity: r.Severity, Failed: true,
		Text: shorten("rule " + r.ID + " could not be judged: " + err.Error())})
}

// excepted finds an exception that holds. One that cannot be judged does not hold.
func (p *Policy) excepted(f *Finding, s *scope, now time.Time) *Exception {
	for _, e := range p.exceptions[f.Rule] {
		if e.List != "" && e.List != f.List || !now.Before(e.Until) {
			continue
		}
		if e.when == nil {
			return e.Exception
		}
		if v, _, err := e.when.Eval(s); err == nil && v == types.True {
			return e.Exception
		}
	}
	return nil
}
