package collector

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-iot/rollcall/collector/deadletter"
)

const (
	// buryTime is what one batch may wait for the stream of dead letters, buryPause how long
	// none waits after that was not enough.
	buryTime  = 2 * time.Second
	buryPause = time.Minute
)

// dead puts messages that were not believed into the stream of dead letters, before they are
// acknowledged. A stream that does not answer holds nobody up for long: the store has the
// rejected message, too.
type dead struct {
	box  *deadletter.Box
	log  *slog.Logger
	kept *prometheus.CounterVec
	// until is when the stream is tried again.
	mu    sync.Mutex
	until time.Time
}

func newDead(js jetstream.JetStream, replicas int, log *slog.Logger, r *prometheus.Registry) *dead {
	d := &dead{box: deadletter.New(js, replicas), log: log, kept: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollcall_dead_letters_total",
		Help: "Rejected messages, by whether the stream of dead letters took them."}, []string{"outcome"})}
	r.MustRegister(d.kept)
	for _, outcome := range []string{"kept", "lost"} {
		d.kept.WithLabelValues(outcome) // from the start, so that the first one is an increase
	}
	return d
}

// bury puts what a batch holds of rejected messages into the stream.
func (d *dead) bury(batch []*item) {
	var letters []deadletter.Letter
	for _, it := range batch {
		if it.outcome.Verdict == Rejected {
			letters = append(letters, letter(it))
		}
	}
	if len(letters) == 0 {
		return
	}
	start := time.Now()
	if d.paused(start) {
		d.kept.WithLabelValues("lost").Add(float64(len(letters)))
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), buryTime)
	defer cancel()
	if err := d.box.Put(ctx, letters...); err != nil {
		d.pause(time.Now().Add(buryPause))
		d.kept.WithLabelValues("lost").Add(float64(len(letters)))
		d.log.Warn("rejected messages are not in the stream of dead letters, only in the store", "error", err, "messages", len(letters), "pause", buryPause)
		return
	}
	d.kept.WithLabelValues("kept").Add(float64(len(letters)))
}

func (d *dead) paused(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return now.Before(d.until)
}

func (d *dead) pause(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = until
}

func letter(it *item) deadletter.Letter {
	l := deadletter.Letter{Reason: string(it.outcome.Reason), Subject: it.subject, Header: it.header, Body: it.body, Time: it.received, Sequence: it.sequence,
		ID: fmt.Sprintf("%d.%d", it.sequence, it.received.UnixNano())}
	if it.outcome.Err != nil {
		l.Text = it.outcome.Err.Error()
	}
	return l
}
