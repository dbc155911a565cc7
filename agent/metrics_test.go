package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

// family is what was read of one metric.
type family struct {
	kind, help string
	samples    []sample
}

type sample struct {
	labels map[string]bool // name=value
	value  float64
}

// parse reads with Prometheus' own reader.
func parse(t *testing.T, r io.Reader) map[string]family {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(r)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]family{}
	for name, f := range families {
		got := family{kind: f.GetType().String(), help: f.GetHelp()}
		for _, m := range f.GetMetric() {
			x := sample{map[string]bool{}, m.GetGauge().GetValue() + m.GetCounter().GetValue()}
			for _, l := range m.GetLabel() {
				x.labels[l.GetName()+"="+l.GetValue()] = true
			}
			got.samples = append(got.samples, x)
		}
		all[name] = got
	}
	return all
}

// value of the sample that has all labels given (name=value).
func value(t *testing.T, f family, labels ...string) float64 {
	t.Helper()
	for _, x := range f.samples {
		if !slices.ContainsFunc(labels, func(l string) bool { return !x.labels[l] }) {
			return x.value
		}
	}
	t.Errorf("no sample with %q in %+v", labels, f)
	return 0
}

func TestMetricsText(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	s := Status{
		Gateway: "gw1", Agent: "a\"b\\c\nd\xff", Started: at, Time: at.Add(90 * time.Second), Receipt: at, Connected: true,
		Modules: map[inventory.State]int{inventory.StateIdentified: 2}, Rounds: map[inventory.Reason]uint64{inventory.ReasonChange: 3},
		Spool:  spool.Counts{Records: 4, Bytes: 5 << 30, Dropped: 6},
		Health: []inventory.Warning{{Code: "port-held", Severity: inventory.SeverityWarning, Since: at}, {Code: "clock-unsure", Severity: inventory.SeverityInfo, Since: at}},
		Report: &Reported{Time: at},
	}
	var b strings.Builder
	if err := s.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	f := parse(t, strings.NewReader(b.String()))
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"rollcall_agent_info", []string{"gateway=gw1", "agent=a\"b\\c\nd�"}, 1},
		{"rollcall_agent_modules", []string{"state=identified"}, 2},
		{"rollcall_agent_modules", []string{"state=held"}, 0},
		{"rollcall_agent_rounds_total", []string{"reason=change"}, 3},
		{"rollcall_agent_rounds_total", []string{"reason=request"}, 0},
		{"rollcall_agent_nats_connected", nil, 1},
		{"rollcall_agent_last_ack_age_seconds", nil, 90},
		{"rollcall_agent_start_time_seconds", nil, 1_800_000_000},
		{"rollcall_agent_last_report_time_seconds", nil, 1_800_000_000},
		{"rollcall_agent_spool_records", nil, 4},
		{"rollcall_agent_spool_bytes", nil, 5 << 30},
		{"rollcall_agent_spool_dropped_total", nil, 6},
		{"rollcall_agent_warning", []string{"code=port-held", "severity=warning"}, 1},
		{"rollcall_agent_warning_since_seconds", []string{"code=clock-unsure"}, 1_800_000_000},
	} {
		if got := value(t, f[c.name], c.labels...); got != c.want {
			t.Errorf("%s %q is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	for name, m := range f {
		if counter := strings.HasSuffix(name, "_total"); counter != (m.kind == "COUNTER") || m.help == "" {
			t.Errorf("%s is a %s with help %q", name, m.kind, m.help)
		}
	}
	if len(f) < 13 {
		t.Errorf("only %d families", len(f))
	}
	if (Status{}).WriteMetrics(&b) != nil {
		t.Error("nothing to tell of is an error")
	}
}

// TestMetricsServed: a running daemon answers on loopback, to requests that were made for it.
func TestMetricsServed(t *testing.T) {
	s := daemonSettings(t, "nats://127.0.0.1:1")
	s.MetricsListen = "127.0.0.1:0"
	d := daemon(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	defer func() {
		cancel()
		if err := errors.Join(<-done, d.Close()); err != nil {
			t.Error(err)
		}
	}()
	url := "http://" + d.MetricsAddr().String()
	get := func(method, path, host string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodGet && a.StatusCode == http.StatusOK && a.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
			t.Errorf("content type %q", a.Header.Get("Content-Type"))
		}
		return a.StatusCode, string(b)
	}
	natslinktest.Eventually(t, "a look is counted", func() bool {
		code, text := get(http.MethodGet, "/metrics", "")
		f := parse(t, strings.NewReader(text))
		return code == http.StatusOK && value(t, f["rollcall_agent_rounds_total"], "reason=start") == 1 && value(t, f["rollcall_agent_modules"], "state=identified") == 1
	})
	for _, c := range []struct {
		method, path, host string
		want               int
	}{
		{http.MethodGet, "/", "", 404},
		{http.MethodPost, "/metrics", "", 405},
		{http.MethodHead, "/metrics", "", 200},
		{http.MethodGet, "/metrics", "localhost:9099", 200},
		{http.MethodGet, "/metrics", "[::1]:9099", 200},
		{http.MethodGet, "/metrics", "rebound.example", 403},
	} {
		if code, text := get(c.method, c.path, c.host); code != c.want || code != 200 && text != "" {
			t.Errorf("%s %s for %q: %d %q, want %d", c.method, c.path, c.host, code, text, c.want)
		}
	}
	// Who says nothing, or no HTTP, holds nothing up for long; more than a few at once are sent away.
	for range 3 * metricsAtOnce {
		c, err := net.Dial("tcp", d.MetricsAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "\x00\x01")
	}
	natslinktest.Eventually(t, "it answers again", func() bool {
		a, err := http.Get(url + "/metrics")
		if err != nil {
			return false
		}
		defer a.Body.Close()
		return a.StatusCode == 200
	})
}

// Who opens a connection and says nothing does not hold up the end of the agent.
func TestMetricsEnd(t *testing.T) {
	s := daemonSettings(t, "nats://127.0.0.1:1")
	s.MetricsListen = "127.0.0.1:0"
	d := daemon(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	natslinktest.Eventually(t, "a report is made", func() bool { return d.Last() != nil })
	silent, err := net.Dial("tcp", d.MetricsAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if a, err := http.Get("http://" + d.MetricsAddr().String() + "/metrics"); err != nil { // the one before was taken
		t.Fatal(err)
	} else {
		_ = a.Body.Close()
	}
	begun := time.Now()
	cancel()
	if err := errors.Join(<-done, d.Close()); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > metricsTime-time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestMetricsStayHere(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "localhost:0", "nowhere", "127.0.0.1"} {
		s := daemonSettings(t, "nats://127.0.0.1:1")
		s.MetricsListen = address
		if _, err := NewDaemon(t.Context(), s); err == nil || !strings.Contains(err.Error(), "an address of this machine alone") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
