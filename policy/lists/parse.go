package lists

import (
	"net/url"
	"slices"

	"github.com/rollcall-iot/rollcall/policy/internal/yamldoc"
)

func parseList(d *yamldoc.Doc) List {
	l := List{
		ID:            slug(d, "id", d.Need("id")),
		Name:          d.Need("name"),
		Phrase:        d.String("phrase"),
		Authority:     d.String("authority"),
		LegalBasis:    d.String("legal_basis"),
		Kind:          yamldoc.OneOf(d, "kind", KindList, KindStatute, KindRule, KindGuidance),
		Concern:       yamldoc.OneOf(d, "concern", Authorisation, Procurement, Export, Import, Securities, Guidance),
		Edition:       d.String("edition"),
		EditionDate:   date(d, "edition_date"),
		AsOf:          date(d, "as_of"),
		Effective:     date(d, "effective"),
		Source:        address(d, "source"),
		Transcription: address(d, "transcription"),
		Effect:        d.Need("effect"),
		Status:        yamldoc.OneOf(d, "status", InForce, Proposed, NotConfirmed),
		Confirmed:     d.Bool("confirmed", false),
		Complete:      d.Bool("complete", false),
		Entries:       parseEntries(d),
		Editions:      parseEditions(d),
	}
	if l.Phrase == "" {
		l.Phrase = "the " + l.Name
	}
	checkList(d, &l)
	d.Done()
	return l
}

// checkList holds what a reader of a finding relies on: a confirmed list can be looked up
// and dated, and its newest edition is the one that it says.
func checkList(d *yamldoc.Doc, l *List) {
	if l.Confirmed {
		if l.Source == "" {
			d.Fault("source", "a confirmed list needs the address where it was read")
		}
		if l.AsOf.IsZero() {
			d.Fault("as_of", "a confirmed list needs the day for which its state is known")
		}
	}
	if l.Confirmed == (l.Status == NotConfirmed) {
		d.Fault("status", "%q does not go with confirmed: %t", l.Status, l.Confirmed)
	}
	if l.EditionDate.IsZero() && anyConfirmed(l.Entries) {
		d.Fault("edition_date", "a list that names somebody needs the day of its edition")
	}
	last := func(e Edition) bool { return !e.Withdrawn && e.Date.After(l.EditionDate.Time()) }
	if slices.ContainsFunc(l.Editions, last) {
		d.Fault("editions", "one is newer than edition_date %s", l.EditionDate)
	}
	if !slices.IsSortedFunc(l.Editions, func(a, b Edition) int { return a.Date.Time().Compare(b.Date.Time()) }) {
		d.Fault("editions", "want the oldest first")
	}
}

func anyConfirmed(entries []Entry) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.Confirmed })
}

func parseEntries(d *yamldoc.Doc) []Entry {
	var out []Entry
	for _, n := range d.Docs("entries") {
		e := Entry{
			Maker:     slug(n, "maker", n.String("maker")),
			Name:      n.Need("name"),
			Since:     date(n, "since"),
			Until:     date(n, "until"),
			Reason:    n.String("reason"),
			Source:    address(n, "source"),
			Via:       n.String("via"),
			Note:      n.String("note"),
			Confirmed: n.Bool("confirmed", false),
			Proposed:  n.Bool("proposed", false),
		}
		if e.Since.IsZero() {
			n.Fault("since", "missing")
		}
		if !e.Until.IsZero() && !e.Until.After(e.Since.Time()) {
			n.Fault("until", "%s is not after since %s", e.Until, e.Since)
		}
		n.Done()
		out = append(out, e)
	}
	return out
}

func parseEditions(d *yamldoc.Doc) []Edition {
	var out []Edition
	for _, n := range d.Docs("editions") {
		e := Edition{Date: date(n, "date"), Source: address(n, "source"), Withdrawn: n.Bool("withdrawn", false), Note: n.String("note")}
		if e.Date.IsZero() {
			n.Fault("date", "missing")
		}
		n.Done()
		out = append(out, e)
	}
	return out
}

func date(d *yamldoc.Doc, key string) Date {
	t, err := ParseDate(d.String(key))
	if err != nil {
		d.Fault(key, "%v", err)
	}
	return t
}

// slug keeps ids to what can stand in a file name, a link and a rule: no path, no markup.
func slug(d *yamldoc.Doc, key, s string) string {
	if len(s) > 64 {
		d.Fault(key, "longer than 64 characters")
		return ""
	}
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' {
			continue
		}
		d.Fault(key, "%q may hold only a-z, 0-9 and -", s)
		return ""
	}
	return s
}

// address takes web addresses only: others, such as javascript:, end up as links on pages.
func address(d *yamldoc.Doc, key string) string {
	s := d.String(key)
	if s == "" {
		return ""
	}
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		d.Fault(key, "%q is not a web address", s)
		return ""
	}
	return s
}
