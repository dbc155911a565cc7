package render

import (
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Found is a device as it was found, before anything was opened.
type Found struct {
	Device   inventory.Device
	ID       string
	Cellular bool
	State    inventory.State
	Reason   string
	Ports    []FoundPort
}

// FoundPort is one of its ports.
type FoundPort struct {
	Path    string
	Role    string
	Verdict string
	Reason  string
}

// Device draws a device with its ports.
func (s Screen) Device(f Found) string {
	var b strings.Builder
	what := join(" ", field(f.Device.Manufacturer), field(f.Device.Product))
	ids := ""
	if f.Device.VID != "" {
		ids = field(f.Device.VID + ":" + f.Device.PID)
	}
	kind := "not known to be cellular"
	if f.Cellular {
		kind = "cellular"
	}
	s.hang(&b, "", join(" · ", field(f.ID), ids, what, kind), strong)
	s.hang(&b, "   ", join(": ", field(string(f.State)), field(f.Reason)), faint)
	for _, p := range f.Ports {
		if p.Reason == f.Reason {
			p.Reason = "" // it stands above
		}
		s.port(&b, p)
	}
	return b.String()
}

// port draws one port: in columns, or stacked where they do not fit.
func (s Screen) port(b *strings.Builder, p FoundPort) {
	st := plain
	if p.Verdict == "ask" {
		st = good
	}
	name, role := port(p.Path), cut(field(p.Role), 13)
	if s.width() < cardWidth || columns(name) > 14 {
		s.hang(b, "   ", join(" ", name, role, p.Verdict), st)
		s.hang(b, "     ", field(p.Reason), faint)
		return
	}
	lead := "   " + pad(name, 15) + pad(role, 14) + pad(p.Verdict, 5)
	const deeper = 3 + 15 + 14 + 5
	for i, line := range wrap(orElse(field(p.Reason), " "), s.width()-deeper, s.width()-deeper) {
		if i > 0 {
			lead, st = strings.Repeat(" ", deeper), plain
		}
		b.WriteString(strings.TrimRight(s.paint(st, lead)+s.paint(faint, line), " ") + "\n")
	}
}
