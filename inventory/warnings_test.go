package inventory_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/inventory"
)

func TestWarnings(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC) }
	var w inventory.Warnings
	w.Raise(at(1), "disk-full", inventory.SeverityWarning, "nearly")
	w.Raise(at(2), "clock-unsure", inventory.SeverityInfo, "1970")
	w.Raise(at(3), "disk-full", inventory.SeverityError, "entirely")
	want := []inventory.Warning{
		{Code: "clock-unsure", Severity: inventory.SeverityInfo, Text: "1970", Since: at(2)},
		{Code: "disk-full", Severity: inventory.SeverityError, Text: "entirely", Since: at(1)},
	}
	got := w.List()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	got[0].Text = "changed by the caller"
	w.Clear("disk-full", "not-in-force")
	if d := cmp.Diff(want[:1], w.List()); d != "" {
		t.Errorf("after clearing (-want +got):\n%s", d)
	}
}
