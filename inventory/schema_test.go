package inventory_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rollcall-iot/rollcall/inventory"
)

// compiled gives one of the schema's $defs.
func compiled(t *testing.T, def string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(inventory.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:rollcall:inventory:1", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:rollcall:inventory:1#/$defs/" + def)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, b []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestSchemaTakesWhatIsEncoded(t *testing.T) {
	report, heartbeat := compiled(t, "report"), compiled(t, "heartbeat")
	b, err := goldenReport().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, report, b); err != nil {
		t.Error(err)
	}
	h, err := goldenHeartbeat().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, heartbeat, h); err != nil {
		t.Error(err)
	}
	if err := validate(t, heartbeat, b); err == nil {
		t.Error("a report passes for a heartbeat")
	}
}

func TestSchemaRefuses(t *testing.T) {
	module := compiled(t, "module")
	for name, change := range map[string]func(*inventory.Module){
		"a state of no name":  func(m *inventory.Module) { m.State = "fine" },
		"confidence over one": func(m *inventory.Module) { m.Confidence = 1.01 },
		"a country in words":  func(m *inventory.Module) { m.Origin.Country = "Germany" },
		"an IMEI of letters":  func(m *inventory.Module) { m.Identity.IMEI = "86701204000000a" },
		"a role of no name":   func(m *inventory.Module) { m.Ports[0].Role = "modem" },
		"no id":               func(m *inventory.Module) { m.ID = "" },
		"a vendor id in 0x":   func(m *inventory.Module) { m.Device.VID = "0x2c7c" },
	} {
		t.Run(name, func(t *testing.T) {
			m := goldenModule()
			change(&m)
			b, err := json.Marshal(m.Normal())
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(t, module, b); err == nil {
				t.Errorf("%s passes", b)
			}
		})
	}
}

// TestSchemaNamesEveryField: the schema and the Go types list the same fields, and
// require what is always written.
func TestSchemaNamesEveryField(t *testing.T) {
	var doc struct {
		Defs map[string]struct {
			Properties map[string]any `json:"properties"`
			Required   []string       `json:"required"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(inventory.Schema), &doc); err != nil {
		t.Fatal(err)
	}
	for def, v := range map[string]any{
		"report": inventory.Report{}, "heartbeat": inventory.Heartbeat{}, "gateway": inventory.Gateway{},
		"module": inventory.Module{}, "identity": inventory.Identity{}, "origin": inventory.Origin{},
		"evidence": inventory.Evidence{}, "conflict": inventory.Conflict{}, "part": inventory.Part{},
		"port": inventory.Port{}, "device": inventory.Device{}, "exchange": inventory.Exchange{}, "warning": inventory.Warning{},
	} {
		t.Run(def, func(t *testing.T) {
			all, always := fields(reflect.TypeOf(v))
			got := make([]string, 0, len(doc.Defs[def].Properties))
			for name := range doc.Defs[def].Properties {
				got = append(got, name)
			}
			slices.Sort(got)
			slices.Sort(all)
			if d := cmp.Diff(all, got); d != "" {
				t.Errorf("fields (-Go +schema):\n%s", d)
			}
			required := slices.Sorted(slices.Values(doc.Defs[def].Required))
			slices.Sort(always)
			if d := cmp.Diff(always, required); d != "" {
				t.Errorf("required (-Go +schema):\n%s", d)
			}
		})
	}
}

// fields gives the JSON names of a struct, and those of them that are always written.
func fields(t reflect.Type) (all, always []string) {
	for f := range t.Fields() {
		if f.Anonymous {
			a, b := fields(f.Type)
			all, always = append(all, a...), append(always, b...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
		if options != "omitempty" {
			always = append(always, name)
		}
	}
	return all, always
}
