package enroll

import (
	"slices"
	"testing"

	"github.com/rollcall-iot/rollcall/bundle/follow"
	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/collector/query"
	"github.com/rollcall-iot/rollcall/collector/webhook"
)

// What a collector does beside collecting is allowed to it.
func TestCollectorRights(t *testing.T) {
	allowed := Collector.rights("c").publish
	for _, subject := range slices.Concat(deadletter.Rights(), webhook.Rights(), follow.Rights(follow.Bucket)) {
		if !slices.Contains(allowed, subject) {
			t.Errorf("a collector may not publish on %s", subject)
		}
	}
	for _, subject := range query.Rights() {
		if !slices.Contains(Collector.rights("c").subscribe, subject) {
			t.Errorf("a collector may not subscribe to %s", subject)
		}
	}
}
