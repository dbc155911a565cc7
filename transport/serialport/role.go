package serialport

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/rollcall-iot/rollcall/inventory"
)

// finding is what one source says a port is for.
type finding struct {
	role inventory.Role
	// rule names the source, reason says it in words.
	rule, reason string
	// alsoPPP: the port may carry data as well, so another AT port is better.
	alsoPPP bool
}

// role says what a port is for: the first source that knows. The kernel's and udev's own
// statements come first, then what is listed for a device as a whole, then the code of the
// interface, then the table by number.
func (s *scan) role(d *found, p Port) finding {
	sources := []func(*found, Port) (finding, bool){
		s.byType, s.byUdev, s.byDevice, s.byCode, s.byInterface, s.byDriver,
	}
	for _, source := range sources {
		if f, ok := source(d, p); ok {
			return f
		}
	}
	return finding{role: inventory.RoleUnknown, reason: "nothing says what this port is for"}
}

// byType reads the type that the WWAN class or the hso driver gives.
func (s *scan) byType(_ *found, p Port) (finding, bool) {
	where, file := "wwan", "type"
	if p.class != "wwan" {
		where, file = "hso", "hsotype"
	}
	value := text(s.path("sys/class", p.class, p.name, file))
	if where == "hso" && value == "" {
		value = text(filepath.Join(p.node.sys, file))
	}
	t, ok := s.tables.typed(where, value)
	return finding{role: t.role, rule: fmt.Sprintf("types.tsv: %s %q", where, value), reason: t.reason}, ok
}

func (s *scan) byUdev(_ *found, p Port) (finding, bool) {
	props := s.udev(p.node)
	for _, key := range s.tables.udev {
		if props[key] == "1" {
			t, ok := s.tables.typed("udev", key)
			return finding{role: t.role, rule: "types.tsv: udev " + key, reason: t.reason}, ok
		}
	}
	return finding{}, false
}

func (s *scan) byCode(d *found, p Port) (finding, bool) {
	if p.class != "tty" {
		return finding{}, false
	}
	c, ok := s.tables.code(d.Info.VID, p.Interface)
	return finding{role: c.role, rule: "codes.tsv: " + p.Interface.Class, reason: "interface code " + p.Interface.Class + ": " + c.reason}, ok
}

// byDevice reads what the table says of all interfaces of a device.
func (s *scan) byDevice(d *found, p Port) (finding, bool) {
	roles := s.tables.iface(d.Info.VID, d.Info.PID, "*")
	if p.class != "tty" || d.place.bus != "usb" || len(roles) == 0 {
		return finding{}, false
	}
	return finding{
		role: roles[0], rule: fmt.Sprintf("interfaces.tsv: %s:%s", d.Info.VID, d.Info.PID),
		reason: fmt.Sprintf("%s:%s is listed as %s as a whole", d.Info.VID, d.Info.PID, roles[0]),
	}, true
}

// byInterface reads the table by number. Where its sources disagree, the most careful one decides.
func (s *scan) byInterface(d *found, p Port) (finding, bool) {
	if p.class != "tty" || d.place.bus != "usb" {
		return finding{}, false
	}
	roles := s.tables.iface(d.Info.VID, d.Info.PID, p.Interface.Number)
	if len(roles) == 0 {
		return finding{}, false
	}
	f := finding{
		rule:   fmt.Sprintf("interfaces.tsv: %s:%s interface %s", d.Info.VID, d.Info.PID, p.Interface.Number),
		reason: fmt.Sprintf("interface %s of %s:%s is listed as %s", p.Interface.Number, d.Info.VID, d.Info.PID, join(roles)),
	}
	for _, f.role = range carefulFirst {
		if slices.Contains(roles, f.role) {
			break
		}
	}
	f.alsoPPP = f.role != inventory.RolePPP && slices.Contains(roles, inventory.RolePPP)
	return f, true
}

// carefulFirst orders roles by what goes wrong if they are taken for an AT port.
var carefulFirst = [...]inventory.Role{
	inventory.RoleFirmware, inventory.RoleADB, inventory.RoleDiag, inventory.RoleGNSS,
	inventory.RoleIgnore, inventory.RoleAT, inventory.RoleATSecond, inventory.RolePPP,
}

func (s *scan) byDriver(_ *found, p Port) (finding, bool) {
	r := s.tables.drivers[p.class+":"+p.driver]
	return finding{role: r.role, rule: "drivers.tsv: " + p.driver, reason: "driver " + p.driver + ": " + r.reason}, r.role != ""
}

func join(roles []inventory.Role) string {
	s := ""
	for i, r := range roles {
		if i > 0 {
			s += ", "
		}
		s += string(r)
	}
	return s
}
