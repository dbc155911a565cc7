package hbom

import (
	"errors"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Item is one module in one gateway, with what is said about it.
type Item struct {
	// Gateway without an ID: it is not known where the module sits.
	Gateway  inventory.Gateway
	Module   inventory.Module
	Findings []Finding
}

// Finding is what a list or a rule says about a module.
type Finding struct {
	Rule string
	// List and Edition are set for a finding that comes from a list.
	List, Edition string
	// Severity is a word ("high").
	Severity string
	Text     string
	// Source is the address of the text that it relies on.
	Source string
	// Since is the day since which the maker is named; zero if there is none.
	Since time.Time
	// Excepted says who accepted it, why and until when; "" if nobody did.
	Excepted string
}

// Company is what a document says about a maker or a seller.
type Company struct {
	// Name is the legal name.
	Name string
	// Country is its seat, ISO 3166-1 alpha-2.
	Country string
	// URL is its web address; may be empty.
	URL string
}

// Companies knows makers and badges by their slug.
type Companies interface {
	Company(slug string) (Company, bool)
}

// Spec is a version of CycloneDX.
type Spec string

// The versions that can be written.
const (
	CycloneDX16 Spec = "1.6"
	CycloneDX17 Spec = "1.7"
)

// Settings say how a document is written.
type Settings struct {
	// Time is when the document was made. It is part of what tells two documents apart.
	Time time.Time
	// Name is what is described if it is more than one gateway ("fleet of Example Utility").
	// Empty: "fleet".
	Name string
	// Version is that of Rollcall, which made the document.
	Version string
	// Spec is the version of CycloneDX. Empty: 1.6.
	Spec Spec
	// Companies knows legal names and seats. Nil: what the modules carry is used.
	Companies Companies
	// IMEI: write IMEIs. They tell one device, and so its place and owner, apart.
	IMEI bool
}

// Errors that callers branch on.
var (
	// ErrOrder: a stream of items is not sorted by gateway and module.
	ErrOrder = errors.New("items are not sorted by gateway id and module id")
	// ErrTime: no time was given.
	ErrTime = errors.New("settings have no time")
	// ErrSpec: not a version of CycloneDX that can be written.
	ErrSpec = errors.New("not a version of CycloneDX that can be written; want 1.6 or 1.7")
)

func (s Settings) check() error {
	if s.Time.IsZero() {
		return ErrTime
	}
	if s.Spec != CycloneDX16 && s.Spec != CycloneDX17 {
		return ErrSpec
	}
	return nil
}

// withDefaults fills in the documented zero values.
func (s Settings) withDefaults() Settings {
	if s.Spec == "" {
		s.Spec = CycloneDX16
	}
	if s.Name == "" {
		s.Name = "fleet"
	}
	if s.Companies == nil {
		s.Companies = nobody{}
	}
	return s
}

// stamp is the time as both formats want it.
func (s Settings) stamp() string { return s.Time.UTC().Format("2006-01-02T15:04:05Z") }

type nobody struct{}

func (nobody) Company(string) (Company, bool) { return Company{}, false }
