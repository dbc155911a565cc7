package deadletter_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

func stored(t *testing.T, js jetstream.JetStream) []*jetstream.RawStreamMsg {
	t.Helper()
	st, err := js.Stream(t.Context(), deadletter.Stream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := st.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []*jetstream.RawStreamMsg
	for n := info.State.FirstSeq; n <= info.State.LastSeq; n++ {
		m, err := st.GetMsg(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func put(t *testing.T, b *deadletter.Box, letters ...deadletter.Letter) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), natslinktest.Patience)
	defer cancel()
	return b.Put(ctx, letters...)
}

func TestPut(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	js := broker.JetStream(natslinktest.User{})
	box := deadletter.New(js, 0)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	l := deadletter.Letter{Reason: "bad-signature", Text: "no\nsuch \x1b[2Jkey", ID: "1", Subject: "rollcall.v1.report.gw-1", Body: []byte("{}"), Time: at, Sequence: 7,
		Header: nats.Header{"Rollcall-Key": {"abc"}, "Nats-Rollup": {"all"}, "Nats-Msg-Id": {"x"}, "a b": {"c"}, "Long": {strings.Repeat("x", 5000)}}}
	for range 2 { // the same again is one
		if err := put(t, box, l); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(t, box, deadletter.Letter{Reason: "a.b >", Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	got := stored(t, js)
	if len(got) != 2 || got[0].Subject != "rollcall.v1.dead.bad-signature" || got[1].Subject != "rollcall.v1.dead.other" || string(got[0].Data) != "{}" {
		t.Fatalf("%d letters: %+v", len(got), got)
	}
	h := got[0].Header
	for name, want := range map[string]string{
		deadletter.HeaderReason: "bad-signature", deadletter.HeaderSubject: "rollcall.v1.report.gw-1", deadletter.HeaderSequence: "7",
		deadletter.HeaderTime: "2026-11-22T12:00:00Z", deadletter.HeaderOriginal + "Rollcall-Key": "abc", deadletter.HeaderOriginal + "Nats-Rollup": "all",
		deadletter.HeaderOriginal + "Nats-Msg-Id": "x", deadletter.HeaderOriginal + "a b": "",
		// What a message says means nothing to the broker.
		"Nats-Rollup": "", "Rollcall-Key": "", "Nats-Msg-Id": "1",
	} {
		if h.Get(name) != want {
			t.Errorf("header %s is %q, want %q", name, h.Get(name), want)
		}
	}
	if text := h.Get(deadletter.HeaderText); strings.ContainsAny(text, "\n\x1b") || !strings.HasPrefix(text, "no") || len(h.Get(deadletter.HeaderOriginal+"Long")) != 1024 {
		t.Errorf("text %q", text)
	}
}

// A stream that somebody made stays as it is; one that was deleted is made anew.
func TestStream(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{MaxPayload: 128 << 10})
	js := broker.JetStream(natslinktest.User{})
	own := deadletter.StreamConfig()
	own.MaxAge = time.Hour
	if _, err := js.CreateStream(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	box := deadletter.New(js, 0)
	if err := put(t, box, deadletter.Letter{Reason: "a", Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(t.Context(), deadletter.Stream)
	if err != nil || st.CachedInfo().Config.MaxAge != time.Hour {
		t.Errorf("%v, %v", st, err)
	}
	if err := js.DeleteStream(t.Context(), deadletter.Stream); err != nil {
		t.Fatal(err)
	}
	if err := put(t, box, deadletter.Letter{Reason: "a", Body: []byte("x")}); err == nil {
		t.Error("put into a stream that is gone")
	}
	// As large as the broker takes, and then larger by what is said of it.
	body := bytes.Repeat([]byte("x"), 128<<10)
	if err := put(t, box, deadletter.Letter{Reason: "a", Body: body}); err != nil {
		t.Fatal(err)
	}
	got := stored(t, js)
	if len(got) != 1 || len(got[0].Data) != 64<<10 || got[0].Header.Get(deadletter.HeaderSize) != fmt.Sprint(len(body)) {
		t.Errorf("%d letters", len(got))
	}
	if c := deadletter.StreamConfig(); c.MaxBytes <= 0 || c.MaxAge <= 0 || c.Discard != jetstream.DiscardOld {
		t.Errorf("a made stream is not bounded: %+v", c)
	}
}

// The rights of a collector are enough.
func TestRights(t *testing.T) {
	user := natslinktest.User{Name: "collector", Password: "x", Subscribe: []string{"_INBOX.>"}, Publish: deadletter.Rights()}
	broker := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, user}})
	if err := put(t, deadletter.New(broker.JetStream(user), 0), deadletter.Letter{Reason: "a", Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, broker.JetStream(natslinktest.Admin)); len(got) != 1 {
		t.Errorf("%d letters", len(got))
	}
}
