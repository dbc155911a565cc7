package cli

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/hbom/sheet"
	"github.com/rollcall-iot/rollcall/internal/exit"
)

// A list is one thing that a collector can be asked for.
type list struct {
	name, short string
	// filters are the parameters that the API takes for it.
	filters []string
	heads   []string
	keep    int // columns that a narrow screen keeps side by side
	// row makes the cells of one item.
	row func(json.RawMessage) ([]string, error)
}

func fleetLists() []list {
	return []list{
		{"modules", "Which module sits where", api.ModuleParameters(),
			[]string{"gateway", "module", "firmware", "origin", "state", "id"}, 3, decoded(moduleRow)},
		{"gateways", "Which gateways there are, and when they were heard of", []string{"state", "q"},
			[]string{"gateway", "modules", "state", "last seen", "agent", "labels"}, 4, decoded(gatewayRow)},
		{"events", "What changed", []string{"kind", "gateway", "module"},
			[]string{"time", "event", "gateway", "what", "id"}, 4, decoded(eventRow)},
		{"rejected", "What came and was not believed, and why", nil,
			[]string{"time", "reason", "gateway", "what", "bytes", "subject"}, 3, decoded(rejectedRow)},
	}
}

func findingsList() list {
	return list{"findings", "What dated lists and rules say of the fleet", api.FindingParameters(),
		[]string{"severity", "gateway", "what", "since", "rule", "module"}, 3, decoded(findingRow)}
}

func fleetCommand() *cobra.Command {
	c := needsCommand(&cobra.Command{
		Use:   "fleet",
		Short: "Ask a collector about the fleet",
		Long: `Asks a collector's API. The server comes from --server or ROLLCALL_SERVER, and is otherwise the
one that "rollcall up" or a collector runs on this machine.`,
		Example: `  rollcall fleet modules --origin CN --state identified
  rollcall fleet modules -q "site=north EC25"
  rollcall fleet gateways --state silent
  rollcall fleet findings --fail-on high
  rollcall fleet events --watch`,
	})
	for _, l := range fleetLists() {
		c.AddCommand(fleetList(l))
	}
	c.AddCommand(fleetFindings(), fleetScan())
	return c
}

// maxItems bounds a table; whoever wants all of a large fleet takes -o json or csv.
const maxItems = 1000

// question is one list as it was asked for.
type question struct {
	list
	at     server
	format string
	limit  int
	values map[string]*[]string
	watch  watching
}

func fleetList(l list) *cobra.Command {
	c, _ := newQuestion(l)
	return c
}

func newQuestion(l list) (*cobra.Command, *question) {
	a := &question{list: l, values: map[string]*[]string{}}
	c := &cobra.Command{Use: l.name, Short: l.short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return a.run(c) }}
	addOutput(c, &a.format, formatTable, formatJSON, formatYAML, formatCSV)
	f := c.Flags()
	a.at.addFlags(f)
	a.watch.addFlags(f)
	f.IntVar(&a.limit, "limit", maxItems, "show at most `N`")
	for _, name := range l.filters {
		a.values[name] = filterFlag(f, name, filterText(l.name, name))
	}
	return c, a
}

// query is what the API is asked.
func (a *question) query() url.Values {
	q := url.Values{}
	for name, v := range a.values {
		switch {
		case len(*v) == 0:
		case name == "q": // all of them are meant, as all of their words are
			q.Set(name, strings.Join(*v, " "))
		default:
			q[name] = slices.Clone(*v)
		}
	}
	if a.name == "findings" && !q.Has("sort") {
		q.Set("sort", "-severity") // and among equals the newest
	}
	return q
}

func (a *question) client() (client, error) {
	if a.limit < 1 {
		return client{}, exit.Usagef("--limit takes 1 or more, not %d", a.limit)
	}
	from, err := a.at.client()
	from.limit = a.limit
	return from, err
}

func (a *question) run(c *cobra.Command) error {
	from, err := a.client()
	if err != nil {
		return err
	}
	if a.watch.on {
		return a.follow(c, from)
	}
	return printList(c, a.list, a.format, from, a.query())
}

func printList(c *cobra.Command, l list, format string, from client, q url.Values) error {
	items, more, err := from.all(c.Context(), l.name, q)
	if err != nil {
		return err
	}
	switch format {
	case formatJSON:
		err = writeJSON(c.OutOrStdout(), items, "  ")
	case formatYAML:
		err = writeYAML(c.OutOrStdout(), items)
	default:
		err = writeRows(c, l, items, format == formatCSV, filtered(q))
	}
	if err == nil && more {
		remark(c.ErrOrStderr(), fmt.Sprintf("only the first %d are shown; there are more: use filters or --limit", len(items)))
	}
	return err
}

func writeRows(c *cobra.Command, l list, items []json.RawMessage, asCSV, filtered bool) error {
	rows := make([][]string, len(items))
	for i, item := range items {
		row, err := l.row(item)
		if err != nil {
			return fmt.Errorf("the collector's answer cannot be read; is it of another version? %w", err)
		}
		rows[i] = row
	}
	if asCSV {
		return writeCSVRows(c.OutOrStdout(), l.heads, rows)
	}
	switch {
	case len(rows) > 0:
	case filtered:
		remark(c.ErrOrStderr(), fmt.Sprintf("no %s fit these filters", l.name))
		return nil
	case l.name == "rejected":
		remark(c.ErrOrStderr(), "no message was rejected")
		return nil
	default:
		remark(c.ErrOrStderr(), fmt.Sprintf("no %s yet; the first appear when an agent reports: rollcall agent --nats-url …", l.name))
		return nil
	}
	return writeTable(c.OutOrStdout(), l.heads, rows, l.keep)
}

// writeTable writes rows as wide as the terminal; a narrow one keeps so many columns side by side.
func writeTable(w io.Writer, heads []string, rows [][]string, keep int) error {
	screen := screenOf(w, nil)
	if screen.Width == 0 {
		screen.Width = 1 << 14 // a pipe: what reads it wants one line a row
	}
	_, err := io.WriteString(w, screen.Table(heads, rows, keep))
	return writing(err)
}

// filtered says whether anything but paging was asked for.
func filtered(q url.Values) bool {
	for name, values := range q {
		if name != "limit" && name != "cursor" && name != "sort" && len(values) > 0 {
			return true
		}
	}
	return false
}

func writeCSVRows(w io.Writer, heads []string, rows [][]string) error {
	out := csv.NewWriter(w)
	_ = out.Write(heads)
	for _, row := range rows {
		for i := range row {
			row[i] = sheet.Cell(row[i])
		}
		_ = out.Write(row)
	}
	out.Flush()
	return writing(out.Error())
}

func decoded[T any](row func(*T) []string) func(json.RawMessage) ([]string, error) {
	return func(b json.RawMessage) ([]string, error) {
		var item T
		if err := json.Unmarshal(b, &item); err != nil {
			return nil, err
		}
		return row(&item), nil
	}
}

func moduleRow(m *store.Module) []string {
	return []string{m.Gateway, name(cmp.Or(m.Identity.MakerName, m.Identity.Maker), m.Identity.Model, m.Seems, m.Possible), m.Identity.Firmware,
		m.Origin.Country, string(m.State), m.ID}
}

// name is how a person calls a module of which more or less is known.
func name(maker, model, seems string, possible []string) string {
	switch {
	case seems != "":
		return seems
	case maker == "" && len(possible) > 0:
		maker = strings.Join(possible, " or ")
	case maker == "" && model == "":
		return "?"
	}
	return strings.TrimSpace(maker + " " + model)
}

func gatewayRow(g *api.GatewayItem) []string {
	var labels []string
	for _, k := range slices.Sorted(maps.Keys(g.Labels)) {
		labels = append(labels, k+"="+g.Labels[k])
	}
	return []string{g.ID, strconv.Itoa(g.Modules), g.State, shortTime(g.Seen), g.Agent, strings.Join(labels, " ")}
}

func eventRow(e *store.Event) []string {
	return []string{shortTime(e.At), string(e.Kind), e.Gateway, change(e), e.Module}
}

func findingRow(f *store.Finding) []string {
	text := f.Text
	if f.Covered() {
		text += " (accepted until " + f.Until.Format(time.DateOnly) + ": " + f.Exception + ", " + f.Owner + ")"
	}
	return []string{f.Severity, f.Gateway, text, shortTime(f.Opened), f.Key, f.Module}
}

// change says what became of what.
func change(e *store.Event) string {
	if e.Finding != nil && (e.Kind == store.FindingOpened || e.Kind == store.FindingClosed) {
		return e.Finding.Severity + ": " + e.Finding.Text
	}
	from, to := brief(e.From), brief(e.To)
	switch {
	case from != "" && to != "" && from != to:
		return from + " -> " + to
	case to != "":
		return to
	case from != "":
		return from
	}
	return e.Text
}

func rejectedRow(r *store.Rejected) []string {
	gateway := r.Gateway
	if gateway == "" { // nothing was read of it but its subject, which claims one
		gateway = r.Subject[strings.LastIndexByte(r.Subject, '.')+1:]
	}
	return []string{shortTime(r.Received), r.Reason, gateway, r.Text, strconv.Itoa(r.Size), r.Subject}
}

func brief(b *store.Brief) string {
	if b == nil {
		return ""
	}
	return strings.TrimSpace(name(cmp.Or(b.MakerName, b.Maker), b.Model, "", nil) + " " + b.Firmware)
}

func shortTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
