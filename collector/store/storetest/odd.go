package storetest

import (
	"errors"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// oddQuestions: whoever asks for text that a database cannot hold gets what they would get for any
// other text that is not there, and no failure of the store.
func oddQuestions(t *testing.T, s store.Store) {
	ctx := t.Context()
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 1)}, Modules: []store.Module{Module("gw-1", "usb:1-1", "alpha", "CN", "A25", "R1", "")}})
	for _, odd := range []string{"\x00", "gw-1\x00", "\xff", "gw-1\xed\xa0\x80", "\ufffd", "gw-1 "} {
		_, err := s.Gateway(ctx, odd)
		notThere(t, odd, "Gateway", err)
		_, err = s.Module(ctx, store.ModuleKey{Gateway: odd, ID: "usb:1-1"})
		notThere(t, odd, "Module of a gateway", err)
		_, err = s.Module(ctx, store.ModuleKey{Gateway: "gw-1", ID: odd})
		notThere(t, odd, "Module", err)
		_, err = s.Evidence(ctx, odd, odd)
		notThere(t, odd, "Evidence", err)
		for _, f := range []store.ModuleFilter{{Firmware: []string{odd}}, {Gateway: odd}, {Maker: []string{odd}, Model: []string{"A25"}}, {Badge: []string{odd}}, {Origin: []string{odd}}, {Severity: []string{odd}}} {
			l, err := s.Modules(ctx, f, store.Page{})
			noneOf(t, odd, "Modules", len(l.Items), err)
		}
		for _, f := range []store.FindingFilter{{Gateway: odd}, {Gateway: "gw-1", Module: odd}, {Rule: []string{odd}}, {List: []string{odd}}} {
			l, err := s.Findings(ctx, f, store.Page{})
			noneOf(t, odd, "Findings", len(l.Items), err)
		}
		for _, f := range []store.EventFilter{{Gateway: odd}, {Gateway: "gw-1", Module: odd}} {
			l, err := s.Events(ctx, f, store.Page{})
			noneOf(t, odd, "Events", len(l.Items), err)
		}
		for _, f := range []store.AuditFilter{{Who: odd}, {Action: odd}} {
			l, err := s.Audits(ctx, f, store.Page{})
			noneOf(t, odd, "Audits", len(l.Items), err)
		}
		reports, err := s.Reports(ctx, odd, store.Page{})
		noneOf(t, odd, "Reports", len(reports.Items), err)
		keys, err := s.Keys(ctx, odd)
		noneOf(t, odd, "Keys", len(keys), err)
		same, err := s.SameIMEI(ctx, odd, 9)
		noneOf(t, odd, "SameIMEI", len(same), err)
		for _, list := range []string{"modules", "gateways", "findings", "events"} { // made by somebody else
			for n := range 6 {
				at := make([]string, n)
				for i := range at {
					at[i] = odd
				}
				askFrom(t, s, store.EncodeCursor(list, at...))
				askFrom(t, s, store.EncodeCursor(list+"/", at...))
				askFrom(t, s, store.EncodeCursor(list+"/gateway", at...))
			}
		}
	}
}

// askFrom asks for each list from a cursor, which has to be one or none of it.
func askFrom(t *testing.T, s store.Store, cursor string) {
	t.Helper()
	ctx, p := t.Context(), store.Page{Cursor: cursor}
	_, err1 := s.Modules(ctx, store.ModuleFilter{}, p)
	_, err2 := s.Gateways(ctx, store.GatewayFilter{}, p)
	_, err3 := s.Findings(ctx, store.FindingFilter{}, p)
	_, err4 := s.Events(ctx, store.EventFilter{}, p)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil && !errors.Is(err, store.ErrCursor) {
			t.Errorf("from cursor %q: %v", cursor, err)
		}
	}
}

func notThere(t *testing.T, odd, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s, %q: %v, want not found", what, odd, err)
	}
}

func noneOf(t *testing.T, odd, what string, n int, err error) {
	t.Helper()
	if n != 0 || err != nil {
		t.Errorf("%s, %q: %d and %v, want none", what, odd, n, err)
	}
}
