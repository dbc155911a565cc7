package fingerprint

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// TestA13EncodedNamesAreNoNames: text in other encodings, whose bytes atcmd keeps, becomes no name.
func TestA13EncodedNamesAreNoNames(t *testing.T) {
	b := embedded(t)
	for _, s := range []string{"0051007500650063007400650063", "\ufeffQuectel", "Qu\u00e9ctel", "\xd1uectel", "Ｑｕｅｃｔｅｌ"} {
		v := b.Identify(asked("AT+CGMI = "+s, "AT+CGMM = "+s))
		for _, text := range []string{v.Identity.Maker, v.Identity.Model, v.Identity.Firmware} {
			if strings.Trim(text, printableASCII) != "" {
				t.Errorf("%q gave %q", s, text)
			}
		}
		if v.State == inventory.StateIdentified {
			t.Errorf("%q identifies %+v", s, v.Identity)
		}
	}
}

const printableASCII = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// TestA17CraftedText: however much there is, and whatever it is made of, the work and what is kept stay bounded:
// sixteen times the text takes the same memory and gives as much evidence. Its time is
// measured by BenchmarkHostile.
func TestA17CraftedText(t *testing.T) {
	b := embedded(t)
	for name, unit := range map[string]string{
		"letters": "A", "digits": "8", "blanks and names": "Quectel EC25 ", "labels": "Model: EC25 Revision: X ",
		"quotes": `"`, "alternation": "EC2EC2EC", "versions": "V1.V1.", "commas": "L850,",
	} {
		many := func(lines int) Observation {
			x := inventory.Exchange{Cmd: "ATI", Final: "OK"}
			for range lines {
				x.Lines = append(x.Lines, strings.Repeat(unit, 64<<10/len(unit)/8))
			}
			o := Observation{Banner: x.Lines}
			for _, cmd := range []string{"ATI", "AT+CGMR"} {
				x.Cmd = cmd
				o.Transcript = append(o.Transcript, x)
			}
			return o
		}
		small, large := many(maxLines), many(16*maxLines)
		v := b.Identify(small) // makes what is made once
		before := mallocs(func() { b.Identify(small) })
		var w Verdict
		after := mallocs(func() { w = b.Identify(large) })
		if len(v.Evidence) > maxEvidence || len(w.Evidence) != len(v.Evidence) || w.Identity != v.Identity {
			t.Errorf("%s: %d and %d pieces of evidence", name, len(v.Evidence), len(w.Evidence))
		}
		// Regular expressions take their memory from a pool, which the collector and the race detector empty at any time.
		if after > 2*before+8 {
			t.Errorf("%s: %v allocations, with sixteen times the text %v", name, before, after)
		}
	}
}

// mallocs counts what f allocates, once: testing.AllocsPerRun would run it twice.
func mallocs(f func()) uint64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// TestA17WhatIsBeyondTheBounds is not looked at: neither the lines after the 64th of an answer, nor the answers after the
// 64th, so that no amount of either makes more work.
func TestA17WhatIsBeyondTheBounds(t *testing.T) {
	b := embedded(t)
	fill := func(n int, last string) (lines []string) {
		for i := range n {
			lines = append(lines, strings.Repeat("x", i%7+1))
		}
		return append(lines, last)
	}
	const proof = "Manufacturer: Quectel"
	for n, want := range map[int]string{maxLines - 1: "quectel", maxLines: "", 16 * maxLines: ""} {
		v := b.Identify(Observation{Transcript: []inventory.Exchange{{Cmd: "ATI", Lines: fill(n, proof), Final: "OK"}}})
		if v.Identity.Maker != want {
			t.Errorf("after %d lines: maker %q, want %q", n, v.Identity.Maker, want)
		}
	}
	for n, want := range map[int]string{maxExchanges - 1: "quectel", maxExchanges: ""} {
		var o Observation
		for range n { // they are taken in the order of their contents
			o.Transcript = append(o.Transcript, inventory.Exchange{Cmd: "AT", Lines: []string{}, Final: "OK"})
		}
		o.Transcript = append(o.Transcript, inventory.Exchange{Cmd: "ATI", Lines: []string{proof}, Final: "OK"})
		if v := b.Identify(o); v.Identity.Maker != want {
			t.Errorf("after %d answers: maker %q, want %q", n, v.Identity.Maker, want)
		}
	}
}

// TestA18SourcesDisagree: three makers, three sources. All three stand in the evidence, none is chosen, and no fourth is
// made up; whatever order they come in.
func TestA18SourcesDisagree(t *testing.T) {
	b := embedded(t)
	o := asked("AT+CGMI = Quectel", "ATI = Manufacturer: Fibocom Wireless Inc.")
	o.USB = &inventory.Device{Bus: "usb", VID: "1199", PID: "9071"}
	v := b.Identify(o)
	named := map[string]bool{}
	for _, e := range v.Evidence {
		if e.Claim == "maker" {
			named[e.Value] = true
		}
	}
	for _, maker := range []string{"quectel", "fibocom", "sierra-wireless"} {
		if !named[maker] || !slices.Contains(v.Possible, maker) {
			t.Errorf("%s is missing: evidence for %v, possible %v", maker, named, v.Possible)
		}
	}
	if v.Identity.Maker != "" || v.Origin != (inventory.Origin{}) || v.State == inventory.StateIdentified || v.Confidence != 0 || len(v.Conflicts) == 0 {
		t.Errorf("%s %+v %+v, confidence %v, conflicts %+v", v.State, v.Identity, v.Origin, v.Confidence, v.Conflicts)
	}
	if len(named) != 3 {
		t.Errorf("named are %v", named)
	}
}

// TestA19IMEI: every damage to a good number is reported as seen and as not valid, and stands in no identity.
func TestA19IMEI(t *testing.T) {
	b := embedded(t)
	const good = "866425030000006"
	identity := "ATI = Quectel | BG96 | Revision: BG96MAR02A07M1G"
	for i := range len(good) { // one digit wrong, in each place
		bad := []byte(good)
		bad[i] = '0' + (bad[i]-'0'+1)%10
		v := b.Identify(asked(identity, "AT+CGSN = "+string(bad)))
		if v.Identity.IMEI != "" || !slices.Contains(v.Parts, inventory.Part{Name: "imei-not-valid", Value: string(bad)}) || len(v.Conflicts) == 0 {
			t.Errorf("%s: identity %q, parts %v, conflicts %v", bad, v.Identity.IMEI, v.Parts, v.Conflicts)
		}
	}
	for _, bad := range []string{good[:14], good + "12", "000000000000000"} {
		v := b.Identify(asked(identity, "AT+CGSN = "+bad))
		if v.Identity.IMEI != "" || len(v.Conflicts) == 0 {
			t.Errorf("%s: identity %q, conflicts %v", bad, v.Identity.IMEI, v.Conflicts)
		}
	}
	for _, bad := range []string{"86642503000000X", "IMEI", good[:4] + " " + good[4:], "８66425030000006"} {
		if v := b.Identify(asked(identity, "AT+CGSN = "+bad)); v.Identity.IMEI != "" {
			t.Errorf("%s: identity %q", bad, v.Identity.IMEI)
		}
	}
	if v := b.Identify(asked(identity, "AT+CGSN = "+good)); v.Identity.IMEI != good || len(v.Conflicts) > 0 {
		t.Errorf("the good one: %q, conflicts %v", v.Identity.IMEI, v.Conflicts)
	}
}
