package fingerprint

import (
	"slices"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// The labels of a maker's answers are soon copied: without a value that is known as that maker's they only hint.
func TestLabelsAloneProveNoMaker(t *testing.T) {
	b := embedded(t)
	for _, c := range []struct {
		lines    []string
		maker    string
		possible string
		model    string
	}{
		{lines: []string{"^VERSION:EXTU:Folk"}, possible: "huawei", model: "Folk"},
		{lines: []string{"^VERSION:EXTU:Folk", "^VERSION:EXTH:Board Ver.A", "^VERSION:EXTS:1.0.2"}, possible: "huawei", model: "Folk"},
		{lines: []string{`^FHVER:"FOLK-1 1.0.2,BOARD Ver.A"`}, possible: "huawei", model: "FOLK-1"},
		{lines: []string{"^VERSION:EXTU:E3372"}, maker: "huawei", model: "E3372"},
		{lines: []string{"^VERSION:EXTS:22.329.63.00.74"}, maker: "huawei"},
		{lines: []string{`^SCFG: "Ident/Product","ABC12"`}, possible: "cinterion", model: "ABC12"},
		{lines: []string{`^SCFG: "Ident/Product","PLS62-W"`}, maker: "cinterion", model: "PLS62-W"},
		{lines: []string{"#CGMM: FOLK-1"}, possible: "telit"},
		{lines: []string{"#CGMM: GL865-QUAD"}, maker: "telit", model: "GL865-QUAD"},
	} {
		v := b.Identify(Observation{Transcript: []inventory.Exchange{{Cmd: "AT^VERSION?", Lines: c.lines, Final: "OK"}}})
		if v.Identity.Maker != c.maker || c.model != "" && v.Identity.Model != c.model {
			t.Errorf("%q: maker %q, model %q; want %q, %q", c.lines, v.Identity.Maker, v.Identity.Model, c.maker, c.model)
		}
		if c.maker == "" && (v.State != inventory.StatePartial || !slices.Contains(v.Possible, c.possible)) {
			t.Errorf("%q: %s, possible %q; want partial, %q", c.lines, v.State, v.Possible, c.possible)
		}
	}
}

// A model that another company may have built for the one named stays open, whatever a numbering that many use says.
func TestNumberingDoesNotProveWhoBuiltABadge(t *testing.T) {
	b := embedded(t)
	for _, revision := range []string{"", "REVISION 01.200"} {
		v := b.Identify(Observation{Transcript: []inventory.Exchange{
			{Cmd: "AT+CGMI", Lines: []string{"Cinterion"}, Final: "OK"},
			{Cmd: "AT+CGMM", Lines: []string{"MV32-W"}, Final: "OK"},
			{Cmd: "AT+CGMR", Lines: []string{revision}, Final: "OK"},
		}})
		if v.Identity.Maker != "" || !slices.Contains(v.Possible, "cinterion") || !slices.Contains(v.Possible, "foxconn") {
			t.Errorf("revision %q: maker %q, possible %q; want none, both", revision, v.Identity.Maker, v.Possible)
		}
	}
}

// A day behind a model is no part of it.
func TestDayBehindModel(t *testing.T) {
	b := embedded(t)
	for said, want := range map[string]string{
		"nRF93M1-LABA-A0A (20250428)":   "nRF93M1-LABA-A0A",
		"nRF93M1-LABA-A0A (2025-04-28)": "nRF93M1-LABA-A0A",
		"nRF93M1-LABA-A0A (R3)":         "nRF93M1-LABA-A0A (R3)",
		"FOLK 12 (20259928)":            "FOLK 12 (20259928)",
	} {
		if got := b.cleanModel(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
