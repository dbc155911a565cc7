package broker

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func start(t *testing.T, dir string) *Broker {
	t.Helper()
	b, err := Start(t.Context(), Settings{Listen: "127.0.0.1:0", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStoreSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := start(t, dir)
	nc, err := nats.Connect(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	js, _ := jetstream.New(nc)
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	b.Close()

	b = start(t, dir)
	defer b.Close()
	nc, err = b.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, _ = jetstream.New(nc)
	s, err := js.Stream(ctx, "S")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetMsg(ctx, 1)
	if err != nil || string(m.Data) != "kept" {
		t.Errorf("got %v, %v; want the message of before the restart", m, err)
	}
}

func TestAcknowledgedMeansOnDisk(t *testing.T) {
	b := start(t, t.TempDir())
	defer b.Close()
	if v, err := b.server.Jsz(nil); err != nil || !v.Config.SyncAlways {
		t.Errorf("JetStream runs with %+v, %v; want sync always", v, err)
	}
}

func TestStartFailures(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		s    Settings
		want string
	}{
		{"busy port", Settings{Listen: busy.Addr().String(), Dir: t.TempDir()}, "in use"},
		{"no port", Settings{Listen: "127.0.0.1", Dir: t.TempDir()}, "HOST:PORT"},
		{"named port", Settings{Listen: "127.0.0.1:http", Dir: t.TempDir()}, "no number"},
		{"store is a file", Settings{Listen: "127.0.0.1:0", Dir: file}, "store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := Start(t.Context(), c.s)
			if err == nil {
				b.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
