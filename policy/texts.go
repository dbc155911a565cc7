package policy

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/decls"
	impl "cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
)

// maxMade bounds what one call of a function on texts makes, in bytes. The cost of a call is counted
// when it is over: a text in which each letter was replaced by another text would be refused once it
// stood in memory, with gigabytes.
const maxMade = 1 << 20

// size says, before the call, how much it makes.
type size func(args []ref.Val) int64

// boundedTexts are CEL's functions on texts. Those whose results may be far larger than what they
// are given are called where that stays within maxMade.
func boundedTexts() ([]cel.EnvOption, error) {
	env, err := cel.NewCustomEnv(ext.Strings())
	if err != nil {
		return nil, err
	}
	opts := []cel.EnvOption{ext.Strings()}
	all := env.Functions()
	for name, of := range map[string]size{"replace": replaced, "join": joined, "format": formatted} {
		bindings, err := all[name].Bindings()
		if err != nil {
			return nil, err
		}
		for _, o := range all[name].OverloadDecls() {
			opts = append(opts, cel.Function(name, bounded(o, callOf(bindings, o.ID()), of)))
		}
	}
	return opts, nil
}

func callOf(all []*impl.Overload, id string) func(...ref.Val) ref.Val {
	o := all[slices.IndexFunc(all, func(o *impl.Overload) bool { return o.Operator == id })]
	return func(args ...ref.Val) ref.Val {
		switch {
		case o.Unary != nil:
			return o.Unary(args[0])
		case o.Binary != nil:
			return o.Binary(args[0], args[1])
		}
		return o.Function(args...)
	}
}

// bounded is an overload that is called where its size is within the bound.
func bounded(o *decls.OverloadDecl, call func(...ref.Val) ref.Val, of size) cel.FunctionOpt {
	within := func(args ...ref.Val) ref.Val {
		if n := of(args); n > maxMade {
			return types.NewErr("%s would make a text of %d bytes, more than %d", o.ID(), n, maxMade)
		}
		return call(args...)
	}
	binding := cel.FunctionBinding(within)
	switch len(o.ArgTypes()) {
	case 1:
		binding = cel.UnaryBinding(func(a ref.Val) ref.Val { return within(a) })
	case 2:
		binding = cel.BinaryBinding(func(a, b ref.Val) ref.Val { return within(a, b) })
	}
	return cel.MemberOverload(o.ID(), o.ArgTypes(), o.ResultType(), binding)
}

func bytesOf(v ref.Val) int64 {
	s, _ := v.(types.String)
	return int64(len(s))
}

func replaced(args []ref.Val) int64 {
	text, _ := args[0].(types.String)
	old, _ := args[1].(types.String)
	n := int64(strings.Count(string(text), string(old)))
	if len(args) == 4 {
		if most, ok := args[3].(types.Int); ok && most >= 0 {
			n = min(n, int64(most))
		}
	}
	return bytesOf(args[0]) + n*max(0, bytesOf(args[2])-bytesOf(args[1]))
}

func joined(args []ref.Val) int64 {
	n := weight(args[0], maxMade)
	if list, ok := args[0].(traits.Lister); ok && len(args) == 2 {
		between, _ := list.Size().(types.Int)
		n += int64(between) * bytesOf(args[1])
	}
	return n
}

func formatted(args []ref.Val) int64 { return bytesOf(args[0]) + weight(args[1], maxMade) }

// weight is about how long a value is as text. It looks no further once it has found more than most:
// the same value may stand in a list of lists a million times.
func weight(v ref.Val, most int64) int64 {
	switch v := v.(type) {
	case types.String:
		return bytesOf(v) + 1
	case types.Bytes:
		return int64(len(v)) + 1
	case types.Double:
		return 512 // 1e308 with a hundred decimal places
	case traits.Mapper:
		n := int64(2)
		for i := v.Iterator(); n <= most && i.HasNext() == types.True; {
			k := i.Next()
			n += weight(k, most-n) + weight(v.Get(k), most-n)
		}
		return n
	case traits.Lister:
		n := int64(2)
		for i := v.Iterator(); n <= most && i.HasNext() == types.True; {
			n += weight(i.Next(), most-n)
		}
		return n
	}
	return int64(len(fmt.Sprint(v.Value()))) + 1
}
