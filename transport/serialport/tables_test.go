package serialport

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

var roles = []inventory.Role{
	inventory.RoleAT, inventory.RoleATSecond, inventory.RolePPP, inventory.RoleGNSS, inventory.RoleDiag, inventory.RoleQMI,
	inventory.RoleMBIM, inventory.RoleADB, inventory.RoleFirmware, inventory.RoleNet, inventory.RoleIgnore, "",
}

// TestTablesSayWhatTheCodeKnows: a word that the code does not know would be a rule without effect.
func TestTablesSayWhatTheCodeKnows(t *testing.T) {
	tb, err := loadTables()
	if err != nil {
		t.Fatal(err)
	}
	kinds := []deviceKind{kindModem, kindVendor, kindStorage, kindFirmware, kindStranger}
	for k, r := range tb.devices {
		if !slices.Contains(kinds, r.kind) || r.source == "" || k[1] != strings.ToLower(k[1]) || k[2] != strings.ToLower(k[2]) {
			t.Errorf("devices.tsv: %s: %+v", k, r)
		}
		if r.kind == kindVendor != (k[2] == "*") && r.kind != kindStranger {
			t.Errorf("devices.tsv: %s is of kind %s", k, r.kind)
		}
	}
	for k := range tb.interfaces {
		rs := tb.iface(k[0], k[1], k[2])
		if len(rs) == 0 || slices.ContainsFunc(rs, unknownRole) {
			t.Errorf("interfaces.tsv: %s: %v", k, rs)
		}
		if !slices.ContainsFunc(rs, func(r inventory.Role) bool { return slices.Contains(carefulFirst[:], r) }) {
			t.Errorf("interfaces.tsv: %s: no rule decides between %v", k, rs)
		}
	}
	for _, c := range tb.codes {
		if unknownRole(c.role) || c.reason == "" || c.reference == "" || c.code[2] == "" {
			t.Errorf("codes.tsv: %+v", c)
		}
	}
	trusts := []trust{trustModem, trustACM, trustID, trustBridge, "none"}
	for k, d := range tb.drivers {
		if !slices.Contains(trusts, d.trust) || unknownRole(d.role) || d.reason == "" {
			t.Errorf("drivers.tsv: %s: %+v", k, d)
		}
	}
	for k, r := range tb.types {
		if unknownRole(r.role) || r.reason == "" {
			t.Errorf("types.tsv: %s: %+v", k, r)
		}
	}
	for _, c := range tb.claims {
		if !strings.HasPrefix(c.file, "/etc/") || c.key == "" || c.program == "" || len(c.program) > 15 || c.name == "" {
			t.Errorf("claims.tsv: %+v", c)
		}
	}
	for _, n := range tb.names {
		if n.kind != "list" && n.kind != "char" || n.prefix == "" || n.reason == "" {
			t.Errorf("names.tsv: %+v", n)
		}
	}
}

func unknownRole(r inventory.Role) bool { return !slices.Contains(roles, r) }

// TestTablesHaveNoLineTwice: of two lines for one thing only one would count.
func TestTablesHaveNoLineTwice(t *testing.T) {
	keys := map[string]int{"devices.tsv": 3, "interfaces.tsv": 3, "codes.tsv": 3, "drivers.tsv": 2, "types.tsv": 2, "names.tsv": 2, "claims.tsv": 3}
	for _, f := range new(tables).files() {
		seen := map[string]bool{}
		f.add = func(fields []string) {
			key := strings.Join(fields[:keys[f.name]], " ")
			if seen[key] {
				t.Errorf("%s: %s stands twice", f.name, key)
			}
			seen[key] = true
		}
		if err := f.read(); err != nil {
			t.Error(err)
		}
		if len(seen) == 0 {
			t.Errorf("%s is empty", f.name)
		}
	}
}

// TestFirmwareIdsAreNeverAsked goes through every id of a loader, with every driver and code that
// would make its port one to ask, and a configuration that allows it.
func TestFirmwareIdsAreNeverAsked(t *testing.T) {
	tb, err := loadTables()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for key, r := range tb.devices {
		if r.kind != kindFirmware {
			continue
		}
		n++
		s := &scan{tree: "/nonexistent", tables: tb, rules: Rules{Allow: []Match{{ID: key[1] + ":" + key[2]}, {Driver: "option"}}}}
		d := &found{kind: r.kind, place: place{bus: key[0]}}
		d.ID = "usb:1-1"
		d.Info = inventory.Device{Bus: key[0], VID: key[1], PID: key[2]}
		d.Ports = []Port{{
			Path: "/dev/ttyUSB0", Kind: KindTTY, class: "tty", name: "ttyUSB0", driver: "option",
			Interface: Interface{Number: "00", Class: "ff/ff/40", Endpoints: 3},
		}}
		s.judge(d)
		if len(d.Candidates()) > 0 || d.State != inventory.StateDenied || !d.Cellular {
			t.Errorf("%s: %+v", key, d.Device)
		}
	}
	if n < 60 {
		t.Errorf("there are only %d ids of loaders", n)
	}
}
