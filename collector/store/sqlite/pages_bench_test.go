package sqlite_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
)

// fleet is how many gateways the benchmark stores; there are 1.09 modules to each.
var fleet = flag.Int("fleet", 20_000, "gateways in the store of BenchmarkPages")

// What a page of the API and of the web costs with a large fleet, first, in the middle and
// unlucky (filters that leave little or nothing over). p99-ms is over all questions asked.
//
//	go test ./collector/store/sqlite -run '^$' -bench Pages -benchtime 300x -fleet 920000
func BenchmarkPages(b *testing.B) {
	path := filepath.Join(b.TempDir(), "rollcall.db")
	s := open(b, path)
	modules, err := storetest.Fleet(b.Context(), s, *fleet)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	for n := 1; n > 0; {
		if n, err = s.IndexSearch(b.Context(), 2000); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d modules; words indexed in %s", modules, time.Since(start).Round(time.Second))
	at := func(i int) string { return storetest.FleetID((i * 7919) % *fleet) }
	cursors := map[string][]string{}
	for _, p := range pages() {
		b.Run(p.name, func(b *testing.B) {
			measure(b, func(ctx context.Context, i int) error {
				page := store.Page{Limit: 50, Sort: p.sort}
				if cs := cursors[p.name]; len(cs) > 0 && i%2 == 1 {
					page.Cursor = cs[i%len(cs)]
				}
				l, err := s.Modules(ctx, p.filter(at(i)), page)
				if l.Next != "" && len(cursors[p.name]) < 50 {
					cursors[p.name] = append(cursors[p.name], l.Next)
				}
				return err
			})
		})
	}
	for name, query := range map[string]func(int) string{
		"id": at, "id-begun": func(i int) string { return at(i)[:9] }, "hostname": func(i int) string { return "host-" + at(i)[:8] },
		"all": func(int) string { return "gw" }, "label-of-all": func(int) string { return "site=north" }, "digit-of-all": func(int) string { return "0" },
		"two-of-all": func(int) string { return "gw north" }, "one-in-50": func(i int) string { return fmt.Sprintf("kind=meter-%02d", i%50) },
		"one-in-500": func(i int) string { return fmt.Sprintf("meter-%02d %d", i%50, i%10) }, "one-in-5000": func(i int) string { return fmt.Sprintf("c%04d", i%5000) },
		"in-a-row": func(i int) string { return fmt.Sprintf("region=r%02d", i*100_000%*fleet/100_000) }, "nothing": func(i int) string { return "nothing here" },
		"all-and-nothing": func(int) string { return "gw nothing" }, "apart": func(i int) string { return fmt.Sprintf("meter-%02d c%04d", i%50, i%5000) },
		"two-in-50-apart": func(i int) string { return fmt.Sprintf("meter-%02d meter-%02d", i%50, (i+1)%50) },
	} {
		cursors := []string{}
		b.Run("gateways-q/"+name, func(b *testing.B) {
			measure(b, func(ctx context.Context, i int) error {
				p := store.Page{}
				if len(cursors) > 0 && i%2 == 1 {
					p.Cursor = cursors[i%len(cursors)]
				}
				l, err := s.Gateways(ctx, store.GatewayFilter{Query: query(i)}, p)
				if l.Next != "" && len(cursors) < 50 {
					cursors = append(cursors, l.Next)
				}
				return err
			})
		})
	}
	for name, ask := range map[string]func(context.Context, int) error{
		"overview": func(ctx context.Context, _ int) error {
			_, err := s.Figures(ctx)
			if err == nil {
				_, err = s.Cohorts(ctx)
			}
			return err
		},
		"module": func(ctx context.Context, i int) error {
			_, err := s.Module(ctx, store.ModuleKey{Gateway: at(i), ID: "usb:1-1"})
			return err
		},
		"same-imei": func(ctx context.Context, i int) error {
			_, err := s.SameIMEI(ctx, fmt.Sprintf("8670120%08d", i), 20)
			return err
		},
		"gateways": func(ctx context.Context, i int) error {
			_, err := s.Gateways(ctx, store.GatewayFilter{}, store.Page{Cursor: store.EncodeCursor("gateways", at(i))})
			return err
		},
		"events": func(ctx context.Context, i int) error {
			_, err := s.Events(ctx, store.EventFilter{Gateway: at(i)}, store.Page{})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) { measure(b, ask) })
	}
}

type pageKind struct {
	name, sort string
	filter     func(gateway string) store.ModuleFilter
}

func pages() []pageKind {
	always := func(f store.ModuleFilter) func(string) store.ModuleFilter {
		return func(string) store.ModuleFilter { return f }
	}
	return []pageKind{
		{"modules", "", always(store.ModuleFilter{})},
		{"modules-last-first", "-gateway", always(store.ModuleFilter{})},
		{"by-maker", "", always(store.ModuleFilter{Maker: []string{"alpha"}})},
		{"by-origin", "", always(store.ModuleFilter{Origin: []string{"CN"}})},
		{"by-state-rare", "", always(store.ModuleFilter{State: []string{"unanswered"}})},
		{"by-maker-and-rare-state", "", always(store.ModuleFilter{Maker: []string{"alpha"}, State: []string{"unanswered"}})},
		{"by-nothing", "", always(store.ModuleFilter{Maker: []string{"alpha"}, Origin: []string{"IT"}})},
		{"by-firmware", "", always(store.ModuleFilter{Firmware: []string{"A25-R03"}})},
		{"by-half-of-all-firmware", "", always(store.ModuleFilter{State: []string{"held", "partial"}})},
		{"sort-model", "model", always(store.ModuleFilter{})},
		{"sort-firmware-desc", "-firmware", always(store.ModuleFilter{Maker: []string{"alpha", "beta"}})},
		{"search-model", "", always(store.ModuleFilter{Query: "a25"})},
		{"search-firmware", "", always(store.ModuleFilter{Query: "r1"})},
		{"search-gateway", "", func(g string) store.ModuleFilter { return store.ModuleFilter{Query: g[:8]} }},
		{"search-gateway-wide-and-rare", "", func(string) store.ModuleFilter {
			return store.ModuleFilter{Query: "gw-", State: []string{"unanswered"}}
		}},
		{"search-nothing", "", always(store.ModuleFilter{Query: "no such thing"})},
		{"search-tac", "", always(store.ModuleFilter{Query: "86701200"})},
		{"search-tac-and-rare", "", always(store.ModuleFilter{Query: "867012", Firmware: []string{"G910-R01"}})},
		{"search-imei", "", func(g string) store.ModuleFilter { return store.ModuleFilter{Query: "8670120" + "0" + g[3:]} }},
		{"search-id", "", func(g string) store.ModuleFilter { return store.ModuleFilter{Query: g} }},
		{"search-label-of-all", "", always(store.ModuleFilter{Query: "site=north"})},
		{"search-label-of-all-by-model", "model", always(store.ModuleFilter{Query: "site=north"})},
		{"search-label-and-maker", "", always(store.ModuleFilter{Query: "kind=meter-11 alpha"})},
		{"search-label-and-maker-by-firmware", "-firmware", always(store.ModuleFilter{Query: "meter-11 alpha"})},
		{"search-customer", "", func(g string) store.ModuleFilter { return store.ModuleFilter{Query: "c" + g[6:]} }},
		{"search-customer-by-model", "model", func(g string) store.ModuleFilter { return store.ModuleFilter{Query: "c" + g[6:] + " a25"} }},
		{"search-label-never-with-maker", "", always(store.ModuleFilter{Query: "meter-03 alpha g910"})},
		{"search-tac-and-label", "", always(store.ModuleFilter{Query: "867012 meter-07"})},
		{"search-everything", "", always(store.ModuleFilter{Query: "a g 0 8 w h n e"})},
		{"of-gateway", "", func(g string) store.ModuleFilter { return store.ModuleFilter{Gateway: g} }},
	}
}

// measure asks b.N questions and reports the slow ones.
func measure(b *testing.B, ask func(context.Context, int) error) {
	times := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		if err := ask(b.Context(), i); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	b.StopTimer()
	slices.Sort(times)
	ms := func(q float64) float64 { return float64(times[int(q*float64(len(times)-1))].Microseconds()) / 1000 }
	b.ReportMetric(ms(.5), "p50-ms")
	b.ReportMetric(ms(.99), "p99-ms")
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.Sys>>20), "MiB-go")
}
