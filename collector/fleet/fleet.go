package fleet

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Fleet answers. Store and Base are needed.
type Fleet struct {
	Store store.Reader
	Base  judge.Identifier
	// Clear takes a gateway's conflict away. Nil: nobody can.
	Clear func(ctx context.Context, gateway, by string) error
	// Knowledge tells the policy in force and how far the fleet has been judged again. Nil:
	// there is no policy.
	Knowledge *judge.Knowledge
	// Silence is how long a gateway may say nothing before it counts as silent.
	Silence time.Duration
	// Scanner asks gateways to look now. Nil: nobody can be asked.
	Scanner Scanner
	// Now is the wall clock. Nil: the machine's.
	Now func() time.Time
}

// Time is now.
func (f *Fleet) Time() time.Time {
	if f.Now == nil {
		return time.Now().UTC()
	}
	return f.Now().UTC()
}

// Proof names the report that shows something.
type Proof struct {
	Report string `json:"report"`
	Digest string `json:"digest"`
	// Key signed the report; Signature is over "rollcall report v1", a zero byte and its bytes.
	Key       string `json:"key"`
	Signature []byte `json:"signature"`
}

// Module is everything about one module.
type Module struct {
	store.Module
	// Evidence to Reason are from the report, judged with the knowledge in use.
	Evidence   []inventory.Evidence `json:"evidence"`
	Conflicts  []inventory.Conflict `json:"conflicts"`
	Parts      []inventory.Part     `json:"parts"`
	Ports      []inventory.Port     `json:"ports"`
	Device     *inventory.Device    `json:"device,omitempty"`
	Transcript []inventory.Exchange `json:"transcript"`
	Banner     []string             `json:"banner"`
	Managed    *inventory.Managed   `json:"managed,omitempty"`
	Reason     string               `json:"reason,omitempty"`
	// Data is the version of the knowledge that judged, GatewayData the gateway's own, and
	// Claimed what the gateway made of it, where that differs.
	Data        string              `json:"data"`
	GatewayData string              `json:"gateway_data,omitempty"`
	Claimed     *inventory.Identity `json:"claimed,omitempty"`
	// Truncated says that the gateway left transcripts out to make its report fit.
	Truncated bool   `json:"truncated,omitempty"`
	Proof     *Proof `json:"proof,omitempty"`
	// SameIMEI lists other modules that report the same IMEI.
	SameIMEI []store.ModuleKey `json:"same_imei"`
	// History is newest first.
	History []store.Event `json:"history"`
}

const (
	maxHistory = 200
	maxSame    = 20
)

// Module gives everything about one module, or store.ErrNotFound.
func (f *Fleet) Module(ctx context.Context, k store.ModuleKey) (*Module, error) {
	row, err := f.Store.Module(ctx, k)
	if err != nil {
		return nil, err
	}
	d := &Module{Module: row, Data: f.Base.Version()}
	p, err := f.proven(ctx, k.Gateway)
	if err != nil {
		return nil, err
	}
	p.show(f, d)
	if judge.Unique(row.Identity.IMEI) {
		same, err := f.Store.SameIMEI(ctx, row.Identity.IMEI, maxSame+1)
		if err != nil {
			return nil, err
		}
		d.SameIMEI = slices.DeleteFunc(same, func(s store.ModuleKey) bool { return s == k })
	}
	events, err := f.Store.Events(ctx, store.EventFilter{Gateway: k.Gateway, Module: k.ID}, store.Page{Limit: maxHistory})
	d.History = events.Items
	return d, err
}

// Gateway is everything about one gateway.
type Gateway struct {
	store.Gateway
	List    []store.Module `json:"modules_now"`
	Places  []Place        `json:"places"`
	Reports []store.Report `json:"reports"`
	Keys    []store.Key    `json:"keys"`
	History []store.Event  `json:"history"`
}

// Place is one module's ports, as the newest report has them.
type Place struct {
	Module string            `json:"module"`
	Device *inventory.Device `json:"device,omitempty"`
	Reason string            `json:"reason,omitempty"`
	Ports  []inventory.Port  `json:"ports"`
}

// Gateway gives everything about one gateway, or store.ErrNotFound.
func (f *Fleet) Gateway(ctx context.Context, id string) (*Gateway, error) {
	row, err := f.Store.Gateway(ctx, id)
	if err != nil {
		return nil, err
	}
	d := &Gateway{Gateway: row}
	modules, err := f.Store.Modules(ctx, store.ModuleFilter{Gateway: id}, store.Page{Limit: 1000})
	if err != nil {
		return nil, err
	}
	reports, err := f.Store.Reports(ctx, id, store.Page{Limit: 25})
	if err != nil {
		return nil, err
	}
	if d.Keys, err = f.Store.Keys(ctx, id); err != nil {
		return nil, err
	}
	events, err := f.Store.Events(ctx, store.EventFilter{Gateway: id}, store.Page{Limit: 50})
	if err != nil {
		return nil, err
	}
	d.List, d.Reports, d.History = modules.Items, reports.Items, events.Items
	return d, f.places(ctx, d)
}

func (f *Fleet) places(ctx context.Context, d *Gateway) error {
	e, err := f.Store.Evidence(ctx, d.ID, d.Digest)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := inventory.DecodeReport(e.Body)
	if err != nil {
		return err
	}
	for _, m := range r.Modules {
		d.Places = append(d.Places, Place{Module: clean.Line(m.ID), Device: m.Device, Reason: m.Reason, Ports: m.Ports})
	}
	return nil
}

// Summary is the fleet at a glance.
type Summary struct {
	Now store.Figures `json:"now"`
	// WeekAgo are the figures of seven days ago, or nil where there were none.
	WeekAgo *store.Figures `json:"week_ago"`
	Origins []Share        `json:"origins"`
	States  []Share        `json:"states"`
	Makers  []Maker        `json:"makers"`
	Data    string         `json:"data"`
	// Policy is the version of the policy in force, or "".
	Policy     string     `json:"policy"`
	Severities []Severity `json:"findings"`
	// Judging is how far the fleet has been judged again by newer knowledge.
	Judging judge.Progress `json:"judging"`
	// Warnings are those about the policy itself.
	Warnings []inventory.Warning `json:"warnings"`
}

// Share is how many modules have a value; "" is not known.
type Share struct {
	Value   string `json:"value"`
	Modules int    `json:"modules"`
}

// Maker, Model and Firmware are the fleet drilled down.
type (
	Maker struct {
		Slug    string           `json:"maker"`
		Name    string           `json:"name"`
		Origin  inventory.Origin `json:"origin"`
		Modules int              `json:"modules"`
		Models  []Model          `json:"models"`
	}
	Model struct {
		Name     string     `json:"model"`
		Modules  int        `json:"modules"`
		Firmware []Firmware `json:"firmware"`
	}
	Firmware struct {
		Revision string `json:"firmware"`
		Modules  int    `json:"modules"`
	}
)

// Summary counts the fleet by origin, state, maker, model and firmware.
func (f *Fleet) Summary(ctx context.Context) (*Summary, error) {
	s := &Summary{Data: f.Base.Version()}
	var err error
	if s.Now, err = f.Store.Figures(ctx); err != nil {
		return nil, err
	}
	week, err := f.Store.FiguresOn(ctx, f.Time().AddDate(0, 0, -7))
	switch {
	case err == nil:
		s.WeekAgo = &week
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	cohorts, err := f.Store.Cohorts(ctx)
	if err != nil {
		return nil, err
	}
	s.count(cohorts)
	counts, err := f.Store.FindingCounts(ctx)
	if err != nil {
		return nil, err
	}
	s.Severities, s.Judging, s.Warnings = severities(counts), f.Progress(), f.Warnings()
	if p := f.Policy(); p != nil {
		s.Policy = p.Version()
	}
	return s, nil
}

// OriginKey is the value that a filter takes for exactly these seats: "CN/CN", or "" where
// none is known.
func OriginKey(o inventory.Origin) string {
	if o == (inventory.Origin{}) {
		return ""
	}
	return cmp.Or(o.Country, store.None) + "/" + cmp.Or(o.ParentCountry, store.None)
}

func (s *Summary) count(cohorts []store.Cohort) {
	origins, states := map[string]int{}, map[string]int{}
	makers := map[string]*Maker{}
	for i := range cohorts {
		c := &cohorts[i]
		o := inventory.Origin{Country: c.Country, ParentCountry: c.ParentCountry}
		states[string(c.State)] += c.Modules
		if c.State == inventory.StateNotCellular {
			continue // something that is no module has neither maker nor origin
		}
		origins[OriginKey(o)] += c.Modules
		m := makers[c.Maker]
		if m == nil {
			m = &Maker{Slug: c.Maker, Name: c.MakerName, Origin: o}
			makers[c.Maker] = m
		}
		m.add(c)
	}
	s.Origins, s.States = shares(origins), shares(states)
	for _, m := range makers {
		m.sort()
		s.Makers = append(s.Makers, *m)
	}
	slices.SortFunc(s.Makers, func(a, b Maker) int {
		return cmp.Or(known(a.Slug, b.Slug), -cmp.Compare(a.Modules, b.Modules), cmp.Compare(a.Name, b.Name))
	})
}

// known puts what is not known last.
func known(a, b string) int {
	switch {
	case a == "" && b != "":
		return 1
	case a != "" && b == "":
		return -1
	}
	return 0
}

func (m *Maker) add(c *store.Cohort) {
	m.Modules += c.Modules
	i := slices.IndexFunc(m.Models, func(x Model) bool { return x.Name == c.Model })
	if i < 0 {
		m.Models = append(m.Models, Model{Name: c.Model})
		i = len(m.Models) - 1
	}
	model := &m.Models[i]
	model.Modules += c.Modules
	j := slices.IndexFunc(model.Firmware, func(x Firmware) bool { return x.Revision == c.Firmware })
	if j < 0 {
		model.Firmware = append(model.Firmware, Firmware{Revision: c.Firmware})
		j = len(model.Firmware) - 1
	}
	model.Firmware[j].Modules += c.Modules
}

func (m *Maker) sort() {
	slices.SortFunc(m.Models, func(a, b Model) int {
		return cmp.Or(known(a.Name, b.Name), -cmp.Compare(a.Modules, b.Modules), cmp.Compare(a.Name, b.Name))
	})
	for _, x := range m.Models {
		slices.SortFunc(x.Firmware, func(a, b Firmware) int {
			return cmp.Or(known(a.Revision, b.Revision), -cmp.Compare(a.Modules, b.Modules), cmp.Compare(a.Revision, b.Revision))
		})
	}
}

func shares(counts map[string]int) []Share {
	var out []Share
	for v, n := range counts {
		out = append(out, Share{v, n})
	}
	slices.SortFunc(out, func(a, b Share) int {
		return cmp.Or(known(a.Value, b.Value), -cmp.Compare(a.Modules, b.Modules), cmp.Compare(a.Value, b.Value))
	})
	return out
}
