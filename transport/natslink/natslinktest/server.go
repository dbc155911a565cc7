package natslinktest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// Patience is how long a test waits for what must come. Machines that run tests are slow.
const Patience = 30 * time.Second

// User may log in to a [Server]. A nil list permits everything.
type User struct {
	Name, Password     string
	Publish, Subscribe []string
}

// Admin may do everything. It is there unless Settings name other users only.
var Admin = User{Name: "admin", Password: "admin"}

// Settings of a server. The zero value is one that asks nobody for a name.
type Settings struct {
	Users       []User
	NoJetStream bool
	MaxPayload  int32
	// SyncAlways syncs before each acknowledgement.
	SyncAlways bool
	// StoreDir is the store. Empty means a directory of the test.
	StoreDir string
	Port     int // 0 means a free one
	// TLS makes TLS a must.
	TLS *tls.Config
}

// Server is a NATS server in this process.
type Server struct {
	t        testing.TB
	settings Settings
	port     int

	mu      sync.Mutex
	options *server.Options
	srv     *server.Server
}

// Start runs a server until the test ends.
func Start(t testing.TB, s Settings) *Server {
	t.Helper()
	if s.StoreDir == "" {
		s.StoreDir = t.TempDir()
	}
	sv := &Server{t: t, settings: s, port: s.Port}
	sv.Start()
	t.Cleanup(sv.Stop)
	return sv
}

// Start runs it again, on the same port and store.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srv != nil {
		return
	}
	var err error
	if s.srv, s.options, err = run(s.settings, s.port); err != nil {
		s.t.Fatal(err)
	}
	s.port = s.srv.Addr().(*net.TCPAddr).Port
}

func run(s Settings, port int) (*server.Server, *server.Options, error) {
	o := options(s, port)
	srv, err := server.NewServer(o)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot prepare the test's NATS server: %w", err)
	}
	go srv.Start()
	if !srv.ReadyForConnections(Patience) {
		srv.Shutdown()
		return nil, nil, fmt.Errorf("the test's NATS server did not start on port %d", port)
	}
	return srv, o, nil
}

func options(s Settings, port int) *server.Options {
	if port == 0 {
		port = server.RANDOM_PORT
	}
	o := &server.Options{
		ServerName: "test", Host: "127.0.0.1", Port: port, NoLog: true, NoSigs: true,
		JetStream: !s.NoJetStream, StoreDir: s.StoreDir, SyncAlways: s.SyncAlways, MaxPayload: s.MaxPayload,
	}
	if s.TLS != nil {
		o.TLSConfig, o.TLS, o.TLSTimeout = s.TLS, true, Patience.Seconds()
	}
	for _, u := range s.Users {
		o.Users = append(o.Users, &server.User{Username: u.Name, Password: u.Password, Permissions: permissions(u)})
	}
	return o
}

func permissions(u User) *server.Permissions {
	p := &server.Permissions{}
	if u.Publish != nil {
		p.Publish = &server.SubjectPermission{Allow: u.Publish}
		p.Response = &server.ResponsePermission{MaxMsgs: 1, Expires: time.Minute}
	}
	if u.Subscribe != nil {
		p.Subscribe = &server.SubjectPermission{Allow: u.Subscribe}
	}
	return p
}

// Stop ends the server. Its store stays.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srv == nil {
		return
	}
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
	s.srv = nil
}

// Restart stops and starts it.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

// SwapStore puts an empty store in the place of the present one and restarts.
func (s *Server) SwapStore() {
	s.t.Helper()
	s.UseStore(s.t.TempDir())
}

// StoreDir is where its store is.
func (s *Server) StoreDir() string { return s.settings.StoreDir }

// UseStore restarts it on another store.
func (s *Server) UseStore(dir string) {
	s.t.Helper()
	s.Stop()
	s.settings.StoreDir = dir
	s.Start()
}

// Reload gives the running server other users.
func (s *Server) Reload(users ...User) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings.Users = users
	o := options(s.settings, s.port)
	if err := s.srv.ReloadOptions(o); err != nil {
		s.t.Fatalf("cannot reload the test's NATS server: %v", err)
	}
}

// Addr is host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is where anybody connects.
func (s *Server) URL() string { return "nats://" + s.Addr() }

// URLOf is where u connects.
func (s *Server) URLOf(u User) string {
	return fmt.Sprintf("nats://%s:%s@%s", u.Name, u.Password, s.Addr())
}

// Server is the server itself, for what these methods do not give.
func (s *Server) Server() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.srv
}

// JetStream connects u (the zero User where the server asks nobody).
func (s *Server) JetStream(u User) jetstream.JetStream {
	s.t.Helper()
	url := s.URL()
	if u.Name != "" {
		url = s.URLOf(u)
	}
	return Dial(s.t, url)
}

// Dial connects for the length of the test.
func Dial(t testing.TB, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// MakeStream asserts the stream, with a short window for duplicates where one is given.
func MakeStream(t testing.TB, js jetstream.JetStream, duplicates time.Duration) jetstream.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	c := natslink.StreamConfig()
	if duplicates > 0 {
		c.Duplicates = duplicates
	}
	st, err := natslink.AssertStream(ctx, js, c)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Messages gives all that the stream holds.
func Messages(t testing.TB, js jetstream.JetStream) []*jetstream.RawStreamMsg {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	st, err := js.Stream(ctx, natslink.Stream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := st.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []*jetstream.RawStreamMsg
	for seq := info.State.FirstSeq; info.State.Msgs > 0 && seq <= info.State.LastSeq; seq++ {
		m, err := st.GetMsg(ctx, seq)
		if err != nil {
			continue // gone by a limit
		}
		all = append(all, m)
	}
	return all
}

// Eventually waits until is holds, or fails the test.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", Patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
