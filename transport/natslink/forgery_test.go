package natslink_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// gateways is a server with two gateways of the least rights, and one report of the second.
func gateways(t *testing.T) (sv *natslinktest.Server, js jetstream.JetStream, one natslinktest.User, theirs *inventory.Envelope) {
	t.Helper()
	one = natslinktest.User{Name: "gw1", Password: "p"}
	one.Publish, one.Subscribe = natslink.Permissions("gw1")
	two := natslinktest.User{Name: "gw2", Password: "p"}
	two.Publish, two.Subscribe = natslink.Permissions("gw2")
	sv = natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, one, two}})
	js = sv.JetStream(natslinktest.Admin)
	natslinktest.MakeStream(t, js, 0)
	theirs = report("gw2", 1, 1)
	l := connect(t, natslink.Settings{URLs: []string{sv.URLOf(two)}, Gateway: "gw2"})
	if _, err := l.Publish(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	return sv, js, one, theirs
}

// TestE01: a gateway cannot publish as another one.
func TestE01(t *testing.T) {
	sv, js, one, _ := gateways(t)
	l := connect(t, natslink.Settings{URLs: []string{sv.URLOf(one)}})
	if _, err := l.Publish(t.Context(), report("gw2", 9, 9)); kind(t, err) != natslink.Denied {
		t.Errorf("publishing as another gateway: %v", err)
	}
	if n := len(natslinktest.Messages(t, js)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// TestE06: what a hostile gateway may try on the stream through its own subject and
// account leaves the other's report where it is.
func TestE06(t *testing.T) {
	sv, js, one, theirs := gateways(t)
	nc, err := nats.Connect(sv.URLOf(one), nats.CustomInboxPrefix(natslink.InboxPrefix("gw1")))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for name, headers := range map[string]map[string]string{
		"roll up everything":  {"Nats-Rollup": "all"},
		"roll up the subject": {"Nats-Rollup": "sub"},
		"own age":             {"Nats-TTL": "1s"},
		"as a counter":        {"Nats-Incr": "1"},
	} {
		m := natslink.ToMsg(report("gw1", 1, 1))
		for k, v := range headers {
			m.Header.Set(k, v)
		}
		ack, err := ask(t, nc, m)
		if err == nil {
			t.Errorf("%s: the server said %s", name, ack)
		}
	}
	for _, subject := range []string{"$JS.API.STREAM.PURGE.ROLLCALL", "$JS.API.STREAM.DELETE.ROLLCALL", "$JS.API.STREAM.MSG.DELETE.ROLLCALL"} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if m, err := nc.RequestWithContext(ctx, subject, []byte(`{"seq":1}`)); err == nil {
			t.Errorf("%s: the server said %s", subject, m.Data)
		}
		cancel()
	}
	if !contains(t, js, theirs) {
		t.Error("the other gateway's report is gone")
	}
	// Even an administrator's slip is refused by the stream itself.
	st, err := js.Stream(t.Context(), natslink.Stream)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Purge(t.Context()); err == nil {
		t.Error("the stream was purged")
	}
	if err := st.DeleteMsg(t.Context(), 1); err == nil {
		t.Error("a message was deleted")
	}
}

// ask publishes with an answer, and gives an error where the answer is one.
func ask(t *testing.T, nc *nats.Conn, m *nats.Msg) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), natslinktest.Patience)
	defer cancel()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ack, err := js.PublishMsg(ctx, m)
	if err != nil {
		return "", err
	}
	return ack.Stream, nil
}

func contains(t *testing.T, js jetstream.JetStream, e *inventory.Envelope) bool {
	t.Helper()
	for _, m := range natslinktest.Messages(t, js) {
		if string(m.Data) == string(e.Body) {
			return true
		}
	}
	return false
}

// TestE06Assert: a stream that would let one gateway harm another is refused by name.
func TestE06Assert(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	js := sv.JetStream(natslinktest.User{})
	for name, change := range map[string]func(*jetstream.StreamConfig){
		"rollup":  func(c *jetstream.StreamConfig) { c.AllowRollup, c.DenyPurge = true, false },
		"delete":  func(c *jetstream.StreamConfig) { c.DenyDelete = false },
		"purge":   func(c *jetstream.StreamConfig) { c.DenyPurge = false },
		"no acks": func(c *jetstream.StreamConfig) { c.NoAck = true },
		"memory":  func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"own age": func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true },
		"republish": func(c *jetstream.StreamConfig) {
			c.RePublish = &jetstream.RePublish{Source: ">", Destination: "copy.>"}
		},
		"subject missing": func(c *jetstream.StreamConfig) { c.Subjects = c.Subjects[:1] },
		"small messages":  func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 },
		"refuses new":     func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardNew },
	} {
		t.Run(name, func(t *testing.T) {
			c := natslink.StreamConfig()
			change(&c)
			// The server clears the folder of the stream of before after it said that it is deleted.
			natslinktest.Eventually(t, "a stream of that configuration", func() bool {
				_, err := js.CreateStream(t.Context(), c)
				return err == nil
			})
			_, err := natslink.AssertStream(t.Context(), js, natslink.StreamConfig())
			var bad *natslink.StreamError
			if !errors.As(err, &bad) || len(bad.Problems) == 0 {
				t.Errorf("taken: %v", err)
			}
			if err := js.DeleteStream(t.Context(), natslink.Stream); err != nil {
				t.Fatal(err)
			}
		})
	}
	for range 2 { // made, then found
		if _, err := natslink.AssertStream(t.Context(), js, natslink.StreamConfig()); err != nil {
			t.Error(err)
		}
	}
}

// TestE02: a gateway publishes with the other's subject as the place for the answer, and
// the server itself puts its acknowledgement there, past all permissions. What lands
// there is no envelope, and what stood there stays.
func TestE02(t *testing.T) {
	sv, js, one, theirs := gateways(t)
	nc, err := nats.Connect(sv.URLOf(one), nats.CustomInboxPrefix(natslink.InboxPrefix("gw1")))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	m := natslink.ToMsg(report("gw1", 1, 1))
	m.Reply = subjectOf(theirs)
	if err := nc.PublishMsg(m); err != nil {
		t.Fatal(err)
	}
	natslinktest.Eventually(t, "the attack was made", func() bool { return len(natslinktest.Messages(t, js)) >= 2 })
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, m := range natslinktest.Messages(t, js) {
		if m.Subject != subjectOf(theirs) {
			continue
		}
		e, err := natslink.FromMsg(m.Subject, m.Header, m.Data)
		if err == nil && e.Verify() == nil {
			good++
			if string(e.Body) != string(theirs.Body) {
				t.Errorf("a stranger's envelope stands under the gateway: %s", e.Body)
			}
		}
	}
	if good != 1 {
		t.Errorf("%d envelopes of the gateway itself, want its one", good)
	}
}

func subjectOf(e *inventory.Envelope) string { return natslink.Subject(e.Kind, e.Gateway) }
