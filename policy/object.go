package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// object makes a Go struct a CEL value without reflection and without copying: rules read
// its fields through the tables in fields.go.
type object struct {
	typ *types.Type
	ptr any // a pointer to the struct
}

func (o object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("cannot convert %s to %v", o.typ, t)
}

func (o object) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return o.typ
	}
	return types.NewErr("cannot convert %s to %s", o.typ, t.TypeName())
}

// Equal: the same thing, not one that looks alike.
func (o object) Equal(other ref.Val) ref.Val { return types.Bool(o.ptr == other.Value()) }

func (o object) Type() ref.Type { return o.typ }
func (o object) Value() any     { return o.ptr }

// provider tells CEL the types of objects, and turns what fields hold into CEL values.
type provider struct {
	*types.Registry
	k      kinds
	types  map[string]*types.Type
	fields map[string]map[string]*types.FieldType
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if t, ok := p.types[name]; ok {
		return types.NewTypeTypeWithParam(t), true
	}
	return p.Registry.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if f, ok := p.fields[name]; ok {
		return slices.Sorted(maps.Keys(f)), true
	}
	return p.Registry.FindStructFieldNames(name)
}

func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if f, ok := p.fields[name]; ok {
		ft, ok := f[field]
		return ft, ok
	}
	return p.Registry.FindStructFieldType(name, field)
}

func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ok := p.types[name]; ok {
		return types.NewErr("rules cannot make a %s", name)
	}
	return p.Registry.NewValue(name, fields)
}

// text, and the other makers of fields, give the getter and the "is it set" of one field.
func text[T any](get func(*T) string) *types.FieldType {
	return &types.FieldType{
		Type:    types.StringType,
		IsSet:   func(t any) bool { return get(t.(*T)) != "" },
		GetFrom: func(t any) (any, error) { return types.String(get(t.(*T))), nil },
	}
}

func value[T any](typ *types.Type, get func(*T) ref.Val) *types.FieldType {
	return &types.FieldType{
		Type:    typ,
		IsSet:   func(any) bool { return true },
		GetFrom: func(t any) (any, error) { return get(t.(*T)), nil },
	}
}

func part[T, P any](typ *types.Type, get func(*T) *P) *types.FieldType {
	return &types.FieldType{
		Type:    typ,
		IsSet:   func(any) bool { return true },
		GetFrom: func(t any) (any, error) { return get(t.(*T)), nil },
	}
}

// many gives a list of structs. Most lists are empty for most modules.
func many[T, E any](elem *types.Type, get func(*T) []E) *types.FieldType {
	none := types.NewRefValList(types.DefaultTypeAdapter, nil)
	return value(types.NewListType(elem), func(t *T) ref.Val {
		s := get(t)
		if len(s) == 0 {
			return none
		}
		vals := make([]ref.Val, len(s))
		for i := range s {
			vals[i] = object{elem, &s[i]}
		}
		return types.NewRefValList(types.DefaultTypeAdapter, vals)
	})
}
