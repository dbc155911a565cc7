package policy

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// reads are what an expression looks at: "module.origin", "module.identity.imei",
// "gateway.labels", "now"; "gateway" alone where it is handed on as a whole.
type reads map[string]bool

// of adds what e looks at. A module that is handed to a function of ours as a whole is asked for
// its maker and model there. Where a whole goes otherwise, as in [module].exists(m, m.id == ""), is
// not followed: all of it counts as looked at.
func (r reads) of(e ast.Expr, k kinds) {
	followed := map[int64]bool{} // expressions of which it is known what is looked at
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.CallKind:
			if f := e.AsCall().FunctionName(); f == "covers" || f == "floor" {
				for _, arg := range e.AsCall().Args() {
					followed[arg.ID()] = true
				}
			}
		case ast.SelectKind, ast.IdentKind:
			name := nameOf(e)
			if e.Kind() == ast.SelectKind && name != "" {
				r[name] = true
				followed[e.AsSelect().Operand().ID()] = true
			}
			if !followed[e.ID()] {
				r.whole(name, k)
			}
		}
	}))
}

// nameOf is the name of what e looks at: "now", "module", "module.identity", "module.identity.imei"; else "".
func nameOf(e ast.Expr) string {
	if e.Kind() == ast.IdentKind {
		switch name := e.AsIdent(); name {
		case "now", "module", "gateway":
			return name
		}
		return ""
	}
	if e.Kind() != ast.SelectKind {
		return ""
	}
	switch of := nameOf(e.AsSelect().Operand()); of {
	case "module", "gateway", "module.identity":
		return of + "." + e.AsSelect().FieldName()
	}
	return ""
}

// whole adds what is looked at as a whole, and all fields where some are told apart.
func (r reads) whole(name string, k kinds) {
	switch name {
	case "":
		return
	case "module":
		r.fields(name, moduleFields(k))
		r.fields("module.identity", identityFields())
	case "module.identity":
		r.fields(name, identityFields())
	case "gateway":
		r.fields(name, gatewayFields())
	}
	r[name] = true
}

func (r reads) fields(of string, fields map[string]*types.FieldType) {
	for f := range fields {
		r[of+"."+f] = true
	}
}

// shared says whether modules that are alike have the same findings: by maker, model and
// whatever else thousands share, labels of the gateway among them.
func (r reads) shared() bool {
	for name := range r {
		switch name {
		case "module.identity.imei", "module.id", "module.confidence", "now":
			return false
		case "gateway.labels":
			continue
		}
		if strings.HasPrefix(name, "gateway.") || ofEvidence(name) || name == "module.parts" {
			return false
		}
	}
	return true
}

// alike says whether modules that are alike, and in the same place of gateways that a collector
// says the same of, get the same answer.
func (r reads) alike() bool {
	most := reads{}
	for name := range r {
		switch name {
		case "module.id", "gateway.conflict", "gateway.silent", "gateway.duplicates":
		default:
			most[name] = true
		}
	}
	return most.shared()
}

// ofEvidence says whether only the report tells it.
func ofEvidence(name string) bool {
	switch name {
	case "module.evidence", "module.ports", "module.device", "module.data":
		return true
	}
	return false
}

// Reads says whether any rule or exception that is judged looks at a field, such as
// "gateway.last_seen", or at "now".
func (p *Policy) Reads(name string) bool {
	for _, rules := range [][]*rule{p.module, p.gateway} {
		for _, r := range rules {
			if r.reads[name] {
				return true
			}
		}
	}
	return false
}

// NeedsEvidence says whether modules can be judged only with what their report alone tells:
// evidence, ports, device and data.
func (p *Policy) NeedsEvidence() bool {
	for _, r := range p.module {
		for name := range r.reads {
			if ofEvidence(name) {
				return true
			}
		}
	}
	return false
}
