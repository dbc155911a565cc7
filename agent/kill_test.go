package agent

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

// childEnv makes the test binary an agent: "<url> <state directory>".
const childEnv = "ROLLCALL_TEST_AGENT"

func TestMain(m *testing.M) {
	url, dir, ok := strings.Cut(os.Getenv(childEnv), " ")
	if !ok {
		os.Exit(m.Run())
	}
	if err := busyAgent(url, dir); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// busyAgent finds something new at every look, looks without end, and says which reports
// were confirmed by the spool.
func busyAgent(url, dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var n atomic.Int64
	fmt.Println("ready")
	d, err := NewDaemon(ctx, DaemonSettings{
		Settings: Settings{
			Gateway: inventory.Gateway{ID: "gw1"}, StateDir: dir, Heartbeat: 5 * time.Millisecond, RequestEvery: -1,
			Synced: func() bool { return false },
			Survey: func(ctx context.Context) ([]inventory.Module, error) {
				select {
				case <-ctx.Done():
				case <-time.After(rand.N(10 * time.Millisecond)):
				}
				return ec25(fmt.Sprint(n.Add(1))), nil
			},
			Log: slog.New(slog.DiscardHandler),
		},
		Link: natslink.Settings{URLs: []string{url}, MaxWait: 50 * time.Millisecond},
	})
	if err != nil {
		return err
	}
	d.settings.Outbox = confirming{d.settings.Outbox}
	go func() {
		for ctx.Err() == nil {
			_, _ = d.Request(ctx)
		}
	}()
	if err := d.Run(ctx); err != nil {
		return err
	}
	return d.Close()
}

// confirming says aloud what the spool confirmed.
type confirming struct{ Outbox }

func (c confirming) Put(e *inventory.Envelope) error {
	err := c.Outbox.Put(e)
	if err == nil {
		fmt.Println("confirmed", e.ID)
	}
	return err
}

// agentProcess is a busy agent as a child process.
type agentProcess struct {
	cmd   *exec.Cmd
	ready chan struct{}
	said  chan []string
}

func startAgent(t *testing.T, url, dir string) *agentProcess {
	t.Helper()
	p := &agentProcess{cmd: exec.Command(os.Args[0], "-test.run=^$"), ready: make(chan struct{}), said: make(chan []string, 1)}
	p.cmd.Env = append(os.Environ(), childEnv+"="+url+" "+dir)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = io.Discard
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.listen(out)
	return p
}

func (p *agentProcess) listen(out io.Reader) {
	var said []string
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		if said = append(said, scan.Text()); len(said) == 1 {
			close(p.ready)
		}
	}
	if len(said) == 0 {
		close(p.ready)
	}
	p.said <- said
}

// end sends a signal and gives what the process said and how it ended.
func (p *agentProcess) end(sig os.Signal) ([]string, error) {
	_ = p.cmd.Process.Signal(sig)
	said := <-p.said
	return said, p.cmd.Wait()
}

// roomyStream keeps all that a busy agent sends.
func roomyStream(t *testing.T, server *natslinktest.Server) {
	t.Helper()
	c := natslink.StreamConfig()
	c.MaxMsgsPerSubject = -1
	if _, err := natslink.AssertStream(t.Context(), server.JetStream(natslinktest.User{}), c); err != nil {
		t.Fatal(err)
	}
}

// killsVar makes TestF06 kill so often, however long that takes: ROLLCALL_KILLS=1000.
const killsVar = "ROLLCALL_KILLS"

// TestF06: SIGKILL at random moments of a busy life, over and over. Every report that the
// spool confirmed is in the stream in the end, and nothing has piled up.
func TestF06(t *testing.T) {
	rounds, budget := 150, 12*time.Second
	if text := os.Getenv(killsVar); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		budget = time.Hour
	}
	server := natslinktest.Start(t, natslinktest.Settings{})
	roomyStream(t, server)
	dir := filepath.Join(t.TempDir(), "state")
	confirmed := map[string]bool{}
	start, n := time.Now(), 0
	for ; n < rounds && (time.Since(start) < budget || n < 10); n++ {
		p := startAgent(t, server.URL(), dir)
		if n%4 != 0 { // else also while it starts
			<-p.ready
		}
		time.Sleep(rand.N(60 * time.Millisecond))
		said, _ := p.end(syscall.SIGKILL)
		for _, line := range said {
			if id, ok := strings.CutPrefix(line, "confirmed "); ok {
				confirmed[id] = true
			} else if line != "ready" && !strings.HasPrefix("confirmed", line) && len(line) < 30 {
				t.Fatalf("life %d: %s", n, line)
			}
		}
	}
	last := daemon(t, DaemonSettings{Settings: killed(dir), Link: natslink.Settings{URLs: []string{server.URL()}, MaxWait: 50 * time.Millisecond}})
	ctx, cancel := context.WithTimeout(t.Context(), natslinktest.Patience)
	defer cancel()
	if _, err := last.Once(ctx); err != nil {
		t.Fatal(err)
	}
	if c := last.spool.Counts(); c.SetAside != 0 || c.Records != 0 {
		t.Errorf("%+v", c)
	}
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
	stored := map[string]bool{}
	for _, m := range natslinktest.Messages(t, server.JetStream(natslinktest.User{})) {
		stored[m.Header.Get(nats.MsgIdHdr)] = true
	}
	missing := 0
	for id := range confirmed {
		if !stored[id] {
			missing++
		}
	}
	t.Logf("%d lives, %d reports confirmed, %d missing", n, len(confirmed), missing)
	if missing > 0 || len(confirmed) < 20 {
		t.Errorf("of %d confirmed reports %d are lost", len(confirmed), missing)
	}
	left := 0
	err := filepath.WalkDir(dir, func(string, os.DirEntry, error) error { left++; return nil })
	if err != nil || left > 6 { // the directories, key, boot counter, pid
		t.Errorf("%d files are left in the state directory", left)
	}
}

func killed(dir string) Settings {
	return Settings{Gateway: inventory.Gateway{ID: "gw1"}, StateDir: dir, Synced: func() bool { return false },
		Survey: func(context.Context) ([]inventory.Module, error) { return ec25("last"), nil }}
}

// TestF05: SIGTERM at any moment, with a server, without one, and with one that does not
// answer: the agent ends by itself within 5 s with code 0, and the spool is whole.
func TestF05(t *testing.T) {
	server := natslinktest.Start(t, natslinktest.Settings{})
	roomyStream(t, server)
	hole := natslinktest.NewProxy(t, server.Addr())
	hole.Swallow(false, true)
	for name, url := range map[string]string{"server": server.URL(), "no server": "nats://127.0.0.1:1", "black hole": hole.URL()} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			for i := range 6 {
				p := startAgent(t, url, dir)
				<-p.ready
				time.Sleep(time.Duration(i*i) * 4 * time.Millisecond)
				start := time.Now()
				if said, err := p.end(syscall.SIGTERM); err != nil {
					t.Fatalf("ended with %v, said %q", err, said)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %v to end", took)
				}
			}
			s, err := spool.Open(filepath.Join(dir, "spool"), spool.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if c := s.Counts(); c.SetAside != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}
