package store

import (
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Facets is everything of a module that a list can be filtered and sorted by, but for its
// gateway and IMEI. Modules with equal facets form a cohort.
type Facets struct {
	State         inventory.State `json:"state"`
	Maker         string          `json:"maker"`
	MakerName     string          `json:"maker_name"`
	Badge         string          `json:"badge"`
	Model         string          `json:"model"`
	Variant       string          `json:"variant"`
	Firmware      string          `json:"firmware"`
	Chipset       string          `json:"chipset"`
	Technology    string          `json:"technology"`
	Country       string          `json:"country"`
	ParentCountry string          `json:"parent_country"`
	// Unconfirmed says that the two rest on no source that was read.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
	Conflicted  bool `json:"conflicted"`
	// Possible holds slugs, separated by blanks.
	Possible string `json:"possible"`
	Seems    string `json:"seems"`
	// Worst is the highest severity among its findings that no exception covers, or "".
	Worst string `json:"worst,omitempty"`
}

// Facets gives those of m.
func (m *Module) Facets() Facets {
	i := m.Identity
	return Facets{
		State: m.State, Maker: i.Maker, MakerName: i.MakerName, Badge: i.Badge, Model: i.Model, Variant: i.Variant,
		Firmware: i.Firmware, Chipset: i.Chipset, Technology: i.Technology,
		Country: m.Origin.Country, ParentCountry: m.Origin.ParentCountry, Unconfirmed: m.Origin.Unconfirmed,
		Conflicted: m.Conflicted, Possible: strings.Join(m.Possible, " "), Seems: m.Seems, Worst: m.Worst,
	}
}

// Fill writes the facets into m.
func (f *Facets) Fill(m *Module) {
	m.State, m.Conflicted, m.Seems, m.Worst = f.State, f.Conflicted, f.Seems, f.Worst
	i := &m.Identity
	i.Maker, i.MakerName, i.Badge, i.Model, i.Variant = f.Maker, f.MakerName, f.Badge, f.Model, f.Variant
	i.Firmware, i.Chipset, i.Technology = f.Firmware, f.Chipset, f.Technology
	m.Origin = inventory.Origin{Country: f.Country, ParentCountry: f.ParentCountry, Unconfirmed: f.Unconfirmed}
	if f.Possible != "" {
		m.Possible = strings.Fields(f.Possible)
	}
}

// Number names the cohort: the first 63 bits of a hash of the facets, so that no look-up
// is needed to find it and every collector finds the same one.
func (f *Facets) Number() int64 {
	conflicted := "0"
	if f.Conflicted {
		conflicted = "1"
	}
	seats := f.ParentCountry // cohorts whose seats are confirmed keep the numbers that they had before others were told apart
	if f.Unconfirmed {
		seats += " unconfirmed"
	}
	return number63(string(f.State), f.Maker, f.MakerName, f.Badge, f.Model, f.Variant, f.Firmware,
		f.Chipset, f.Technology, f.Country, seats, conflicted, f.Possible, f.Seems, f.Worst)
}
