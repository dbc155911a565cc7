package policy

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// kinds are the types that rules see.
type kinds struct {
	module, identity, origin, evidence, conflict, part, port, device, gateway, hit, lists, sets *types.Type
}

func newKinds() kinds {
	k := func(name string) *types.Type { return types.NewObjectType("rollcall." + name) }
	return kinds{k("Module"), k("Identity"), k("Origin"), k("Evidence"), k("Conflict"), k("Part"), k("Port"), k("Device"),
		k("Gateway"), k("Hit"), k("Lists"), k("Sets")}
}

// NativeToValue wraps the structs that stand as variables or whole fields.
func (p *provider) NativeToValue(v any) ref.Val {
	switch v.(type) {
	case *inventory.Module:
		return object{p.k.module, v}
	case *inventory.Identity:
		return object{p.k.identity, v}
	case *inventory.Origin:
		return object{p.k.origin, v}
	case *inventory.Device:
		return object{p.k.device, v}
	case *Gateway:
		return object{p.k.gateway, v}
	case *lists.Hit:
		return object{p.k.hit, v}
	case *listsAt:
		return object{p.k.lists, v}
	case *namedSets:
		return object{p.k.sets, v}
	}
	return p.Registry.NativeToValue(v)
}

func newProvider(k kinds, sets *namedSets) (*provider, error) {
	reg, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	p := &provider{Registry: reg, k: k, types: map[string]*types.Type{}, fields: map[string]map[string]*types.FieldType{}}
	add := func(t *types.Type, f map[string]*types.FieldType) {
		p.types[t.TypeName()], p.fields[t.TypeName()] = t, f
	}
	add(k.module, moduleFields(k))
	add(k.identity, identityFields())
	add(k.gateway, gatewayFields())
	add(k.hit, hitFields())
	add(k.lists, nil)
	add(k.sets, sets.fields())
	addParts(k, add)
	return p, nil
}

func moduleFields(k kinds) map[string]*types.FieldType {
	type M = inventory.Module
	noDevice := &inventory.Device{}
	return map[string]*types.FieldType{
		"id":         text(func(m *M) string { return m.ID }),
		"state":      text(func(m *M) string { return string(m.State) }),
		"seems":      text(func(m *M) string { return m.Seems }),
		"reason":     text(func(m *M) string { return m.Reason }),
		"data":       text(func(m *M) string { return m.Data }),
		"confidence": value(types.DoubleType, func(m *M) ref.Val { return types.Double(m.Confidence) }),
		"identity":   part(k.identity, func(m *M) *inventory.Identity { return &m.Identity }),
		"origin":     part(k.origin, func(m *M) *inventory.Origin { return &m.Origin }),
		"evidence":   many(k.evidence, func(m *M) []inventory.Evidence { return m.Evidence }),
		"conflicts":  many(k.conflict, func(m *M) []inventory.Conflict { return m.Conflicts }),
		"parts":      many(k.part, func(m *M) []inventory.Part { return m.Parts }),
		"ports":      many(k.port, func(m *M) []inventory.Port { return m.Ports }),
		"possible":   stringsField(func(m *M) []string { return m.Possible }),
		"device": {
			Type:  k.device,
			IsSet: func(t any) bool { return t.(*M).Device != nil },
			GetFrom: func(t any) (any, error) {
				if d := t.(*M).Device; d != nil {
					return d, nil
				}
				return noDevice, nil
			},
		},
	}
}

func identityFields() map[string]*types.FieldType {
	type I = inventory.Identity
	return map[string]*types.FieldType{
		"maker":      text(func(i *I) string { return i.Maker }),
		"maker_name": text(func(i *I) string { return i.MakerName }),
		"badge":      text(func(i *I) string { return i.Badge }),
		"model":      text(func(i *I) string { return i.Model }),
		"variant":    text(func(i *I) string { return i.Variant }),
		"firmware":   text(func(i *I) string { return i.Firmware }),
		"hardware":   text(func(i *I) string { return i.Hardware }),
		"imei":       text(func(i *I) string { return i.IMEI }),
		"chipset":    text(func(i *I) string { return i.Chipset }),
		"technology": text(func(i *I) string { return i.Technology }),
	}
}

func addParts(k kinds, add func(*types.Type, map[string]*types.FieldType)) {
	add(k.origin, map[string]*types.FieldType{
		"country":        text(func(o *inventory.Origin) string { return o.Country }),
		"parent_country": text(func(o *inventory.Origin) string { return o.ParentCountry }),
		"unconfirmed":    value(types.BoolType, func(o *inventory.Origin) ref.Val { return types.Bool(o.Unconfirmed) }),
	})
	add(k.evidence, map[string]*types.FieldType{
		"claim":  text(func(e *inventory.Evidence) string { return e.Claim }),
		"value":  text(func(e *inventory.Evidence) string { return e.Value }),
		"source": text(func(e *inventory.Evidence) string { return e.Source }),
		"quote":  text(func(e *inventory.Evidence) string { return e.Quote }),
		"rule":   text(func(e *inventory.Evidence) string { return e.Rule }),
	})
	add(k.conflict, map[string]*types.FieldType{
		"claim":  text(func(c *inventory.Conflict) string { return c.Claim }),
		"why":    text(func(c *inventory.Conflict) string { return c.Why }),
		"values": stringsField(func(c *inventory.Conflict) []string { return c.Values }),
	})
	add(k.part, map[string]*types.FieldType{
		"name":  text(func(p *inventory.Part) string { return p.Name }),
		"value": text(func(p *inventory.Part) string { return p.Value }),
	})
	add(k.port, map[string]*types.FieldType{
		"path":   text(func(p *inventory.Port) string { return p.Path }),
		"role":   text(func(p *inventory.Port) string { return string(p.Role) }),
		"state":  text(func(p *inventory.Port) string { return string(p.State) }),
		"holder": text(func(p *inventory.Port) string { return p.Holder }),
		"reason": text(func(p *inventory.Port) string { return p.Reason }),
	})
	type D = inventory.Device
	add(k.device, map[string]*types.FieldType{
		"bus":          text(func(d *D) string { return d.Bus }),
		"vid":          text(func(d *D) string { return d.VID }),
		"pid":          text(func(d *D) string { return d.PID }),
		"subvid":       text(func(d *D) string { return d.SubVID }),
		"subpid":       text(func(d *D) string { return d.SubPID }),
		"revision":     text(func(d *D) string { return d.Revision }),
		"path":         text(func(d *D) string { return d.Path }),
		"driver":       text(func(d *D) string { return d.Driver }),
		"manufacturer": text(func(d *D) string { return d.Manufacturer }),
		"product":      text(func(d *D) string { return d.Product }),
	})
}

func gatewayFields() map[string]*types.FieldType {
	type G = Gateway
	return map[string]*types.FieldType{
		"id":           text(func(g *G) string { return g.ID }),
		"hostname":     text(func(g *G) string { return g.Hostname }),
		"agent":        text(func(g *G) string { return g.Agent }),
		"os":           text(func(g *G) string { return g.OS }),
		"arch":         text(func(g *G) string { return g.Arch }),
		"silent":       value(types.BoolType, func(g *G) ref.Val { return types.Bool(g.Silent) }),
		"conflict":     text(func(g *G) string { return g.Conflict }),
		"duplicates":   stringsField(func(g *G) []string { return g.Duplicates }),
		"clock_synced": value(types.BoolType, func(g *G) ref.Val { return types.Bool(g.ClockSynced) }),
		"last_seen": {
			Type:    types.TimestampType,
			IsSet:   func(t any) bool { return !t.(*G).LastSeen.IsZero() },
			GetFrom: func(t any) (any, error) { return types.Timestamp{Time: t.(*G).LastSeen}, nil },
		},
		"labels": value(types.NewMapType(types.StringType, types.StringType), func(g *G) ref.Val {
			return labels{types.NewStringStringMap(types.DefaultTypeAdapter, g.Labels), g.Labels}
		}),
	}
}

func hitFields() map[string]*types.FieldType {
	type H = lists.Hit
	return map[string]*types.FieldType{
		"list":     text(func(h *H) string { return h.List.ID }),
		"name":     text(func(h *H) string { return h.List.Name }),
		"status":   text(func(h *H) string { return string(h.List.Status) }),
		"concern":  text(func(h *H) string { return string(h.List.Concern) }),
		"effect":   text(func(h *H) string { return h.List.Effect }),
		"edition":  text(func(h *H) string { return h.Edition }),
		"source":   text(func(h *H) string { return h.Source() }),
		"sentence": text(func(h *H) string { return h.Sentence() }),
		"maker":    text(func(h *H) string { return h.Entry.Maker }),
		"printed":  text(func(h *H) string { return h.Entry.Name }),
		"reason":   text(func(h *H) string { return h.Entry.Reason }),
		"since":    value(types.TimestampType, func(h *H) ref.Val { return types.Timestamp{Time: h.Since()} }),
	}
}

func stringsField[T any](get func(*T) []string) *types.FieldType {
	none := types.NewStringList(types.DefaultTypeAdapter, nil)
	return value(types.NewListType(types.StringType), func(t *T) ref.Val {
		if s := get(t); len(s) > 0 {
			return types.NewStringList(types.DefaultTypeAdapter, s)
		}
		return none
	})
}

// labels is a map in which a label that is not set is "".
type labels struct {
	traits.Mapper
	m map[string]string
}

func (l labels) Find(k ref.Val) (ref.Val, bool) {
	s, ok := k.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(k), false
	}
	return types.String(l.m[string(s)]), true
}

func (l labels) Get(k ref.Val) ref.Val {
	v, _ := l.Find(k)
	return v
}

func (l labels) ConvertToNative(t reflect.Type) (any, error) { return l.Mapper.ConvertToNative(t) }
