package policy

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/rollcall-iot/rollcall/policy/internal/yamldoc"
)

// rule is a Rule that can be judged.
type rule struct {
	*Rule
	each    cel.Program // or nil
	when    cel.Program
	message message
	brief   message     // or nil
	evident cel.Program // or nil
	reads   reads       // by any of these, and by its exceptions
	asks    reads       // by each and when
}

type exception struct {
	*Exception
	when cel.Program // or nil: always
}

// compiler holds the languages of the scopes.
type compiler struct {
	k       kinds
	base    func(on Scope, each bool) (*cel.Env, error)
	envs    map[string]*cel.Env
	errs    []error
	subject string // "rule named-in-list"
	file    string
	line    int
	reads   reads // of what is being compiled
}

func (p *Policy) compile() error {
	sets := &namedSets{byName: map[string]*nameSet{}}
	for name, names := range p.spec.sets {
		sets.byName[name] = newNameSet(names)
	}
	k := newKinds()
	types, err := newProvider(k, sets)
	if err != nil {
		return err
	}
	c := &compiler{k: k, envs: map[string]*cel.Env{}, base: func(on Scope, each bool) (*cel.Env, error) {
		return newEnv(types, k, p.spec.floors, on, each)
	}}
	on, by := map[string]Scope{}, map[string]*rule{}
	for i := range p.spec.rules {
		r := &p.spec.rules[i]
		on[r.ID] = r.On
		compiled := c.rule(r)
		by[r.ID] = compiled
		switch {
		case !r.Enabled:
		case r.On == OnGateway:
			p.gateway = append(p.gateway, compiled)
		default:
			p.module = append(p.module, compiled)
		}
	}
	for i := range p.spec.exceptions {
		e := &p.spec.exceptions[i]
		c.reads = reads{}
		if r := by[e.Rule]; r != nil {
			c.reads = r.reads
		}
		p.exceptions[e.Rule] = append(p.exceptions[e.Rule], c.exception(e, on))
	}
	p.sets = sets
	return errors.Join(c.errs...)
}

func (c *compiler) at(subject, file string, line int) {
	c.subject, c.file, c.line = subject, file, line
}

func (c *compiler) fault(key, format string, args ...any) {
	c.errs = append(c.errs, &yamldoc.Error{File: c.file, Line: c.line,
		Reason: c.subject + ": " + key + ": " + fmt.Sprintf(format, args...)})
}

func (c *compiler) rule(r *Rule) *rule {
	c.at("rule "+r.ID, r.File, r.Line)
	out := &rule{Rule: r, reads: reads{}}
	c.reads = out.reads
	if r.Each != "" {
		out.each = c.program("each", r.Each, r.On, false, cel.ListType(c.k.hit))
	}
	out.when = c.program("when", r.When, r.On, r.Each != "", cel.BoolType)
	out.asks = maps.Clone(out.reads)
	out.message = c.message(r, "message", r.Message)
	if r.Brief != "" {
		out.brief = c.message(r, "brief", r.Brief)
	}
	if r.Evident != "" {
		out.evident = c.program("evident", r.Evident, r.On, r.Each != "", cel.BoolType)
	}
	return out
}

func (c *compiler) exception(e *Exception, on map[string]Scope) *exception {
	c.at("exception "+e.ID, e.File, e.Line)
	scope, ok := on[e.Rule]
	if !ok {
		c.fault("rule", "there is no rule %q", e.Rule)
	}
	out := &exception{Exception: e}
	if e.When != "" {
		out.when = c.program("when", e.When, scope, false, cel.BoolType)
	}
	return out
}

func (c *compiler) message(r *Rule, key, text string) message {
	parts, err := splitMessage(text)
	if err != nil {
		c.fault(key, "%v", err)
		return nil
	}
	var m message
	for i, s := range parts {
		if i%2 == 0 {
			m = append(m, piece{literal: s})
			continue
		}
		m = append(m, piece{program: c.program(key, s, r.On, r.Each != "", cel.StringType)})
	}
	return m
}

// program compiles one expression. Where a text is wanted, a number, time or truth value will
// do: it is written out.
func (c *compiler) program(key, text string, on Scope, each bool, want *cel.Type) cel.Program {
	if text == "" && key == "when" {
		return nil // named as missing already
	}
	env, err := c.env(on, each)
	if err != nil {
		c.fault(key, "%v", err)
		return nil
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		c.fault(key, "%s", oneLine(issues.Err()))
		return nil
	}
	if got := ast.OutputType(); !got.IsExactType(want) {
		if want == cel.StringType && plainType(got) {
			return c.program(key, "string("+text+")", on, each, want)
		}
		c.fault(key, "is a %s, want a %s", got, want)
		return nil
	}
	if testsLabel(ast.NativeRep().Expr()) {
		c.fault(key, `has() of a label always holds; ask "NAME" in gateway.labels`)
	}
	c.reads.of(ast.NativeRep().Expr(), c.k)
	program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	if err != nil {
		c.fault(key, "%v", err)
		return nil
	}
	return program
}

func (c *compiler) env(on Scope, each bool) (*cel.Env, error) {
	name := fmt.Sprint(on, each)
	if env, ok := c.envs[name]; ok {
		return env, nil
	}
	env, err := c.base(on, each)
	if err == nil {
		c.envs[name] = env
	}
	return env, err
}

func plainType(t *cel.Type) bool {
	for _, p := range []*cel.Type{cel.BoolType, cel.IntType, cel.UintType, cel.DoubleType, cel.TimestampType, cel.DurationType} {
		if t.IsExactType(p) {
			return true
		}
	}
	return false
}

// oneLine keeps CEL's reason and column and drops its drawing.
func oneLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimPrefix(first, "ERROR: <input>:")
}
