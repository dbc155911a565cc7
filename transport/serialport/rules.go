package serialport

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Rules widen or narrow what the embedded tables allow. The zero value changes nothing.
// Deny beats Allow, both beat the tables, and Deny holds for ports that a person names. No rule
// opens a console or a device in firmware download mode.
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

// ruleConfiguration is how a port names a rule of the caller.
const ruleConfiguration = "configuration"

// byRules applies the caller's rules and says whether one fitted.
func (s *scan) byRules(d *found, p *Port) bool {
	for _, m := range s.rules.Deny {
		if s.fits(m, d, *p) {
			p.deny(m)
			return true
		}
	}
	for _, m := range s.rules.Allow {
		if s.fits(m, d, *p) && (m.names(*p) || mayCarryAT(p.Role)) && !otherProtocol(*p) {
			p.Rule = ruleConfiguration
			if p.Role = m.Role; m.Role == "" {
				p.Role = inventory.RoleAT
			}
			p.ask(rankGiven, "the configuration says to ask it"+m.because())
			return true
		}
	}
	return false
}

func (p *Port) deny(m Match) {
	p.Rule = ruleConfiguration
	p.skip("the configuration says not to ask it" + m.because())
}

// denied takes the ports that the caller's rules forbid from a device of which one was named.
func (f *Finder) denied(d Device) Device {
	s := scan{tree: f.tree()}
	for i := range d.Ports {
		p := &d.Ports[i]
		fits := func(m Match) bool { return s.fits(m, &found{Device: d}, *p) }
		if n := slices.IndexFunc(f.Rules.Deny, fits); n >= 0 && p.Verdict == Ask {
			p.deny(f.Rules.Deny[n])
			d.State, d.Reason = inventory.StateDenied, p.Reason
		}
	}
	return d
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
	return (m.Path == "" || m.Path == d.ID || s.follow(m.Path) == s.follow(p.Path) || s.leadsTo(m.Path, p.node)) &&
		(m.ID == "" || fitsID(m.ID, d.Info)) &&
		(m.Driver == "" || m.Driver == p.driver) &&
		(m.Interface == "" || strings.EqualFold(m.Interface, p.Interface.Number))
}

// leadsTo: the path is a node of the same device under another name, as in containers.
func (s *scan) leadsTo(path string, n node) bool {
	fi, err := os.Stat(s.path(path))
	if err != nil || fi.Mode()&os.ModeCharDevice == 0 || !strings.HasPrefix(path, "/") {
		return false
	}
	major, minor := numberOf(fi)
	return major != 0 && major == n.major && minor == n.minor
}

func fitsID(id string, i inventory.Device) bool {
	vid, pid, _ := strings.Cut(strings.ToLower(id), ":")
	return i.VID != "" && vid == i.VID && (pid == i.PID || pid == "*")
}
