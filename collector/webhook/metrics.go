package webhook

import "github.com/prometheus/client_golang/prometheus"

// metrics are the counts for Prometheus. The names of hooks are the operator's.
type metrics struct {
	deliveries *prometheus.CounterVec
	failing    *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollcall_webhook_deliveries_total",
			Help: "Tries to send events to webhooks, by outcome: sent, failed (tried again), dead (given up)."}, []string{"webhook", "outcome"}),
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rollcall_webhook_failing",
			Help: "1 while the last try to send to the webhook failed."}, []string{"webhook"}),
	}
	r.MustRegister(m.deliveries, m.failing)
	return m
}

func (m *metrics) count(hook, outcome string) { m.deliveries.WithLabelValues(hook, outcome).Inc() }
