package policy

import (
	"maps"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// The bounds of one expression. They hold for the largest module that a report can carry
// and for the most careful rule; what reaches them is a mistake or an attack.
const (
	maxExpression = 4 << 10 // characters
	maxNodes      = 500
	maxDepth      = 32
	maxRegexp     = 1000    // instructions of a compiled pattern
	maxCost       = 200_000 // units of work for one evaluation: some ten milliseconds
)

// listsAt is the variable lists: the lists at the time of the judgement.
type listsAt struct {
	set *lists.Set
	at  time.Time
}

// namedSets is the variable sets.
type namedSets struct{ byName map[string]*nameSet }

func (s *namedSets) fields() map[string]*types.FieldType {
	f := map[string]*types.FieldType{}
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		set := s.byName[name]
		f[name] = value(types.NewListType(types.StringType), func(*namedSets) ref.Val { return set })
	}
	return f
}

// newEnv makes the language of rules of that scope. each adds the variable hit.
func newEnv(p *provider, k kinds, floors []Floor, on Scope, each bool) (*cel.Env, error) {
	texts, err := boundedTexts()
	if err != nil {
		return nil, err
	}
	opts := append(texts,
		cel.CustomTypeProvider(p), cel.CustomTypeAdapter(p),
		cel.Variable("gateway", k.gateway), cel.Variable("lists", k.lists), cel.Variable("sets", k.sets),
		cel.Variable("now", cel.TimestampType),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ExpressionNodeLimit(maxNodes),
		cel.ExpressionNestingDepthLimit(maxDepth), cel.ParserRecursionLimit(maxDepth), cel.RegexProgramSizeLimit(maxRegexp),
		cel.DefaultUTCTimeZone(true),
	)
	if on == OnModule {
		opts = append(opts, cel.Variable("module", k.module))
	}
	if each {
		opts = append(opts, cel.Variable("hit", k.hit))
	}
	return cel.NewCustomEnv(append(append(opts, cel.StdLib()), functions(k, floors)...)...)
}

func functions(k kinds, floors []Floor) []cel.EnvOption {
	names := cel.ListType(cel.StringType)
	return []cel.EnvOption{
		cel.Function("naming", cel.MemberOverload("lists_naming_string", []*cel.Type{k.lists, cel.StringType}, cel.ListType(k.hit),
			cel.BinaryBinding(func(l, maker ref.Val) ref.Val { return naming(k, l, maker) }))),
		cel.Function("named",
			cel.MemberOverload("lists_named_string", []*cel.Type{k.lists, cel.StringType}, cel.BoolType,
				cel.BinaryBinding(func(l, maker ref.Val) ref.Val { return named(l, maker, types.String("")) })),
			cel.MemberOverload("lists_named_string_string", []*cel.Type{k.lists, cel.StringType, cel.StringType}, cel.BoolType,
				cel.FunctionBinding(func(a ...ref.Val) ref.Val { return named(a[0], a[1], a[2]) }))),
		cel.Function("covers", cel.MemberOverload("names_covers_module", []*cel.Type{names, k.module}, cel.BoolType,
			cel.BinaryBinding(covers))),
		cel.Function("floor", cel.Overload("floor_module", []*cel.Type{k.module}, cel.StringType,
			cel.UnaryBinding(func(m ref.Val) ref.Val {
				id := &m.Value().(*inventory.Module).Identity
				return types.String(floorOf(floors, id.Maker, id.Model))
			}))),
		cel.Function("olderThan", cel.MemberOverload("string_olderThan_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				order, ok := CompareFirmware(string(a.(types.String)), string(b.(types.String)))
				return types.Bool(ok && order < 0)
			}))),
		cel.Function("comparableWith", cel.MemberOverload("string_comparableWith_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				_, ok := CompareFirmware(string(a.(types.String)), string(b.(types.String)))
				return types.Bool(ok)
			}))),
		cel.Function("validIMEI", cel.Overload("validIMEI_string", []*cel.Type{cel.StringType}, cel.BoolType,
			cel.UnaryBinding(func(s ref.Val) ref.Val { return types.Bool(inventory.ValidIMEI(string(s.(types.String)))) }))),
	}
}

func naming(k kinds, l, maker ref.Val) ref.Val {
	at := l.Value().(*listsAt)
	hits := at.set.Naming(string(maker.(types.String)), at.at)
	vals := make([]ref.Val, len(hits))
	for i := range hits {
		vals[i] = object{k.hit, &hits[i]}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals)
}

func named(l, maker, list ref.Val) ref.Val {
	at := l.Value().(*listsAt)
	return types.Bool(at.set.Named(string(maker.(types.String)), string(list.(types.String)), at.at))
}

// covers takes sets of the policy only: a list written in a rule has no entries with *.
func covers(set, module ref.Val) ref.Val {
	s, ok := set.(*nameSet)
	if !ok {
		return types.NewErr("covers wants a set of the policy, sets.NAME")
	}
	id := &module.Value().(*inventory.Module).Identity
	return types.Bool(s.covers(id.Maker, id.Model))
}

// testsLabel finds has(gateway.labels.NAME), which would always hold: a label that is not
// set is "".
func testsLabel(e ast.Expr) bool {
	found := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind || !e.AsSelect().IsTestOnly() {
			return
		}
		if op := e.AsSelect().Operand(); op.Kind() == ast.SelectKind && op.AsSelect().FieldName() == "labels" {
			found = true
		}
	}))
	return found
}
