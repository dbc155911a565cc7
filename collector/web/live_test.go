package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/web"
)

// until waits for a condition in the page.
func until(t *testing.T, ctx context.Context, condition string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		must(t, err)
		if ok {
			return
		}
		if time.Now().After(deadline) {
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 1500)`))
			t.Fatalf("the page does not come to %s; it shows\n%s", condition, text)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func evaluate(t *testing.T, ctx context.Context, js string) {
	t.Helper()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("(() => {"+js+"; return true})()"))
	must(t, err)
}

// What is shown becomes new by itself, and what the reader folded out, drew or typed stays.
func live(t *testing.T, chromium context.Context) {
	s := filled(t)
	for i := range 5 {
		must(t, s.RecordFigures(t.Context(), collectortest.Start.AddDate(0, 0, -i-1)))
	}
	srv := serve(t, s)
	ctx, said := tab(t, chromium)
	window(t, ctx, 1280)
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/")))
	until(t, ctx, `!!document.querySelector(".plot canvas")`)
	evaluate(t, ctx, `document.querySelector(".tree details").open = true; document.querySelector(".plot").mine = true`)
	take(t, s, collectortest.NewGateway("fresh").Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R9", "")))
	evaluate(t, ctx, `document.getElementById("main").dispatchEvent(new CustomEvent("rollcall:live"))`)
	until(t, ctx, `document.querySelector(".log").textContent.includes("fresh")`)
	for _, kept := range []string{`document.querySelector(".tree details").open`, `document.querySelector(".plot").mine && !!document.querySelector(".plot canvas")`,
		`document.querySelectorAll("h1").length === 1`, `document.querySelectorAll("#main").length === 1`} {
		until(t, ctx, kept)
	}
	srv.CloseClientConnections()
	srv.Close()
	evaluate(t, ctx, `document.getElementById("main").dispatchEvent(new CustomEvent("rollcall:live"))`)
	until(t, ctx, `document.getElementById("live").textContent.includes("does not answer")`)
	for _, line := range *said {
		if !strings.Contains(line, "ERR_CONNECTION_REFUSED") {
			t.Errorf("the browser says: %s", line)
		}
	}
}

// While the collector fails, what is shown stays; when the session is over, the login page comes.
func away(t *testing.T, chromium context.Context) {
	s := filled(t)
	pages := web.New(web.Settings{Fleet: fleetOf(t, s)})
	var answer atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/login":
			_, _ = w.Write([]byte("<!doctype html><title>Log in</title><h1>Log in</h1>"))
		case r.URL.Path == "/" && answer.Load() == http.StatusServiceUnavailable:
			http.Error(w, "not now", http.StatusServiceUnavailable)
		case r.URL.Path == "/" && answer.Load() == http.StatusSeeOther:
			http.Redirect(w, r, "/login?next=/", http.StatusSeeOther)
		default:
			pages.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	ctx, _ := tab(t, chromium)
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/")))
	until(t, ctx, `document.getElementById("live").textContent.includes("by itself")`)
	const again = `document.getElementById("main").dispatchEvent(new CustomEvent("rollcall:live"))`
	answer.Store(http.StatusServiceUnavailable)
	evaluate(t, ctx, again)
	until(t, ctx, `document.getElementById("live").textContent.includes("does not answer") && document.querySelectorAll(".tree > details").length > 1`)
	answer.Store(http.StatusOK)
	evaluate(t, ctx, again)
	until(t, ctx, `document.getElementById("live").textContent.includes("by itself")`)
	answer.Store(http.StatusSeeOther)
	evaluate(t, ctx, again)
	until(t, ctx, `location.pathname === "/login" && document.title === "Log in"`)
}

// Times become the reader's, and back.
func times(t *testing.T, chromium context.Context) {
	s := filled(t)
	srv := serve(t, s)
	ctx, _ := tab(t, chromium)
	call(t, ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/Phoenix"})
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/gateways/gw-00")))
	until(t, ctx, `document.getElementById("zone").textContent.includes("America/Phoenix")`)
	until(t, ctx, `document.querySelector("time.at").textContent.includes("2026-11-20 01:01:00")`)
	evaluate(t, ctx, `document.querySelector("#zone button").click()`)
	until(t, ctx, `document.querySelector("time.at").textContent.includes("2026-11-20 08:01:00 UTC")`)
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/report")))
	until(t, ctx, `document.querySelector("time.at").textContent.includes("UTC")`)
}

// A view that the reader names stays in the browser, leads where it did, and can be forgotten.
// What stands there from elsewhere is text, and no address of another host.
func views(t *testing.T, chromium context.Context) {
	srv := serve(t, filled(t))
	ctx, said := tab(t, chromium)
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/modules?maker=alpha")))
	evaluate(t, ctx, `localStorage.setItem("rollcall.views", JSON.stringify([{name: "<img src=x onerror='window.owned=1'>", to: "/modules?q=x"},
		{name: "bad", to: "javascript:window.owned=1"}, {name: "far", to: "//evil.example/modules"}, {name: 7, to: "/modules"}, null]))`)
	must(t, chromedp.Do(ctx, chromedp.Reload()))
	until(t, ctx, `document.querySelectorAll(".own li").length === 1 && document.querySelector(".own a").textContent.startsWith("<img")`)
	evaluate(t, ctx, `const i = document.querySelector(".own input"); i.value = "Ours"; i.form.requestSubmit()`)
	until(t, ctx, `[...document.querySelectorAll(".own a")].some(a => a.textContent === "Ours" && a.getAttribute("href") === "/modules?maker=alpha" && a.getAttribute("aria-current"))`)
	evaluate(t, ctx, `document.querySelector(".own button").click()`)
	until(t, ctx, `document.querySelectorAll(".own li").length === 1`)
	until(t, ctx, `!window.owned`)
	for _, line := range *said {
		t.Errorf("the browser says: %s", line)
	}
}

// Without scripts all is there: figures, the days behind the chart, times that say their zone.
func withoutScripts(t *testing.T, chromium context.Context) {
	s := filled(t)
	must(t, s.RecordFigures(t.Context(), collectortest.Start.AddDate(0, 0, -1)))
	srv := serve(t, s)
	ctx, _ := tab(t, chromium)
	call(t, ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	for path, want := range map[string]string{"/": "As a table", "/gateways/gw-00": "2026-11-20 08:01:00 UTC", "/modules": "Evidence disagrees", "/report": "What is not known"} {
		must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+path)))
		text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
		must(t, err)
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
}

// Tab comes first to the link over the navigation, and that link leads to the content.
func keyboard(t *testing.T, chromium context.Context) {
	srv := serve(t, filled(t))
	ctx, _ := tab(t, chromium)
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/modules"), chromedp.KeyEvent("\t")))
	until(t, ctx, `document.activeElement.classList.contains("skip") && document.activeElement.getBoundingClientRect().width > 50`)
	must(t, chromedp.Do(ctx, chromedp.KeyEvent("\r")))
	until(t, ctx, `document.activeElement.id === "main" && location.hash === "#main"`)
	must(t, chromedp.Do(ctx, chromedp.KeyEvent("\t")))
	until(t, ctx, `document.activeElement.closest("main") !== null && document.activeElement.matches("a, summary, select, input, button")`)
}

// An unchanged page is not sent again.
func TestETag(t *testing.T) {
	srv := serve(t, filled(t))
	for _, path := range []string{"/", "/modules", "/gateways/gw-00", "/changes"} {
		first, _ := get(t, srv.URL+path)
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
		must(t, err)
		q.Header.Set("If-None-Match", first.Header.Get("ETag"))
		r, err := http.DefaultClient.Do(q)
		must(t, err)
		_ = r.Body.Close()
		if r.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %s", path, fmt.Sprint(r.StatusCode))
		}
	}
}
