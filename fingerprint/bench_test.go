package fingerprint

import (
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// typical is what a common module answers to four questions.
func typical() Observation {
	return Observation{
		Transcript: []inventory.Exchange{
			{Cmd: "ATI", Lines: []string{"Quectel", "EC25", "Revision: EC25EFAR06A08M4G"}, Final: "OK"},
			{Cmd: "AT+CGMI", Lines: []string{"Quectel"}, Final: "OK"},
			{Cmd: "AT+CGMM", Lines: []string{"EC25"}, Final: "OK"},
			{Cmd: "AT+CGSN", Lines: []string{"867012040000009"}, Final: "OK"},
		},
		USB: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Manufacturer: "Quectel", Product: "EC25-EF"},
	}
}

func labelled() Observation {
	return Observation{Transcript: []inventory.Exchange{
		{Cmd: "ATI", Lines: []string{
			"Manufacturer: Sierra Wireless, Incorporated", "Model: EM7455B",
			"Revision: SWI9X30C_02.24.05.06 r7040 CARMD-EV-FRMWR2 2017/05/19 06:23:09",
			"MEID: 35448008000000", "IMEI: 354480080000009", "IMEI SV: 12", "FSN: 00000000000000", "+GCAP: +CGSM",
		}, Final: "OK"},
		{Cmd: "AT+CGMI", Lines: []string{"Sierra Wireless, Incorporated"}, Final: "OK"},
		{Cmd: "AT+CGMM", Lines: []string{"EM7455B"}, Final: "OK"},
		{Cmd: "AT+CGMR", Lines: []string{"SWI9X30C_02.24.05.06 r7040 CARMD-EV-FRMWR2 2017/05/19 06:23:09"}, Final: "OK"},
	}}
}

func BenchmarkIdentify(b *testing.B) {
	base := embedded(b)
	for name, o := range map[string]Observation{"typical": typical(), "labelled": labelled()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				base.Identify(o)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Embedded(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	base := embedded(b)
	o := typical()
	v := base.Identify(o)
	for b.Loop() {
		base.Plan(o, v)
	}
}

// hostile gives 64 KiB in lines of the given length, built to begin like what patterns look for.
func hostile(start string, line int) Observation {
	text := start + strings.Repeat(start+"A0.", line)
	var lines []string
	for range (64 << 10) / line {
		lines = append(lines, text[:line])
	}
	return Observation{Transcript: []inventory.Exchange{
		{Cmd: "ATI", Lines: lines, Final: "OK"},
		{Cmd: "AT+CGMR", Lines: lines, Final: "OK"},
		{Cmd: "AT+CGMM", Lines: lines, Final: "OK"},
		{Cmd: "AT+CGMI", Lines: lines, Final: "OK"},
	}, Banner: lines}
}

// hostileStarts are beginnings of which many patterns try to make something.
var hostileStarts = []string{"", "A", "EC25", "SIM7600", "M", "R", "0.", "11.", "D1000-", "BD_", "V 0", "Model: ", "+GMI: ", "\"", "Quectel ", "huawei "}

func BenchmarkHostile(b *testing.B) {
	base := embedded(b)
	for _, line := range []int{60, 150, 4096} {
		for _, start := range hostileStarts {
			o := hostile(start, line)
			b.Run(strings.TrimSpace(start)+"/"+itoa(line), func(b *testing.B) {
				for b.Loop() {
					base.Identify(o)
				}
			})
		}
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
