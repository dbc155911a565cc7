package natslink_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// TestD13Replaced: the client fixes the key of an NKey file for as long as it lives. Where the file holds another one
// since, health says what to do, and not that the gateway is to be enrolled, which was just done.
func TestD13Replaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gw.nk")
	enrol := func() *server.Options {
		k, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		seed, _ := k.Seed()
		public, _ := k.PublicKey()
		if err := os.WriteFile(path, append(seed, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		return &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, Nkeys: []*server.NkeyUser{{Nkey: public}}}
	}
	srv, err := server.NewServer(enrol())
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(natslinktest.Patience) {
		t.Fatal("no server")
	}
	connect := func() *natslink.Link {
		l, err := natslink.Connect(t.Context(), natslink.Settings{URLs: []string{srv.ClientURL()}, NKeyFile: path, Gateway: "gw1", MaxWait: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := connect()
	defer l.Close()
	natslinktest.Eventually(t, "the first key logs in", l.Connected)
	if err := srv.ReloadOptions(enrol()); err != nil {
		t.Fatal(err)
	}
	natslinktest.Eventually(t, "health names the file", func() bool {
		h := l.Health()
		return len(h) == 1 && h[0].Code == "nats-auth" && strings.Contains(h[0].Text, path) && strings.Contains(h[0].Text, "another key")
	})
	again := connect()
	defer again.Close()
	natslinktest.Eventually(t, "the second key logs in", again.Connected)
}
