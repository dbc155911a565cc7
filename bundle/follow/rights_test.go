package follow_test

import (
	"context"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/bundle/bundletest"
	"github.com/rollcall-iot/rollcall/bundle/follow"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// These rights are enough to watch a bucket, and let nobody write to it.
func TestRights(t *testing.T) {
	user := natslinktest.User{Name: "collector", Password: "x", Subscribe: []string{"_INBOX.>"}, Publish: follow.Rights(follow.Bucket)}
	broker := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, user}})
	u := make(used, 9)
	s := settings(t, u)
	s.JetStream, s.Bucket = broker.JetStream(user), follow.Bucket
	if err := push(t, broker.JetStream(natslinktest.Admin), bundletest.Make(t, 1, 1, bundletest.Good(1)...), follow.Publication{}); err != nil {
		t.Fatal(err)
	}
	start(t, s)
	u.want(t, 1)
	if err := push(t, broker.JetStream(natslinktest.Admin), bundletest.Make(t, 2, 1, bundletest.Good(2)...), follow.Publication{}); err != nil {
		t.Fatal(err)
	}
	u.want(t, 2)
	b, err := bundle.Read(bundletest.Make(t, 3, 1, bundletest.Good(3)...))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a question that is not allowed gets no answer
	defer cancel()
	if err := follow.Push(ctx, s.JetStream, b, follow.Publication{}); err == nil {
		t.Error("whoever may watch may publish, too")
	}
}
