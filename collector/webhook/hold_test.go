package webhook

import (
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// A lease whose holder ended without a word is taken by the next one, and never while the
// first one could still believe to have it.
func TestLeaseOfACrashedHolder(t *testing.T) {
	t.Parallel()
	broker := natslinktest.Start(t, natslinktest.Settings{})
	const length = 4 * time.Second
	lease := func() *Lease {
		return NewLease(LeaseSettings{JetStream: broker.JetStream(natslinktest.User{}), Key: "k", Length: length})
	}
	round := func(l *Lease) {
		t.Helper()
		if err := l.round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a, b := lease(), lease()
	round(a)
	if !a.Until().After(time.Now()) {
		t.Fatal("the first one did not get it")
	}
	round(a)
	seen := time.Now()
	for end := seen.Add(natslinktest.Patience); !b.Until().After(time.Now()); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the second one never got it")
		}
		round(b)
	}
	if took := time.Since(seen); took < length || a.Until().After(time.Now()) {
		t.Errorf("taken after %v, while the first one has it until %v", took, a.Until())
	}
	// The first one wakes up.
	if err := a.round(t.Context()); err == nil || a.Until().After(time.Now()) {
		t.Errorf("two have it: %v", err)
	}
	round(a)
	if a.held {
		t.Error("two have it")
	}
	// An answer that was lost is no other holder.
	b.held, b.revision = false, 0
	round(b)
	if !b.held || !b.Until().After(time.Now()) {
		t.Error("the holder does not know its own lease")
	}
	b.release(t.Context())
	round(a)
	if !a.held || !a.Until().After(time.Now()) {
		t.Error("a lease that was given back is not taken")
	}
}

// The rights of a collector are enough.
func TestRights(t *testing.T) {
	t.Parallel()
	user := natslinktest.User{Name: "collector", Password: "x", Subscribe: []string{"_INBOX.>"}, Publish: Rights()}
	broker := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, user}})
	l := NewLease(LeaseSettings{JetStream: broker.JetStream(user), Key: "k"})
	for range 2 {
		if err := l.round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	l.release(t.Context())
	if err := l.round(t.Context()); err != nil || !l.Until().After(time.Now()) {
		t.Errorf("%v", err)
	}
}
