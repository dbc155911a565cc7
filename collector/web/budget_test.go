package web_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
	"github.com/rollcall-iot/rollcall/collector/web"
)

// budget is what the first page may weigh with all that it loads.
const budget = 150_000

// wide is a store of so many gateways with one module each, of so many makers, models of each
// and revisions of each.
func wide(t testing.TB, gateways, makers, models, revisions int) store.Store {
	t.Helper()
	s := collectortest.Store(t)
	b := &store.Batch{}
	ids := make([]string, gateways)
	for i := range gateways {
		ids[i] = fmt.Sprintf("gw-%06d", i)
		b.Gateways = append(b.Gateways, store.Gateway{Gateway: collectortest.NewGateway(ids[i]).Gateway, First: collectortest.Start, Seen: collectortest.Start, Changed: collectortest.Start, Modules: 1})
		mk, md, fw := i%makers, i/makers%models, i/makers/models%revisions
		m := storetest.Module(ids[i], "usb:1-1", fmt.Sprintf("maker-%02d", mk), "CN", fmt.Sprintf("MODEL-%02d-%02d-EA", mk, md), fmt.Sprintf("MODEL%02d%02dPAR01A%02dM4G_01.001.01.001", mk, md, fw), "")
		b.Modules = append(b.Modules, m)
		b.Events = append(b.Events, store.Event{Kind: store.ModuleAdded, Gateway: ids[i], Module: m.ID, At: collectortest.Start, To: m.Brief()})
	}
	must(t, s.Update(t.Context(), ids, func(tx store.Tx, _ map[string]*store.Gateway) error { return tx.Put(b) }))
	return s
}

// weight is what a page and all that it loads are on the wire.
func weight(t testing.TB, base, path string) (total int, parts map[string]int) {
	t.Helper()
	_, body := get(t, base+path)
	parts = map[string]int{path: len(body)}
	for _, name := range regexp.MustCompile(`/static/[^"]+`).FindAllString(body, -1) {
		q, err := http.NewRequest(http.MethodGet, base+name, nil)
		must(t, err)
		q.Header.Set("Accept-Encoding", "gzip")
		r, err := http.DefaultTransport.RoundTrip(q)
		must(t, err)
		b, err := io.ReadAll(r.Body)
		must(t, err)
		must(t, r.Body.Close())
		parts[name] = len(b)
	}
	for _, n := range parts {
		total += n
	}
	return total, parts
}

// Pages stay within the budget, however many makers, models and revisions are in the fleet.
func TestBudget(t *testing.T) {
	many := wide(t, 26*13*11, 26, 13, 11)
	for i := range 70 {
		must(t, many.RecordFigures(t.Context(), collectortest.Start.AddDate(0, 0, -i-1)))
	}
	for name, s := range map[string]store.Store{"wide": many, "hostile": filled(t)} {
		srv := serve(t, s)
		for _, path := range []string{"/", "/modules", "/gateways?q=gw", "/findings", "/policy", "/changes?gateway=gw-000001", "/modules/gw-000001/usb:1-1"} {
			total, parts := weight(t, srv.URL, path)
			t.Logf("%s %s: %d bytes", name, path, total)
			if total > budget {
				t.Errorf("%s %s weighs %d bytes, want %d at most: %v", name, path, total, budget, parts)
			}
		}
	}
}

// many is how many gateways BenchmarkPages stores; there are 1.09 modules to each.
var many = flag.Int("fleet", 20_000, "gateways in the store of the benchmark")

// What making a page costs the server, with a fleet of that size. A million modules:
//
//	go test ./collector/web -run '^$' -bench Pages -benchtime 200x -fleet 920000 -timeout 30m
func BenchmarkPages(b *testing.B) {
	s, h := large(b, *many)
	at := func(i int) string { return storetest.FleetID((i * 7919) % *many) }
	for _, p := range []struct {
		name string
		path func(i int) string
	}{
		{"overview", func(int) string { return "/" }},
		{"modules", func(int) string { return "/modules" }},
		{"modules-filtered", func(int) string { return "/modules?maker=alpha&state=identified&sort=-firmware" }},
		{"modules-search", func(i int) string { return "/modules?q=" + at(i)[:8] }},
		{"modules-deep", func(i int) string {
			return "/modules?cursor=" + deep(b, s, i)
		}},
		{"module", func(i int) string { return "/modules/" + at(i) + "/usb:1-1" }},
		{"gateways", func(int) string { return "/gateways" }},
		{"gateway", func(i int) string { return "/gateways/" + at(i) }},
		{"findings", func(int) string { return "/findings" }},
		{"changes", func(int) string { return "/changes" }},
		{"policy", func(int) string { return "/policy" }},
		{"report", func(int) string { return "/report" }},
	} {
		b.Run(p.name, func(b *testing.B) { clocked(b, h, p.path) })
	}
}

// deep gives a cursor from the depth of the list of modules.
func deep(b *testing.B, s store.Store, i int) string {
	b.Helper()
	l, err := s.Modules(b.Context(), store.ModuleFilter{}, store.Page{Limit: 100 + i%900})
	must(b, err)
	return l.Next
}

func clocked(b *testing.B, h http.Handler, path func(int) string) {
	times := make([]time.Duration, 0, b.N)
	size := 0
	for i := range b.N {
		q := httptest.NewRequest(http.MethodGet, path(i), nil)
		w := httptest.NewRecorder()
		start := time.Now()
		h.ServeHTTP(w, q)
		times = append(times, time.Since(start))
		if w.Code != http.StatusOK {
			b.Fatalf("%s: %d", q.URL, w.Code)
		}
		size = w.Body.Len()
	}
	slices.Sort(times)
	ms := func(q float64) float64 { return float64(times[int(q*float64(len(times)-1))].Microseconds()) / 1000 }
	b.ReportMetric(ms(.5), "p50-ms")
	b.ReportMetric(ms(.99), "p99-ms")
	b.ReportMetric(float64(size)/1024, "KiB")
}

// large is a store with so many gateways, and its pages.
func large(t testing.TB, gateways int) (store.Store, http.Handler) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rollcall.db"))
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	n, err := storetest.Fleet(context.Background(), s, gateways)
	must(t, err)
	t.Logf("%d modules", n)
	storetest.Index(t, s)
	f := fleetOf(t, s)
	f.Now = time.Now
	return s, web.New(web.Settings{Fleet: f})
}

// A person walks a large fleet in a browser: from the overview to a maker, its modules page by
// page, one of them, its gateway, and by the search to another.
//
//	go test ./collector/web -run Browser/Walk -fleet 920000 -timeout 30m
func walk(t *testing.T, chromium context.Context) {
	_, h := large(t, *many)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	ctx, said := tab(t, chromium)
	window(t, ctx, 1280)
	start := time.Now()
	step := func(name, condition string) {
		t.Helper()
		until(t, ctx, condition)
		t.Logf("%s after %s", name, time.Since(start).Round(time.Millisecond))
		start = time.Now()
	}
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/")))
	step("overview", `document.querySelectorAll(".tree > details").length >= 3`)
	evaluate(t, ctx, `document.querySelector(".tree > details > summary").click(); document.querySelector(".tree .all a").click()`)
	step("modules of a maker", `location.pathname === "/modules" && document.querySelectorAll("tbody tr").length === 50`)
	for range 3 {
		evaluate(t, ctx, `window.leaving = true; document.querySelector(".pager a[rel=next]").click()`)
		step("next page", `!window.leaving && document.querySelectorAll("tbody tr").length === 50`)
	}
	evaluate(t, ctx, `document.querySelector("tbody a.main").click()`)
	step("module", `location.pathname.startsWith("/modules/gw-") && !!document.querySelector("h1")`)
	evaluate(t, ctx, `document.querySelector(".trail a[href^='/gateways/']").click()`)
	step("gateway", `location.pathname.startsWith("/gateways/gw-") && !!document.querySelector("h1")`)
	last := storetest.FleetID(*many - 1)
	evaluate(t, ctx, `const i = document.getElementById("find"); i.value = "`+last+`"; i.form.requestSubmit()`)
	step("search", `location.search.includes("`+last+`") && document.querySelectorAll("tbody tr").length >= 1 && document.querySelector("tbody").textContent.includes("`+last+`")`)
	for _, line := range *said {
		t.Errorf("the browser says: %s", line)
	}
}
