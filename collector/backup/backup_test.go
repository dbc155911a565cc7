package backup_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/backup"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/postgres/postgrestest"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// site is a broker with a fleet that publishes.
type site struct {
	t        *testing.T
	srv      *natslinktest.Server
	js       jetstream.JetStream
	gateways []*collectortest.Gateway
	round    int
}

func newSite(t *testing.T) *site {
	s := &site{t: t, srv: natslinktest.Start(t, natslinktest.Settings{})}
	s.js = s.srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, s.js, 0)
	for i := range 20 {
		s.gateways = append(s.gateways, collectortest.NewGateway(fmt.Sprintf("gw-%02d", i)))
	}
	return s
}

// report has every gateway report another firmware, and beat.
func (s *site) report() {
	s.t.Helper()
	s.round++
	for i, g := range s.gateways {
		m := collectortest.Module("usb:1-1", "Alpha", "CA/US", "A25", fmt.Sprintf("R%d", s.round), fmt.Sprintf("86701204%07d", i))
		e := g.Report(s.t, m)
		for _, e := range []*inventory.Envelope{e, g.Heartbeat(s.t, collectortest.Digest(s.t, e))} {
			if _, err := s.js.PublishMsg(s.t.Context(), natslink.ToMsg(e)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// collect runs a collector on the store at address. The end of it waits until all that the
// stream holds is stored, and gives what is in the store then.
func (s *site) collect(address string) (end func() table) {
	s.t.Helper()
	st, err := collector.OpenStore(s.t.Context(), address)
	if err != nil {
		s.t.Fatal(err)
	}
	nc, err := nats.Connect(s.srv.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- collector.Run(ctx, collector.Settings{Conn: nc, Store: st, Base: &collectortest.Base{Data: "test-1"}, Ready: func() { close(ready) }})
	}()
	<-ready
	return func() table {
		s.t.Helper()
		identity, err := st.Identity(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		natslinktest.Eventually(s.t, "all is stored", func() bool {
			c, err := s.js.Consumer(s.t.Context(), natslink.Stream, collector.ConsumerName(identity))
			return err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0
		})
		all := read(s.t, st)
		cancel()
		if err := errors.Join(<-done, st.Close()); err != nil {
			s.t.Error(err)
		}
		nc.Close()
		return all
	}
}

// table is what a store holds of the fleet.
type table struct {
	Gateways []store.Gateway
	Modules  []store.Module
	Reports  []store.Report
	Events   []store.Event
}

func read(t *testing.T, s store.Store) (all table) {
	t.Helper()
	gs, err := s.Gateways(t.Context(), store.GatewayFilter{}, store.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	all.Gateways = gs.Items
	ms, err := s.Modules(t.Context(), store.ModuleFilter{}, store.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	all.Modules = ms.Items
	for _, g := range gs.Items {
		rs, err := s.Reports(t.Context(), g.ID, store.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		all.Reports = append(all.Reports, rs.Items...)
	}
	if all.Events, err = s.EventsAfter(t.Context(), 0, 10_000); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all.Events, func(a, b store.Event) int { return strings.Compare(a.Key(), b.Key()) })
	return all
}

// same compares but for the numbers of events, which say when they were stored.
func same(t *testing.T, got, want table) {
	t.Helper()
	if len(want.Events) == 0 || len(want.Reports) == 0 {
		t.Fatal("there is nothing to compare")
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Event{}, "No")); diff != "" {
		t.Errorf("the restored store differs (-want +got):\n%s", diff)
	}
}

// A backup is taken while the collector runs and gateways report; the store is lost later.
// What was restored goes on from the stream and ends up as the lost one was.
func TestRestoredStoreGoesOn(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	lost, restored := "sqlite:"+filepath.Join(dir, "lost.db"), "sqlite:"+filepath.Join(dir, "new", "restored.db")
	file := filepath.Join(dir, "backup.db")
	end := s.collect(lost)
	s.report()
	s.report()
	if err := backup.Write(t.Context(), lost, file); err != nil { // under way: some of it is stored
		t.Fatal(err)
	}
	s.report()
	want := end()
	if err := backup.Restore(t.Context(), file, restored); err != nil {
		t.Fatal(err)
	}
	same(t, s.collect(restored)(), want)
	s.report() // and new reports go on from there
	after := s.collect(restored)()
	if len(after.Reports) != len(want.Reports)+len(s.gateways) {
		t.Errorf("%d reports after the restore, want %d and %d more", len(after.Reports), len(want.Reports), len(s.gateways))
	}
	same(t, after, s.collect(lost)())
}

func TestBackupIsPrivateAndWhole(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	address, file := "sqlite:"+filepath.Join(dir, "rollcall.db"), filepath.Join(dir, "backup.db")
	end := s.collect(address)
	s.report()
	end()
	if err := backup.Write(t.Context(), address, file); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(file + "?*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := backup.Write(t.Context(), address, file); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("a backup was written over: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	end := s.collect("sqlite:" + at("rollcall.db"))
	s.report()
	end()
	if err := backup.Write(t.Context(), "sqlite:"+at("rollcall.db"), at("good.db")); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(at("good.db"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("cut.db", good[:len(good)/2])
	write("text.db", []byte("not a database, but long enough to be looked at: "+strings.Repeat("x", 4096)))
	write("empty.db", nil)
	const page = 4096
	for at := page; at < len(good); at += page { // what sort of page it is; SQLite has no sums over what stands in it
		good[at] ^= 0xff
	}
	write("flipped.db", good)
	for name, file := range map[string]string{"half of it": "cut.db", "a text": "text.db", "an empty file": "empty.db", "damaged pages": "flipped.db", "no file": "none.db"} {
		if err := backup.Restore(t.Context(), at(file), "sqlite:"+at("new.db")); err == nil {
			t.Errorf("%s was restored", name)
		}
		if left, _ := filepath.Glob(at("new.db*")); len(left) > 0 {
			t.Fatalf("after %s there is %v", name, left)
		}
	}
	if err := backup.Restore(t.Context(), at("good.db"), "sqlite:"+at("rollcall.db")); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("restored over a store: %v", err)
	}
	if err := backup.Write(t.Context(), "sqlite:"+at("none.db"), at("b.db")); err == nil {
		t.Error("backed up a store that is not there")
	}
	if err := backup.Reread(t.Context(), "sqlite:"+at("none.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reread by a store that is not there: %v", err)
	}
	if _, err := os.Stat(at("none.db")); err == nil {
		t.Error("a store was made that nobody asked for")
	}
	if err := backup.Write(t.Context(), "postgres://x@localhost/y", at("b.db")); !errors.Is(err, backup.ErrPostgres) {
		t.Errorf("PostgreSQL: %v", err)
	}
	if err := backup.Restore(t.Context(), at("good.db"), "mysql:x"); err == nil {
		t.Error("took an unknown kind of store")
	}
}

// The same with PostgreSQL's own tools, as docs/operations.md has it.
func TestPostgresDumpAndRestore(t *testing.T) {
	pg := postgrestest.Start(t)
	s := newSite(t)
	lost, restored := pg.Database(t), pg.Database(t)
	file := filepath.Join(t.TempDir(), "rollcall.dump")
	end := s.collect(lost)
	s.report()
	run(t, "pg_dump", "--format=custom", "--file="+file, dsn(t, lost))
	s.report()
	want := end()
	run(t, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+dsn(t, restored), file)
	if err := backup.Reread(t.Context(), restored); err != nil {
		t.Fatal(err)
	}
	same(t, s.collect(restored)(), want)
}

// dsn is the address as libpq reads it.
func dsn(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("host=%s user=%s dbname=%s", u.Query().Get("host"), u.User.Username(), strings.TrimPrefix(u.Path, "/"))
}

// run runs a program of PostgreSQL.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	path := name
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		path = found[len(found)-1]
	}
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}
