package policy

import (
	"strings"

	"cel.dev/cel-go/common/ast"
)

// reads are what an expression looks at: "module.origin", "module.identity.imei",
// "gateway.labels", "now".
type reads map[string]bool

// of adds what e looks at. A module that is handed to a function as a whole is asked for its
// maker and model there.
func (r reads) of(e ast.Expr) {
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.IdentKind:
			if e.AsIdent() == "now" {
				r["now"] = true
			}
		case ast.SelectKind:
			switch op := e.AsSelect().Operand(); {
			case isVariable(op):
				r[op.AsIdent()+"."+e.AsSelect().FieldName()] = true
			case op.Kind() == ast.SelectKind && isVariable(op.AsSelect().Operand()) && op.AsSelect().FieldName() == "identity":
				r["module.identity."+e.AsSelect().FieldName()] = true
			}
		}
	}))
}

func isVariable(e ast.Expr) bool {
	return e.Kind() == ast.IdentKind && (e.AsIdent() == "module" || e.AsIdent() == "gateway")
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
