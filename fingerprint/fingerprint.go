package fingerprint

import (
	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Observation is everything that was seen of one device.
type Observation struct {
	// Transcript holds the exchanges. Their order does not matter.
	Transcript []inventory.Exchange
	// Banner holds lines that came unasked.
	Banner []string
	// USB and PCI are the descriptor, where there is one.
	USB, PCI *inventory.Device
	// Managed is what a program that manages the module knows of it.
	Managed *inventory.Managed
}

// Verdict is what an observation proves.
type Verdict struct {
	State    inventory.State
	Identity inventory.Identity
	Origin   inventory.Origin
	// Confidence in the maker and model, 0 to 1.
	Confidence float64
	// Evidence stands strongest first.
	Evidence  []inventory.Evidence
	Conflicts []inventory.Conflict
	// Possible lists the maker slugs that remain where the maker is open.
	Possible []string
	// Parts are further revisions and identifiers.
	Parts []inventory.Part
	// Seems says what a device that is not a cellular module seems to be.
	Seems string
	// Reason says in one sentence why the state is short of identified, and what to do.
	Reason string
	// Data is the version of the knowledge used.
	Data string
}

// Maker is one company or brand of the knowledge.
type Maker struct {
	Slug string
	// Name is the short form ("Quectel Wireless Solutions"), Legal the registered one.
	Name, Legal string
	// Country and ParentCountry are ISO 3166-1 alpha-2 codes of the seats of the company
	// and of its ultimate parent. Empty means not known.
	Country string
	Parent  string
	// ParentCountry is that of the ultimate parent; it equals Country where there is none.
	ParentCountry string
	// AsOf is the day (2026-11-22) for which ownership was established.
	AsOf string
	// Confirmed says whether ownership and country rest on a source that was read.
	Confirmed bool
	// Source is where that was read.
	Source string
	// Role says what its name in a reply proves.
	Role Role
}

// Role says what a company's name in a reply proves.
type Role uint8

// The roles.
const (
	// RoleMaker: that it built the module.
	RoleMaker Role = Role(knowledge.RoleMaker)
	// RoleBadge: that the module wears its badge.
	RoleBadge Role = Role(knowledge.RoleBadge)
	// RoleChipset: that a chipset of it is inside.
	RoleChipset Role = Role(knowledge.RoleChipset)
)

// Overlay is a user's own file of knowledge; Name is used in errors.
type Overlay struct {
	Name string
	Data []byte
}
