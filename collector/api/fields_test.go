package api_test

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// shape is what the document says of one value.
type shape struct {
	Ref        string           `json:"$ref"`
	Properties map[string]shape `json:"properties"`
	Required   []string         `json:"required"`
	Items      *shape           `json:"items"`
	OneOf      []shape          `json:"oneOf"`
}

// The document names every field that an answer may have, also those that few have, and those
// alone; and needs those that all have.
func TestFields(t *testing.T) {
	srv, _ := server(t)
	_, raw := get(t, srv.URL+"/api/v1/openapi.json")
	var d struct {
		Components struct{ Schemas map[string]shape }
	}
	must(t, json.Unmarshal(raw, &d))
	f := &fields{t: t, schemas: d.Components.Schemas, seen: map[string]bool{}}
	for name, v := range map[string]any{
		"ModuleList": api.List[store.Module]{}, "Module": fleet.Module{}, "ExportModule": api.ExportModule{}, "ExportEnd": api.ExportEnd{},
		"GatewayList": api.List[api.GatewayItem]{}, "Gateway": api.Gateway{}, "ReportList": api.List[store.Report]{}, "EventList": api.List[store.Event]{},
		"FindingList": api.List[store.Finding]{}, "FindingCountList": api.List[store.FindingCount]{}, "RejectedList": api.List[store.Rejected]{},
		"AuditList": api.List[store.Audit]{}, "NamedListList": api.List[api.ListItem]{}, "Rules": api.Rules{}, "Effect": fleet.Effect{}, "Proposal": api.Proposal{},
		"Summary": fleet.Summary{}, "Person": access.Person{}, "Asked": api.Asked{}, "Problem": api.Problem{},
	} {
		f.same(name, reflect.TypeOf(v), shape{Ref: "#/components/schemas/" + name})
	}
	for name := range f.schemas {
		if !f.seen[name] {
			t.Errorf("no answer holds a %s of the document", name)
		}
	}
}

type fields struct {
	t       *testing.T
	schemas map[string]shape
	seen    map[string]bool
}

func (f *fields) same(at string, typ reflect.Type, s shape) {
	for len(s.OneOf) > 0 {
		s = s.OneOf[0]
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		if f.seen[name] && at != name && !strings.HasSuffix(at, "Module") {
			return
		}
		f.seen[name] = true
		s = f.schemas[name]
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	text := reflect.TypeFor[encoding.TextMarshaler]()
	switch {
	case typ.Implements(text) || reflect.PointerTo(typ).Implements(text):
	case typ.Kind() == reflect.Slice && s.Items != nil:
		f.same(at+"[]", typ.Elem(), *s.Items)
	case typ.Kind() == reflect.Struct:
		f.object(at, typ, s)
	}
}

func (f *fields) object(at string, typ reflect.Type, s shape) {
	known := map[string]bool{}
	for _, field := range reflect.VisibleFields(typ) {
		name, opts, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" || hidden(typ, field, name) || field.Type == reflect.TypeFor[json.RawMessage]() { // which leaves a field out
			continue
		}
		known[name] = true
		said, ok := s.Properties[name]
		if strings.HasPrefix(name, "total") && strings.HasPrefix(typ.Name(), "List[") { // each list always has it or never
			continue
		}
		if !ok {
			f.t.Errorf("%s: the document has no %s", at, name)
			continue
		}
		if needs := slices.Contains(s.Required, name); needs && strings.Contains(opts, "omit") {
			f.t.Errorf("%s: the document needs %s, which may be left out", at, name)
		}
		f.same(at+"."+name, field.Type, said)
	}
	for name := range s.Properties {
		if !known[name] {
			f.t.Errorf("%s: there is no %s, which the document has", at, name)
		}
	}
}

// hidden says whether a field of an embedded struct is covered by one that stands nearer.
func hidden(typ reflect.Type, field reflect.StructField, name string) bool {
	for _, other := range reflect.VisibleFields(typ) {
		n, _, _ := strings.Cut(other.Tag.Get("json"), ",")
		if n == name && len(other.Index) < len(field.Index) {
			return true
		}
	}
	return false
}
