package enroll_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// brokers are the shipped configurations that gateways connect to.
var brokers = []struct {
	file string
	kind enroll.Kind
}{{"jwt.conf", enroll.JWT}, {"jwt-memory.conf", enroll.JWT}, {"nkey.conf", enroll.NKey}}

func report(gateway string, seq uint64) *inventory.Envelope {
	seed := sha256.Sum256([]byte(gateway))
	r := &inventory.Report{ID: inventory.NewID(), Gateway: inventory.Gateway{ID: gateway}, Order: inventory.Order{Boot: 1, Seq: seq}}
	e, err := inventory.SealReport(r, ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		panic(err)
	}
	return e
}

// arena is a broker with an honest gateway gw2, one report of which is stored, and a
// hostile gw1, which speaks NATS as it likes.
type arena struct {
	*site
	js         jetstream.JetStream // everything is permitted to it
	gw1        *nats.Conn
	violations chan error
	gw1Creds   string
	gw2        *natslink.Link
	stored     *inventory.Envelope
}

func newArena(t *testing.T, kind enroll.Kind, file string) *arena {
	t.Helper()
	s := newSite(t, kind)
	a := &arena{site: s}
	admin := s.enrol("admin", enroll.Options{Role: enroll.Admin})
	a.gw1Creds = s.enrol("gw1", enroll.Options{})
	gw2 := s.enrol("gw2", enroll.Options{})
	s.start(file)
	nc, _ := s.client(admin, "_INBOX")
	var err error
	a.js, err = jetstream.New(nc)
	s.check(err)
	natslinktest.MakeStream(t, a.js, 0)
	a.gw1, a.violations = s.client(a.gw1Creds, natslink.InboxPrefix("gw1"))
	a.gw2 = s.link("gw2", gw2)
	a.stored = report("gw2", 1)
	a.publish(a.gw2, a.stored)
	return a
}

// eachBroker runs a test against every shipped configuration.
func eachBroker(t *testing.T, test func(t *testing.T, a *arena)) {
	for _, b := range brokers {
		t.Run(b.file, func(t *testing.T) {
			t.Parallel()
			test(t, newArena(t, b.kind, b.file))
		})
	}
}

// publish must get a receipt.
func (a *arena) publish(l *natslink.Link, e *inventory.Envelope) {
	a.t.Helper()
	if r, err := l.Publish(a.t.Context(), e); err != nil || r.Duplicate {
		a.t.Fatalf("an honest gateway's report: %+v, %v", r, err)
	}
}

// settle waits until the server is done with all that gw1 sent: its own word goes the same
// way, and after that, what followed from it goes the way of gw2's.
func (a *arena) settle() {
	a.t.Helper()
	js, err := jetstream.New(a.gw1)
	a.check(err)
	if _, err := js.PublishMsg(a.t.Context(), natslink.ToMsg(report("gw1", 99))); err != nil {
		a.t.Fatal(err)
	}
	a.publish(a.gw2, report("gw2", 99))
}

// under gives the messages of the stream under a gateway's name, of any kind.
func (a *arena) under(gateway string) (bodies []string) {
	a.t.Helper()
	for _, m := range natslinktest.Messages(a.t, a.js) {
		if strings.HasSuffix(m.Subject, "."+gateway) {
			bodies = append(bodies, string(m.Data))
		}
	}
	return bodies
}

// refused waits for the server's word that it does not permit something.
func (a *arena) refused(what, subject string) {
	a.t.Helper()
	select {
	case err := <-a.violations:
		if !strings.Contains(err.Error(), "ermissions") || !strings.Contains(err.Error(), `"`+subject+`"`) {
			a.t.Errorf("%s %q: the server says %v", what, subject, err)
		}
	case <-time.After(natslinktest.Patience):
		a.t.Errorf("%s %q is not refused", what, subject)
	}
}

// TestE01: a gateway cannot publish as another one, nor where requests, events or JetStream's
// own answers go.
func TestE01(t *testing.T) {
	t.Parallel()
	eachBroker(t, func(t *testing.T, a *arena) {
		for _, subject := range []string{
			"rollcall.v1.report.gw2", "rollcall.v1.heartbeat.gw2", "rollcall.v1.report.gw11", "rollcall.v1.report.gw1.more",
			"rollcall.v1.report", "rollcall.v1.event.gateway-new.gw2", "rollcall.v1.scan.gw2", "rollcall.v1.scan.gw1",
			"_INBOX_gw2.x", "_INBOX.x", "_R_.x", "$SRV.PING", "$JS.ACK.ROLLCALL.collector.1.1.1.1.1", "$SYS.REQ.CLAIMS.UPDATE", "other",
		} {
			a.check(a.gw1.Publish(subject, []byte("forged")))
			a.check(a.gw1.Flush())
			a.refused("publishing on", subject)
		}
		l := a.link("gw1", a.gw1Creds)
		if _, err := l.Publish(t.Context(), report("gw2", 9)); err == nil || !strings.Contains(err.Error(), "denied") {
			t.Errorf("an agent that publishes as another gateway learns %v", err)
		}
		a.settle()
		if all := a.under("gw2"); len(all) != 2 || all[0] != string(a.stored.Body) {
			t.Errorf("under gw2 stand %q", all)
		}
	})
}

// injections are reply subjects on which a gateway would like JetStream to publish.
var injections = []string{
	"rollcall.v1.report.gw2", "rollcall.v1.heartbeat.gw2", "rollcall.v1.scan.gw2", "rollcall.v1.event.gateway-new.gw2",
	"$JS.API.STREAM.PURGE.ROLLCALL", "$JS.API.STREAM.DELETE.ROLLCALL", "$JS.API.STREAM.MSG.DELETE.ROLLCALL", "_INBOX_gw2.x", "_INBOX.x",
}

// TestE02: the acknowledgement of JetStream, sent wherever a gateway wants it, changes
// nothing under the name of another gateway.
func TestE02(t *testing.T) {
	t.Parallel()
	eachBroker(t, func(t *testing.T, a *arena) {
		asked := make(chan *nats.Msg, 100)
		_, err := a.gw2.Conn().ChanSubscribe(natslink.ScanSubject("gw2"), asked)
		a.check(err)
		a.check(a.gw2.Conn().Flush())
		for _, reply := range injections {
			for _, kind := range []inventory.Kind{inventory.KindReport, inventory.KindHeartbeat} {
				a.check(a.gw1.PublishRequest(natslink.Subject(kind, "gw1"), reply, []byte("mine")))
			}
		}
		a.settle()
		if all := a.under("gw2"); len(all) != 2 || all[0] != string(a.stored.Body) {
			t.Errorf("under gw2 stand %q", all)
		}
		if n := len(a.under("gw1")); n != 2*len(injections)+1 {
			t.Errorf("%d messages under gw1, so that the attack did not take place", n)
		}
		// What reaches an agent through its account asks for no answer: no request does that.
		for len(asked) > 0 {
			if m := <-asked; m.Reply != "" {
				t.Errorf("gw2 was asked to answer on %q", m.Reply)
			}
		}
	})
}

// TestE02OneAccount shows what TestE02 would find if gateways shared an account with the stream,
// with the same permissions of each: without it, nobody would know whether that test can fail.
func TestE02OneAccount(t *testing.T) {
	t.Parallel()
	publish, subscribe := natslink.Permissions("gw1")
	file := filepath.Join(t.TempDir(), "one.conf")
	text := fmt.Sprintf(`listen: "127.0.0.1:-1", jetstream: {store_dir: %q}
accounts: {ONE: {jetstream: enabled, users: [
  {user: admin, password: p}
  {user: gw1, password: p, permissions: {publish: ["%s"], subscribe: ["%s"], allow_responses: true}}
]}}`, t.TempDir(), strings.Join(publish, `","`), strings.Join(subscribe, `","`))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o.NoLog, o.NoSigs = true, true
	srv, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	t.Cleanup(srv.Shutdown)
	if !srv.ReadyForConnections(natslinktest.Patience) {
		t.Fatal("nats-server did not start")
	}
	at := "@" + srv.Addr().String()
	js := natslinktest.Dial(t, "nats://admin:p"+at)
	natslinktest.MakeStream(t, js, 0)
	gw1, err := nats.Connect("nats://gw1:p" + at)
	if err != nil {
		t.Fatal(err)
	}
	defer gw1.Close()
	if err := gw1.PublishRequest("rollcall.v1.report.gw1", "rollcall.v1.report.gw2", []byte("mine")); err != nil {
		t.Fatal(err)
	}
	natslinktest.Eventually(t, "something stands under gw2", func() bool {
		for _, m := range natslinktest.Messages(t, js) {
			if m.Subject == "rollcall.v1.report.gw2" {
				return true
			}
		}
		return false
	})
}

// TestE06: what a hostile gateway may try on the stream, through headers of its own messages
// and through JetStream's API, leaves the other's report where it is.
func TestE06(t *testing.T) {
	t.Parallel()
	eachBroker(t, func(t *testing.T, a *arena) {
		js, err := jetstream.New(a.gw1)
		a.check(err)
		for _, h := range [][2]string{
			{"Nats-Rollup", "all"}, {"Nats-Rollup", "sub"}, {"Nats-TTL", "1s"}, {"Nats-Incr", "1"}, {"Nats-Batch-Id", "b"},
			{"Nats-Schedule", "@at 2030-01-01T00:00:00Z"}, {"Nats-Expected-Last-Sequence", "77"},
			{"Nats-Expected-Last-Subject-Sequence", "77"}, {"Nats-Expected-Stream", "OTHER"}, {"Nats-Expected-Last-Msg-Id", "x"},
		} {
			m := natslink.ToMsg(report("gw1", 1))
			m.Header.Set(h[0], h[1])
			if h[0] == "Nats-Batch-Id" {
				m.Header.Set("Nats-Batch-Sequence", "1")
				m.Header.Set("Nats-Batch-Commit", "1")
			}
			if _, err := js.PublishMsg(t.Context(), m); err == nil {
				t.Errorf("%s: %s is taken", h[0], h[1])
			}
		}
		for _, subject := range []string{
			"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.ROLLCALL", "$JS.API.STREAM.PURGE.ROLLCALL",
			"$JS.API.STREAM.DELETE.ROLLCALL", "$JS.API.STREAM.UPDATE.ROLLCALL", "$JS.API.STREAM.CREATE.MINE",
			"$JS.API.STREAM.MSG.DELETE.ROLLCALL", "$JS.API.STREAM.MSG.GET.ROLLCALL", "$JS.API.DIRECT.GET.ROLLCALL",
			"$JS.API.CONSUMER.CREATE.ROLLCALL.mine", "$JS.API.CONSUMER.DELETE.ROLLCALL.collector", "$JS.API.CONSUMER.MSG.NEXT.ROLLCALL.collector",
		} {
			a.check(a.gw1.PublishRequest(subject, natslink.InboxPrefix("gw1")+".x", []byte(`{"seq":1}`)))
			a.check(a.gw1.Flush())
			a.refused("a request on", subject)
		}
		a.settle()
		if all := a.under("gw2"); len(all) != 2 || all[0] != string(a.stored.Body) {
			t.Errorf("under gw2 stand %q", all)
		}
	})
}

// TestTrace: a header that asks the server to send traces of a message elsewhere does not put
// them there (CVE-2026-33249).
func TestTrace(t *testing.T) {
	t.Parallel()
	eachBroker(t, func(t *testing.T, a *arena) {
		for _, to := range []string{"rollcall.v1.report.gw2", "rollcall.v1.scan.gw2"} {
			m := natslink.ToMsg(report("gw1", 1))
			m.Header.Set("Nats-Trace-Dest", to)
			a.check(a.gw1.PublishMsg(m))
			a.check(a.gw1.Flush())
			a.refused("a trace to", to)
		}
		a.settle()
		if n := len(a.under("gw2")); n != 2 {
			t.Errorf("%d messages under gw2", n)
		}
	})
}

// TestE08: a gateway hears its own answers and requests, and nothing else.
func TestE08(t *testing.T) {
	t.Parallel()
	eachBroker(t, func(t *testing.T, a *arena) {
		for _, subject := range []string{
			">", "*", "*.>", "_INBOX.>", "_INBOX_gw2.>", "_INBOX_*.>", "_INBOX_gw1", "_R_.>", "$JS.>", "$JS.API.>", "$JS.EVENT.>", "$SYS.>", "$SRV.>",
			"rollcall.>", "rollcall.v1.report.*", "rollcall.v1.report.gw2", "rollcall.v1.report.gw1", "rollcall.v1.scan.*", "rollcall.v1.scan.gw2",
			"rollcall.v1.status.gw2", "rollcall.v1.event.>",
		} {
			_, err := a.gw1.SubscribeSync(subject)
			a.check(err)
			a.check(a.gw1.Flush())
			a.refused("subscribing to", subject)
			_, err = a.gw1.QueueSubscribeSync(subject, "queue") // once checked otherwise (2026-18)
			a.check(err)
			a.check(a.gw1.Flush())
			a.refused("subscribing in a queue to", subject)
		}
		_, permitted := natslink.Permissions("gw1")
		for _, subject := range permitted {
			_, err := a.gw1.SubscribeSync(subject)
			a.check(err)
		}
		a.check(a.gw1.Flush())
		a.settle()
		select {
		case err := <-a.violations:
			t.Errorf("what a gateway needs is refused: %v", err)
		default:
		}
	})
}

// TestSquat: a gateway that uses the id of another one's report first makes the server take
// that for a duplicate. The acknowledgement says so, and a sender does not take it for a receipt.
func TestSquat(t *testing.T) {
	t.Parallel()
	eachBroker(t, func(t *testing.T, a *arena) {
		theirs := report("gw2", 2)
		m := natslink.ToMsg(report("gw1", 1))
		m.Header.Set(nats.MsgIdHdr, theirs.ID)
		js, err := jetstream.New(a.gw1)
		a.check(err)
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if r, err := a.gw2.Publish(t.Context(), theirs); err != nil || !r.Duplicate {
			t.Errorf("the server says %+v, %v", r, err)
		}
		theirs = report("gw2", 2) // another id: random, so that nobody can be first
		a.publish(a.gw2, theirs)
		if all := a.under("gw2"); len(all) != 2 || all[1] != string(theirs.Body) {
			t.Errorf("under gw2 stand %q", all)
		}
	})
}
