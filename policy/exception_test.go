package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/policy"
)

const exceptions = `
exceptions:
  - id: lab-until-spring
    rule: named-in-list
    list: dod-1260h
    when: gateway.labels.site == "lab"
    owner: j.doe@example.org
    reason: test benches, not connected
    until: 2026-12-01
`

func TestException(t *testing.T) {
	p := load(t, exceptions)
	excepted := func(site string, at time.Time) *policy.Exception {
		for _, f := range p.Evaluate(quectel(), gatewayAt(site), at) {
			if f.Rule == "named-in-list" {
				return f.Excepted
			}
		}
		t.Fatal("the finding is gone: an exception must mark it, not hide it")
		return nil
	}
	e := excepted("lab", now)
	if e == nil || e.Owner != "j.doe@example.org" || e.Reason == "" || e.Until.Format(time.DateOnly) != "2026-12-01" {
		t.Fatalf("%+v", e)
	}
	if excepted("substation", now) != nil {
		t.Error("holds elsewhere")
	}
	last := time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
	if excepted("lab", last) == nil || excepted("lab", last.Add(time.Second)) != nil {
		t.Error("holds to the end of the day before, and no longer")
	}
	if policy.Worst(p.Evaluate(quectel(), gatewayAt("lab"), now)) != policy.Medium {
		t.Error("an excepted finding counts for the exit code")
	}
	huawei := p.Evaluate(maker("huawei", "ME909s"), gatewayAt("lab"), now)
	for _, f := range huawei {
		if (f.Excepted != nil) != (f.List == "dod-1260h") {
			t.Errorf("%s: %v", f.Key(), f.Excepted)
		}
	}
}

func gatewayAt(s string) *policy.Gateway { return site(s) }

// An exception that cannot be judged does not hold.
func TestExceptionThatFailsDoesNotHold(t *testing.T) {
	p := load(t, strings.Replace(exceptions, `gateway.labels.site == "lab"`, `module.evidence[99].claim == "x"`, 1))
	for _, f := range p.Evaluate(quectel(), gatewayAt("lab"), now) {
		if f.Excepted != nil {
			t.Errorf("%+v", f)
		}
	}
}

func TestExceptionWarnsOfItsEnd(t *testing.T) {
	p := load(t, exceptions)
	code := func(at time.Time) string {
		for _, w := range p.Warnings(at, 0) {
			if strings.HasPrefix(w.Code, "exception-") {
				if !strings.Contains(w.Text, "j.doe@example.org") || !strings.Contains(w.Text, "own.yaml:4") {
					t.Errorf("%q names neither owner nor place", w.Text)
				}
				return w.Code
			}
		}
		return ""
	}
	day := func(d int) time.Time { return time.Date(2026, 12, d, 0, 0, 0, 0, time.UTC) }
	for at, want := range map[time.Time]string{day(-20): "", day(-5): "exception-ends", day(1): "exception-ended", day(9): "exception-ended"} {
		if got := code(at); got != want {
			t.Errorf("%v: %q, want %q", at, got, want)
		}
	}
}

func TestWarningsOfLists(t *testing.T) {
	found := false
	for _, w := range load(t).Warnings(now.AddDate(0, 2, 0), 0) {
		found = found || w.Code == "list-old" && strings.Contains(w.Text, "dod-1260h")
	}
	if !found {
		t.Error("an old list does not warn")
	}
}
