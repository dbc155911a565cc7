package collector

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// metrics are the counts for Prometheus. Labels are of closed sets: nothing that a gateway
// says becomes one.
type metrics struct {
	messages  *prometheus.CounterVec
	rejected  *prometheus.CounterVec
	events    *prometheus.CounterVec
	batches   prometheus.Histogram
	sizes     prometheus.Histogram
	failures  prometheus.Counter
	rejudged  prometheus.Counter
	lastStore prometheus.Gauge
}

func newMetrics(r *prometheus.Registry, s store.Reader) *metrics {
	m := &metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollcall_messages_total",
			Help: "Messages taken from the stream, by kind and outcome."}, []string{"kind", "outcome"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollcall_rejected_total",
			Help: "Messages that were not believed, by reason."}, []string{"reason"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollcall_events_total",
			Help: "Events that this collector stored, by kind: what changed in the fleet."}, []string{"kind"}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "rollcall_store_seconds",
			Help: "Time to settle and store one batch.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}),
		sizes: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "rollcall_store_messages",
			Help: "Messages in one batch.", Buckets: prometheus.ExponentialBuckets(1, 4, 6)}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "rollcall_store_failures_total",
			Help: "Batches that could not be stored at once."}),
		rejudged: prometheus.NewCounter(prometheus.CounterOpts{Name: "rollcall_judged_anew_total",
			Help: "Gateways judged again because knowledge changed."}),
		lastStore: prometheus.NewGauge(prometheus.GaugeOpts{Name: "rollcall_last_store_timestamp_seconds",
			Help: "When the last batch was stored."}),
	}
	// There from the start: increase() takes a counter that appears with its first count for one
	// that did not grow.
	for _, reason := range reasons() {
		m.rejected.WithLabelValues(string(reason))
	}
	for _, kind := range store.EventKinds() {
		m.events.WithLabelValues(string(kind))
	}
	r.MustRegister(m.messages, m.rejected, m.events, m.batches, m.sizes, m.failures, m.rejudged, m.lastStore, &fleetGauges{s})
	return m
}

// metricsOf serves what can be told: while the store does not answer, the figures of the fleet are
// left out, and those that say so are still there.
func metricsOf(r prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// watch counts how far the fleet has been judged again.
func (m *metrics) watch(r *prometheus.Registry, k *judge.Knowledge) {
	gauge := func(name, help string, value func(judge.Progress) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value(k.Progress())) })
	}
	r.MustRegister(
		gauge("rollcall_judging_gateways", "Gateways to be judged again by the present knowledge when that began.", func(p judge.Progress) int { return p.Gateways }),
		gauge("rollcall_judging_done", "How many of them have been.", func(p judge.Progress) int { return p.Done }))
}

func (m *metrics) outcome(it *item) {
	kind := "unknown"
	switch {
	case it.report != nil:
		kind = "report"
	case it.beat != nil:
		kind = "heartbeat"
	}
	m.messages.WithLabelValues(kind, it.outcome.Verdict.String()).Inc()
	if it.outcome.Verdict == Rejected {
		m.rejected.WithLabelValues(string(it.outcome.Reason)).Inc()
	}
}

// happened counts events that are stored. Those that take the place of dropped ones were counted: a
// report that came late tells of the same change in another way. A nil m counts nothing.
func (m *metrics) happened(events []store.Event, dropped map[store.EventKind]int) {
	if m == nil {
		return
	}
	more := map[store.EventKind]int{}
	for i := range events {
		more[events[i].Kind]++
	}
	for kind, n := range more {
		m.events.WithLabelValues(string(kind)).Add(float64(max(0, n-dropped[kind])))
	}
}

func (m *metrics) batch(n int, took time.Duration) {
	m.batches.Observe(took.Seconds())
	m.sizes.Observe(float64(n))
	m.lastStore.SetToCurrentTime()
}

// fleetGauges are read from the store when they are asked for.
type fleetGauges struct{ store store.Reader }

// findingsGauge counts open findings. Severities are a closed set.
func findingsGauge() *prometheus.Desc {
	return prometheus.NewDesc("rollcall_findings", "Open findings that no exception covers.", []string{"severity"}, nil)
}

type fleetGauge struct {
	desc  *prometheus.Desc
	value func(store.Figures) int
}

func (*fleetGauges) gauges() []fleetGauge {
	g := func(name, help string, value func(store.Figures) int) fleetGauge {
		return fleetGauge{prometheus.NewDesc(name, help, nil, nil), value}
	}
	return []fleetGauge{
		g("rollcall_gateways", "Gateways that are known.", func(f store.Figures) int { return f.Gateways }),
		g("rollcall_gateways_silent", "Gateways that were not heard of for too long.", func(f store.Figures) int { return f.Silent }),
		g("rollcall_gateways_conflict", "Gateways whose identity or order contradicts itself.", func(f store.Figures) int { return f.Conflicts }),
		g("rollcall_modules", "Modules in the fleet now.", func(f store.Figures) int { return f.Modules }),
		g("rollcall_modules_identified", "Modules whose maker and model are proven.", func(f store.Figures) int { return f.Identified }),
		g("rollcall_modules_conflict", "Modules of which evidence disagrees.", func(f store.Figures) int { return f.Conflicted }),
	}
}

// Describe implements [prometheus.Collector].
func (g *fleetGauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range g.gauges() {
		ch <- d.desc
	}
	ch <- findingsGauge()
}

// Collect implements [prometheus.Collector].
func (g *fleetGauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	f, err := g.store.Figures(ctx)
	for _, d := range g.gauges() {
		if err != nil {
			ch <- prometheus.NewInvalidMetric(d.desc, err)
			continue
		}
		ch <- prometheus.MustNewConstMetric(d.desc, prometheus.GaugeValue, float64(d.value(f)))
	}
	counts, err := g.store.FindingCounts(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(findingsGauge(), err)
		return
	}
	by := map[string]int{}
	for _, c := range counts {
		switch {
		case c.Covered:
		case c.Modules > 0:
			by[c.Severity] += c.Modules
		default:
			by[c.Severity] += c.Gateways
		}
	}
	for _, s := range store.Severities() {
		ch <- prometheus.MustNewConstMetric(findingsGauge(), prometheus.GaugeValue, float64(by[s]), s)
	}
}
