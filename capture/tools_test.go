package capture_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/capture"
)

// TestJoinedAnswers: SMS Server Tools log the lines of an answer as one. They are parted where it shows that one ended,
// and nowhere else.
func TestJoinedAnswers(t *testing.T) {
	for _, c := range []struct {
		logged string
		lines  []string
		final  string
	}{
		{"Quectel OK", []string{"Quectel"}, "OK"},
		{"ATI Quectel OK", []string{"Quectel"}, "OK"},
		{"Quectel EC25 Revision: EC25EFAR06A08M4G OK", []string{"Quectel EC25", "Revision: EC25EFAR06A08M4G"}, "OK"},
		{"Manufacturer: huawei Model: E3372 Revision: 22.329.63.00.74 IMEI: 866785030000003 +GCAP: +CGSM,+DS,+ES OK",
			[]string{"Manufacturer: huawei", "Model: E3372", "Revision: 22.329.63.00.74", "IMEI: 866785030000003", "+GCAP: +CGSM,+DS,+ES"}, "OK"},
		{"+CME ERROR: SIM not inserted", nil, "+CME ERROR: SIM not inserted"},
		{"SIM800 R14.18 OK", []string{"SIM800 R14.18"}, "OK"},
		{"NO OK HERE OK", []string{"NO OK HERE"}, "OK"},
		{"ERROR", nil, "ERROR"},
	} {
		log := "2026-11-22 10:00:00,7, GSM1: -> ATI\n2026-11-22 10:00:00,7, GSM1: Command is sent, waiting for the answer. (5)\n" +
			"2026-11-22 10:00:00,7, GSM1: <- " + c.logged + "\n"
		got, _, err := capture.ReadTerminal(strings.NewReader(log))
		if err != nil || len(got.Transcript) != 1 {
			t.Errorf("%q: %d exchanges, %v", c.logged, len(got.Transcript), err)
			continue
		}
		e := got.Transcript[0]
		if diff := cmp.Diff(c.lines, e.Lines); diff != "" || e.Final != c.final {
			t.Errorf("%q: final %q, want %q; -want +got\n%s", c.logged, e.Final, c.final, diff)
		}
	}
}

// TestSocatBesideItsOutput: what socat carried to the screen stands between the blocks that it logs, and is not read twice.
func TestSocatBesideItsOutput(t *testing.T) {
	const log = `ATI
> 2013/10/23 17:10:28.917413  length=4 from=0 to=3
ATI
< 2013/10/23 17:10:28.921598  length=4 from=0 to=3
ATI
ATI
< 2013/10/23 17:10:28.951598  length=27 from=4 to=30
\r
Conexant V.92 Modem\r
OK\r

Conexant V.92 Modem
OK
> 2013/10/23 17:10:30.244923  length=8 from=4 to=11
AT+GMM\r
< 2013/10/23 17:10:30.251383  length=14 from=31 to=44
\r
ACF3\r
\r
OK\r

ACF3

OK
`
	got, _, err := capture.ReadTerminal(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Transcript) != 2 || len(got.Transcript[0].Lines) != 1 || len(got.Transcript[1].Lines) != 1 || len(got.Banner) != 0 {
		t.Errorf("%+v, banner %q; want two exchanges of one line each and nothing besides", got.Transcript, got.Banner)
	}
}
