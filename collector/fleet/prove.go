package fleet

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
)

// proven is one gateway's newest report. report is nil where none is kept.
type proven struct {
	proof  *Proof
	report *inventory.Report
}

func (f *Fleet) proven(ctx context.Context, gateway string) (proven, error) {
	g, err := f.Store.Gateway(ctx, gateway)
	if err != nil {
		return proven{}, err
	}
	e, err := f.Store.Evidence(ctx, g.ID, g.Digest)
	if errors.Is(err, store.ErrNotFound) {
		return proven{}, nil
	}
	if err != nil {
		return proven{}, err
	}
	r, err := inventory.DecodeReport(e.Body)
	return proven{&Proof{Report: e.Report, Digest: e.Digest, Key: e.Key, Signature: e.Signature}, r}, err
}

// show adds what the report says of a module.
func (p proven) show(f *Fleet, d *Module) {
	if p.report == nil {
		return
	}
	d.Proof, d.Truncated = p.proof, p.report.Truncated
	i := slices.IndexFunc(p.report.Modules, func(m inventory.Module) bool { return clean.Line(m.ID) == d.ID })
	if i < 0 {
		return
	}
	claimed := p.report.Modules[i]
	m := judge.Module(f.Base, claimed, p.report.Truncated)
	d.Evidence, d.Conflicts, d.Parts, d.Ports, d.Device = m.Evidence, m.Conflicts, m.Parts, m.Ports, m.Device
	d.Transcript, d.Banner, d.Managed, d.Reason = m.Transcript, m.Banner, m.Managed, m.Reason
	d.Data, d.GatewayData = m.Data, claimed.Data
	if a, b := claimed.Identity, m.Identity; a.Maker != b.Maker || a.Model != b.Model || a.Firmware != b.Firmware {
		d.Claimed = &a
	}
}

// Whole gives the modules of some gateways after the given id, all with their evidence, and the
// id to go on from; "" is the end. It reads many gateways at once, and no signatures.
func (f *Fleet) Whole(ctx context.Context, after string, gateways int) (out []*Module, next string, err error) {
	all, err := f.Store.Whole(ctx, after, gateways, true)
	for i := range all {
		w := &all[i]
		var p proven
		if w.Packed != nil {
			if p, err = unpacked(w.Packed); err != nil {
				return nil, "", err
			}
		}
		for _, row := range w.Modules {
			m := &Module{Module: row, Data: f.Base.Version()}
			p.show(f, m)
			out = append(out, m)
		}
	}
	if len(all) == gateways {
		next = all[len(all)-1].Gateway.ID
	}
	return out, next, err
}

func unpacked(packed []byte) (proven, error) {
	body, err := store.Unpack(packed)
	if err != nil {
		return proven{}, err
	}
	r, err := inventory.DecodeReport(body)
	return proven{report: r}, err
}

// Prove gives modules with their evidence, without history. A report is read once for all of
// its modules that stand together.
func (f *Fleet) Prove(ctx context.Context, rows []store.Module) ([]*Module, error) {
	out := make([]*Module, len(rows))
	var last proven
	for i := range rows {
		if i == 0 || rows[i].Gateway != rows[i-1].Gateway {
			p, err := f.proven(ctx, rows[i].Gateway)
			if err != nil && !errors.Is(err, store.ErrNotFound) { // a gateway may go while we read
				return nil, err
			}
			last = p
		}
		out[i] = &Module{Module: rows[i], Data: f.Base.Version()}
		last.show(f, out[i])
	}
	return out, nil
}
