package web_test

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
)

//go:embed testdata/axe-core/axe.js
var axe string

// assess runs rules of axe-core and gives a line for each finding that is serious or critical.
// Which scheme is on changes nothing but colours.
const assess = `(async (only) => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  const r = await axe.run(document, { resultTypes: ["violations"], runOnly: only });
  return JSON.stringify(r.violations.filter(v => v.impact === "serious" || v.impact === "critical")
    .map(v => v.impact + " " + v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(" | ")));
})`

const allRules = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`

// Each kind of page is clean by axe-core, in light and dark, with everything folded out.
func accessible(t *testing.T, chromium context.Context) {
	s := filled(t)
	srv := guarded(t, s)
	ctx, _ := tab(t, chromium)
	for _, path := range kinds(t, s) {
		must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+path)))
		call(t, ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: axe})
		for _, x := range []struct {
			scheme, only string
			width        int64
		}{{"dark", `["color-contrast"]`, 1280}, {"light", allRules, 1280}, {"light", `["link-in-text-block", "scrollable-region-focusable"]`, 390}} { // a phone wraps
			scheme, only := x.scheme, x.only
			window(t, ctx, x.width)
			call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			wait := true
			r, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: assess + "(" + only + ")", AwaitPromise: &wait})
			must(t, err)
			if r.ExceptionDetails != nil {
				t.Fatalf("%s: axe-core did not run: %s", path, r.ExceptionDetails.Text)
			}
			for line := range strings.SplitSeq(strings.Trim(string(r.Result.Value), `"[]`), `\",\"`) {
				if line != "" {
					t.Errorf("%s, %s, %d wide: %s", path, scheme, x.width, line)
				}
			}
		}
	}
}

// kinds lists one address of every kind of page.
func kinds(t testing.TB, s store.Store) []string {
	t.Helper()
	l, err := s.Modules(t.Context(), store.ModuleFilter{Gateway: "evil"}, store.Page{Limit: 1000})
	must(t, err)
	longest := slices.MaxFunc(l.Items, func(a, b store.Module) int { return len(a.ID) - len(b.ID) })
	return []string{"/", "/report", "/modules?maker=alpha&limit=9", "/modules/gw-00/usb:1-1", api.ModulePath("/modules", l.Items[2].ModuleKey), api.ModulePath("/modules", longest.ModuleKey),
		"/gateways?limit=9", "/gateways/gw-00", "/gateways/evil", "/changes?limit=20", "/rejected", "/findings?limit=20", "/policy", "/nothing"}
}
