package fingerprint

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// dialogue asks what is planned, one at a time, of a module that knows the given answers.
func dialogue(b *Base, answers map[string][]string) (sent []string, v Verdict) {
	var o Observation
	for {
		plan := b.Plan(o, b.Identify(o))
		if len(plan) == 0 || len(sent) > 30 {
			return sent, b.Identify(o)
		}
		e := inventory.Exchange{Cmd: plan[0], Final: "ERROR"}
		if lines, ok := answers[plan[0]]; ok {
			e.Lines, e.Final = lines, "OK"
		}
		o.Transcript = append(o.Transcript, e)
		sent = append(sent, plan[0])
	}
}

func TestPlanAsksFewQuestions(t *testing.T) {
	b := embedded(t)
	for name, tc := range map[string]struct {
		answers        map[string][]string
		most           int
		maker, firmway string
	}{
		"quectel": {map[string][]string{
			"ATI": {"Quectel", "EC25", "Revision: EC25EFAR06A08M4G"}, "AT+CGMI": {"Quectel"}, "AT+CGMM": {"EC25"},
			"AT+CGMR": {"EC25EFAR06A08M4G"}, "AT+CGSN": {"867012040000009"}, "AT+QGMR": {"EC25EFAR06A08M4G_01.001.01.001"},
		}, 4, "quectel", "EC25EFAR06A08M4G_01.001.01.001"},
		"simcom": {map[string][]string{
			"ATI":     {"Manufacturer: INCORPORATED", "Model: A7670E-FASE", "Revision: A7670M7_V1.11.1", "IMEI: 862205050000001", "+GCAP: +CGSM,+FCLASS,+DS"},
			"AT+CGMI": {"INCORPORATED"}, "AT+CGMM": {"A7670E-FASE"}, "AT+CGMR": {"+CGMR: A011B07A7670M7_F"},
			"AT+SIMCOMATI": {"Manufacturer: INCORPORATED", "Model: A7670E-FASE", "Revision: A011B07A7670M7_F"},
		}, 5, "simcom", "A011B07A7670M7_F"},
		"no ATI": {map[string][]string{
			"AT+CGMI": {"u-blox"}, "AT+CGMM": {"SARA-R410M-02B"}, "AT+CGMR": {"L0.0.00.00.05.06 [Feb 03 2018 13:00:41]"}, "AT+CGSN": {"352753090000008"},
			"ATI9": {"L0.0.00.00.05.06,A.02.00"}, "ATI0": {"SARA-R410M-02B"},
		}, 8, "u-blox", "L0.0.00.00.05.06,A.02.00"},
		"unknown to us": {map[string][]string{
			"ATI": {"Manufacturer: Nobody We Know", "Model: X1", "Revision: 1.0"}, "AT+CGSN": {"353284020000009"},
		}, 8, "", "1.0"},
		"nothing answers": {nil, 9, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			sent, v := dialogue(b, tc.answers)
			if len(sent) > tc.most {
				t.Errorf("%d questions: %v", len(sent), sent)
			}
			if v.Identity.Maker != tc.maker || v.Identity.Firmware != tc.firmway {
				t.Errorf("got %q %q after %v", v.Identity.Maker, v.Identity.Firmware, sent)
			}
			if slices.Sort(sent); len(slices.Compact(sent)) != len(sent) {
				t.Errorf("something was asked twice: %v", sent)
			}
		})
	}
}

func TestPlanStops(t *testing.T) {
	b := embedded(t)
	silent := Observation{Transcript: []inventory.Exchange{{Cmd: "AT"}, {Cmd: "ATI"}, {Cmd: "AT+CGMI"}}}
	if plan := b.Plan(silent, b.Identify(silent)); len(plan) != 0 {
		t.Errorf("a silent port is asked on: %v", plan)
	}
	esp := asked("AT+GMR = AT version:3.2.0.0(s-ec2dec2 - ESP32 - Jul 28 2023 07:05:28)")
	if plan := b.Plan(esp, b.Identify(esp)); len(plan) != 0 {
		t.Errorf("a device that is no cellular module is asked on: %v", plan)
	}
}

// Every question of the knowledge is a query in form: AT, then no assignment and no action.
func TestPlannedQuestionsOnlyAsk(t *testing.T) {
	p := embedded(t).pack
	all := slices.Clone(p.First)
	for _, m := range p.Makers {
		all = append(all, m.Ask...)
	}
	for _, a := range all {
		if !strings.HasPrefix(a.Cmd, "AT") || strings.ContainsAny(a.Cmd, ";\r\n\x1b ") || strings.Contains(a.Cmd, "=") && !strings.HasSuffix(a.Cmd, "=1") && !strings.HasSuffix(a.Cmd, "=?") {
			t.Errorf("%q is no plain query", a.Cmd)
		}
	}
}
