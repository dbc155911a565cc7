package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// metricsTime bounds one answer, and metricsAtOnce how many are given at once.
const (
	metricsTime   = 5 * time.Second
	metricsAtOnce = 4
)

// states and reasons are told of also where their count is zero, so that a graph has no holes.
func states() []inventory.State {
	return []inventory.State{inventory.StateIdentified, inventory.StatePartial, inventory.StateUnanswered, inventory.StateHeld,
		inventory.StateDenied, inventory.StateNotCellular, inventory.StateUnknown}
}

func reasons() []inventory.Reason {
	return []inventory.Reason{inventory.ReasonStart, inventory.ReasonChange, inventory.ReasonInterval, inventory.ReasonRequest}
}

// WriteMetrics writes s in the text format of Prometheus, version 0.0.4. Nothing in it comes from a module.
func (s Status) WriteMetrics(w io.Writer) error {
	b := &metrics{}
	b.family("rollcall_agent_info", "gauge", "The agent and its gateway.")
	b.sample("rollcall_agent_info", 1, "gateway", s.Gateway, "agent", s.Agent)
	b.family("rollcall_agent_modules", "gauge", "Modules of the last look by state.")
	for _, state := range states() {
		b.sample("rollcall_agent_modules", float64(s.Modules[state]), "state", string(state))
	}
	b.family("rollcall_agent_rounds_total", "counter", "Looks at the modules that ended, by reason.")
	for _, why := range reasons() {
		b.sample("rollcall_agent_rounds_total", float64(s.Rounds[why]), "reason", string(why))
	}
	b.one("rollcall_agent_looking", "gauge", "1 while a look goes on.", truth(s.Looking))
	b.one("rollcall_agent_start_time_seconds", "gauge", "When the agent started, in Unix seconds.", seconds(s.Started))
	b.one("rollcall_agent_nats_connected", "gauge", "1 while a NATS server is connected.", truth(s.Connected))
	if !s.Receipt.IsZero() {
		b.one("rollcall_agent_last_ack_age_seconds", "gauge", "Time since a server last acknowledged something.", s.Time.Sub(s.Receipt).Seconds())
	}
	if s.Report != nil {
		b.one("rollcall_agent_last_report_time_seconds", "gauge", "When the last full report was made, in Unix seconds.", seconds(s.Report.Time))
	}
	b.one("rollcall_agent_spool_records", "gauge", "Reports and heartbeats that wait.", float64(s.Spool.Records))
	b.one("rollcall_agent_spool_bytes", "gauge", "Bytes that wait.", float64(s.Spool.Bytes))
	b.one("rollcall_agent_spool_dropped_total", "counter", "Reports that were dropped for want of room.", float64(s.Spool.Dropped))
	b.family("rollcall_agent_warning", "gauge", "1 for each warning in force.")
	for _, h := range s.Health {
		b.sample("rollcall_agent_warning", 1, "code", h.Code, "severity", string(h.Severity))
	}
	b.family("rollcall_agent_warning_since_seconds", "gauge", "Since when each warning is in force, in Unix seconds.")
	for _, h := range s.Health {
		b.sample("rollcall_agent_warning_since_seconds", seconds(h.Since), "code", h.Code)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// metrics is a text that grows.
type metrics struct{ strings.Builder }

func (b *metrics) family(name, kind, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func (b *metrics) one(name, kind, help string, v float64) {
	b.family(name, kind, help)
	b.sample(name, v)
}

// sample writes one value with its labels, which come in pairs.
func (b *metrics) sample(name string, v float64, labels ...string) {
	b.WriteString(name)
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	for i := 0; i < len(labels); i += 2 {
		b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(b, `%s="%s"`, labels[i], escape.Replace(strings.ToValidUTF8(labels[i+1], "�")))
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	fmt.Fprintf(b, " %g\n", v)
}

// listenMetrics listens where nobody but this machine can ask.
func listenMetrics(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("cannot serve metrics on %q: want an address of this machine alone, such as 127.0.0.1:9099", address)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot serve metrics: %w", err)
	}
	return l, nil
}

// serveMetrics answers until the listener is closed; the end of ctx ends who is slow. net/http's server would make the agent larger by a tenth of what
// it may have, for one page that a scraper asks for; so this speaks just enough HTTP, one answer a connection.
func (d *Daemon) serveMetrics(ctx context.Context, l net.Listener) {
	var wg sync.WaitGroup
	defer wg.Wait()
	room := make(chan struct{}, metricsAtOnce)
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no descriptors left, say
			time.Sleep(100 * time.Millisecond)
			continue
		}
		select {
		case room <- struct{}{}:
			wg.Go(func() {
				defer func() { <-room }()
				stop := context.AfterFunc(ctx, func() { _ = c.Close() })
				defer stop()
				d.answerMetrics(c)
			})
		default:
			_ = c.Close()
		}
	}
}

func (d *Daemon) answerMetrics(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(metricsTime))
	r, err := http.ReadRequest(bufio.NewReader(io.LimitReader(c, 8<<10)))
	if err != nil {
		return
	}
	status, text := "200 OK", &strings.Builder{}
	switch {
	case !ours(r.Host): // a page of another origin that was led here by a name
		status = "403 Forbidden"
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		status = "405 Method Not Allowed"
	case r.URL.Path != "/metrics":
		status = "404 Not Found"
	default:
		_ = d.Status().WriteMetrics(text)
	}
	fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n", status, text.Len())
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(c, text.String())
	}
}

// ours says whether a request was made for this machine by an address or as localhost.
func ours(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ended counts a look.
func (a *Agent) ended(why inventory.Reason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rounds == nil {
		a.rounds = map[inventory.Reason]uint64{}
	}
	a.rounds[why]++
}

// counted gives how many looks ended. Callers hold a.mu.
func (a *Agent) counted() map[inventory.Reason]uint64 {
	all := maps.Clone(a.rounds)
	maps.DeleteFunc(all, func(r inventory.Reason, _ uint64) bool { return !slices.Contains(reasons(), r) })
	return all
}
