package capture_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/simulate"
)

// FuzzPieces: however the bytes of a dialogue came in pieces, and the log shows them so, the verdict is the same.
func FuzzPieces(f *testing.F) {
	cases, err := simulate.Cases()
	if err != nil {
		f.Fatal(err)
	}
	base, err := fingerprint.Embedded()
	if err != nil {
		f.Fatal(err)
	}
	for i := range cases {
		f.Add(uint16(i), []byte{byte(i), 3, 90}, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, which uint16, cuts []byte, echo bool) {
		c := cases[int(which)%len(cases)]
		whole := logged(c.Transcript)
		if len(whole) == 0 || len(cuts) == 0 {
			return
		}
		var log strings.Builder
		shown := strings.NewReplacer("\r", "<CR>", "\n", "<LF>")
		n := 0
		for _, e := range whole {
			log.WriteString("<debug> [1700000000.1] [ttyUSB2/at] --> '" + e.Cmd + "<CR>'\n")
			for text := wire(e, echo); text != ""; n++ {
				size := min(1+int(cuts[n%len(cuts)]), len(text))
				log.WriteString("<debug> [1700000000.2] [ttyUSB2/at] <-- '" + shown.Replace(text[:size]) + "'\n")
				text = text[size:]
			}
		}
		got, _, err := capture.ReadTerminal(strings.NewReader(log.String()))
		if err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		want := base.Identify(fingerprint.Observation{Transcript: whole})
		if diff := cmp.Diff(want, base.Identify(fingerprint.Observation{Transcript: got.Transcript})); diff != "" {
			t.Fatalf("-whole +in pieces\n%s\n%s", diff, log.String())
		}
	})
}
