package enroll_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// collect runs a real collector with its own credentials until the test ends.
func (s *site) collect(creds string, keys collector.KeyPolicy) store.Store {
	s.t.Helper()
	st, err := sqlite.Open(s.t.Context(), filepath.Join(s.t.TempDir(), "rollcall.db"))
	s.check(err)
	l, err := natslink.Connect(s.t.Context(), s.settings(creds))
	s.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := collector.Run(ctx, collector.Settings{Conn: l.Conn(), Store: st, Base: &collectortest.Base{Data: "1"}, Keys: keys, Ready: func() { close(ready) }})
		if err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(func() {
		cancel()
		wg.Wait()
		l.Close()
		s.check(st.Close())
	})
	select {
	case <-ready:
	case <-time.After(natslinktest.Patience):
		s.t.Fatal("the collector does not start with its credentials")
	}
	return st
}

// serve answers requests as the agent of a gateway does.
func (s *site) serve(l *natslink.Link, gateway string) {
	s.t.Helper()
	m, err := micro.AddService(l.Conn(), micro.Config{Name: natslink.Service, Version: "1.0.0"})
	s.check(err)
	for name, subject := range map[string]string{
		"scan": natslink.ScanSubject(gateway), "status": natslink.StatusSubject(gateway), "version": natslink.VersionSubject(gateway),
	} {
		s.check(m.AddEndpoint(name, micro.HandlerFunc(func(r micro.Request) { _ = r.Respond([]byte(gateway + " " + name)) }),
			micro.WithEndpointSubject(subject), micro.WithEndpointQueueGroupDisabled()))
	}
	s.check(l.Conn().Flush())
	s.t.Cleanup(func() { _ = m.Stop() })
}

// TestWork: with the credentials of each role and the shipped configurations, a report goes
// from a gateway to the collector's store and out as an event, and requests are answered.
func TestWork(t *testing.T) {
	t.Parallel()
	for _, b := range brokers {
		t.Run(b.file, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, b.kind)
			creds := map[string]string{}
			for name, r := range map[string]enroll.Role{"north": enroll.Collector, "person": enroll.Admin, "gw1": enroll.Gateway, "gw2": enroll.Gateway} {
				creds[name] = s.enrol(name, enroll.Options{Role: r})
			}
			s.start(b.file)
			st := s.collect(creds["north"], collector.KeyPolicy{})
			l1, l2 := s.link("gw1", creds["gw1"]), s.link("gw2", creds["gw2"])
			s.serve(l1, "gw1")
			s.serve(l2, "gw2")
			person, _ := s.client(creds["person"], "_INBOX")
			events, err := person.SubscribeSync("rollcall.v1.event.>")
			s.check(err)
			s.check(person.Flush())
			if r, err := l1.Publish(t.Context(), report("gw1", 1)); err != nil || r.Duplicate {
				t.Fatalf("%+v, %v", r, err)
			}
			natslinktest.Eventually(t, "the collector knows gw1", func() bool {
				_, err := st.Gateway(t.Context(), "gw1")
				return err == nil
			})
			if m, err := events.NextMsg(natslinktest.Patience); err != nil || m.Subject != "rollcall.v1.event.gateway-new.gw1" {
				t.Errorf("the event that comes out is %+v, %v", m, err)
			}
			s.acknowledged(person)
			s.requests(person)
			s.questions(person, l2.Conn())
		})
	}
}

// acknowledged waits until the collector has told the broker what it stored.
func (s *site) acknowledged(person *nats.Conn) {
	s.t.Helper()
	js, err := jetstream.New(person)
	s.check(err)
	st, err := js.Stream(s.t.Context(), natslink.Stream)
	s.check(err)
	natslinktest.Eventually(s.t, "all is acknowledged by one collector", func() bool {
		n, pending := 0, 0
		for c := range st.ListConsumers(s.t.Context()).Info() {
			n, pending = n+1, pending+c.NumAckPending+int(c.NumPending)
		}
		return n == 1 && pending == 0
	})
}

// questions: the collector answers a person, and no gateway.
func (s *site) questions(person, gateway *nats.Conn) {
	s.t.Helper()
	natslinktest.Eventually(s.t, "the collector answers", func() bool {
		m, err := person.Request("rollcall.v1.query.gateways", nil, natslinktest.Patience)
		return err == nil && strings.Contains(string(m.Data), `"id":"gw1"`)
	})
	reply := gateway.Opts.InboxPrefix + ".question"
	answers, err := gateway.SubscribeSync(reply)
	s.check(err)
	s.check(gateway.PublishRequest("rollcall.v1.query.gateways", reply, nil))
	s.check(gateway.Flush())
	if m, err := answers.NextMsg(300 * time.Millisecond); err == nil {
		s.t.Errorf("a gateway reads the fleet: %.100s", m.Data)
	}
}

// requests tries each, and that all gateways are found.
func (s *site) requests(person *nats.Conn) {
	s.t.Helper()
	for subject, want := range map[string]string{
		natslink.ScanSubject("gw1"): "gw1 scan", natslink.StatusSubject("gw1"): "gw1 status", natslink.VersionSubject("gw2"): "gw2 version",
	} {
		natslinktest.Eventually(s.t, subject+" is answered", func() bool {
			m, err := person.Request(subject, nil, natslinktest.Patience)
			return err == nil && string(m.Data) == want
		})
	}
	inbox := person.NewRespInbox()
	answers, err := person.SubscribeSync(inbox)
	s.check(err)
	s.check(person.PublishRequest("$SRV.PING", inbox, nil))
	for range 3 { // both, and the collector
		if _, err := answers.NextMsg(natslinktest.Patience); err != nil {
			s.t.Errorf("not all services are found: %v", err)
		}
	}
}

// TestRequestsAreBounded: the answer to one request is all that a gateway may publish where
// the request said, and others may not ask.
func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	eachBroker(t, func(t *testing.T, a *arena) {
		asked := make(chan *nats.Msg, 1)
		_, err := a.gw1.ChanSubscribe(natslink.ScanSubject("gw1"), asked)
		a.check(err)
		a.check(a.gw1.Flush())
		_, err = a.js.Conn().Request(natslink.ScanSubject("gw1"), nil, time.Millisecond) // not waited for
		if err == nil {
			t.Fatal("answered")
		}
		m := <-asked
		a.check(m.Respond([]byte("one")))
		a.check(m.Respond([]byte("two")))
		a.check(a.gw1.Flush())
		a.refused("a second answer on", m.Reply)
	})
}

// TestKnownKeys: a collector that believes recorded keys only takes the key that was enrolled,
// and refuses it when it is revoked.
func TestKnownKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t, enroll.JWT)
	s.start("jwt.conf")
	e := report("gw1", 1)
	north := s.enrol("north", enroll.Options{Role: enroll.Collector})
	gw1 := s.enrol("gw1", enroll.Options{ReportKey: inventory.EncodeKey(e.Key)})
	st := s.collect(north, collector.KeyPolicy{KnownOnly: true})
	l := s.link("gw1", gw1)
	send := func(e *inventory.Envelope) {
		t.Helper()
		if _, err := l.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	rejected := func(n int, reason collector.Reason) {
		t.Helper()
		natslinktest.Eventually(t, string(reason)+" is noted", func() bool {
			l, err := st.Rejected(t.Context(), store.Page{Limit: 10})
			return err == nil && len(l.Items) == n && l.Items[0].Reason == string(reason)
		})
	}
	send(e)
	rejected(1, collector.UnknownKey)
	var lines strings.Builder
	s.check(s.a.Export(&lines))
	keys, err := enroll.ReadKeys(strings.NewReader(lines.String()))
	s.check(err)
	s.check(enroll.Tell(t.Context(), st, keys))
	send(report("gw1", 2))
	natslinktest.Eventually(t, "the collector believes gw1", func() bool {
		_, err := st.Gateway(t.Context(), "gw1")
		return err == nil
	})
	if n, err := enroll.Forget(t.Context(), st, "gw1"); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	send(report("gw1", 3))
	rejected(2, collector.RevokedKey)
}

// TestRevoke: what is taken back is out at once, and stays out; others go on.
func TestRevoke(t *testing.T) {
	t.Parallel()
	for _, b := range brokers {
		t.Run(b.file, func(t *testing.T) {
			t.Parallel()
			a := newArena(t, b.kind, b.file)
			closed := make(chan struct{})
			a.gw1.SetClosedHandler(func(*nats.Conn) { close(closed) })
			if _, err := a.a.Revoke("gw1"); err != nil {
				t.Fatal(err)
			}
			if b.file == "jwt.conf" {
				a.check(a.a.Push(t.Context(), natslink.Settings{URLs: []string{a.url()}, CAFile: a.ca}))
			} else {
				a.reload()
			}
			select {
			case <-closed: // after two refusals the client gives up
			case <-time.After(natslinktest.Patience):
				t.Fatal("gw1 is still connected, or may come back")
			}
			a.publish(a.gw2, report("gw2", 2))
			// The same gateway with new credentials.
			l := a.link("gw1", func() string {
				again := a.enrol("gw1", enroll.Options{Again: true})
				if b.kind == enroll.NKey {
					a.reload()
				}
				return again
			}())
			a.publish(l, report("gw1", 3))
		})
	}
}

// TestRevokedOutlivesRestart: a broker that was told by a push remembers, and one that starts
// from the users file alone knows too.
func TestRevokedOutlivesRestart(t *testing.T) {
	t.Parallel()
	s := newSite(t, enroll.JWT)
	creds := s.enrol("gw1", enroll.Options{})
	s.start("jwt.conf")
	s.link("gw1", creds).Close()
	_, err := s.a.Revoke("gw1")
	s.check(err)
	s.check(s.a.Push(t.Context(), natslink.Settings{URLs: []string{s.url()}, CAFile: s.ca}))
	for _, file := range []string{"jwt.conf", "jwt-memory.conf"} {
		s.srv.Shutdown()
		s.srv.WaitForShutdown()
		s.start(file)
		_, err := nats.Connect(s.url(), nats.UserCredentials(creds), nats.RootCAs(s.ca), nats.Timeout(natslinktest.Patience))
		if !errors.Is(err, nats.ErrAuthorization) && !errors.Is(err, nats.ErrAuthRevoked) {
			t.Errorf("%s, started again: %v", file, err)
		}
	}
}

// TestExpired: credentials with an end are of no use after it.
func TestExpired(t *testing.T) {
	t.Parallel()
	s := newSite(t, enroll.JWT)
	s.start("jwt.conf")
	creds := s.enrol("gw1", enroll.Options{Expires: time.Second})
	natslinktest.Eventually(t, "the credentials end", func() bool {
		nc, err := nats.Connect(s.url(), nats.UserCredentials(creds), nats.RootCAs(s.ca), nats.Timeout(natslinktest.Patience))
		if err == nil {
			nc.Close()
		}
		return errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthorization)
	})
}

// TestLeaf: gateways of a site connect to the leaf node there, with the credentials that
// they would use at the hub.
func TestLeaf(t *testing.T) {
	t.Parallel()
	hub := newSite(t, enroll.JWT)
	creds := hub.enrol("site-1", enroll.Options{Role: enroll.Leaf})
	gw1 := hub.enrol("gw1", enroll.Options{})
	north := hub.enrol("north", enroll.Options{Role: enroll.Collector})
	hub.start("hub.conf")
	st := hub.collect(north, collector.KeyPolicy{})
	leaf := hub.leaf(creds)
	leaf.start("leaf.conf")
	natslinktest.Eventually(t, "the leaf node is there", func() bool { return hub.srv.NumLeafNodes() > 0 })
	l := leaf.link("gw1", gw1)
	leaf.serve(l, "gw1")
	natslinktest.Eventually(t, "a report goes through the leaf node", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := l.Publish(ctx, report("gw1", 1))
		return err == nil
	})
	natslinktest.Eventually(t, "the collector knows gw1", func() bool {
		_, err := st.Gateway(t.Context(), "gw1")
		return err == nil
	})
	nc, _ := hub.client(north, "_INBOX")
	natslinktest.Eventually(t, "a request goes through the leaf node", func() bool {
		m, err := nc.Request(natslink.ScanSubject("gw1"), nil, time.Second)
		return err == nil && string(m.Data) == "gw1 scan"
	})
}

// leaf is another machine with the same authority's files.
func (s *site) leaf(creds string) *site {
	s.t.Helper()
	l := &site{t: s.t, a: s.a, root: s.t.TempDir()}
	l.certificates()
	b, err := os.ReadFile(creds)
	s.check(err)
	s.check(os.WriteFile(filepath.Join(l.root, "etc/nats/leaf.creds"), b, 0o600))
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.options.LeafNode.Port))
	l.change = func(text string) string {
		return strings.ReplaceAll(text, `["tls://hub.example:7422"]`, `["tls://`+address+`"], tls: {ca_file: "`+s.ca+`"}`)
	}
	return l
}

// TestWebsocket: the part of jwt.conf that is a comment works when it is none.
func TestWebsocket(t *testing.T) {
	t.Parallel()
	s := newSite(t, enroll.JWT)
	s.change = func(text string) string {
		var out []string
		inside := false
		for line := range strings.SplitSeq(text, "\n") {
			inside = inside && strings.HasPrefix(line, "#") || line == "# websocket: {"
			if inside {
				line = strings.TrimPrefix(line, "# ")
			}
			out = append(out, line)
		}
		return strings.Join(out, "\n")
	}
	gw1 := s.enrol("gw1", enroll.Options{})
	s.start("jwt.conf")
	at := s.srv.PortsInfo(natslinktest.Patience)
	if at == nil || len(at.WebSocket) == 0 {
		t.Fatal("the broker has no port for websockets")
	}
	_, address, _ := strings.Cut(at.WebSocket[0], "://")
	ls := s.settings(gw1)
	ls.Gateway, ls.URLs = "gw1", []string{"wss://" + address}
	l, err := natslink.Connect(t.Context(), ls)
	s.check(err)
	defer l.Close()
	natslinktest.Eventually(t, "a gateway is connected by a websocket", l.Connected)
}

// TestSynced: a broker with any of the configurations syncs before it acknowledges, and waits
// for slow greetings.
func TestSynced(t *testing.T) {
	t.Parallel()
	for _, b := range brokers {
		s := newSite(t, b.kind)
		s.start(b.file)
		if c := s.srv.JetStreamConfig(); c == nil || !c.SyncAlways || c.StoreDir == "" || c.MaxStore <= 0 {
			t.Errorf("%s: JetStream is %+v", b.file, c)
		}
		v, err := s.srv.Varz(nil)
		s.check(err)
		if v.AuthTimeout < 10 || v.TLSTimeout < 10 || !v.TLSRequired || v.MaxPayload < inventory.MaxReportBytes+4096 {
			t.Errorf("%s: auth timeout %v, TLS timeout %v, TLS required %v, payload %d", b.file, v.AuthTimeout, v.TLSTimeout, v.TLSRequired, v.MaxPayload)
		}
	}
}

// TestExpiringIsTold: a gateway says when its credentials are about to end, and that they have ended; so does one
// whose credentials were taken back.
func TestExpiringIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, enroll.JWT)
	s.start("jwt.conf")
	told := func(l *natslink.Link, code, want string) {
		t.Helper()
		natslinktest.Eventually(t, want+" is told", func() bool {
			return slices.ContainsFunc(l.Health(), func(w inventory.Warning) bool { return w.Code == code && strings.Contains(w.Text, want) })
		})
	}
	soon := s.link("gw1", s.enrol("gw1", enroll.Options{Expires: 20 * 24 * time.Hour}))
	told(soon, "nats-expiring", "credentials in ")
	if w := s.link("gw2", s.enrol("gw2", enroll.Options{Expires: 60 * 24 * time.Hour})).Health(); len(w) != 0 {
		t.Errorf("with credentials for two months: %+v", w)
	}
	told(s.link("gw3", s.enrol("gw3", enroll.Options{Expires: 2 * time.Second})), "nats-auth", "have expired")
	_, err := s.a.Revoke("gw1")
	s.check(err)
	s.check(s.a.Push(t.Context(), natslink.Settings{URLs: []string{s.url()}, CAFile: s.ca}))
	told(soon, "nats-auth", "enrol this gateway")
}
