package survey

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

func settings(t testing.TB, ports ...string) Settings {
	t.Helper()
	base, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return Settings{Finder: &serialport.Finder{}, Base: base, Ports: ports, Serial: serialport.Settings{LockDir: t.TempDir()}}
}

// tap notes what modules are sent.
type tap struct {
	mu   sync.Mutex
	sent map[string]string
}

func (w *tap) received(id string, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[id] += string(b)
}

func fleet(t testing.TB, cases []capture.Case, s simulate.Settings) *simulate.Fleet {
	t.Helper()
	f, err := simulate.Start(t.Context(), cases, filepath.Join(t.TempDir(), "ports"), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func cases(t testing.TB) []capture.Case {
	t.Helper()
	c, err := simulate.Cases()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every simulated module, asked over its pty, is what its transcript says; and nothing but
// catalogued queries went to any of them.
func TestSimulatedModules(t *testing.T) {
	w := &tap{sent: map[string]string{}}
	all := cases(t)
	f := fleet(t, all, simulate.Settings{Received: w.received})
	s := settings(t, f.Paths()...)
	modules, err := Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) != len(all) {
		t.Fatalf("%d modules for %d ports", len(modules), len(all))
	}
	byPort := map[string]inventory.Module{}
	for _, m := range modules {
		byPort[m.Ports[0].Path] = m
	}
	for i, c := range all {
		want := s.Base.Identify(fingerprint.Observation{Transcript: c.Transcript, Banner: c.Banner})
		got := byPort[f.Paths()[i]]
		if got.Identity.Maker != want.Identity.Maker && want.Identity.Maker != "" {
			t.Errorf("%s: maker %q over the port, %q from the transcript (state %s: %s)", c.ID, got.Identity.Maker, want.Identity.Maker, got.State, got.Reason)
		}
		// Over the port fewer or other questions are asked than in the transcript, so that a device
		// which is no cellular module may stay unknown; it must not become one.
		if want.State == inventory.StateNotCellular && got.State != inventory.StateNotCellular && got.State != inventory.StateUnknown {
			t.Errorf("%s: state %s over the port, want %s", c.ID, got.State, want.State)
		}
	}
	w.check(t)
}

// check proves that what was sent are catalogued queries, each ended by CR alone.
func (w *tap) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sent) == 0 {
		t.Error("the tap saw nothing")
	}
	for id, bytes := range w.sent {
		queries := strings.SplitAfter(bytes, "\r")
		if rest := queries[len(queries)-1]; rest != "" {
			t.Errorf("%s was sent %q without an end", id, rest)
		}
		for _, q := range queries[:len(queries)-1] {
			if _, err := atcmd.Parse(strings.TrimSuffix(q, "\r")); err != nil {
				t.Errorf("%s was sent %q: %v", id, q, err)
			}
		}
	}
}

// A module that answers the common questions is known after eight of them at most.
func TestFewQuestions(t *testing.T) {
	f := fleet(t, cases(t), simulate.Settings{Delay: -1})
	modules, err := Run(t.Context(), settings(t, f.Paths()...))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		var asked []string
		refused := 0
		for _, x := range m.Transcript {
			asked = append(asked, x.Cmd)
			if x.Final != "OK" {
				refused++
			}
		}
		if m.State == inventory.StateIdentified && refused < 3 && len(asked) > 9 { // one AT to wake it, eight questions
			t.Errorf("%s took %d questions: %s", m.ID, len(asked), strings.Join(asked, " "))
		}
	}
}

func TestWhatIsNoPortIsReported(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	modules, err := Run(t.Context(), settings(t, file, filepath.Join(dir, "none")))
	if err != nil || len(modules) != 2 {
		t.Fatalf("got %d modules, %v", len(modules), err)
	}
	for _, m := range modules {
		if m.State != inventory.StateDenied && m.State != inventory.StateUnanswered || m.Reason == "" {
			t.Errorf("%s: state %s, reason %q", m.ID, m.State, m.Reason)
		}
	}
}

// A module that is unplugged in the middle of the visit ends it at once, and takes nothing from the others.
func TestUnpluggedInTheMiddle(t *testing.T) {
	all := cases(t)[:2]
	var once sync.Once
	gone := make(chan struct{})
	f := fleet(t, all[:1], simulate.Settings{Received: func(string, []byte) { once.Do(func() { close(gone) }) }})
	other := fleet(t, all[1:], simulate.Settings{})
	go func() { <-gone; _ = f.Close() }()
	modules, err := Run(t.Context(), settings(t, f.Paths()[0], other.Paths()[0]))
	if err != nil || len(modules) != 2 {
		t.Fatalf("got %d modules, %v", len(modules), err)
	}
	for _, m := range modules {
		if want := m.Ports[0].Path == other.Paths()[0]; (m.State == inventory.StateIdentified) != want {
			t.Errorf("%s: state %s (%s)", m.ID, m.State, m.Reason)
		}
	}
}

func TestEndsWithItsContext(t *testing.T) {
	f := fleet(t, cases(t)[:1], simulate.Settings{Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	s := settings(t, f.Paths()...)
	s.Progress = func(e Event) {
		if e.Command != "" {
			cancel()
		}
	}
	modules, _ := Run(ctx, s)
	if len(modules) != 1 || modules[0].State != inventory.StateUnanswered || !strings.Contains(modules[0].Reason, "ended before") {
		t.Errorf("got %+v", modules)
	}
}

// BenchmarkSixteenModules compares a survey of sixteen modules with the slowest of them.
func BenchmarkSixteenModules(b *testing.B) {
	many, err := simulate.Many(16)
	if err != nil {
		b.Fatal(err)
	}
	f := fleet(b, many, simulate.Settings{})
	s := settings(b, f.Paths()...)
	var slowest time.Duration
	for _, p := range f.Paths() {
		one := s
		one.Ports = []string{p}
		start := time.Now()
		if _, err := Run(b.Context(), one); err != nil {
			b.Fatal(err)
		}
		slowest = max(slowest, time.Since(start))
	}
	for b.Loop() {
		if _, err := Run(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(slowest), "x-slowest")
}
