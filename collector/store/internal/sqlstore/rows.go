package sqlstore

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// The columns of each table in the order in which they are scanned.
const (
	gatewayColumns = "id, hostname, labels, agent, os, arch, boot, seq, report, digest, reason, clock, clock_synced, truncated, " +
		"beat_boot, beat_seq, report_key, first_seen, changed, last_seen, modules, silent, health, conflict, judged, " +
		"policy, found, cleared_boot, cleared_seq"
	// briefColumns are those of a gateway that heartbeats are held against.
	briefColumns  = "id, boot, seq, digest, beat_boot, beat_seq, report_key, last_seen, silent"
	moduleColumns = "m.gateway, m.id, m.cohort, m.imei, m.hardware, m.confidence, m.last_known, m.first_seen, m.changed, m.facts, m.duplicate"
	facetColumns  = "c.state, c.maker, c.maker_name, c.badge, c.model, c.variant, c.firmware, c.chipset, c.technology, " +
		"c.country, c.parent_country, c.unconfirmed, c.conflicted, c.possible, c.seems, c.worst"
	reportColumns = "no, gateway, boot, seq, id, received, clock, clock_synced, reason, digest, report_key"
	eventColumns  = "no, kind, gateway, module, at, boot, seq, report, was, became, words, finding"
	keyColumns    = "gateway, report_key, state, first_seen"
	evidenceQuery = "SELECT gateway, digest, report, report_key, signature, body FROM evidence WHERE gateway = ? AND digest = ?"
)

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func compare(a, b string) int { return cmp.Compare(a, b) }

// text encodes v as JSON; "" stands for what is empty.
func text[T any](v T, empty bool) string {
	if empty {
		return ""
	}
	b, _ := json.Marshal(v) // plain data without cycles or channels
	return string(b)
}

// value reads what text wrote.
func value[T any](s string) (v T, err error) {
	if s != "" {
		err = json.Unmarshal([]byte(s), &v)
	}
	return v, err
}

func scanGateway(r Row) (store.Gateway, error) {
	var g store.Gateway
	var labels, health string
	var clock, synced, truncated, first, changed, seen, silent int64
	err := r.Scan(&g.ID, &g.Hostname, &labels, &g.Agent, &g.OS, &g.Arch, &g.Boot, &g.Seq, &g.Report, &g.Digest, &g.Reason,
		&clock, &synced, &truncated, &g.Beat.Boot, &g.Beat.Seq, &g.Key, &first, &changed, &seen, &g.Modules, &silent, &health, &g.Conflict, &g.Data,
		&g.Policy, &g.Found, &g.Cleared.Boot, &g.Cleared.Seq)
	if err != nil {
		return g, err
	}
	g.Clock, g.First, g.Changed, g.Seen = fromMicros(clock), fromMicros(first), fromMicros(changed), fromMicros(seen)
	g.ClockSynced, g.Truncated, g.Silent = synced != 0, truncated != 0, silent != 0
	var bad error
	g.Labels, err = value[map[string]string](labels)
	g.Health, bad = value[[]inventory.Warning](health)
	return g, errors.Join(err, bad)
}

func scanBrief(r Row) (store.Gateway, error) {
	var g store.Gateway
	var seen, silent int64
	err := r.Scan(&g.ID, &g.Boot, &g.Seq, &g.Digest, &g.Beat.Boot, &g.Beat.Seq, &g.Key, &seen, &silent)
	g.Seen, g.Silent = fromMicros(seen), silent != 0
	return g, err
}

func gatewayArgs(g *store.Gateway) []any {
	return []any{g.ID, g.Hostname, text(g.Labels, len(g.Labels) == 0), g.Agent, g.OS, g.Arch, int64(g.Boot), int64(g.Seq), g.Report, g.Digest,
		string(g.Reason), micros(g.Clock), number(g.ClockSynced), number(g.Truncated), int64(g.Beat.Boot), int64(g.Beat.Seq), g.Key,
		micros(g.First), micros(g.Changed), micros(g.Seen), int64(g.Modules), number(g.Silent), text(g.Health, len(g.Health) == 0), g.Conflict, g.Data,
		g.Policy, g.Found, int64(g.Cleared.Boot), int64(g.Cleared.Seq)}
}

// scanModule reads a module without its facets, and its cohort.
func scanModule(r Row, more ...any) (store.Module, int64, error) {
	var m store.Module
	var cohort, first, changed, duplicate int64
	var last, facts string
	err := r.Scan(append([]any{&m.Gateway, &m.ID, &cohort, &m.Identity.IMEI, &m.Identity.Hardware, &m.Confidence, &last, &first, &changed, &facts, &duplicate}, more...)...)
	if err != nil {
		return m, 0, err
	}
	m.First, m.Changed, m.Duplicate = fromMicros(first), fromMicros(changed), duplicate != 0
	var bad error
	m.Last, err = value[*store.Last](last)
	m.Facts, bad = value[store.Facts](facts)
	return m, cohort, errors.Join(err, bad)
}

// flag reads a number that says yes or no: SQLite has no other type for it.
type flag struct{ to *bool }

// Scan implements [sql.Scanner].
func (f flag) Scan(from any) error {
	n, ok := from.(int64)
	if !ok {
		return fmt.Errorf("%T is no flag", from)
	}
	*f.to = n != 0
	return nil
}

func facetTargets(f *store.Facets) []any {
	return []any{&f.State, &f.Maker, &f.MakerName, &f.Badge, &f.Model, &f.Variant, &f.Firmware, &f.Chipset, &f.Technology,
		&f.Country, &f.ParentCountry, flag{&f.Unconfirmed}, flag{&f.Conflicted}, &f.Possible, &f.Seems, &f.Worst}
}

func scanFacets(r Row) (no int64, f store.Facets, err error) {
	err = r.Scan(append([]any{&no}, facetTargets(&f)...)...)
	return no, f, err
}

func scanModuleFacets(r Row) (store.Module, store.Facets, error) {
	var f store.Facets
	m, _, err := scanModule(r, facetTargets(&f)...)
	f.Fill(&m)
	return m, f, err
}

func moduleArgs(m *store.Module, cohort int64) []any {
	return []any{m.Gateway, m.ID, cohort, m.Identity.IMEI, m.Identity.Hardware, m.Confidence, text(m.Last, m.Last == nil), micros(m.First), micros(m.Changed),
		text(m.Facts, m.Facts.Reason == "" && len(m.Facts.Conflicts)+len(m.Facts.Parts) == 0), number(m.Duplicate)}
}

func cohortArgs(no int64, f *store.Facets, modules int) []any {
	return []any{no, string(f.State), f.Maker, f.MakerName, f.Badge, f.Model, f.Variant, f.Firmware, f.Chipset, f.Technology,
		f.Country, f.ParentCountry, number(f.Unconfirmed), number(f.Conflicted), f.Possible, f.Seems, f.Worst, int64(modules)}
}

func scanReport(r Row) (int64, store.Report, error) {
	var rep store.Report
	var no, received, clock, synced int64
	err := r.Scan(&no, &rep.Gateway, &rep.Boot, &rep.Seq, &rep.ID, &received, &clock, &synced, &rep.Reason, &rep.Digest, &rep.Key)
	rep.Received, rep.Clock, rep.ClockSynced = fromMicros(received), fromMicros(clock), synced != 0
	return no, rep, err
}

func scanEvidence(r Row) (store.Evidence, error) {
	var e store.Evidence
	var body []byte
	if err := r.Scan(&e.Gateway, &e.Digest, &e.Report, &e.Key, &e.Signature, &body); err != nil {
		return e, err
	}
	var err error
	e.Body, err = store.Unpack(body)
	return e, err
}

func scanEvent(r Row) (store.Event, error) {
	var e store.Event
	var at int64
	var was, became, finding string
	err := r.Scan(&e.No, &e.Kind, &e.Gateway, &e.Module, &at, &e.Boot, &e.Seq, &e.Report, &was, &became, &e.Text, &finding)
	if err != nil {
		return e, err
	}
	e.At = fromMicros(at)
	var bad, worse error
	e.From, err = value[*store.Brief](was)
	e.To, bad = value[*store.Brief](became)
	e.Finding, worse = value[*store.FindingBrief](finding)
	return e, errors.Join(err, bad, worse)
}

func eventArgs(e *store.Event) []any {
	return []any{string(e.Kind), e.Gateway, e.Module, micros(e.At), int64(e.Boot), int64(e.Seq), e.Report, text(e.From, e.From == nil), text(e.To, e.To == nil), e.Text,
		text(e.Finding, e.Finding == nil)}
}

func scanKey(r Row) (store.Key, error) {
	var k store.Key
	var first int64
	err := r.Scan(&k.Gateway, &k.Key, &k.State, &first)
	k.First = fromMicros(first)
	return k, err
}
