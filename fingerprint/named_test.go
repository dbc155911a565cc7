package fingerprint

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Reasons are read by people: companies stand there by their names, and machines get the slugs beside.
func TestReasonNamesCompanies(t *testing.T) {
	b := embedded(t)
	seen := 0
	for i := range b.pack.TAC {
		tac := &b.pack.TAC[i]
		imei := tac.Prefix + strings.Repeat("0", 14-len(tac.Prefix))
		v := b.Identify(Observation{Transcript: []inventory.Exchange{
			{Cmd: "AT+CGSN", Lines: []string{withLuhn(imei)}, Final: "OK"}, {Cmd: "AT+CPIN?", Lines: []string{"+CPIN: READY"}, Final: "OK"},
		}})
		for _, slug := range v.Possible {
			seen++
			m, _ := b.Maker(slug)
			words := strings.FieldsFunc(v.Reason, func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
			if !strings.Contains(v.Reason, m.Name) || slug != m.Name && slices.Contains(words, slug) {
				t.Errorf("%s: %q should name %q", slug, v.Reason, m.Name)
			}
		}
	}
	if seen == 0 {
		t.Error("no TAC left a company possible")
	}
}

// withLuhn adds the check digit.
func withLuhn(digits string) string {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}
