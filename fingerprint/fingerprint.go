package fingerprint

import "github.com/rollcall-iot/rollcall/inventory"

// Observation is everything that was seen of one device.
type Observation struct {
	// Transcript holds the exchanges. Their order does not matter.
	Transcript []inventory.Exchange
	// Banner holds lines that came unasked.
	Banner []string
	// USB and PCI are the descriptor, where there is one.
	USB, PCI *inventory.Device
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

// Apply writes the verdict into m and leaves what it does not speak of (ports, device,
// transcript, ID) alone.
func (v Verdict) Apply(m *inventory.Module) {
	m.State, m.Identity, m.Origin, m.Confidence = v.State, v.Identity, v.Origin, v.Confidence
	m.Evidence, m.Conflicts, m.Possible, m.Parts = v.Evidence, v.Conflicts, v.Possible, v.Parts
	m.Seems, m.Reason, m.Data = v.Seems, v.Reason, v.Data
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
}

// Overlay is a user's own file of knowledge; Name is used in errors.
type Overlay struct {
	Name string
	Data []byte
}

// Base is loaded knowledge. It is immutable and safe for concurrent use.
type Base struct {
	version string
	makers  []Maker
}

// Embedded loads the knowledge that is built into the program.
func Embedded() (*Base, error) { return Load() }

// Load loads the embedded knowledge and lays the overlays over it, in order.
func Load(overlays ...Overlay) (*Base, error) {
	return &Base{version: "0"}, nil
}

// Version names the knowledge: its date and the digest of its contents.
func (b *Base) Version() string { return b.version }

// Maker gives the company of a slug.
func (b *Base) Maker(slug string) (Maker, bool) {
	for _, m := range b.makers {
		if m.Slug == slug {
			return m, true
		}
	}
	return Maker{}, false
}

// Identify judges one observation.
func (b *Base) Identify(o Observation) Verdict {
	return Verdict{State: inventory.StateUnknown, Reason: "nothing that is known fits", Data: b.version}
}

// Plan lists the commands still worth asking, best first. Empty means sure enough: stop.
// The caller asks the first one, identifies again and plans again.
func (b *Base) Plan(o Observation, v Verdict) []string { return nil }
