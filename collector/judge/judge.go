package judge

import (
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Identifier is the knowledge. *fingerprint.Base is one.
type Identifier interface {
	Identify(fingerprint.Observation) fingerprint.Verdict
	Version() string
}

// Report judges every module of r anew and returns them; r is left as it is.
func Report(base Identifier, r *inventory.Report) []inventory.Module {
	out := make([]inventory.Module, len(r.Modules))
	for i := range r.Modules {
		out[i] = Module(base, r.Modules[i], r.Truncated)
	}
	return out
}

// Module judges one module anew. truncated says that transcripts were left out of the
// report to make it fit: then the gateway's own verdict is all there is.
func Module(base Identifier, m inventory.Module, truncated bool) inventory.Module {
	o := fingerprint.Observation{Transcript: m.Transcript, Banner: m.Banner, Managed: m.Managed}
	if m.Device != nil {
		switch m.Device.Bus {
		case "usb":
			o.USB = m.Device
		case "pci":
			o.PCI = m.Device
		}
	}
	nothing := len(o.Transcript) == 0 && len(o.Banner) == 0 && o.USB == nil && o.PCI == nil && o.Managed == nil
	if nothing || truncated && len(o.Transcript) == 0 && m.State == inventory.StateIdentified {
		return m
	}
	claimed := m
	base.Identify(o).Apply(&m)
	keepUnasked(&m, &claimed)
	// An owner may have an IMEI leave the gateway only in part or as a hash; then the
	// evidence cannot prove it, and nothing is gained by losing it.
	if m.Identity.IMEI == "" && Masked(claimed.Identity.IMEI) && m.State != inventory.StateNotCellular && m.State != inventory.StateUnknown {
		m.Identity.IMEI = claimed.Identity.IMEI
	}
	return m
}

// keepUnasked lets stand why a port was not asked, or what it turned out to be.
func keepUnasked(m, claimed *inventory.Module) {
	if m.Managed != nil && m.State == inventory.StateIdentified { // told by the program that has it
		return
	}
	switch claimed.State {
	case inventory.StateHeld, inventory.StateDenied, inventory.StateUnanswered:
		m.State, m.Reason = claimed.State, claimed.Reason
	case inventory.StateNotCellular:
		if m.State == inventory.StateUnknown { // the dialogue showed it: an echo, an open line
			m.State, m.Seems, m.Reason = claimed.State, claimed.Seems, claimed.Reason
		}
	}
}

// Masked says whether an IMEI is one that the gateway's owner keeps back: some digits and
// then x, or a hash.
func Masked(imei string) bool {
	return strings.HasPrefix(imei, "hmac:") || strings.HasSuffix(imei, "x") && strings.TrimRight(imei, "x0123456789") == ""
}

// Unique says whether two modules of one IMEI are one module.
func Unique(imei string) bool { return len(imei) == 15 && strings.Trim(imei, "0123456789") == "" }

// mostShown bounds what is kept of who a module is, in bytes of each text. No maker's names are as
// long; a report may say half a megabyte of each, and each change of it would stand in the events twice.
const mostShown = 512

// shown is a text as rows have it: printable, and not too long.
func shown(s string) string {
	if s = clean.Line(s); len(s) > mostShown {
		s = strings.ToValidUTF8(s[:mostShown], "") + "…"
	}
	return s
}

// Row gives what the store keeps of a judged module: every text printable and bounded, as it will
// be shown, filtered and exported. The exact bytes stay in the evidence.
func Row(gateway string, m *inventory.Module) store.Module {
	i := m.Identity
	for _, s := range []*string{&i.Maker, &i.MakerName, &i.Badge, &i.Model, &i.Variant, &i.Firmware, &i.Hardware, &i.IMEI, &i.Chipset, &i.Technology} {
		*s = shown(*s)
	}
	row := store.Module{
		ModuleKey: store.ModuleKey{Gateway: gateway, ID: clean.Line(m.ID)},
		State:     inventory.State(shown(string(m.State))),
		Identity:  i,
		Origin:    inventory.Origin{Country: shown(m.Origin.Country), ParentCountry: shown(m.Origin.ParentCountry), Unconfirmed: m.Origin.Unconfirmed},

		Confidence: m.Confidence, Conflicted: len(m.Conflicts) > 0, Seems: shown(m.Seems), Facts: facts(m),
	}
	for _, p := range m.Possible {
		row.Possible = append(row.Possible, strings.ReplaceAll(clean.Line(p), " ", "_"))
	}
	return row
}
