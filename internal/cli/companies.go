package cli

import (
	"cmp"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/hbom"
)

// companies tells a bill of materials what the knowledge has about makers, badges and the
// makers of chips.
type companies struct{ base *fingerprint.Base }

func (c companies) Company(slug string) (hbom.Company, bool) {
	m, ok := c.base.Maker(slug)
	return hbom.Company{Name: cmp.Or(m.Legal, m.Name), Country: m.Country}, ok
}
