package enroll_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/enroll/join"
)

// BenchmarkAnswer is all that an approver does for one who asks: verify, open the authority, decide, keep.
func BenchmarkAnswer(b *testing.B) {
	dir := b.TempDir() + "/authority"
	a, err := enroll.Init(dir, enroll.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Close(); err != nil {
		b.Fatal(err)
	}
	answer := func(b *testing.B, name string, user nkeys.KeyPair, p enroll.JoinPolicy, want join.Status) {
		b.StopTimer()
		body, err := join.Seal(&join.Request{Gateway: name}, user, ed25519.NewKeyFromSeed(make([]byte, 32)))
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		r, err := join.Open(name, body)
		if err != nil {
			b.Fatal(err)
		}
		a, err := enroll.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		defer a.Close()
		if got, err := a.Join(r, p); err != nil || got.Status != want {
			b.Fatal(got, err)
		}
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	b.Run("at-once", func(b *testing.B) {
		for b.Loop() {
			n++
			name := fmt.Sprintf("at-once-%d", n)
			answer(b, name, user, enroll.JoinPolicy{List: enroll.List{name: ""}}, join.Joined)
		}
	})
	b.Run("still-waiting", func(b *testing.B) {
		for b.Loop() {
			answer(b, "waiting", user, enroll.JoinPolicy{}, join.Pending)
		}
	})
	b.Run("joined", func(b *testing.B) {
		for b.Loop() {
			answer(b, "at-once-1", user, enroll.JoinPolicy{}, join.Joined)
		}
	})
}
