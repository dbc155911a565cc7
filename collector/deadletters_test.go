package collector

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// runWith runs a collector on a broker until the test ends, and waits until it consumes.
func runWith(t *testing.T, nc *nats.Conn) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	s := Settings{Conn: nc, Store: openStore(t), Base: &collectortest.Base{Data: "test-1"}, Ready: func() { close(ready) }}
	go func() { ended <- Run(ctx, s) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case <-time.After(natslinktest.Patience):
		t.Fatal("the collector does not consume")
	}
}

func publishMsg(t *testing.T, js jetstream.JetStream, m *nats.Msg) {
	t.Helper()
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// settled waits until the consumer of the stream has nothing left to do.
func settled(t *testing.T, js jetstream.JetStream, messages uint64) {
	t.Helper()
	end := time.Now().Add(natslinktest.Patience)
	for time.Now().Before(end) {
		st, err := js.Stream(t.Context(), natslink.Stream)
		if err != nil {
			t.Fatal(err)
		}
		for info := range st.ListConsumers(t.Context()).Info() {
			if info.AckFloor.Stream >= messages {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("messages are left in the stream")
}

// G03: what cannot be believed is in the stream of dead letters when it is acknowledged, and
// the rest flows.
func TestG03DeadLetters(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	js := broker.JetStream(natslinktest.User{})
	runWith(t, js.Conn())
	g := collectortest.NewGateway("gw-1")
	publishMsg(t, js, natslink.ToMsg(g.Report(t, oneModule())))
	forged := natslink.ToMsg(g.Report(t, oneModule()))
	forged.Data = bytes.Replace(forged.Data, []byte("A25"), []byte("A26"), 1)
	publishMsg(t, js, forged)
	publishMsg(t, js, natslink.ToMsg(g.Report(t, oneModule())))
	settled(t, js, 3)
	st, err := js.Stream(t.Context(), deadletter.Stream)
	if err != nil {
		t.Fatal(err)
	}
	m, err := st.GetLastMsgForSubject(t.Context(), "rollcall.v1.dead.bad-signature")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Data, forged.Data) || m.Header.Get(deadletter.HeaderSubject) != natslink.Subject(inventory.KindReport, "gw-1") ||
		m.Header.Get(deadletter.HeaderSequence) != "2" || m.Header.Get(deadletter.HeaderOriginal+natslink.HeaderKey) != forged.Header.Get(natslink.HeaderKey) {
		t.Errorf("%v, %d bytes", m.Header, len(m.Data))
	}
	if n := st.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("%d letters", n)
	}
}

// A stream of dead letters that may not be written does not hold up the rest.
func TestDeadLettersDenied(t *testing.T) {
	user := natslinktest.User{Name: "collector", Password: "x", Subscribe: []string{"_INBOX.>"}, Publish: []string{
		"$JS.API.INFO", "$JS.API.STREAM.INFO.ROLLCALL", "$JS.API.STREAM.CREATE.ROLLCALL", "$JS.API.STREAM.*.ROLLCALL_EVENTS",
		"$JS.API.CONSUMER.*.ROLLCALL.>", "$JS.API.CONSUMER.MSG.NEXT.ROLLCALL.*", "$JS.ACK.>", "rollcall.v1.event.>"}}
	broker := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, user}})
	runWith(t, broker.JetStream(user).Conn())
	js := broker.JetStream(natslinktest.Admin)
	g := collectortest.NewGateway("gw-1")
	for range 3 {
		forged := natslink.ToMsg(g.Report(t, oneModule()))
		forged.Data = []byte("{}")
		publishMsg(t, js, forged)
	}
	publishMsg(t, js, natslink.ToMsg(g.Report(t, oneModule())))
	settled(t, js, 4)
	if _, err := js.Stream(t.Context(), deadletter.Stream); err == nil {
		t.Error("the test's broker let the stream be made")
	}
}
