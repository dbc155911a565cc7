package simulate

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"strconv"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/inventory"
)

// modulesJSONL holds real transcripts, each with its source. The first dozen are
// modules whose answers name maker and model.
//
//go:embed data/modules.jsonl
var modulesJSONL []byte

// Cases gives the embedded transcripts.
func Cases() ([]capture.Case, error) {
	var cases []capture.Case
	for c, err := range capture.ReadJSONLines(bytes.NewReader(modulesJSONL)) {
		if err != nil {
			return nil, fmt.Errorf("cannot read the embedded transcripts: %w", err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// Many gives n cases, the embedded ones over and over. The sources had blanked the
// serial number inside each IMEI; here it numbers the modules, so that no two have the
// same IMEI.
func Many(n int) ([]capture.Case, error) {
	all, err := Cases()
	if err != nil {
		return nil, err
	}
	cases := make([]capture.Case, n)
	for i := range cases {
		cases[i] = Numbered(all[i%len(all)], i+1)
	}
	return cases, nil
}

// Numbered gives c with serial as the serial number of its IMEI, where the source had blanked it.
func Numbered(c capture.Case, serial int) capture.Case {
	c.Transcript = numbered(c.Transcript, serial)
	return c
}

// blankedIMEI matches an IMEI whose serial number is zero.
var blankedIMEI = regexp.MustCompile(`\b(\d{8})000000\d\b`)

func numbered(transcript []inventory.Exchange, serial int) []inventory.Exchange {
	out := make([]inventory.Exchange, len(transcript))
	for i, e := range transcript {
		e.Lines = append([]string(nil), e.Lines...)
		for j, line := range e.Lines {
			e.Lines[j] = blankedIMEI.ReplaceAllStringFunc(line, func(imei string) string {
				return IMEI(imei[:8], serial)
			})
		}
		out[i] = e
	}
	return out
}

// IMEI gives the one with that type allocation code and serial number, modulo a million.
func IMEI(tac string, serial int) string {
	digits := fmt.Sprintf("%s%06d", tac, serial%1_000_000)
	return digits + checkDigit(digits)
}

// checkDigit is that of 3GPP TS 23.003, annex B (Luhn).
func checkDigit(digits string) string {
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return strconv.Itoa((10 - sum%10) % 10)
}
