package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// fleetReader reads modules with their evidence from a collector's API.
type fleetReader struct {
	client   client
	gateways map[string]*policy.Gateway
	has      map[string]bool // gateways of which a module was read
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

// modules gives the modules that are meant, with their evidence, sorted by gateway and id.
func (f *fleetReader) modules(ctx context.Context, s *source) iter.Seq2[located, error] {
	q := url.Values{"evidence": {"true"}, "sort": {"gateway"}}
	for name, v := range s.filters {
		if q[name] = *v; name == "q" && len(*v) > 0 {
			q[name] = []string{strings.Join(*v, " ")} // all of them are meant, as all of their words are
		}
	}
	if s.gateway != "" {
		q.Set("gateway", s.gateway)
	}
	return func(yield func(located, error) bool) {
		var last store.ModuleKey
		for line, err := range f.client.lines(ctx, "export/modules", q) {
			var m fleet.Module
			if err == nil {
				if err = json.Unmarshal(line, &m); err == nil && m.Gateway == "" {
					err = errors.New("a line is no module")
				}
				if err != nil {
					err = otherVersion(err)
				}
			}
			f.has[m.Gateway] = true
			switch {
			case err != nil:
				yield(located{}, err)
				return
			case m.ModuleKey == last || s.module != "" && m.ID != s.module: // one that moved while we read stands twice
				continue
			}
			last = m.ModuleKey
			if !yield(located{gateway: f.gateway(m.Gateway), module: moduleOfFleet(&m)}, nil) {
				return
			}
		}
	}
}

func (f *fleetReader) gateway(id string) *policy.Gateway {
	if g, ok := f.gateways[id]; ok {
		return g
	}
	return &policy.Gateway{Gateway: inventory.Gateway{ID: id}} // it came while the modules were read
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

// without gives the gateways that have no module, sorted.
func (f *fleetReader) without() []*policy.Gateway {
	var out []*policy.Gateway
	for _, id := range slices.Sorted(maps.Keys(f.gateways)) {
		if !f.has[id] {
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
