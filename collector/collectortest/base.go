package collectortest

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Base is knowledge that takes each answer at its word: AT+CGMI names the maker, AT+CGMM the
// model, AT+CGMR the firmware, AT+CGSN the IMEI, AT+COUNTRY the seats ("CA/US"), AT+CONFLICT
// a contradiction. A USB descriptor alone names the maker by its manufacturer.
type Base struct {
	// Data is the version. Rename, where set, is newer knowledge of a maker's name.
	Data   string
	Rename map[string]string
	// Panic is a model over which identifying ends in a panic.
	Panic string
}

// Version names the knowledge.
func (b *Base) Version() string { return b.Data }

// Identify reads the answers.
func (b *Base) Identify(o fingerprint.Observation) fingerprint.Verdict {
	v := fingerprint.Verdict{State: inventory.StateUnknown, Data: b.Data}
	if o.USB != nil {
		v.State, v.Identity.Maker, v.Identity.MakerName = inventory.StatePartial, strings.ToLower(o.USB.Manufacturer), o.USB.Manufacturer
	}
	for _, x := range o.Transcript {
		if len(x.Lines) > 0 {
			b.answer(&v, x.Cmd, x.Lines[0])
		}
	}
	if v.Identity.Model != "" {
		v.State, v.Confidence = inventory.StateIdentified, 0.99
	}
	return v
}

func (b *Base) answer(v *fingerprint.Verdict, cmd, line string) {
	i := &v.Identity
	claim := ""
	switch cmd {
	case "AT+CGMI":
		claim = "maker"
		i.Maker, i.MakerName = strings.ToLower(line), line
		if n, ok := b.Rename[i.Maker]; ok {
			i.MakerName = n
		}
	case "AT+CGMM":
		if b.Panic != "" && line == b.Panic {
			panic("cannot think of " + line)
		}
		claim, i.Model = "model", line
	case "AT+CGMR":
		claim, i.Firmware = "firmware", line
	case "AT+CGSN":
		claim, i.IMEI = "imei", line
	case "AT+COUNTRY":
		v.Origin.Country, v.Origin.ParentCountry, _ = strings.Cut(line, "/")
	case "AT+CONFLICT":
		v.Conflicts = append(v.Conflicts, inventory.Conflict{Claim: "maker", Values: []string{i.Maker, line}, Why: "the answers name two makers"})
	}
	if claim != "" {
		v.Evidence = append(v.Evidence, inventory.Evidence{Claim: claim, Value: line, Source: "at:" + cmd, Quote: line, Rule: "test/" + claim})
	}
}
