package agentcli

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// What keeps a gateway from asking for credentials may be mended while the agent runs: a token that was not there, a
// disk that was full. It tries again by itself, says what it is now, and does not fill the log.
func TestJoiningIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out log
		dir := t.TempDir()
		s := agent.JoinSettings{Gateway: inventory.Gateway{ID: "gw1"}, StateDir: dir, Log: slog.New(slog.NewTextHandler(&out, nil))}
		s.Link = natslink.Settings{URLs: []string{"nats://127.0.0.1:1"}, CredsFile: filepath.Join(dir, "join.creds")}
		d, err := agent.NewDaemon(t.Context(), agent.DaemonSettings{
			Settings: agent.Settings{Gateway: s.Gateway, StateDir: dir, Survey: func(context.Context) ([]inventory.Module, error) { return nil, nil }},
			Link:     natslink.Settings{URLs: s.Link.URLs, Hold: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- joinWhile(ctx, d, s) }()
		says := func(want string) {
			t.Helper()
			for _, w := range d.Status().Health {
				if w.Code == "joining" && strings.Contains(w.Text, want) {
					return
				}
			}
			t.Errorf("health does not say %q: %+v", want, d.Status().Health)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		says("no such file")
		if n := strings.Count(out.String(), "\n"); n != 1 {
			t.Errorf("%d lines in the log after an hour:\n%s", n, out.String())
		}
		if err := os.WriteFile(s.Link.CredsFile, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		says("no join token")
		cancel()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
}
