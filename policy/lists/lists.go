package lists

import "time"

// Status says whether a list or rule binds anybody today.
type Status string

// The states of a list.
const (
	InForce      Status = "in-force"
	Proposed     Status = "proposed"
	NotConfirmed Status = "not-confirmed" // its state could not be read anywhere
)

// Kind says what sort of text a list is. Names on a list change with its editions; the
// names in a statute change with another act only.
type Kind string

// The kinds of texts.
const (
	KindList     Kind = "list"
	KindStatute  Kind = "statute"
	KindRule     Kind = "rule"
	KindGuidance Kind = "guidance"
)

// Concern says what a list restricts.
type Concern string

// The things that lists restrict.
const (
	Authorisation Concern = "authorisation" // approval of new equipment
	Procurement   Concern = "procurement"   // what public buyers may buy
	Export        Concern = "export"        // deliveries to the company named
	Import        Concern = "import"        // bringing it into a country or a product
	Securities    Concern = "securities"    // dealing in its shares
	Guidance      Concern = "guidance"      // nothing by itself
)

// List is one text of one authority and who is named in it.
type List struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Phrase is the name as it stands after "named in" ("the DoD Section 1260H list").
	Phrase     string  `json:"phrase"`
	Authority  string  `json:"authority"`
	LegalBasis string  `json:"legal_basis"`
	Kind       Kind    `json:"kind"`
	Concern    Concern `json:"concern"`
	// Edition labels the newest edition, EditionDate is its day. Both may be unknown.
	Edition     string `json:"edition"`
	EditionDate Date   `json:"edition_date"`
	// Editions lists all known ones, oldest first.
	Editions []Edition `json:"editions,omitempty"`
	// AsOf is the day for which its state is known. Later changes are not.
	AsOf Date `json:"as_of"`
	// Effective is the day from which it binds, where that is not its edition's.
	Effective     Date   `json:"effective,omitzero"`
	Source        string `json:"source"`
	Transcription string `json:"transcription,omitempty"`
	// Effect says in neutral words what it does to a module.
	Effect string `json:"effect"`
	Status Status `json:"status"`
	// Confirmed: it was read. An unconfirmed list names nobody.
	Confirmed bool `json:"confirmed"`
	// Complete: Entries holds all who are named, not only those who matter to modules.
	Complete bool    `json:"complete"`
	Entries  []Entry `json:"entries"`
	// File is where it was loaded from.
	File string `json:"file"`
}

// Edition is one published state of a list.
type Edition struct {
	Date   Date   `json:"date"`
	Source string `json:"source,omitempty"`
	// Withdrawn: posted and taken back; it never counts.
	Withdrawn bool   `json:"withdrawn,omitempty"`
	Note      string `json:"note,omitempty"`
}

// Entry is one who is named.
type Entry struct {
	// Maker is the slug of a maker of modules or chips, or "" for others.
	Maker string `json:"maker"`
	// Name is the name as printed.
	Name string `json:"name"`
	// Since and Until bound one spell; Until is the first day without the name.
	Since Date `json:"since"`
	Until Date `json:"until,omitzero"`
	// Reason is the reason as printed.
	Reason string `json:"reason,omitempty"`
	// Source is where the name was read, if not the list's own source.
	Source string `json:"source,omitempty"`
	// Via and Note say how an unconfirmed entry was arrived at.
	Via  string `json:"via,omitempty"`
	Note string `json:"note,omitempty"`
	// Confirmed: the name was read there. Others are hints for a person, never a finding.
	Confirmed bool `json:"confirmed"`
	// Proposed: nobody published it; somebody asks what would follow. Its hits say so.
	Proposed bool `json:"proposed,omitempty"`
}

// Proposal is the edition of hits on proposed entries.
const Proposal = "proposed"

// Hit says that a maker is named in a list.
type Hit struct {
	List  *List
	Entry *Entry
	// Edition is the one in force at the time asked about.
	Edition string
}

// Sentence gives the neutral words for it.
func (h Hit) Sentence() string {
	switch h.Edition {
	case "":
		return "named in " + h.List.Phrase
	case Proposal:
		return "named in a proposed edition of " + h.List.Phrase
	}
	return "named in " + h.List.Phrase + ", edition " + h.Edition
}

// Source gives the address of the text that names the maker: the edition's own where it
// is known.
func (h Hit) Source() string {
	for i := len(h.List.Editions) - 1; i >= 0; i-- {
		e := &h.List.Editions[i]
		if e.Source != "" && e.Date.String() == h.Edition {
			return e.Source
		}
	}
	if h.Entry.Source != "" || h.Entry.Proposed {
		return h.Entry.Source // the list's own does not have the name
	}
	return h.List.Source
}

// Since gives the day since which the maker is named.
func (h Hit) Since() time.Time { return h.Entry.Since.Time() }
