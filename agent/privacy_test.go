package agent

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// ownWords are the fields whose words are Rollcall's, the kernel's or the bus's own, and no module's.
var ownWords = []string{
	"Module.State", "Module.Possible", "Module.Data", "Identity.Maker", "Identity.MakerName", "Identity.Badge", "Identity.Chipset", "Identity.Technology",
	"Origin.Country", "Origin.ParentCountry", "Evidence.Claim", "Evidence.Source", "Evidence.Rule", "Conflict.Claim", "Part.Name",
	"Port.Role", "Port.State", "Device.Bus", "Device.VID", "Device.PID", "Device.SubVID", "Device.SubPID", "Device.Revision", "Device.Path", "Device.Driver",
	"Exchange.Cmd", "Exchange.Note", "Managed.By", "Managed.Plugin", "Managed.Ports",
}

// TestE14EveryField: an identifier in any field of a module is taken out, unless the field's words are not a
// module's. A field that is added has to be named here or hidden.
func TestE14EveryField(t *testing.T) {
	const imei = "867012040000009"
	key := newAgent(t, settings(t, &box{})).key
	for _, p := range []Privacy{IMEITAC, IMEIHash} {
		var m inventory.Module
		seen := map[string]bool{}
		fill(reflect.ValueOf(&m).Elem(), "Module", imei, seen)
		p.apply(key, &m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), imei[:14]) {
			t.Errorf("%s: an identifier leaves the gateway: %s", p, b)
		}
		for _, f := range ownWords {
			if !seen[f] {
				t.Errorf("there is no field %s", f)
			}
		}
	}
}

// fill puts text into every field of text but the own words.
func fill(v reflect.Value, name, text string, seen map[string]bool) {
	switch v.Kind() {
	case reflect.String:
		if seen[name] = true; !slices.Contains(ownWords, name) {
			v.SetString(text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, text, seen)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name, text, seen)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name, text, seen)
	}
}
