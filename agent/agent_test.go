package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// box is an Outbox that keeps what it was given.
type box struct {
	mu   sync.Mutex
	got  []*inventory.Envelope
	fail error
}

func (b *box) all() []*inventory.Envelope {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

func (b *box) Put(e *inventory.Envelope) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.got = append(b.got, e)
	return nil
}

func (b *box) Hold(e *inventory.Envelope) error { return b.Put(e) }

func (b *box) Health() []inventory.Warning { return nil }

func (b *box) kinds() string {
	var s []string
	for _, e := range b.all() {
		s = append(s, string(e.Kind))
	}
	return strings.Join(s, " ")
}

func (b *box) report(t *testing.T, i int) *inventory.Report {
	t.Helper()
	r, err := inventory.DecodeReport(b.all()[i].Body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ec25(firmware string) []inventory.Module {
	return []inventory.Module{{ID: "usb:1-1", State: inventory.StateIdentified,
		Identity:   inventory.Identity{Model: "EC25", Firmware: firmware, IMEI: "867012040000009"},
		Transcript: []inventory.Exchange{{Cmd: "AT+GSN", Lines: []string{"867012040000009"}, Final: "OK", Raw: []byte("867012040000009\r\n")}}}}
}

func settings(t *testing.T, b *box) Settings {
	return Settings{
		Gateway: inventory.Gateway{ID: "gw1"}, StateDir: t.TempDir(), Outbox: b, Jitter: -1,
		Survey: func(context.Context) ([]inventory.Module, error) { return ec25("A"), nil },
		Synced: func() bool { return true },
	}
}

func newAgent(t *testing.T, s Settings) *Agent {
	t.Helper()
	a, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A quiet day sends one report and heartbeats; a day later the full picture goes out again.
func TestQuietDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		a := newAgent(t, settings(t, b))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		if got := b.kinds(); got != "report heartbeat heartbeat heartbeat heartbeat" {
			t.Errorf("in the first hour went out: %s", got)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		full := slices.DeleteFunc(b.all(), func(e *inventory.Envelope) bool { return e.Kind != inventory.KindReport })
		if len(full) != 2 {
			t.Errorf("after a day there were %d full reports, want 2", len(full))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestDailyFull: the full picture goes out daily, however far apart rounds are.
func TestDailyFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		s := settings(t, b)
		s.Interval = 7 * 24 * time.Hour
		a := newAgent(t, s)
		go func() { _ = a.Run(t.Context()) }()
		time.Sleep(5*24*time.Hour + time.Hour)
		synctest.Wait()
		full := slices.DeleteFunc(b.all(), func(e *inventory.Envelope) bool { return e.Kind != inventory.KindReport })
		if len(full) != 6 {
			t.Errorf("in five days there were %d full reports, want 6", len(full))
		}
	})
}

func TestChangeSendsReportOnlyWhenFindingsChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, changes, firmware := &box{}, make(chan struct{}), "A"
		s := settings(t, b)
		s.Changes = changes
		s.Survey = func(context.Context) ([]inventory.Module, error) { return ec25(firmware), nil }
		a := newAgent(t, s)
		go func() { _ = a.Run(t.Context()) }()
		changes <- struct{}{}
		synctest.Wait()
		firmware = "B"
		changes <- struct{}{}
		synctest.Wait()
		if got := b.kinds(); got != "report heartbeat report" {
			t.Fatalf("went out: %s", got)
		}
		r := b.report(t, 2)
		if r.Reason != inventory.ReasonChange || r.Seq != 3 || r.Modules[0].Identity.Firmware != "B" {
			t.Errorf("got reason %s, seq %d, firmware %s", r.Reason, r.Seq, r.Modules[0].Identity.Firmware)
		}
	})
}

// TestUnlistedAreNotRemoved: where devices cannot be listed for once, the last picture stands: one without modules
// would say that they were removed.
func TestUnlistedAreNotRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, changes, trouble := &box{}, make(chan struct{}), error(nil)
		s := settings(t, b)
		s.Changes = changes
		s.Survey = func(context.Context) ([]inventory.Module, error) {
			if trouble != nil {
				return nil, trouble
			}
			m := ec25("A")
			m[0].State = inventory.StateHeld
			return m, nil
		}
		a := newAgent(t, s)
		go func() { _ = a.Run(t.Context()) }()
		synctest.Wait()
		trouble = errors.New("no descriptors left")
		changes <- struct{}{}
		synctest.Wait()
		if got := b.kinds(); got != "report heartbeat" {
			t.Fatalf("went out: %s", got)
		}
		h, err := inventory.DecodeHeartbeat(b.all()[1].Body)
		var codes []string
		for _, w := range h.Health {
			codes = append(codes, w.Code)
		}
		if want := []string{"devices-not-listed", "port-held"}; err != nil || !slices.Equal(codes, want) {
			t.Errorf("the heartbeat names %q, %v; want %q", codes, err, want)
		}
		if _, err := a.Request(t.Context()); !errors.Is(err, trouble) {
			t.Errorf("a request is answered %v", err)
		}
		trouble = nil
		changes <- struct{}{}
		synctest.Wait()
		if got := b.kinds(); got != "report heartbeat heartbeat heartbeat" || len(a.health.list()) != 1 {
			t.Errorf("in the end went out %s, and health is %v", got, a.health.list())
		}
	})
}

func TestRequestAlwaysReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		a := newAgent(t, settings(t, b))
		go func() { _ = a.Run(t.Context()) }()
		r, err := a.Request(t.Context())
		if err != nil || r.Reason != inventory.ReasonRequest || b.kinds() != "report report" {
			t.Errorf("got %+v, %v after %s", r, err, b.kinds())
		}
	})
}

// A round that is cut short reports nothing: half a picture would look like modules removed.
func TestCancelledRoundIsNotReported(t *testing.T) {
	b := &box{}
	s := settings(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	s.Survey = func(context.Context) ([]inventory.Module, error) { cancel(); return nil, nil }
	a := newAgent(t, s)
	if _, err := a.Once(ctx); !errors.Is(err, context.Canceled) || len(b.all()) != 0 {
		t.Errorf("got %v and %s", err, b.kinds())
	}
}

func TestTroubleIsNamedInTheReport(t *testing.T) {
	b := &box{}
	s := settings(t, b)
	s.StateDir = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(s.StateDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Synced = func() bool { return false }
	s.Survey = func(context.Context) ([]inventory.Module, error) { return nil, errors.New("no /sys") }
	s.StateDir = filepath.Join(s.StateDir, "below-a-file")
	if _, err := New(s); err == nil { // not a directory: reading the key fails for another reason than absence
		t.Fatal("a state directory that cannot be must be an error")
	}
	s.StateDir = filepath.Join("/proc", "rollcall") // cannot be made
	a := newAgent(t, s)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, w := range b.report(t, 0).Health {
		codes = append(codes, w.Code)
	}
	if want := []string{"clock-unsure", "devices-not-listed", "state-not-kept"}; !slices.Equal(codes, want) {
		t.Errorf("health names %q, want %q", codes, want)
	}
}

func TestHugeReportLosesItsTranscripts(t *testing.T) {
	b := &box{}
	s := settings(t, b)
	s.Survey = func(context.Context) ([]inventory.Module, error) {
		m := ec25("A")
		for range 40 {
			m[0].Transcript = append(m[0].Transcript, inventory.Exchange{Cmd: "ATI", Lines: []string{strings.Repeat("x", 16<<10)}})
		}
		return m, nil
	}
	a := newAgent(t, s)
	if _, err := a.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := b.report(t, 0)
	if !r.Truncated || r.Modules[0].Identity.Model != "EC25" {
		t.Errorf("truncated is %v, model %q", r.Truncated, r.Modules[0].Identity.Model)
	}
	if _, err := a.beat(); err != nil {
		t.Fatal(err)
	}
	namesFindings(t, b.all()[1], r)
}

// namesFindings fails the test unless a heartbeat names the findings of the report that was sent: a collector asks
// for findings that it does not know.
func namesFindings(t *testing.T, heartbeat *inventory.Envelope, r *inventory.Report) {
	t.Helper()
	h, err := inventory.DecodeHeartbeat(heartbeat.Body)
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := r.Digest(); err != nil || h.Digest != digest {
		t.Errorf("the heartbeat names the findings %s, the report holds %s, %v", h.Digest, digest, err)
	}
}

func TestBootGrows(t *testing.T) {
	dir, old := t.TempDir(), time.Unix(1000, 0)
	for i, c := range []struct {
		now    time.Time
		synced bool
		want   uint64
	}{{old, false, 1}, {old, false, 2}, {old, true, 1000}, {time.Unix(10, 0), true, 1001}} {
		got, err := nextBoot(dir, c.now, c.synced)
		if err != nil || got != c.want {
			t.Errorf("start %d: got boot %d, %v; want %d", i, got, err, c.want)
		}
	}
	// The state is lost with the power, and the clock is right: no step back.
	if got, err := nextBoot(t.TempDir(), time.Unix(5000, 0), true); err != nil || got != 5000 {
		t.Errorf("after the loss of the state: boot %d, %v", got, err)
	}
}

func TestReportKeyIsKeptAndGuarded(t *testing.T) {
	dir := t.TempDir()
	first, err := reportKey(dir)
	if err != nil || first.err != nil {
		t.Fatal(err, first.err)
	}
	path := filepath.Join(dir, keyFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key has %v, %v", info.Mode(), err)
	}
	again, err := reportKey(dir)
	if err != nil || !again.private.Equal(first.private) {
		t.Error("the key changed with a restart:", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := reportKey(dir); err == nil || !strings.Contains(err.Error(), "0644") {
		t.Errorf("a key that all may read: %v", err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := reportKey(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key: %v", err)
	}
}

// E14: with privacy on, no full identifier is in what leaves, wherever it stood.
func TestE14Privacy(t *testing.T) {
	for _, p := range []Privacy{IMEITAC, IMEIHash} {
		t.Run(string(p), func(t *testing.T) {
			b := &box{}
			s := settings(t, b)
			s.Privacy = p
			s.Survey = func(context.Context) ([]inventory.Module, error) {
				m := ec25("201706231140")
				m[0].Evidence = []inventory.Evidence{{Claim: "imei", Value: "867012040000009", Quote: "+CGSN: \"867012040000009\""}}
				m[0].Parts = []inventory.Part{{Name: "imeisv", Value: "8670120400000012"}, {Name: "meid", Value: "A0C72311000000"}}
				m[0].Conflicts = []inventory.Conflict{{Values: []string{"867012040000001"}, Why: "IMEI 867012040000001 is not valid"}}
				m[0].Banner = []string{"ICCID 89860000000000000001"}
				return m, nil
			}
			if _, err := newAgent(t, s).Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			body := string(b.all()[0].Body)
			for _, secret := range []string{"867012040000009", "8670120400000012", "A0C72311000000", "867012040000001", "89860000000000000001", "ODY3MDEyMDQwMDAwMDA5"} {
				if strings.Contains(body, secret) {
					t.Errorf("%s leaves the gateway", secret)
				}
			}
			if !strings.Contains(body, "86701204xxxxxxx") || !strings.Contains(body, "201706231140") {
				t.Error("the TAC or a firmware name was taken out too")
			}
		})
	}
}

func TestMachineID(t *testing.T) {
	root := t.TempDir()
	put := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := MachineID(root); !errors.Is(err, ErrNoMachineID) {
		t.Errorf("a machine without a name: %v", err)
	}
	put("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
	byMachine, err := MachineID(root)
	if err != nil || inventory.CheckGatewayID(byMachine) != nil || strings.Contains(byMachine, "0123456789") {
		t.Errorf("got %q, %v", byMachine, err)
	}
	put("sys/class/dmi/id/product_uuid", "03000200-0400-0500-0006-000700080009\n")
	if id, _ := MachineID(root); id != byMachine {
		t.Error("a placeholder uuid was taken for this machine's")
	}
	put("sys/firmware/devicetree/base/serial-number", "10000000abcdef01\x00")
	if id, _ := MachineID(root); id == byMachine {
		t.Error("the device-tree serial should come first")
	}
}
