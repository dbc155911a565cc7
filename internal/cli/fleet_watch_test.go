package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/cli"
)

// diary is a collector of which only events grow, newest first, in pages of two.
type diary struct {
	mu     sync.Mutex
	events int
	asked  chan struct{} // one for each look at the first page
}

func (d *diary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := d.events
	if c := r.URL.Query().Get("cursor"); c != "" {
		first, _ = strconv.Atoi(c)
	}
	l := api.List[store.Event]{Items: []store.Event{}}
	for no := first; no > max(0, first-2); no-- {
		l.Items = append(l.Items, store.Event{No: int64(no), Kind: store.ModuleAdded, Gateway: "gw-" + strconv.Itoa(no), Text: "odd\u202e"})
	}
	if first > 2 {
		l.Next = strconv.Itoa(first - 2)
	}
	_ = json.NewEncoder(w).Encode(l)
	if first == d.events {
		select {
		case d.asked <- struct{}{}:
		default:
		}
	}
}

func (d *diary) add(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events += n
}

// Events come as lines, each once, in the order in which they happened, from the start on.
func TestWatchEvents(t *testing.T) {
	d := &diary{events: 5, asked: make(chan struct{}, 1)}
	s := httptest.NewServer(d)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- cli.Run(ctx, []string{"fleet", "events", "--watch", "--every", "1s", "--server", s.URL}, strings.NewReader(""), w, &stderr)
		_ = w.Close()
	}()
	<-d.asked
	d.add(5)
	lines := bufio.NewScanner(r)
	for want := int64(6); want <= 10; want++ {
		if !lines.Scan() {
			t.Fatalf("ended before event %d: %s", want, &stderr)
		}
		var e store.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.No != want || strings.Contains(lines.Text(), "\u202e") {
			t.Errorf("line %q, want event %d (%v)", lines.Text(), want, err)
		}
	}
	cancel()
	if code := <-ended; code != 0 || stderr.Len() > 0 {
		t.Errorf("ended with %d, %q", code, &stderr)
	}
	for _, args := range [][]string{{"modules", "--watch"}, {"events", "--watch", "-o", "csv"}, {"events", "--watch", "--every", "1ms"}, {"findings", "--watch", "--fail-on", "low"}} {
		if code := cli.Run(t.Context(), append(append([]string{"fleet"}, args...), "--server", s.URL), strings.NewReader(""), io.Discard, io.Discard); code != 2 {
			t.Errorf("%v ends with %d, want 2", args, code)
		}
	}
}

// A program that watches goes on when the collector was away, and misses nothing; it ends where the
// collector takes its token no more.
func TestWatchOutlastsTheCollector(t *testing.T) {
	d := &diary{events: 5, asked: make(chan struct{}, 1)}
	var status atomic.Int64
	failed := make(chan struct{}, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code := status.Load(); code != 0 {
			w.WriteHeader(int(code))
			_, _ = io.WriteString(w, `{"status":0,"error":"not now"}`)
			failed <- struct{}{}
			return
		}
		d.ServeHTTP(w, r)
	}))
	defer s.Close()
	r, w := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- cli.Run(t.Context(), []string{"fleet", "events", "--watch", "--every", "1s", "--server", s.URL}, strings.NewReader(""), w, &stderr)
		_ = w.Close()
	}()
	<-d.asked
	status.Store(http.StatusBadGateway)
	d.add(2)
	for range 2 {
		select {
		case <-failed:
		case code := <-ended:
			t.Fatalf("ended with %d when the collector was away: %s", code, &stderr)
		}
	}
	status.Store(0)
	lines := bufio.NewScanner(r)
	for want := int64(6); want <= 7; want++ {
		var e store.Event
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &e) != nil || e.No != want {
			t.Fatalf("line %q, want event %d: %s", lines.Text(), want, &stderr)
		}
	}
	status.Store(http.StatusUnauthorized)
	if lines.Scan() {
		t.Errorf("more than happened: %q", lines.Text())
	}
	if code := <-ended; code != 1 || strings.Count(stderr.String(), "still looking") != 1 || !strings.Contains(stderr.String(), "wants a token") {
		t.Errorf("ended with %d, %q", code, &stderr)
	}
}

// On a terminal the table is shown anew, never higher than the terminal, also where the
// collector does not answer for a while.
func TestWatchOnATerminal(t *testing.T) {
	d := &diary{events: 40, asked: make(chan struct{}, 1)}
	broken := make(chan bool, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-broken:
			w.WriteHeader(http.StatusBadGateway)
		default:
			d.ServeHTTP(w, r)
		}
	}))
	defer s.Close()
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 12, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"fleet", "events", "--watch", "--every", "1s", "--server", s.URL}, strings.NewReader(""), tty, io.Discard)
		_ = tty.Close()
	}()
	var text bytes.Buffer
	shown := func(want string) string {
		t.Helper()
		buf := make([]byte, 4096)
		for !strings.Contains(text.String(), want) {
			n, err := terminal.Read(buf)
			if err != nil {
				t.Fatalf("no %q in %q: %v", want, text.String(), err)
			}
			text.Write(buf[:n])
		}
		was := text.String()
		text.Reset()
		return was
	}
	first := shown("use filters")
	if n := strings.Count(first, "\n"); n > 12 || !strings.Contains(first, "gw-40") {
		t.Errorf("%d lines on a terminal of 12:\n%s", n, first)
	}
	d.add(1)
	shown("gw-41")
	broken <- true
	shown("502")
	shown("gw-41")
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("ended with %d", code)
	}
}
