package fingerprint

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// The same answers in other clothes: what terminals, libraries and other firmware make of them.
var turns = map[string]func(e inventory.Exchange) []string{
	"padded": func(e inventory.Exchange) (out []string) {
		for _, l := range e.Lines {
			out = append(out, "  "+l+strings.Repeat(" ", max(0, 80-len(l))))
		}
		return out
	},
	"with arrows": func(e inventory.Exchange) (out []string) {
		for _, l := range e.Lines {
			out = append(out, "--> "+l)
		}
		return out
	},
	"with unasked lines": func(e inventory.Exchange) []string {
		return slices.Concat([]string{`+CREG: 2,"1A2B","01C3D4E5"`, "^RSSI:18"}, e.Lines, []string{"RING", `+CMTI: "SM",1`})
	},
	"with echo": func(e inventory.Exchange) []string {
		return slices.Concat([]string{e.Cmd}, e.Lines)
	},
	"on one line": func(e inventory.Exchange) []string {
		labelled := slices.ContainsFunc(e.Lines, func(l string) bool { return strings.HasPrefix(l, "Model:") })
		if !labelled || strings.HasPrefix(e.Lines[0], "+") {
			return e.Lines
		}
		return []string{strings.Join(e.Lines, " ")}
	},
	"with prefix and quotes": func(e inventory.Exchange) []string {
		cmd := strings.ToUpper(strings.TrimSpace(e.Cmd))
		plainReply := len(e.Lines) == 1 && !strings.ContainsAny(e.Lines[0], `":>`)
		if !plainReply || !slices.Contains([]string{"AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+GMI", "AT+GMM", "AT+GMR"}, cmd) {
			return e.Lines
		}
		return []string{cmd[2:] + `: "` + e.Lines[0] + `"`}
	},
	"maker in capitals": func(e inventory.Exchange) []string {
		if cmd := strings.ToUpper(e.Cmd); cmd != "AT+CGMI" && cmd != "AT+GMI" || len(e.Lines) != 1 {
			return e.Lines
		}
		return []string{strings.ToUpper(e.Lines[0])}
	},
}

func TestCapturesInOtherClothes(t *testing.T) {
	b := embedded(t)
	misses := knownMisses(t)
	for name, turn := range turns {
		t.Run(name, func(t *testing.T) {
			for _, c := range readCorpus(t) {
				if misses[c.ID] != "" {
					continue
				}
				o := c.observation()
				o.Transcript = slices.Clone(o.Transcript)
				for i, e := range o.Transcript {
					o.Transcript[i].Lines = turn(e)
				}
				if wrong := c.mistakes(b, b.Identify(o)); len(wrong) > 0 {
					t.Errorf("%s: %s", c.ID, strings.Join(wrong, "; "))
				}
			}
		})
	}
}

// One answer alone proves less, but never another maker.
func TestSingleAnswersNameNobodyElse(t *testing.T) {
	b := embedded(t)
	misses := knownMisses(t)
	misses["e1750-qualcomm-dongle242"] = "a copy: its model alone is that of the stick that it copies; its maker's answer, a chipset's, puts that in doubt"
	for _, c := range readCorpus(t) {
		for _, e := range c.Exchange {
			v := b.Identify(Observation{Transcript: []inventory.Exchange{e}})
			if misses[c.ID] != "" || !c.Expect.Cellular && v.Identity.Model == "" { // a company that builds other devices, too, and only its name
				continue
			}
			if v.Identity.Maker != "" && !sameCompany(b, v.Identity.Maker, c.Expect.Vendor) {
				t.Errorf("%s, %s alone: %s, not %q", c.ID, e.Cmd, v.Identity.Maker, c.Expect.Vendor)
			}
		}
	}
}
