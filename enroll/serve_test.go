package enroll

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// Who holds a join token can send what it likes as quickly as it likes. The log does not grow
// with that, and tells that there was more.
func TestFloodDoesNotFillTheLog(t *testing.T) {
	var log strings.Builder
	v := newServer(ServeSettings{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	m := &nats.Msg{Subject: natslink.JoinSubject("gw1"), Reply: "_INBOX.x", Data: []byte("no request")}
	for range 5000 {
		v.take(m)
	}
	if n := strings.Count(log.String(), "\n"); n == 0 || n > 2*logBurst {
		t.Errorf("%d lines for 5000 messages", n)
	}
	v.logs = bucket{every: logEvery, most: logBurst} // as some time later
	log.Reset()
	if v.take(m); !strings.Contains(log.String(), "unsaid=4") {
		t.Errorf("the next line does not tell how many were left out: %s", log.String())
	}
	v.end()
	log.Reset()
	if v.take(m); log.Len() > 0 {
		t.Errorf("it goes on after its end: %s", log.String())
	}
}

// What could not be written for collectors is tried again, though nobody else joins.
func TestExportIsTriedAgain(t *testing.T) {
	dir, to := filepath.Join(t.TempDir(), "authority"), filepath.Join(t.TempDir(), "later")
	a, err := Init(dir, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		v := newServer(ServeSettings{Dir: dir, KeysFile: filepath.Join(to, "keys.jsonl"), Log: slog.New(slog.NewTextHandler(&log, nil))})
		ctx, cancel := context.WithCancel(t.Context())
		v.news()
		v.news() // and does not wait for whoever writes
		go v.export(ctx)
		synctest.Wait()
		if !strings.Contains(log.String(), to) {
			t.Fatalf("the log does not tell what failed: %q", log.String())
		}
		if err := os.Mkdir(to, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, err := os.Stat(v.settings.KeysFile); err != nil {
			t.Error(err)
		}
		cancel()
		synctest.Wait()
	})
}
