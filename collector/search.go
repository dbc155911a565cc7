package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-iot/rollcall/collector/store"
)

const (
	searchEvery = 500 * time.Millisecond
	searchBatch = 250
	// searchShare is how much longer than each batch took the follower rests after it: what
	// arrives goes first, also in a store with one writer.
	searchShare = 3
)

// keepSearch makes gateways findable behind the intake, until ctx ends. What waits stands in
// the store, so that whoever comes next goes on.
func (c *collector) keepSearch(ctx context.Context) {
	for {
		start := time.Now()
		n, err := c.s.Store.IndexSearch(ctx, searchBatch)
		c.report("index words for the search", err)
		pause := searchEvery
		if n == searchBatch {
			pause = min(searchShare*time.Since(start), searchEvery)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// watchSearch tells how many gateways wait.
func watchSearch(r *prometheus.Registry, s store.Keeper) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "rollcall_search_waiting",
		Help: "Gateways that searches do not have yet, or have with their former words."}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		n, err := s.SearchWaiting(ctx)
		if err != nil {
			return -1
		}
		return float64(n)
	}))
}
