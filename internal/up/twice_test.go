package up

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
)

// A directory that somebody else uses is left alone: a second broker on the stream of the first
// would spoil it.
func TestTwiceOnOneDirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := sqlite.Open(t.Context(), filepath.Join(dir, "rollcall.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	err = Run(t.Context(), Settings{DataDir: dir, Listen: "127.0.0.1:0", NATSListen: "127.0.0.1:0"})
	if err == nil || !strings.Contains(err.Error(), "another collector uses this store") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "nats")); err == nil {
		t.Error("a broker was started")
	}
}

func TestPortOfAnother(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = Run(t.Context(), Settings{DataDir: t.TempDir(), Listen: "127.0.0.1:0", NATSListen: other.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "another program listens there") || !strings.Contains(err.Error(), "choose another address with --nats-listen") {
		t.Errorf("got %v", err)
	}
}
