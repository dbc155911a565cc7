package webhook

import (
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// A broker that comes back with an empty store has lost the bucket of leases. It is made again, and
// nobody takes the lease while another one may still go by what it held.
func TestLeaseOfALostBucket(t *testing.T) {
	t.Parallel()
	js := natslinktest.Start(t, natslinktest.Settings{}).JetStream(natslinktest.User{})
	settings := LeaseSettings{JetStream: js, Key: "k", Length: 2 * time.Second}
	holder, other := NewLease(settings), NewLease(settings)
	holds := func(l *Lease) bool { return time.Now().Before(l.Until()) }
	if err := holder.round(t.Context()); err != nil || !holds(holder) {
		t.Fatalf("nobody holds it: %v", err)
	}
	if err := other.round(t.Context()); err != nil || holds(other) {
		t.Fatalf("two hold it: %v", err)
	}
	until := holder.Until()
	if err := js.DeleteKeyValue(t.Context(), LeaseBucket); err != nil {
		t.Fatal(err)
	}
	natslinktest.Eventually(t, "the lease is taken again", func() bool { // by one that did not hold it
		_ = other.round(t.Context())
		if holds(other) && other.Until().Add(-settings.Length*9/10).Before(until) {
			t.Fatal("taken while it may be held")
		}
		return holds(other)
	})
	if err := js.DeleteKeyValue(t.Context(), LeaseBucket); err != nil {
		t.Fatal(err)
	}
	natslinktest.Eventually(t, "the lease is taken again", func() bool { // by the one that held it
		_ = other.round(t.Context())
		return holds(other)
	})
}
