package packaging_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// polkitRule is shipped, and not active.
const polkitRule = "polkit/50-rollcall-modemmanager.rules.example"

// TestPolkitRule runs the rule as polkit does, in a real engine of its language: it gives the agent's user what
// letting go of a module takes, and nobody anything else.
func TestPolkitRule(t *testing.T) {
	engine := browser(t)
	user := values(read(t, "systemd/rollcall-agent.service"), "User")[0]
	const control = "org.freedesktop.ModemManager1.Control"
	if got := decide(t, engine, read(t, polkitRule), control, user); got != "yes" {
		t.Errorf("the agent's user %q may not inhibit: %s", user, got)
	}
	for _, other := range [][2]string{{control, "root2"}, {control, ""}, {"org.freedesktop.ModemManager1.Device.Control", user}, {"org.freedesktop.login1.reboot", user}} {
		if got := decide(t, engine, read(t, polkitRule), other[0], other[1]); got != "undecided" {
			t.Errorf("%s may %s: %s", other[1], other[0], got)
		}
	}
	if got := decide(t, engine, strings.Replace(read(t, polkitRule), "});", "}", 1), control, user); !strings.HasPrefix(got, "SyntaxError") {
		t.Errorf("a rule that is cut was understood: %s", got)
	}
	if !strings.Contains(read(t, "nfpm.yaml"), "src: packaging/"+polkitRule) {
		t.Error("no package installs it")
	}
	if name := strings.TrimPrefix(polkitRule, "polkit/"); !strings.Contains(read(t, "../configs/agent.yaml"), name) {
		t.Errorf("agent.yaml does not name %s where it speaks of inhibiting", name)
	}
}

// decide gives the result of a file of rules for an action and a user: "undecided" lets other rules speak.
func decide(t *testing.T, engine context.Context, rules, action, user string) string {
	t.Helper()
	const judge = `((text, action, user) => {
		let rules = [];
		const polkit = {addRule: r => rules.push(r), Result: {YES: "yes", NO: "no"}, log: () => {}};
		try { new Function("polkit", text)(polkit) } catch (e) { return String(e) }
		return rules.map(r => r({id: action}, {user: user})).find(x => x) || "undecided";
	})`
	args, err := json.Marshal([]string{rules, action, user})
	if err != nil {
		t.Fatal(err)
	}
	result, err := chromedp.Run(engine, chromedp.Evaluate[string](judge+"(..."+string(args)+")"))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// browser is a tab that ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("cannot start Chromium (apt-get install chromium): %v", err)
	}
	return ctx
}
