package serialport

import (
	_ "embed" // for the rules
	"fmt"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// The embedded rules. What is kept of them are parts of these strings, not copies.
var (
	//go:embed rules/devices.tsv
	devicesTSV string
	//go:embed rules/interfaces.tsv
	interfacesTSV string
	//go:embed rules/codes.tsv
	codesTSV string
	//go:embed rules/drivers.tsv
	driversTSV string
	//go:embed rules/types.tsv
	typesTSV string
	//go:embed rules/names.tsv
	namesTSV string
	//go:embed rules/claims.tsv
	claimsTSV string
)

// tables are the embedded rules, ready for look-up. They are immutable once loaded.
type tables struct {
	devices    map[[3]string]deviceRule // bus, vid, pid or "*"
	interfaces map[[3]string]string     // vid, pid, number or "*": roles, with commas
	codes      []codeRule
	drivers    map[string]driverRule // "tty:option1"
	types      map[string]typeRule   // "wwan:at", "udev:ID_MM_PORT_TYPE_GPS"
	udev       []string              // properties of udev, in the order of the table
	names      []nameRule
	claims     []claimRule
}

// tableFile is one embedded table and what takes its lines.
type tableFile struct {
	name, text string
	columns    int
	add        func([]string)
}

func (t *tables) files() []tableFile {
	return []tableFile{
		{"devices.tsv", devicesTSV, 5, t.addDevice},
		{"interfaces.tsv", interfacesTSV, 5, t.addInterface},
		{"codes.tsv", codesTSV, 6, t.addCode},
		{"drivers.tsv", driversTSV, 6, t.addDriver},
		{"types.tsv", typesTSV, 5, t.addType},
		{"names.tsv", namesTSV, 4, t.addName},
		{"claims.tsv", claimsTSV, 5, t.addClaim},
	}
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
		devices:    make(map[[3]string]deviceRule, strings.Count(devicesTSV, "\n")),
		interfaces: make(map[[3]string]string, strings.Count(interfacesTSV, "\n")),
		drivers:    map[string]driverRule{},
		types:      map[string]typeRule{},
	}
	for _, f := range t.files() {
		if err := f.read(); err != nil {
			return nil, fmt.Errorf("cannot read embedded rules: %w", err)
		}
	}
	return t, nil
}

// read calls add for every line but comments and the line of column names. The fields that it
// gives are valid until add returns.
func (f tableFile) read() error {
	head, n := true, 0
	fields := make([]string, 0, f.columns)
	for line := range strings.SplitSeq(f.text, "\n") {
		n++
		if line == "" || line[0] == '#' {
			continue
		}
		fields = fields[:0]
		for field := range strings.SplitSeq(line, "\t") {
			fields = append(fields, field)
		}
		if len(fields) != f.columns {
			return fmt.Errorf("%s:%d has %d columns, want %d", f.name, n, len(fields), f.columns)
		}
		if head {
			head = false
			continue
		}
		f.add(fields)
	}
	return nil
}

func (t *tables) addDevice(f []string) {
	t.devices[[3]string(f)] = deviceRule{kind: deviceKind(f[3]), source: f[4]}
}

func (t *tables) addInterface(f []string) { t.interfaces[[3]string(f)] = f[3] }

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

func (t *tables) addClaim(f []string) {
	t.claims = append(t.claims, claimRule{file: f[0], key: f[1], program: f[2], name: f[4]})
}

// device gives the rule for ids of USB or PCI: that of the product, else that of the vendor.
func (t *tables) device(bus, vid, pid string) deviceRule {
	if r, ok := t.devices[[3]string{bus, vid, pid}]; ok {
		return r
	}
	return t.devices[[3]string{bus, vid, "*"}]
}

// iface gives the roles that interfaces.tsv lists for an interface; "*" means the whole device.
func (t *tables) iface(vid, pid, number string) []inventory.Role {
	list, ok := t.interfaces[[3]string{vid, pid, number}]
	if !ok {
		return nil
	}
	var roles []inventory.Role
	for r := range strings.SplitSeq(list, ",") {
		roles = append(roles, inventory.Role(r))
	}
	return roles
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
