package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

func policyListsCommand() *cobra.Command {
	var o ownPolicy
	var format string
	c := &cobra.Command{
		Use:   "lists [ID]",
		Short: "Which lists are known, of which edition, read when, and whom they name",
		Long: `Shows the lists: who publishes them, which edition is known, for which day its state is known
(as of), and which makers it names. With an ID, one list whole: its legal basis, its effect in
neutral words, its editions, every name as printed, and what of it is not confirmed.`,
		Example: `  rollcall policy lists
  rollcall policy lists ID
  rollcall policy lists -o csv`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, at, err := o.load()
			if err != nil {
				return err
			}
			base, err := fingerprint.Embedded()
			if err != nil {
				return err
			}
			v := listView{set: p.Lists(), base: base, at: at}
			if len(args) == 1 {
				return v.one(c, args[0], format)
			}
			return v.all(c, format)
		},
	}
	addPolicy(c, &o.path)
	o.at.addFlag(c)
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV)
	return c
}

// listView shows lists at a time.
type listView struct {
	set  *lists.Set
	base *fingerprint.Base
	at   time.Time
}

// shownList is a list in JSON and YAML.
type shownList struct {
	lists.List
	// AgeDays is how long ago AsOf was; nil where that is not known.
	AgeDays *int `json:"age_days"`
	// Makers are the slugs of the makers that it names now.
	Makers []string `json:"makers"`
}

func (v listView) shown(l *lists.List) shownList {
	s := shownList{List: *l, Makers: v.makers(l)}
	s.Entries = append([]lists.Entry{}, l.Entries...)
	if days, ok := v.age(l); ok {
		s.AgeDays = &days
	}
	return s
}

// age is how many days ago the state of a list was read.
func (v listView) age(l *lists.List) (days int, ok bool) {
	days = int(v.at.Sub(l.AsOf.Time()).Hours() / 24)
	return days, !l.AsOf.IsZero() && !l.AsOf.After(v.at)
}

// makers are those whom the list names now and who make modules, as far as is known.
func (v listView) makers(l *lists.List) []string {
	makers := []string{}
	for _, e := range l.Entries {
		m, ok := v.base.Maker(e.Maker)
		if ok && m.Role == fingerprint.RoleMaker && v.set.Named(e.Maker, l.ID, v.at) && !slices.Contains(makers, e.Maker) {
			makers = append(makers, e.Maker)
		}
	}
	return makers
}

func (v listView) name(slug string) string {
	m, _ := v.base.Maker(slug)
	return cmp.Or(m.Name, slug)
}

// rank puts lists that name makers first.
func (v listView) rank(l *lists.List) int {
	if len(v.makers(l)) > 0 {
		return 0
	}
	return 1
}

// names says whom a list names.
func (v listView) names(l *lists.List) string {
	makers := v.makers(l)
	others := 0
	for _, e := range l.Entries {
		if e.Confirmed && (e.Maker == "" || !slices.Contains(makers, e.Maker)) {
			others++
		}
	}
	names := make([]string, len(makers))
	for i, m := range makers {
		names[i] = v.name(m)
	}
	switch {
	case len(names) == 0 && len(l.Entries) == 0:
		return "names no company"
	case len(names) == 0:
		return "names no maker of modules"
	case others > 0:
		return "names " + strings.Join(names, ", ") + " and others"
	}
	return "names " + strings.Join(names, ", ")
}

func (v listView) all(c *cobra.Command, format string) error {
	all := slices.Clone(v.set.All())
	slices.SortStableFunc(all, func(a, b lists.List) int { return cmp.Compare(v.rank(&a), v.rank(&b)) })
	w := c.OutOrStdout()
	switch format {
	case formatJSON, formatYAML:
		shown := make([]shownList, len(all))
		for i := range all {
			shown[i] = v.shown(&all[i])
		}
		return writeObject(w, format, shown)
	case formatCSV:
		rows := make([][]string, len(all))
		for i := range all {
			rows[i] = v.row(&all[i])
		}
		return writeCSVRows(w, []string{"id", "name", "authority", "state", "confirmed", "edition", "as_of", "age_days", "makers", "source"}, rows)
	}
	if err := v.table(w, all); err != nil {
		return err
	}
	warn(c.ErrOrStderr(), v.set.Warnings(v.at, 0))
	return nil
}

func (v listView) row(l *lists.List) []string {
	age := ""
	if days, ok := v.age(l); ok {
		age = strconv.Itoa(days)
	}
	return []string{l.ID, l.Name, l.Authority, string(l.Status), strconv.FormatBool(l.Confirmed), l.Edition, l.AsOf.String(), age,
		strings.Join(v.makers(l), " "), l.Source}
}

func (v listView) table(w io.Writer, all []lists.List) error {
	screen := screenOf(w, nil)
	var rows [][]string
	var below []string
	for i := range all {
		l := &all[i]
		rows = append(rows, []string{l.ID, l.Edition, l.AsOf.String(), v.ageText(l), stateText(l.Status)})
		below = append(below, join(": ", l.Authority, v.names(l)))
	}
	_, err := io.WriteString(w, screen.Head(render.Count(len(all), "list"), "data "+day(v.set.Version()))+
		screen.Rows([]string{"list", "edition", "as of", "age", "state"}, rows, below))
	return writing(err)
}

func (v listView) ageText(l *lists.List) string {
	days, ok := v.age(l)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d %s", days, oneOrMany(days, "day", "days"))
}

// stateText is a word of the data as people read it.
func stateText[T ~string](s T) string { return strings.ReplaceAll(string(s), "-", " ") }

func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), sep)
}

func (v listView) one(c *cobra.Command, id, format string) error {
	l, ok := v.set.List(id)
	if !ok {
		return exit.Usagef("there is no list %q; \"rollcall policy lists\" shows all", id)
	}
	w := c.OutOrStdout()
	switch format {
	case formatJSON, formatYAML:
		return writeObject(w, format, v.shown(l))
	case formatCSV:
		return writeCSVRows(w, []string{"maker", "name", "since", "until", "confirmed", "reason", "note", "source"}, entryRows(l))
	}
	screen := screenOf(w, nil)
	text := screen.Title(l.Name, l.ID, stateText(l.Status), string(l.Kind), string(l.Concern)) + screen.Facts(v.facts(l))
	named, hints := v.entries(l)
	if len(named) > 0 {
		text += screen.Heading("named, as printed") + screen.Facts(named)
	}
	if len(hints) > 0 {
		text += screen.Heading("not confirmed, never a finding") + screen.Facts(hints)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return writing(err)
	}
	if x, old := l.Warning(v.at, 0); old {
		warn(c.ErrOrStderr(), []inventory.Warning{x})
	}
	return nil
}

func (v listView) facts(l *lists.List) []render.Fact {
	asOf := l.AsOf.String()
	if age := v.ageText(l); age != "" {
		asOf += ", " + age + " ago"
	}
	complete := "those that matter to modules and gateways"
	if l.Complete {
		complete = "all who are named"
	}
	if len(l.Entries) == 0 {
		complete = "none"
	}
	facts := []render.Fact{
		{Name: "publisher", Text: l.Authority}, {Name: "basis", Text: l.LegalBasis},
		{Name: "edition", Text: l.Edition}, {Name: "as of", Text: asOf}, {Name: "binds from", Text: l.Effective.String()},
		{Name: "effect", Text: l.Effect}, {Name: "source", Text: l.Source}, {Name: "read in", Text: l.Transcription},
		{Name: "names here", Text: complete},
	}
	for _, e := range l.Editions {
		text := e.Date.String()
		if e.Withdrawn {
			text = join(": ", text+" (withdrawn)", e.Note)
		}
		facts = append(facts, render.Fact{Name: "editions", Text: text})
	}
	return facts
}

// entries tells those who are named from the hints that are not confirmed.
func (v listView) entries(l *lists.List) (named, hints []render.Fact) {
	for i := range l.Entries {
		e := &l.Entries[i]
		spell := "since " + e.Since.String()
		if !e.Until.IsZero() {
			spell += " until " + e.Until.String()
		}
		fact := render.Fact{Name: cmp.Or(e.Maker, "-"), Text: join("; ", e.Name, spell, reasonText(e.Reason), e.Via, e.Note)}
		if l.Confirmed && e.Confirmed {
			named = append(named, fact)
		} else {
			hints = append(hints, fact)
		}
	}
	return named, hints
}

func reasonText(printed string) string {
	if printed == "" {
		return ""
	}
	return strconv.Quote(printed)
}

func entryRows(l *lists.List) [][]string {
	rows := make([][]string, len(l.Entries))
	for i, e := range l.Entries {
		rows[i] = []string{e.Maker, e.Name, e.Since.String(), e.Until.String(), strconv.FormatBool(l.Confirmed && e.Confirmed),
			e.Reason, join("; ", e.Via, e.Note), cmp.Or(e.Source, l.Source)}
	}
	return rows
}
