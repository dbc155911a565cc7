package serialport

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Ranks of candidates: the lowest is asked first.
const (
	rankAT = 10 * iota
	rankSecond
	rankUnknown
	rankPPP
	rankGiven = -1 // the configuration says so
	rankChar  = 3  // added to a control channel that network programs use, beside a tty
	rankData  = 5  // added where an AT port may carry data as well
)

// judge gives every port of a device its role, verdict and reason, and the device its state.
func (s *scan) judge(d *found) {
	s.markCellular(d)
	for i := range d.Ports {
		s.judgePort(d, &d.Ports[i])
	}
	onlyTheBest(d)
	slices.SortFunc(d.Ports, func(a, b Port) int {
		if a.Verdict != b.Verdict {
			return int(b.Verdict) - int(a.Verdict)
		}
		if a.Verdict == Ask && a.preference() != b.preference() {
			return a.preference() - b.preference()
		}
		return natural(a.Path, b.Path)
	})
	s.conclude(d)
}

// preference puts ports that another program is configured to use after all others.
func (p Port) preference() int {
	if p.Claim != "" {
		return p.rank + 1000
	}
	return p.rank
}

// markCellular says whether a device is cellular, and why.
func (s *scan) markCellular(d *found) {
	if d.kind.cellular() {
		d.Cellular = true
		d.why = fmt.Sprintf("%s is an id of a cellular device (%s)", ids(d), d.source)
		if d.kind == kindVendor {
			d.why = fmt.Sprintf("%s is an id of a vendor of cellular devices (%s)", ids(d), d.source)
		}
	}
	if r := s.tables.drivers["pci:"+d.Info.Driver]; !d.Cellular && d.place.bus == "pci" && r.trust == trustModem {
		d.Cellular, d.why = true, "driver "+d.Info.Driver+": "+r.reason
	}
	for _, p := range d.Ports {
		if why := s.cellularPort(p); why != "" && !d.Cellular {
			d.Cellular, d.why = true, why
		}
	}
}

func (s *scan) cellularPort(p Port) string {
	if r := s.tables.drivers[p.class+":"+p.driver]; r.trust == trustModem {
		return "driver " + p.driver + ": " + r.reason
	}
	switch {
	case p.class == "wwan":
		return "the kernel lists " + p.name + " as a port of a WWAN device"
	case p.class == "net" && property(attr(s.path("sys/class/net", p.name, "uevent")), "DEVTYPE") == "wwan":
		return "the kernel lists " + p.name + " as a WWAN interface"
	}
	return ""
}

// judgePort decides about one port. What comes first cannot be overruled by what follows.
func (s *scan) judgePort(d *found, p *Port) {
	f := s.role(d, *p)
	p.Role, p.Rule = f.role, f.rule
	p.claim = s.claims[p.Path]
	p.Claim = p.claim.text
	switch {
	case p.Kind == KindNone:
		p.Role, p.Rule = inventory.RoleNet, ""
		p.skip("a network interface carries data, no commands")
	case d.kind == kindFirmware:
		p.Role = inventory.RoleFirmware
		p.skip(fmt.Sprintf("%s:%s is a module in firmware download mode; nothing is ever written to it", d.Info.VID, d.Info.PID))
	case p.Role == inventory.RoleFirmware:
		p.skip(f.reason + "; nothing is ever written to it")
	case p.class == "tty" && s.consoles[p.name]:
		p.Role = inventory.RoleIgnore
		p.skip("it is a console of this machine")
	case attr(filepath.Join(p.node.sys, "type")) == "0" && p.class == "tty":
		p.Role = inventory.RoleIgnore
		p.skip("there is no chip behind this name")
	case s.byRules(d, p):
	case p.Reason != "": // a tty without a device, which says why itself
		p.Role = inventory.RoleIgnore
	default:
		s.byTables(d, p, f)
	}
	if p.Claim != "" && p.Verdict == Ask {
		p.Reason += "; " + p.Claim + " is configured to use it"
	}
}

func (p *Port) skip(reason string) { p.Verdict, p.Reason = Skip, reason }

func (p *Port) ask(rank int, reason string) { p.Verdict, p.rank, p.Reason = Ask, rank, reason }

// byTables decides by what the tables say of driver, ids and role.
func (s *scan) byTables(d *found, p *Port, f finding) {
	if why := s.mayAsk(d, *p, f); why != "" {
		p.skip(why)
		return
	}
	extra := 0
	if f.alsoPPP {
		extra = rankData
	} else if p.class == "usbmisc" {
		extra = rankChar
	}
	switch f.role {
	case inventory.RoleAT:
		p.ask(rankAT+extra, f.reason)
	case inventory.RoleATSecond:
		p.ask(rankSecond+extra, f.reason)
	case inventory.RolePPP:
		p.ask(rankPPP, f.reason+"; asked only because no other port is known to take commands")
	case inventory.RoleUnknown:
		s.unknownRole(d, p)
	default:
		p.skip(f.reason)
	}
}

// unknownRole asks a port of a cellular device of which nothing else is known, if it looks like
// one that takes commands: AT ports have a third endpoint for their signals, diagnostic ones do not.
func (s *scan) unknownRole(d *found, p *Port) {
	vendor := strings.HasPrefix(p.Interface.Class, "ff/") && p.Interface.Endpoints >= 3
	acm := strings.HasPrefix(p.Interface.Class, "02/02/")
	switch {
	case !d.Cellular:
		p.ask(rankUnknown, "it claims an AT command set, beside a network function; nothing else is known of the device")
	case p.class == "wwan":
		p.skip("the kernel does not say what this port is for")
	case vendor, acm, p.Interface.Number == "":
		p.ask(rankUnknown, "a port of a cellular device, of which nothing else is known")
	default:
		p.skip(fmt.Sprintf("nothing says what this port is for, and interface %s with %d endpoints does not look like one for commands",
			p.Interface.Class, p.Interface.Endpoints))
	}
}

// mayAsk says why a port must not be asked, or "" if it may, before its role is looked at.
func (s *scan) mayAsk(d *found, p Port, f finding) string {
	r := s.tables.drivers[p.class+":"+p.driver]
	switch {
	case p.class == "wwan":
		return ""
	case d.broken != "" && !d.Cellular:
		return d.broken
	case d.kind == kindStranger:
		return fmt.Sprintf("%s:%s is no cellular module (%s)", d.Info.VID, d.Info.PID, d.source)
	case r.trust == trustModem:
		return ""
	case r.trust == trustACM:
		return s.mayAskACM(d, p, f)
	case r.trust == trustID && d.kind.cellular():
		return ""
	case r.trust == trustID:
		return fmt.Sprintf("driver %s: %s, and %s is no id of a cellular device", p.driver, r.reason, ids(d))
	case r.trust == trustBridge:
		return fmt.Sprintf("driver %s: %s; what is at its far end is unknown: name the port to have it asked", p.driver, r.reason)
	case d.place.bus != "usb":
		return "a serial line of this machine; what is at its far end is unknown: name the port to have it asked"
	}
	return fmt.Sprintf("driver %q is not known to serve cellular modules: name the port to have it asked", p.driver)
}

// mayAskACM guards the driver that every board with a USB serial port uses. ModemManager's strict
// filter is the model; unlike it, a second port alone proves nothing here.
func (s *scan) mayAskACM(d *found, p Port, f finding) string {
	class, _ := strings.CutPrefix(p.Interface.Class, "02/02/")
	claimsAT := class >= "01" && class <= "06" && len(class) == 2
	single := !slices.ContainsFunc(d.Ports, func(o Port) bool { return o.name != p.name })
	listed := f.role == inventory.RoleAT || f.role == inventory.RoleATSecond
	switch {
	case d.kind == kindModem && (listed || claimsAT):
		return ""
	case single:
		return fmt.Sprintf("the only port of %s, as on development boards, UPSs and printers: name the port to have it asked", ids(d))
	case d.kind == kindModem, d.kind == kindVendor:
		return ""
	case !claimsAT:
		return fmt.Sprintf("a USB serial port of %s whose class %s claims no AT command set: name the port to have it asked", ids(d), p.Interface.Class)
	case d.Cellular, slices.ContainsFunc(d.Ports, func(o Port) bool { return o.class == "net" }):
		return ""
	}
	return fmt.Sprintf("%s is no id of a cellular device and has no network function: name the port to have it asked", ids(d))
}

func ids(d *found) string {
	if d.Info.VID == "" {
		return "a device without ids"
	}
	return d.Info.VID + ":" + d.Info.PID
}

// onlyTheBest skips candidates that a better one makes needless: ports of unknown role and data
// ports beside an AT port, and the second node of one and the same channel.
func onlyTheBest(d *found) {
	best := rankPPP
	wdm := false
	for _, p := range d.Ports {
		if p.Verdict == Ask {
			best = min(best, p.rank)
			wdm = wdm || p.class == "usbmisc"
		}
	}
	for i := range d.Ports {
		p := &d.Ports[i]
		switch {
		case p.Verdict != Ask || p.rank == rankGiven:
		case wdm && p.class == "wwan":
			p.skip("the same channel as the cdc-wdm node of this device; opening it would lock others out of that one")
		case p.rank == rankUnknown && best < rankUnknown:
			p.skip("nothing says what this port is for, and this device has a known AT port")
		case p.rank == rankPPP && best < rankPPP:
			p.skip("the data port of a device that has another port for commands")
		}
	}
}

// conclude gives the device its state and reason.
func (s *scan) conclude(d *found) {
	if d.Cellular {
		d.Unbound = unbound(d)
	}
	ask := len(d.Candidates()) > 0
	switch {
	case ask:
		d.Reason = d.why
	case d.kind == kindFirmware, onlyFirmware(d):
		d.State = inventory.StateDenied
		d.Reason = "in firmware download mode; nothing is ever written to it: restart the module, or finish its update"
	case d.kind == kindStorage && len(d.Ports) == 0:
		d.State = inventory.StateUnanswered
		d.Reason = "shows itself as a disk and has no ports yet: install usb-modeswitch to switch it to a modem"
	case d.broken != "" && !d.Cellular:
		d.State, d.Reason = inventory.StateUnknown, d.broken
	case !d.Cellular:
		d.State, d.Reason = inventory.StateDenied, firstReason(d)
	case len(d.Unbound) > 0 && !hasNode(d):
		d.State = inventory.StateUnanswered
		d.Reason = "no driver has claimed its serial interfaces: " + bindAdvice(d)
	default:
		d.State, d.Reason = inventory.StateUnanswered, noATPort(d)
		if i := slices.IndexFunc(d.Ports, func(p Port) bool { return p.Rule == ruleConfiguration }); i >= 0 {
			d.State, d.Reason = inventory.StateDenied, d.Ports[i].Reason
		}
	}
	if d.broken != "" && d.Cellular {
		d.Reason += "; " + d.broken
	}
}

func firstReason(d *found) string {
	for _, p := range d.Ports {
		if p.Kind != KindNone {
			return p.Reason
		}
	}
	return ""
}

// onlyFirmware: all that a device shows takes firmware.
func onlyFirmware(d *found) bool {
	return hasNode(d) && !slices.ContainsFunc(d.Ports, func(p Port) bool {
		return p.Kind != KindNone && p.Role != inventory.RoleFirmware
	})
}

func hasNode(d *found) bool {
	return slices.ContainsFunc(d.Ports, func(p Port) bool { return p.Kind != KindNone })
}

// noATPort says what a device has in place of an AT port.
func noATPort(d *found) string {
	var roles []string
	for _, p := range d.Ports {
		if r := string(p.Role); !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	if len(roles) == 0 {
		return "it has no port: is its driver loaded, and does it start?"
	}
	return "it has no port that may be asked, only: " + strings.Join(roles, ", ")
}

// unbound lists the vendor-specific interfaces of a USB device that have no driver. Debug bridges have none by design.
func unbound(d *found) []Interface {
	var free []Interface
	for _, i := range d.interfaces {
		if i.Driver == "" && strings.HasPrefix(i.Class, "ff/") && i.Class != "ff/42/01" {
			free = append(free, i)
		}
	}
	return free
}

func bindAdvice(d *found) string {
	return fmt.Sprintf("modprobe option; echo %s %s > /sys/bus/usb-serial/drivers/option1/new_id", d.Info.VID, d.Info.PID)
}
