package serialport

import (
	"embed"
	"fmt"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

//go:embed rules/*.tsv
var rulesFS embed.FS

// tables are the embedded rules, ready for look-up. They are immutable once loaded.
type tables struct {
	devices    map[string]deviceRule // "usb:2c7c:0125", "usb:2c7c:*"
	interfaces map[string][]inventory.Role
	codes      []codeRule
	drivers    map[string]driverRule // "tty:option1"
	types      map[string]typeRule   // "wwan:at", "udev:ID_MM_PORT_TYPE_GPS"
	udev       []string              // properties of udev, in the order of the table
	names      []nameRule
}

// deviceKind is the kind column of devices.tsv.
type deviceKind string

const (
	kindModem    deviceKind = "modem"
	kindVendor   deviceKind = "vendor"
	kindStorage  deviceKind = "storage"
	kindFirmware deviceKind = "firmware"
	kindStranger deviceKind = "stranger"
)

// cellular says whether ids of this kind mark a cellular device.
func (k deviceKind) cellular() bool {
	return k == kindModem || k == kindVendor || k == kindStorage || k == kindFirmware
}

type deviceRule struct {
	kind   deviceKind
	source string
}

type codeRule struct {
	vids      []string
	number    string
	code      [3]string
	role      inventory.Role
	reason    string
	reference string
}

// trust is the trust column of drivers.tsv.
type trust string

const (
	trustModem  trust = "modem"
	trustACM    trust = "acm"
	trustID     trust = "id"
	trustBridge trust = "bridge"
)

type driverRule struct {
	trust  trust
	role   inventory.Role // "" where the driver does not say
	reason string
}

type typeRule struct {
	role   inventory.Role
	reason string
}

// nameRule is a line of names.tsv; kind is "list" or "char".
type nameRule struct{ kind, prefix, reason string }

func loadTables() (*tables, error) {
	t := &tables{
		devices:    map[string]deviceRule{},
		interfaces: map[string][]inventory.Role{},
		drivers:    map[string]driverRule{},
		types:      map[string]typeRule{},
	}
	files := []struct {
		name    string
		columns int
		add     func([]string)
	}{
		{"devices.tsv", 5, t.addDevice},
		{"interfaces.tsv", 5, t.addInterface},
		{"codes.tsv", 6, t.addCode},
		{"drivers.tsv", 6, t.addDriver},
		{"types.tsv", 5, t.addType},
		{"names.tsv", 4, t.addName},
	}
	for _, f := range files {
		if err := readTable(f.name, f.columns, f.add); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// readTable calls add for every line but comments and the line of column names.
func readTable(name string, columns int, add func([]string)) error {
	b, err := rulesFS.ReadFile("rules/" + name)
	if err != nil {
		return fmt.Errorf("cannot read embedded rules: %w", err)
	}
	head, n := true, 0
	for line := range strings.SplitSeq(string(b), "\n") {
		n++
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != columns {
			return fmt.Errorf("cannot read embedded rules: %s:%d has %d columns, want %d", name, n, len(f), columns)
		}
		if head {
			head = false
			continue
		}
		add(f)
	}
	return nil
}

func (t *tables) addDevice(f []string) {
	t.devices[f[0]+":"+f[1]+":"+f[2]] = deviceRule{kind: deviceKind(f[3]), source: f[4]}
}

func (t *tables) addInterface(f []string) {
	var roles []inventory.Role
	for r := range strings.SplitSeq(f[3], ",") {
		roles = append(roles, inventory.Role(r))
	}
	t.interfaces[f[0]+":"+f[1]+":"+f[2]] = roles
}

func (t *tables) addCode(f []string) {
	c := codeRule{vids: strings.Split(f[0], ","), number: f[1], role: inventory.Role(f[3]), reference: f[4], reason: f[5]}
	copy(c.code[:], strings.Split(f[2], "/"))
	t.codes = append(t.codes, c)
}

func (t *tables) addDriver(f []string) {
	d := driverRule{trust: trust(f[2]), reason: f[5]}
	if f[3] != "-" {
		d.role = inventory.Role(f[3])
	}
	t.drivers[f[0]+":"+f[1]] = d
}

func (t *tables) addType(f []string) {
	if f[0] == "udev" {
		t.udev = append(t.udev, f[1])
	}
	t.types[f[0]+":"+strings.ToLower(f[1])] = typeRule{role: inventory.Role(f[2]), reason: f[4]}
}

func (t *tables) addName(f []string) {
	t.names = append(t.names, nameRule{kind: f[0], prefix: f[1], reason: f[3]})
}

// device gives the rule for ids of USB or PCI: that of the product, else that of the vendor.
func (t *tables) device(bus, vid, pid string) deviceRule {
	if vid == "" {
		return deviceRule{}
	}
	if r, ok := t.devices[bus+":"+vid+":"+pid]; ok {
		return r
	}
	return t.devices[bus+":"+vid+":*"]
}

// iface gives the roles that interfaces.tsv lists for an interface; "*" means the whole device.
func (t *tables) iface(vid, pid, number string) []inventory.Role {
	return t.interfaces[vid+":"+pid+":"+number]
}

// code gives the first line of codes.tsv that fits.
func (t *tables) code(vid string, i Interface) (codeRule, bool) {
	code := strings.Split(i.Class, "/")
	if len(code) != 3 {
		return codeRule{}, false
	}
	for _, c := range t.codes {
		if c.fits(vid, i.Number, code) {
			return c, true
		}
	}
	return codeRule{}, false
}

func (c codeRule) fits(vid, number string, code []string) bool {
	if c.number != "*" && c.number != number {
		return false
	}
	for i, want := range c.code {
		if want != "*" && want != code[i] {
			return false
		}
	}
	for _, v := range c.vids {
		if v == "*" || v == vid {
			return true
		}
	}
	return false
}

// named gives the rule for a node without a device.
func (t *tables) named(kind, name string) (nameRule, bool) {
	for _, n := range t.names {
		if n.kind == kind && strings.HasPrefix(name, n.prefix) {
			return n, true
		}
	}
	return nameRule{}, false
}

// typed gives the rule for what the kernel or udev says of a port.
func (t *tables) typed(where, value string) (typeRule, bool) {
	r, ok := t.types[where+":"+strings.ToLower(value)]
	return r, ok
}
