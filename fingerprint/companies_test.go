package fingerprint

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// address is where a reading can be looked up: a page, or an assignment of the IEEE registry.
var address = regexp.MustCompile(`^(https?://\S+|IEEE OUI [0-9A-F]{6,9})$`)

// plainWords gives the words of a name in lower case, without punctuation, company words and
// the abbreviations of one or two letters that sources write or leave out.
func plainWords(s string, company []string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(strings.NewReplacer(".", "", "-", "").Replace(s)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(w) > 2 && !slices.Contains(company, w) {
			out = append(out, w)
		}
	}
	return out
}

// What "confirmed" rests on stands beside it: somebody can look it up, and it says the legal
// name, the seat, the owner and the owner's seat, each as the file has it.
func TestConfirmedIsWhatWasRead(t *testing.T) {
	src := readKnowledge(t)
	newest := embedded(t).pack.AsOf
	for _, m := range src.Makers {
		var says strings.Builder
		dates := map[string]bool{}
		for _, r := range m.Read {
			says.WriteString(r.Says + " . ")
			dates[r.Date] = true
			if !address.MatchString(r.Source) {
				t.Errorf("%s: %q is no address", m.Where.File, r.Source)
			}
			if r.Date > newest {
				t.Errorf("%s: read on %s, after the newest data of %s", m.Where.File, r.Date, newest)
			}
		}
		if !m.Confirmed {
			continue
		}
		text := says.String()
		if !dates[m.AsOf] {
			t.Errorf("%s: as_of %s is the date of none of its readings", m.Where.File, m.AsOf)
		}
		for _, w := range append(plainWords(m.Legal, src.Replies.CompanyWords), plainWords(m.Parent, src.Replies.CompanyWords)...) {
			if !slices.Contains(plainWords(text, nil), w) {
				t.Errorf("%s: no reading says %q of %q / %q", m.Where.File, w, m.Legal, m.Parent)
			}
		}
		for _, c := range []string{m.Country, m.ParentCountry} {
			if c != "" && !regexp.MustCompile(`\b`+c+`\b`).MatchString(text) {
				t.Errorf("%s: no reading says %s", m.Where.File, c)
			}
		}
	}
}

// An owner that is a company here has the seat that it has here; one that is not must have
// been read, or the file says why it is named.
func TestOwnersExist(t *testing.T) {
	src := readKnowledge(t)
	byLegal := map[string]*knowledge.MakerFile{}
	for i := range src.Makers {
		byLegal[src.Makers[i].Legal] = &src.Makers[i]
	}
	for _, m := range src.Makers {
		switch owner, known := byLegal[m.Parent]; {
		case m.Parent == "":
			if m.Confirmed && m.ParentCountry != m.Country {
				t.Errorf("%s: no owner is known, but it has the country %q", m.Where.File, m.ParentCountry)
			}
		case known && m.ParentCountry != owner.ParentCountry:
			t.Errorf("%s: %s has its seat in %q, not %q", m.Where.File, m.Parent, owner.ParentCountry, m.ParentCountry)
		case !known && !m.Confirmed && m.Note == "" && len(m.History) == 0:
			t.Errorf("%s: %s is no company here, was not read, and nothing says why it is named", m.Where.File, m.Parent)
		}
	}
}

// Everybody whom a list names exists here, so that a module of it is found. Whoever belongs to
// somebody named there is at least a hint on that list.
func TestListsNameCompanies(t *testing.T) {
	set, err := lists.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	b := embedded(t)
	for _, l := range set.All() {
		on := map[string]bool{}
		for _, e := range l.Entries {
			on[e.Maker] = true
			if e.Maker == "" {
				continue
			}
			m, ok := b.Maker(e.Maker)
			switch {
			case !ok || m.Slug != e.Maker:
				t.Errorf("%s names %s, which is no company here", l.ID, e.Maker)
			case e.Confirmed && !m.Confirmed:
				t.Errorf("%s names %s, whose own facts are not confirmed", l.ID, e.Maker)
			case e.Confirmed && l.Source == "" && e.Source == "":
				t.Errorf("%s: %s has no source", l.ID, e.Name)
			}
		}
		for _, m := range b.pack.Makers {
			if m.Parent != "" && !on[m.Slug] && slices.ContainsFunc(l.Entries, func(e lists.Entry) bool {
				owner, _ := b.Maker(e.Maker)
				return e.Confirmed && e.Until.IsZero() && (strings.HasPrefix(e.Name, m.Parent) || m.Parent == owner.Legal)
			}) {
				t.Errorf("%s names %s, the owner of %s, which is not even a hint there", l.ID, m.Parent, m.Slug)
			}
		}
	}
}
