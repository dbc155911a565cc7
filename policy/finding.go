package policy

import "time"

// Finding is one rule's judgement of one module or gateway.
type Finding struct {
	Rule string `json:"rule"`
	// List and Edition are set where the finding comes from a list.
	List     string   `json:"list,omitempty"`
	Edition  string   `json:"edition,omitempty"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	// Brief is the text for where the module's name stands beside it; "" is Text. Evident says
	// that it need not stand there at all. They are for showing a finding, and are not stored.
	Brief   string `json:"-"`
	Evident bool   `json:"-"`
	// Source is the address of the text that the finding relies on.
	Source string `json:"source,omitempty"`
	// Since is the day since which the maker is named in the list; not when the finding was
	// first made, which whoever stores findings knows.
	Since time.Time `json:"since,omitzero"`
	// Excepted is the exception that covers it, or nil.
	Excepted *Exception `json:"excepted,omitempty"`
	// Failed: the rule could not be judged; Text says why.
	Failed bool `json:"failed,omitempty"`
}

// Key tells findings of one module or gateway apart: it stays the same when a list gets a
// new edition or a message another wording.
func (f *Finding) Key() string {
	if f.List == "" {
		return f.Rule
	}
	return f.Rule + "/" + f.List
}

// Worst gives the highest severity among findings that no exception covers, or 0.
func Worst(findings []Finding) Severity {
	var worst Severity
	for i := range findings {
		if findings[i].Excepted == nil {
			worst = max(worst, findings[i].Severity)
		}
	}
	return worst
}
