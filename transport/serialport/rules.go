package serialport

import (
	"fmt"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Rules widen or narrow what the embedded tables allow. The zero value changes nothing.
// Deny beats Allow, and both beat the tables. No rule opens a console or a device in
// firmware download mode.
type Rules struct {
	Allow []Match
	Deny  []Match
}

// Match selects ports. All fields that are set must fit; a Match with none fits nothing.
type Match struct {
	// Path is a node ("/dev/ttyS1", symlinks followed) or the id of a device ("usb:1-1.2").
	Path string
	// ID is "vid:pid" of USB or PCI, lower-case hex; "vid:*" fits every product.
	ID string
	// Driver is the name of a kernel driver ("cp210x").
	Driver string
	// Interface is a USB interface number, two hex digits.
	Interface string
	// Role is what an allowed port is taken for. "" means RoleAT.
	Role inventory.Role
	// Reason is shown with the verdict. "" names the rule.
	Reason string
}

// byRules applies the caller's rules and says whether one fitted.
func (s *scan) byRules(d *found, p *Port) bool {
	for _, m := range s.rules.Deny {
		if s.fits(m, d, *p) {
			p.Rule = "configuration"
			p.skip("the configuration says not to ask it" + m.because())
			return true
		}
	}
	for _, m := range s.rules.Allow {
		if s.fits(m, d, *p) && (m.names(*p) || mayCarryAT(p.Role)) && !otherProtocol(*p) {
			p.Rule = "configuration"
			if p.Role = m.Role; m.Role == "" {
				p.Role = inventory.RoleAT
			}
			p.ask(rankGiven, "the configuration says to ask it"+m.because())
			return true
		}
	}
	return false
}

func (m Match) because() string {
	if m.Reason != "" {
		return ": " + m.Reason
	}
	var parts []string
	for _, f := range [][2]string{{"path", m.Path}, {"id", m.ID}, {"driver", m.Driver}, {"interface", m.Interface}} {
		if f[1] != "" {
			parts = append(parts, fmt.Sprintf("%s %q", f[0], f[1]))
		}
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// names: the match means this one port and no other of its device, so it overrules the role.
func (m Match) names(p Port) bool {
	return m.Interface != "" || strings.HasPrefix(m.Path, "/")
}

func mayCarryAT(r inventory.Role) bool {
	switch r {
	case inventory.RoleAT, inventory.RoleATSecond, inventory.RolePPP, inventory.RoleUnknown:
		return true
	}
	return false
}

// otherProtocol: the kernel itself says that the port carries another protocol.
func otherProtocol(p Port) bool {
	return p.Kind == KindChar && (p.Role == inventory.RoleQMI || p.Role == inventory.RoleMBIM)
}

func (s *scan) fits(m Match, d *found, p Port) bool {
	if m.Path == "" && m.ID == "" && m.Driver == "" {
		return false
	}
	return (m.Path == "" || m.Path == d.ID || s.follow(m.Path) == s.follow(p.Path)) &&
		(m.ID == "" || fitsID(m.ID, d.Info)) &&
		(m.Driver == "" || m.Driver == p.driver) &&
		(m.Interface == "" || strings.EqualFold(m.Interface, p.Interface.Number))
}

func fitsID(id string, i inventory.Device) bool {
	vid, pid, _ := strings.Cut(strings.ToLower(id), ":")
	return i.VID != "" && vid == i.VID && (pid == i.PID || pid == "*")
}
