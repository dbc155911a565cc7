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
		c := all[i%len(all)]
		c.Transcript = numbered(c.Transcript, i+1)
		cases[i] = c
	}
	return cases, nil
}

// blankedIMEI matches an IMEI whose serial number is zero.
var blankedIMEI = regexp.MustCompile(`\b(\d{8})000000\d\b`)

func numbered(transcript []inventory.Exchange, serial int) []inventory.Exchange {
	out := make([]inventory.Exchange, len(transcript))
	for i, e := range transcript {
		e.Lines = append([]string(nil), e.Lines...)
		for j, line := range e.Lines {
			e.Lines[j] = blankedIMEI.ReplaceAllStringFunc(line, func(imei string) string {
				digits := fmt.Sprintf("%s%06d", imei[:8], serial%1_000_000)
				return digits + checkDigit(digits)
			})
		}
		out[i] = e
	}
	return out
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
