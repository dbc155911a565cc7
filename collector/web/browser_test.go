package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// The pages in a real browser: one headless Chromium with a fresh profile, a tab for each test.
func TestBrowser(t *testing.T) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	chromium, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(chromium, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("cannot start Chromium (apt-get install chromium): %v", err)
	}
	for _, x := range []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"G05", hostileWords}, {"Axe", accessible}, {"Filters", filters}, {"Walk", walk}, {"Live", live}, {"Away", away}, {"Times", times}, {"Views", views},
		{"WithoutScripts", withoutScripts}, {"Keyboard", keyboard},
	} {
		t.Run(x.name, func(t *testing.T) { x.test(t, chromium) })
	}
}

// tab opens one. said collects what the pages log: violations of the policy, failed loads,
// exceptions.
func tab(t *testing.T, chromium context.Context) (ctx context.Context, said *[]string) {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	said = new([]string)
	err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			*said = append(*said, string(e.Entry.Level)+" "+e.Entry.Text)
		case *runtime.EventExceptionThrown:
			d := e.ExceptionDetails
			*said = append(*said, "exception "+d.Text+" "+d.URL+" "+fmt.Sprint(d.Exception))
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	}
	must(t, err)
	return ctx, said
}

func call[P, R any](t *testing.T, ctx context.Context, cmd cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(ctx, cmd, params); err != nil {
		t.Fatal(err)
	}
}

func window(t *testing.T, ctx context.Context, width int64) {
	t.Helper()
	call(t, ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
}

// look is run in each page. It lists what a person would stumble over.
const look = `(() => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  const bad = [];
  const name = e => e.tagName.toLowerCase() + (e.className && e.className.baseVal === undefined ? "." + String(e.className).replace(/ /g, ".") : "") + " " + JSON.stringify((e.textContent || "").trim().slice(0, 40));
  if (window.owned) bad.push("a script ran");
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) bad.push("the page is " + root.scrollWidth + " wide in a window of " + root.clientWidth);
  const hidden = e => e.closest(".hidden, .skip, thead") && getComputedStyle(e.closest(".hidden, .skip, thead")).clipPath !== "none";
  for (const e of document.querySelectorAll("td, th, dd, dt, p, li, section, h1, h2, summary > span, select, .state, .flag, figure")) {
    if (hidden(e)) continue;
    if (e.clientWidth && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "visible") bad.push("spills over: " + name(e));
  }
  for (const e of document.querySelectorAll("label > input, label > select")) {
    const over = e.getBoundingClientRect().right - e.parentElement.getBoundingClientRect().right;
    if (over > 1) bad.push("stands " + over + " px over its column: " + e.name);
  }
  if (document.querySelectorAll("h1").length !== 1) bad.push("not one h1 but " + document.querySelectorAll("h1").length);
  let last = 0;
  for (const h of document.querySelectorAll("h1, h2, h3, h4")) { const n = +h.tagName[1]; if (n > last + 1) bad.push("heading skips a level: " + name(h)); last = n; }
  for (const e of document.querySelectorAll("input:not([type=hidden]), select")) if (!e.labels.length) bad.push("no label: " + e.name);
  for (const e of document.querySelectorAll("a, button, summary")) if (!(e.textContent.trim() || e.getAttribute("aria-label"))) bad.push("no name: " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("svg:not([aria-hidden])")) if (!e.getAttribute("aria-label")) bad.push("a picture without words");
  for (const e of document.querySelectorAll("table.list")) if (!e.caption) bad.push("a table without a caption");
  const ids = new Set(); for (const e of document.querySelectorAll("[id]")) { if (ids.has(e.id)) bad.push("id twice: " + e.id); ids.add(e.id); }
  const rgb = s => { const m = s.match(/[\d.]+/g).map(Number); if (s.startsWith("color(srgb")) { m[0] *= 255; m[1] *= 255; m[2] *= 255; } return m.length > 3 ? m : [...m, 1]; };
  const lum = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > .99) return c; } return [255, 255, 255, 1]; };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walker.nextNode();) {
    const e = n.parentElement; if (!n.data.trim() || hidden(e) || ["OPTION", "SCRIPT"].includes(e.tagName)) continue;
    const s = getComputedStyle(e), a = lum(rgb(s.color)), b = lum(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05), key = s.color + ground(e);
    if (ratio < 4.5 && !seen.has(key)) { seen.add(key); bad.push("contrast " + ratio.toFixed(2) + ": " + name(e)); }
  }
  return bad;
})()`

// G05, in a real browser: on each page, at the width of a phone, a desk, a wall and a small window, in
// light and dark, nothing that a module says runs or spills over, and everything can be read and named.
func hostileWords(t *testing.T, chromium context.Context) {
	s := filled(t)
	srv := guarded(t, s) // who looks may do everything, so that all forms are there
	ctx, said := tab(t, chromium)
	list := pages(t, s)
	for n, w := range []struct {
		width  int64
		scheme string
	}{{390, "light"}, {1280, "dark"}, {1920, "light"}, {900, "dark"}} { // the last is as narrow as tables get
		window(t, ctx, w.width)
		call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: w.scheme}}})
		for i, path := range list {
			if strings.HasPrefix(path, "/modules/evil/") && i%3 != n { // many, and all alike: each at one width
				continue
			}
			err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+path))
			if err != nil {
				t.Fatalf("%s at %d: %v", path, w.width, err)
			}
			bad, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](look))
			if err != nil {
				t.Fatalf("%s at %d: %v", path, w.width, err)
			}
			for _, b := range bad {
				t.Errorf("%s at %d, %s: %s", path, w.width, w.scheme, b)
			}
		}
	}
	for _, line := range *said {
		t.Errorf("the browser says: %s", line)
	}
}

// The filter form, the chips and the pages of a list do what they say, without a script.
func filters(t *testing.T, chromium context.Context) {
	s := filled(t)
	srv := serve(t, s)
	ctx, _ := tab(t, chromium)
	window(t, ctx, 1280)
	err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/modules"),
		chromedp.SetValue(chromedp.CSS(`select[name=maker]`), "alpha"), chromedp.SetValue(chromedp.CSS(`select[name=state]`), "identified"),
		chromedp.Click(chromedp.CSS(`.filters button`)), chromedp.WaitVisible(chromedp.CSS(`.chips`)))
	must(t, err)
	address, err := chromedp.Run(ctx, chromedp.Location())
	must(t, err)
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(`.chips`)))
	must(t, err)
	for _, want := range []string{"maker=alpha", "state=identified"} {
		if !strings.Contains(address, want) {
			t.Errorf("the address %s does not hold %s", address, want)
		}
	}
	if !strings.Contains(text, "alpha") || !strings.Contains(text, "identified") {
		t.Errorf("the chips say %q", text)
	}
	must(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`.pager a[rel=next]`)), chromedp.WaitVisible(chromedp.CSS(`.pager a[href]:not([rel])`))))
	address, err = chromedp.Run(ctx, chromedp.Location())
	must(t, err)
	rows, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll("tbody tr").length`))
	must(t, err)
	l, err := s.Modules(t.Context(), store.ModuleFilter{Maker: []string{"alpha"}, State: []string{"identified"}}, store.Page{})
	must(t, err)
	if !strings.Contains(address, "cursor=") || !strings.Contains(address, "maker=alpha") || rows != l.Total-50 {
		t.Errorf("the second page %s has %d rows, want %d", address, rows, l.Total-50)
	}
}
