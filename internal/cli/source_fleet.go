package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// atOnce is how many modules a collector is asked for at the same time.
const atOnce = 8

// fleetReader reads modules with their evidence from a collector's API. The lists have no
// evidence, so that every module is asked for by itself.
type fleetReader struct {
	client   client
	gateways map[string]*policy.Gateway
}

// pages gives the items of a list, page after page.
func pages[T any](ctx context.Context, from client, what string, q url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		q.Set("limit", strconv.Itoa(pageSize))
		for {
			var l api.List[json.RawMessage]
			if err := from.get(ctx, what, q, &l); err != nil {
				yield(none, err)
				return
			}
			for _, raw := range l.Items {
				var item T
				if err := json.Unmarshal(raw, &item); err != nil {
					yield(none, otherVersion(err))
					return
				}
				if !yield(item, nil) {
					return
				}
			}
			if l.Next == "" {
				return
			}
			q.Set("cursor", l.Next)
		}
	}
}

func otherVersion(err error) error {
	return fmt.Errorf("the collector's answer cannot be read; is it of another version? %w", err)
}

// keys lists the modules that are meant, sorted by gateway and id.
func (f *fleetReader) keys(ctx context.Context, s *source) ([]store.ModuleKey, error) {
	q := url.Values{}
	for name, v := range s.filters {
		q[name] = *v
	}
	if s.gateway != "" {
		q.Set("gateway", s.gateway)
	}
	var keys []store.ModuleKey
	for k, err := range pages[store.ModuleKey](ctx, f.client, "modules", q) {
		if err != nil {
			return nil, err
		}
		if s.module == "" || k.ID == s.module {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b store.ModuleKey) int {
		return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.ID, b.ID))
	})
	return slices.Compact(keys), nil // one that moved while the pages were read stands on two
}

// readGateways reads what is known of the gateways: of one, or of all.
func (f *fleetReader) readGateways(ctx context.Context, only string) error {
	f.gateways = map[string]*policy.Gateway{}
	if only != "" {
		var g api.GatewayItem
		err := f.client.get(ctx, "gateways/"+url.PathEscape(only), url.Values{}, &g)
		var missing *missingError
		if errors.As(err, &missing) {
			return nil
		}
		f.gateways[only] = gatewayOf(&g)
		return err
	}
	for g, err := range pages[api.GatewayItem](ctx, f.client, "gateways", url.Values{}) {
		if err != nil {
			return err
		}
		f.gateways[g.ID] = gatewayOf(&g)
	}
	return nil
}

func gatewayOf(g *api.GatewayItem) *policy.Gateway {
	return &policy.Gateway{Gateway: g.Gateway.Gateway, LastSeen: g.Seen, ClockSynced: g.ClockSynced}
}

// details reads modules, in the order of their keys. One that is gone by now is left out.
func (f *fleetReader) details(ctx context.Context, keys []store.ModuleKey) ([]located, error) {
	out := make([]*located, len(keys))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, k := range keys {
		g.Go(func() (err error) {
			out[i], err = f.detail(ctx, k)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var found []located
	for _, l := range out {
		if l != nil {
			found = append(found, *l)
		}
	}
	return found, nil
}

func (f *fleetReader) detail(ctx context.Context, k store.ModuleKey) (*located, error) {
	var m fleet.Module
	err := f.client.get(ctx, api.ModulePath("modules", k), url.Values{}, &m)
	var missing *missingError
	if errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	gateway, ok := f.gateways[k.Gateway]
	if !ok { // it came while the modules were read
		gateway = &policy.Gateway{Gateway: inventory.Gateway{ID: k.Gateway}}
	}
	return &located{gateway, moduleOfFleet(&m)}, nil
}

// without gives the gateways that have no module, sorted.
func (f *fleetReader) without(keys []store.ModuleKey) []*policy.Gateway {
	has := map[string]bool{}
	for _, k := range keys {
		has[k.Gateway] = true
	}
	var out []*policy.Gateway
	for _, id := range slices.Sorted(maps.Keys(f.gateways)) {
		if !has[id] {
			out = append(out, f.gateways[id])
		}
	}
	return out
}

func moduleOfFleet(m *fleet.Module) *inventory.Module {
	out := &inventory.Module{
		ID: m.ID, State: m.State, Identity: m.Identity, Origin: m.Origin, Confidence: m.Confidence,
		Evidence: m.Evidence, Conflicts: m.Conflicts, Possible: m.Possible, Parts: m.Parts, Seems: m.Seems,
		Ports: m.Ports, Device: m.Device, Transcript: m.Transcript, Banner: m.Banner, Managed: m.Managed, Reason: m.Reason, Data: m.Data,
	}
	if m.Conflicted && len(out.Conflicts) == 0 {
		out.Conflicts = []inventory.Conflict{unsaid()}
	}
	return out
}

// unsaid stands for conflicts of which a list tells only that there are some.
func unsaid() inventory.Conflict {
	return inventory.Conflict{Claim: "identity", Values: []string{}, Why: "sources disagree; which ones, the list does not say"}
}
