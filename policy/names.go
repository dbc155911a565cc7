package policy

import (
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// nameSet is a set of names of the policy, as a CEL list whose "in" is a look-up.
type nameSet struct {
	traits.Lister
	exact    map[string]struct{}
	prefixes []string
}

func newNameSet(names []string) *nameSet {
	s := &nameSet{Lister: types.NewStringList(types.DefaultTypeAdapter, names), exact: map[string]struct{}{}}
	for _, n := range names {
		if p, ok := strings.CutSuffix(n, "*"); ok {
			s.prefixes = append(s.prefixes, p)
			continue
		}
		s.exact[n] = struct{}{}
	}
	return s
}

// Contains is the operator in: exact, a * stands for itself.
func (s *nameSet) Contains(v ref.Val) ref.Val {
	text, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if p, ok := strings.CutSuffix(string(text), "*"); ok {
		for _, q := range s.prefixes {
			if p == q {
				return types.True
			}
		}
	}
	_, ok = s.exact[string(text)]
	return types.Bool(ok)
}

// covers says whether "maker/model" is in the set, or fits an entry that ends in *.
func (s *nameSet) covers(maker, model string) bool {
	name := maker + "/" + model
	if _, ok := s.exact[name]; ok {
		return true
	}
	for _, p := range s.prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// floorOf finds the oldest accepted firmware; the first that fits counts.
func floorOf(floors []Floor, maker, model string) string {
	if maker == "" || model == "" {
		return ""
	}
	for i := range floors {
		f := &floors[i]
		if f.Maker != maker {
			continue
		}
		if p, ok := strings.CutSuffix(f.Model, "*"); ok && strings.HasPrefix(model, p) || f.Model == model {
			return f.Oldest
		}
	}
	return ""
}
