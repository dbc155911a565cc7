package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Certainty says in words how sure the identity of m is.
func Certainty(m inventory.Module) string {
	switch {
	case m.State == inventory.StateNotCellular:
		return "not cellular"
	case m.Identity.Maker == "" && m.Identity.Model == "" && len(m.Possible) == 0:
		return "not identified"
	case contradicted(m):
		return "contradicted"
	case byIDsAlone(m):
		return "by ids alone"
	case m.Identity.Maker == "":
		return "maker open"
	case m.Confidence >= 0.95:
		return "certain"
	case m.Confidence >= 0.75:
		return "likely"
	}
	return "possible"
}

// contradicted: what the module is, and not its number alone. A wrong check digit makes nobody another maker's.
func contradicted(m inventory.Module) bool {
	return slices.ContainsFunc(m.Conflicts, func(c inventory.Conflict) bool { return c.Claim != "imei" })
}

func certaintyStyle(m inventory.Module) style {
	switch {
	case contradicted(m):
		return warn
	case m.State == inventory.StateIdentified && m.Confidence >= 0.95:
		return good
	}
	return plain
}

// byIDsAlone: nothing that the module itself said supports maker or model.
func byIDsAlone(m inventory.Module) bool {
	byIDs := false
	for _, e := range m.Evidence {
		if e.Claim != "maker" && e.Claim != "model" {
			continue
		}
		if !strings.HasPrefix(e.Source, "usb:") && !strings.HasPrefix(e.Source, "pci:") {
			return false
		}
		byIDs = true
	}
	return byIDs
}

// name gives the name for a slug.
func (s Screen) name(slug string) string {
	if s.Name != nil {
		if n := s.Name(slug); n != "" {
			return field(n)
		}
	}
	return field(slug)
}

// title says in one line what m is.
func (s Screen) title(m inventory.Module) string {
	id := m.Identity
	model := field(id.Model)
	switch {
	case m.State == inventory.StateNotCellular:
		return join(": ", "Not a cellular module", field(m.Seems))
	case id.Maker != "":
		return s.badge(join(" ", s.maker(id), orElse(model, "module, model not known")), id)
	case len(m.Possible) > 0:
		names := make([]string, len(m.Possible))
		for i, slug := range m.Possible {
			names[i] = s.name(slug)
		}
		if len(names) == 1 {
			names[0] = "Perhaps " + names[0] // possible, and not proven
		}
		return s.badge(join(" ", alternatives(names), model), id)
	case model != "":
		return s.badge(model+", maker not known", id)
	}
	return join(": ", unidentified(m.State), descriptor(m.Device))
}

// unidentified says why there is no identity.
func unidentified(s inventory.State) string {
	switch s {
	case inventory.StateUnanswered:
		return "No answer"
	case inventory.StateHeld:
		return "In use"
	case inventory.StateDenied:
		return "No access"
	}
	return "Not identified"
}

func (s Screen) maker(id inventory.Identity) string {
	if id.MakerName != "" {
		return field(id.MakerName)
	}
	return s.name(id.Maker)
}

func (s Screen) badge(title string, id inventory.Identity) string {
	if id.Badge == "" || id.Badge == id.Maker {
		return title
	}
	return title + ", sold as " + s.name(id.Badge)
}

// descriptor names a device by what the kernel shows of it.
func descriptor(d *inventory.Device) string {
	if d == nil {
		return ""
	}
	name := join(" ", field(d.Manufacturer), field(d.Product))
	if name == "" && d.VID != "" {
		return field(d.Bus + " " + d.VID + ":" + d.PID)
	}
	return name
}

// origin names the seats of maker and ultimate parent, and says where they are not confirmed.
func origin(m inventory.Module) string {
	o := m.Origin
	switch {
	case o.Country == "" && len(m.Possible) > 0:
		return "origin open"
	case o.Country == "":
		return ""
	case o.Unconfirmed:
		return seats(o) + ", not" + noBreak + "confirmed"
	}
	return seats(o)
}

func seats(o inventory.Origin) string {
	if o.ParentCountry != "" && o.ParentCountry != o.Country {
		return Country(o.Country) + " (parent" + noBreak + field(o.ParentCountry) + ")"
	}
	return Country(o.Country)
}

// whence says where the module sits and who was asked.
func whence(m inventory.Module) string {
	place := place(m.Device)
	if p, ok := asked(m); ok {
		at := ""
		if p.Baud != 0 {
			at = fmt.Sprintf(" at %d baud", p.Baud)
		}
		return join(", ", place, "asked on "+port(p.Path)+at+": "+questions(m.Transcript))
	}
	if m.Managed != nil && m.State == inventory.StateIdentified {
		return join(", ", place, "told by "+field(m.Managed.By)+", which manages it")
	}
	for _, p := range m.Ports {
		switch p.State {
		case inventory.StateHeld:
			return join(", ", place, port(p.Path)+" is held by "+orElse(field(p.Holder), "another program"))
		case inventory.StateUnanswered, inventory.StateDenied:
			return join(", ", place, port(p.Path))
		}
	}
	if n := len(m.Transcript); n > 0 {
		return join(", ", place, "from "+count(n, "answer"))
	}
	return place
}

func place(d *inventory.Device) string {
	switch {
	case d == nil:
		return ""
	case d.Path != "":
		return field(d.Bus + " " + d.Path)
	case d.VID != "":
		return field(d.Bus + " " + d.VID + ":" + d.PID)
	}
	return ""
}

// asked is the port that the answers came from.
func asked(m inventory.Module) (inventory.Port, bool) {
	if len(m.Transcript) == 0 {
		return inventory.Port{}, false
	}
	i := slices.IndexFunc(m.Ports, func(p inventory.Port) bool {
		return p.State != "" && p.State != inventory.StateHeld && p.State != inventory.StateDenied
	})
	if i < 0 {
		return inventory.Port{}, false
	}
	return m.Ports[i], true
}

func questions(t []inventory.Exchange) string {
	var ms int64
	for _, e := range t {
		ms += e.Millis
	}
	return fmt.Sprintf("%s, %.2f%ss", count(len(t), "question"), float64(ms)/1000, noBreak)
}

// port names a port shortly: without /dev, and by its last part where it is deep.
func port(path string) string {
	const deep = 24
	short := strings.TrimPrefix(path, "/dev/")
	if i := strings.LastIndexByte(short, '/'); i > 0 && len(short) > deep {
		short = "…" + short[i:]
	}
	return field(short)
}

func count(n int, thing string) string {
	if n == 1 {
		return "1" + noBreak + thing
	}
	return fmt.Sprintf("%d%s%ss", n, noBreak, thing)
}

func alternatives(names []string) string {
	if n := len(names); n > 4 {
		return fmt.Sprintf("%s or %d others", strings.Join(names[:3], ", "), n-3)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	return strings.Join(names, "")
}

// join puts sep between those parts that say something.
func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), sep)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func labelled(label, value string) string {
	if value == "" {
		return ""
	}
	return label + " " + value
}
