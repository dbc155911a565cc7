package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/inventory"
)

func watchedModule(id, model, firmware string) inventory.Module {
	return inventory.Module{ID: id, State: inventory.StateIdentified, Confidence: 0.99,
		Identity: inventory.Identity{Maker: "quectel", MakerName: "Quectel", Model: model, Firmware: firmware},
		Origin:   inventory.Origin{Country: "CN"}, Device: &inventory.Device{Bus: "usb", Path: id},
		Transcript: []inventory.Exchange{{Cmd: "ATI", Final: "OK", Millis: time.Now().UnixMilli() % 50}}}
}

// watchLooks runs a scan that goes on over these looks; each but the first is woken.
func watchLooks(t *testing.T, format, failOn string, looks ...[]inventory.Module) (string, error) {
	t.Helper()
	base, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	judge, err := (&judging{failOn: failOn}).load()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	wake := make(chan struct{}, 1)
	w := &watched{out: &out, format: format, base: base, judge: judge, now: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }}
	n := 0
	err = w.run(ctx, func(context.Context) ([]inventory.Module, error) {
		if n == len(looks) {
			cancel()
			return nil, errors.New("a look that is cut off is no failure")
		}
		n++
		wake <- struct{}{}
		return looks[n-1], nil
	}, wake, time.Hour)
	return out.String(), err
}

func TestScanWatchShowsWhatChanges(t *testing.T) {
	one, two := watchedModule("1-1", "EC25-E", "EC25EFAR06A08M4G"), watchedModule("1-2", "BG96", "BG96MAR02A07M1G")
	newer := watchedModule("1-1", "EC25-E", "EC25EFAR06A16M4G")
	again := one
	again.Transcript = []inventory.Exchange{{Cmd: "ATI", Final: "OK", Millis: 999}}
	text, err := watchLooks(t, formatTable, "", []inventory.Module{one}, []inventory.Module{again}, []inventory.Module{newer, two}, []inventory.Module{two})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 new · 1 changed", "EC25EFAR06A16M4G", "BG96MAR02A07M1G", "1 cellular device · 1 gone", "Quectel EC25-E is gone, usb 1-1"} {
		if !strings.Contains(text, want) {
			t.Errorf("not %q in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "12:00:00"); n != 2 {
		t.Errorf("%d looks were shown as changes, 2 were:\n%s", n, text)
	}
}

func TestScanWatchAsLines(t *testing.T) {
	one, two := watchedModule("1-1", "EC25-E", "EC25EFAR06A08M4G"), watchedModule("1-2", "BG96", "BG96MAR02A07M1G")
	text, err := watchLooks(t, formatJSON, "info", []inventory.Module{one}, []inventory.Module{one}, []inventory.Module{one, two}, nil)
	if exit.Code(err) != exit.Finding {
		t.Errorf("ends with %v, there were findings", err)
	}
	counts := []int{1, 2, 0}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != len(counts) {
		t.Fatalf("%d lines:\n%s", len(lines), text)
	}
	for i, line := range lines {
		var r struct{ Modules []inventory.Module }
		if err := json.Unmarshal([]byte(line), &r); err != nil || len(r.Modules) != counts[i] {
			t.Errorf("line %d has %d modules: %v", i+1, len(r.Modules), err)
		}
	}
}

func TestScanWatchRefuses(t *testing.T) {
	for _, k := range []keepLooking{{on: true, every: time.Second}, {on: true, every: 0}} {
		if err := k.check(formatTable); exit.Code(err) != exit.Usage {
			t.Errorf("%+v: %v", k, err)
		}
	}
	if err := (&keepLooking{on: true, every: time.Minute}).check(formatCSV); exit.Code(err) != exit.Usage {
		t.Error(err)
	}
}
