package policy_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

func TestLanguage(t *testing.T) {
	for when, want := range map[string]bool{
		`module.origin.country == "CN" && gateway.labels.site == "substation"`:                          true,
		`gateway.labels.site != "lab"`:                                                                  true,
		`gateway.labels.owner == ""`:                                                                    true,
		`gateway.labels["rack-7"] == ""`:                                                                true,
		`"site" in gateway.labels && !("owner" in gateway.labels)`:                                      true,
		`size(gateway.labels) == 1 && gateway.labels.all(k, k == "site")`:                               true,
		`gateway.id == "gw-1" && gateway.clock_synced == false && gateway.last_seen == now`:             true,
		`module.evidence.exists(e, e.claim == "model" && e.source.startsWith("at:"))`:                   true,
		`module.evidence.map(e, e.rule) == ["quectel/ec25-firmware"]`:                                   true,
		`has(module.device) && module.device.vid == "2c7c"`:                                             true,
		`module.device.subvid == "" && !has(module.identity.badge)`:                                     true,
		`module.confidence > 0.9 && module.confidence <= 1.0`:                                           true,
		`lists.named("quectel") && lists.named("quectel", "dod-1260h")`:                                 true,
		`lists.named("quectel", "fcc-covered-list")`:                                                    false,
		`lists.naming("quectel").exists(h, h.edition == "2026-06-08" && h.since.getFullYear() == 2025)`: true,
		`lists.naming("fibocom").size() == 0`:                                                           true,
		`module.identity.firmware.matches("^EC25E.*R[0-9]{2}A[0-9]{2}")`:                                true,
		`module.identity.firmware.olderThan("EC25EFAR06A10M4G")`:                                        true,
		`module.identity.firmware.olderThan("EC25EFAR06A08M4G")`:                                        false,
		`validIMEI(module.identity.imei)`:                                                               true,
		`now > timestamp("2026-06-30T00:00:00Z") && now - duration("24h") < now`:                        true,
		`module.identity == module.identity`:                                                            true,
		`module.ports == [] && module.possible == []`:                                                   true,
		`module.identity.model.split("-")[1] == module.identity.variant`:                                true,
	} {
		got := alone(t, when).Evaluate(quectel(), site("substation"), now)
		if len(got) == 1 && got[0].Failed {
			t.Errorf("%s: %s", when, got[0].Text)
		} else if (len(got) == 1) != want {
			t.Errorf("%s: want %t", when, want)
		}
	}
}

// A rule that cannot be judged is a finding, not silence.
func TestRuleThatFailsIsAFinding(t *testing.T) {
	got := alone(t, `module.evidence[7].claim == "model"`).Evaluate(quectel(), nil, now)
	if len(got) != 1 || !got[0].Failed || got[0].Severity != policy.Low || !strings.Contains(got[0].Text, "rule one could not be judged: index out of bounds") {
		t.Errorf("%+v", got)
	}
}

// The cost limit ends an expression that would run for hours, and says so.
func TestCostIsBounded(t *testing.T) {
	m := quectel()
	for range 250 {
		m.Evidence = append(m.Evidence, m.Evidence[0])
	}
	deep := `module.evidence.all(a, module.evidence.all(b, module.evidence.all(c, module.evidence.all(d, a.claim + b.claim != c.claim + d.value + "x"))))`
	p := alone(t, deep)
	start := time.Now()
	got := p.Evaluate(m, nil, now)
	if len(got) != 1 || !got[0].Failed || !strings.Contains(got[0].Text, "cost limit exceeded") {
		t.Fatalf("%+v", got)
	}
	t.Logf("ended after %v", time.Since(start))
	m.Identity.Model = strings.Repeat("a", 60_000)
	got = alone(t, `module.evidence.all(e, module.identity.model.matches("(a|aa)+$"))`).Evaluate(m, nil, now)
	if len(got) != 1 || !got[0].Failed {
		t.Errorf("%+v", got)
	}
}

// A list is one finding of a rule, however often and in whatever order it names makers, and so are
// hits that cannot be judged.
func TestListIsFoundOnce(t *testing.T) {
	p, err := policy.Load(embedded(t), policy.Overlay{Name: "each.yaml", Data: []byte(`policy: each
rules:
  - id: each
    each: 'lists.naming("zte") + lists.naming("quectel") + lists.naming("huawei")'
    when: 'hit.list != "dod-1260h" || module.evidence[99].claim == ""'
    severity: low
    message: "${hit.sentence}"
`)})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, f := range p.Evaluate(quectel(), nil, now) {
		count[f.Key()]++
	}
	if len(count) < 3 || count["each"] != 1 { // two lists, and what cannot be judged
		t.Errorf("%v", count)
	}
	for key, n := range count {
		if n != 1 {
			t.Errorf("%s stands %d times", key, n)
		}
	}
}

// No function makes gigabytes before the cost of the call is counted.
func TestMemoryIsBounded(t *testing.T) {
	long := `["` + strings.Repeat("a", 200) + `".replace("a", "` + strings.Repeat("a", 200) + `")]`
	for _, when := range []string{
		`size(` + long + `.map(x, x.replace("a", x.substring(0, 4000)))) > 0`,
		`size(` + long + `.map(x, x.replace("", x.substring(0, 4000), 50000))) > 0`,
		`size(` + long + `.map(x, x.split("").join(x.substring(0, 4000)))) > 0`,
		`size(` + long + `.map(x, "` + strings.Repeat("a", 1000) + `".split("").map(y, x)).map(l, l.join())) > 0`,
		`size(` + long + `.map(x, "` + strings.Repeat("a", 1000) + `".split("").map(y, x)).map(l, "%s".format([l]))) > 0`,
		`size([[1]]` + strings.Repeat(`.map(l, [l, l, l, l, l, l, l, l, l, l])`, 8) + `.map(l, "%s".format([l]))) > 0`,
	} {
		p := alone(t, when)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := p.Evaluate(quectel(), nil, now)
		runtime.ReadMemStats(&after)
		if made := after.TotalAlloc - before.TotalAlloc; len(got) != 1 || !got[0].Failed || made > 32<<20 {
			t.Errorf("%s: took %d bytes, %v", when[max(0, len(when)-120):], made, got)
		}
	}
	for _, when := range []string{
		`"a-b".replace("-", "_") == "a_b" && "aaa".replace("a", "bb", 2) == "bbbba" && "ab".replace("", "-", -1) == "-a-b-"`,
		`["a", "b"].join() == "ab" && ["a", "b"].join(", ") == "a, b" && "%s %d %.2f".format([["x"], 7, 1.5]) == "[x] 7 1.50"`,
		`"äöü".indexOf("ü") == 2 && "aba".indexOf("a", 1) == 2 && "aba".lastIndexOf("a") == 2 && "aba".lastIndexOf("a", 1) == 0`,
	} {
		if got := alone(t, when).Evaluate(quectel(), nil, now); len(got) != 1 || got[0].Failed {
			t.Errorf("%s: %v", when, got)
		}
	}
}

func TestTextIsBounded(t *testing.T) {
	m := made(func(m *M) {
		m.Conflicts = []inventory.Conflict{{Claim: "model", Why: strings.Repeat("ä", 100_000)}}
	})
	f := load(t).Evaluate(m, nil, now)
	if len(f) != 1 || len(f[0].Text) > 2048 || !utf8.ValidString(f[0].Text) || !strings.HasSuffix(f[0].Text, "…") {
		t.Errorf("%d findings, text of %d bytes", len(f), len(f[0].Text))
	}
	f = load(t, "rules: [{id: long, when: 'true', severity: low, message: "+strings.Repeat("long ", 1000)+"}]").Evaluate(m, nil, now)
	if last := f[len(f)-1]; last.Rule != "long" || len(last.Text) > 2048 {
		t.Errorf("%s: text of %d bytes", last.Rule, len(last.Text))
	}
}

// A collector whose clock stands in 1970 must not clear anybody.
func TestClockOf1970(t *testing.T) {
	if got := fmt.Sprint(rules(load(t).Evaluate(quectel(), nil, time.Unix(5, 0)))); !strings.Contains(got, "named-in-list/dod-1260h") {
		t.Error(got)
	}
}

func TestHistory(t *testing.T) {
	p := load(t)
	f := p.Evaluate(quectel(), nil, time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC))
	if f[0].Edition != "2025-01-07" {
		t.Errorf("%+v", f[0])
	}
	if got := rules(p.Evaluate(quectel(), nil, time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC))); fmt.Sprint(got) != "[origin]" {
		t.Errorf("%v", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	p := load(t, exceptions)
	want := fmt.Sprint(p.Evaluate(quectel(), site("lab"), now)[0].Text, p.Evaluate(maker("zte", "x"), site("y"), now)[0].Text)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				a, b := p.Evaluate(quectel(), site("lab"), now), p.Evaluate(maker("zte", "x"), site("y"), now)
				if got := fmt.Sprint(a[0].Text, b[0].Text); got != want || a[0].Excepted == nil || b[0].Excepted != nil {
					t.Errorf("got %s", got)
					return
				}
			}
		})
	}
	wg.Wait()
}

func sorted(fs []policy.Finding) string {
	var out []string
	for i := range fs {
		out = append(out, fmt.Sprintf("%s %+v", fs[i].Key(), fs[i]))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// FuzzModule: whatever a module says, the starter policy judges it: no rule fails, texts are
// bounded valid UTF-8 if the input was, and the same module gives the same findings.
func FuzzModule(f *testing.F) {
	for _, s := range []string{"EC25-E", "=HYPERLINK(\"x\")", "<script>", "a.b.>", "../../x", "${module.id}", "';--", "\x1b[2J", "\u202eabc", "\xff\xfe"} {
		f.Add(s, s, s, "CN", s)
	}
	p := load(f, floors, approvedOnly, exceptions)
	cache := p.NewCache()
	f.Fuzz(func(t *testing.T, maker, model, firmware, country, why string) {
		m := quectel()
		m.Identity.Maker, m.Identity.Model, m.Identity.Firmware, m.Origin.Country = maker, model, firmware, country
		m.Conflicts = []inventory.Conflict{{Claim: maker, Values: []string{model}, Why: why}}
		m.Parts = []inventory.Part{{Name: "imei", Value: firmware}}
		g := site(why)
		a, b := p.Evaluate(m, g, now), p.Evaluate(m, g, now)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%v\n%v", a, b)
		}
		if alone, cached := sorted(a), sorted(cache.Evaluate(m, g, now)); alone != cached {
			t.Errorf("alone:\n%s\nby the cache:\n%s", alone, cached)
		}
		for _, x := range a {
			if x.Failed || len(x.Text) > 2048 {
				t.Errorf("%+v", x)
			}
		}
	})
}

// FuzzExpression: whatever an expression is, it is refused or judged within its bound.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{"true", `module.identity.model.matches("(a|aa)+$")`, `[1,2,3].map(x, x*x).exists(y, y == 4)`, "1/0 == 1",
		`"${"`, `module.device.vid`, `gateway.labels[module.id] == ""`, "lists.naming(module.id).all(h, h.list != '')", "{1:2}[1] == 2", "-9223372036854775808 - 1 > 0"} {
		f.Add(s)
	}
	set := embedded(f)
	f.Fuzz(func(t *testing.T, when string) {
		p, err := policy.Load(set, policy.Overlay{Name: "f", Data: one(when)})
		if (p == nil) == (err == nil) {
			t.Fatalf("%v %v", p, err)
		}
		if p != nil && len(p.Evaluate(quectel(), site("x"), now)) > 1 {
			t.Error("one rule, more than one finding")
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	p := load(b)
	for name, m := range map[string]*M{"one list": quectel(), "four lists": maker("huawei", "ME909s"), "clean": sierra()} {
		g := site("substation")
		b.Run(name+", cached", func(b *testing.B) {
			b.ReportAllocs()
			cache := p.NewCache()
			for b.Loop() {
				_ = cache.Evaluate(m, g, now)
			}
		})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var fs []policy.Finding
			for b.Loop() {
				fs = p.AppendFindings(fs[:0], m, g, now)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	set := embedded(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Load(set, policy.Starter()); err != nil {
			b.Fatal(err)
		}
	}
}
