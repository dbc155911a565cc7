package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
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
	}
}

func fleetCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "fleet",
		Short: "Ask a collector about the fleet",
		Long:  "Asks a collector's API. The server comes from --server or ROLLCALL_SERVER.",
	}
	for _, l := range fleetLists() {
		c.AddCommand(fleetList(l))
	}
	c.AddCommand(fleetFindings())
	return c
}

// fleetFindings is policy check on a collector's fleet, where people look for it.
func fleetFindings() *cobra.Command {
	c := policyCheckCommand()
	c.Use, c.Args = "findings", cobra.NoArgs
	c.Short = "What dated lists and rules say of the fleet"
	c.Long = "Judges the fleet of a collector by lists and rules; the same as rollcall policy check --server."
	c.Example = "  rollcall fleet findings --fail-on high"
	return c
}

// maxItems bounds a table; whoever wants all of a large fleet takes -o json or csv.
const maxItems = 1000

func fleetList(l list) *cobra.Command {
	var server, format string
	var limit int
	values := map[string]*[]string{}
	c := &cobra.Command{
		Use: l.name, Short: l.short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			q := url.Values{}
			for name, v := range values {
				q[name] = *v
			}
			if limit < 1 {
				return exit.Usagef("--limit takes 1 or more, not %d", limit)
			}
			return printList(c, l, format, client{server: server, limit: limit}, q)
		},
	}
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV)
	f := c.Flags()
	f.StringVar(&server, "server", serverDefault(), "`URL` of the collector")
	f.IntVar(&limit, "limit", maxItems, "show at most `N`")
	for _, name := range l.filters {
		values[name] = f.StringArray(strings.ReplaceAll(name, "_", "-"), nil, "only this "+name+"; repeatable")
	}
	return c
}

func serverDefault() string {
	if s := os.Getenv("ROLLCALL_SERVER"); s != "" {
		return s
	}
	return "http://127.0.0.1:8080"
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
		fmt.Fprintf(c.ErrOrStderr(), "only the first %d are shown; there are more: use filters or --limit\n", len(items))
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
		fmt.Fprintf(c.ErrOrStderr(), "no %s fit these filters\n", l.name)
		return nil
	default:
		fmt.Fprintf(c.ErrOrStderr(), "no %s yet; the first appear when an agent reports: rollcall agent --nats-url …\n", l.name)
		return nil
	}
	screen := screenOf(c.OutOrStdout(), nil)
	if screen.Width == 0 {
		screen.Width = 1 << 14 // a pipe: what reads it wants one line a row
	}
	_, err := io.WriteString(c.OutOrStdout(), screen.Table(l.heads, rows, l.keep))
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
			row[i] = csvCell(row[i])
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
	return []string{m.Gateway, name(m.Identity.Maker, m.Identity.Model, m.Seems, m.Possible), m.Identity.Firmware,
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

// change says what became of what.
func change(e *store.Event) string {
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

func brief(b *store.Brief) string {
	if b == nil {
		return ""
	}
	return strings.TrimSpace(name(b.Maker, b.Model, "", nil) + " " + b.Firmware)
}

func shortTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// client asks a collector's API.
type client struct {
	server string
	limit  int
}

// page and answer bound what is asked for at once and what is read of it.
const (
	pageSize    = 500
	answerBytes = 64 << 20
	answerTime  = 30 * time.Second
)

// all fetches pages until the list ends or the limit is reached; more says that it was.
func (c client) all(ctx context.Context, what string, q url.Values) (items []json.RawMessage, more bool, err error) {
	items = []json.RawMessage{}
	q.Set("limit", strconv.Itoa(min(pageSize, c.limit)))
	for {
		var l api.List[json.RawMessage]
		if err := c.get(ctx, what, q, &l); err != nil {
			return nil, false, err
		}
		items = append(items, l.Items...)
		if len(items) >= c.limit {
			return items[:c.limit], l.Next != "" || len(items) > c.limit, nil
		}
		if l.Next == "" {
			return items, false, nil
		}
		q.Set("cursor", l.Next)
	}
}

func (c client) get(ctx context.Context, what string, q url.Values, into any) error {
	u, err := url.Parse(c.server)
	if err != nil || u.Host == "" {
		return exit.Usagef("--server %q is no URL such as http://127.0.0.1:8080", c.server)
	}
	u = u.JoinPath("api", "v1", what)
	u.RawQuery = q.Encode()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return exit.Usagef("--server %q: %w", c.server, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("cannot ask the collector: %w; is it running there? (--server, ROLLCALL_SERVER)", err)
	}
	defer resp.Body.Close()
	body := io.LimitReader(resp.Body, answerBytes)
	if resp.StatusCode != http.StatusOK {
		return problem(resp, body)
	}
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("cannot read the answer of %s: %w; is it a Rollcall collector?", c.server, err)
	}
	return nil
}

func problem(resp *http.Response, body io.Reader) error {
	var p api.Problem
	if err := json.NewDecoder(body).Decode(&p); err != nil || p.Error == "" {
		return fmt.Errorf("the collector answers %s", resp.Status)
	}
	err := errors.New(p.Error)
	if resp.StatusCode == http.StatusBadRequest {
		return exit.With(exit.Usage, err)
	}
	err = fmt.Errorf("the collector says: %w", err)
	if resp.StatusCode == http.StatusNotFound {
		return &missingError{err}
	}
	return err
}

// missingError: what was asked for is not there.
type missingError struct{ error }

func (e *missingError) Unwrap() error { return e.error }
