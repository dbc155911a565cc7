package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"fmt"
	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/inventory"
)

// BenchmarkExport streams a fleet with its evidence; one operation is one module.
func BenchmarkExport(b *testing.B) {
	const gateways = 3000
	s := collectortest.Store(b)
	base := &collectortest.Base{Data: "test-1"}
	var es []*inventory.Envelope
	for i := range gateways {
		g := collectortest.NewGateway(fmt.Sprintf("gw-%05d", i))
		es = append(es, g.Report(b, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", "")))
		if len(es) == 500 {
			_, err := collector.Take(b.Context(), collector.Settings{Store: s, Base: base}, es...)
			must(b, err)
			es = nil
		}
	}
	srv := httptest.NewServer(api.New(settings(b, s)))
	defer srv.Close()
	for _, evidence := range []string{"false", "true"} {
		b.Run("evidence="+evidence, func(b *testing.B) {
			n := 0
			for b.Loop() {
				r, err := http.Get(srv.URL + "/api/v1/export/modules?sort=gateway&evidence=" + evidence)
				must(b, err)
				_, err = io.Copy(io.Discard, r.Body)
				must(b, err)
				must(b, r.Body.Close())
				n += gateways
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "modules/s")
		})
	}
}
