package hbom_test

import (
	"fmt"
	"io"
	"iter"
	"runtime"
	"testing"

	"github.com/rollcall-iot/rollcall/hbom"
)

// fleet gives n gateways with one module each, two in five of them named in a list.
func fleet(n int) iter.Seq2[hbom.Item, error] {
	return func(yield func(hbom.Item, error) bool) {
		for i := range n {
			it := hbom.Item{Gateway: gateway(fmt.Sprintf("gw-%07d", i)), Module: badged("usb:1-1.3")}
			if i%5 < 2 {
				it.Module, it.Findings = quectel("usb:1-1.2"), named()
			}
			if !yield(it, nil) {
				return
			}
		}
	}
}

// BenchmarkStream gives the time for one module, and what is held in memory at the end.
func BenchmarkStream(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := &counter{at: n}
				if err := hbom.StreamCycloneDX(w, fleet(n), settings("")); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(w.bytes)/float64(n), "doc-B/module")
				b.ReportMetric(float64(w.heap)/(1<<20), "heap-MiB")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/module")
		})
	}
}

// counter counts, and looks at the heap after the last gateway.
type counter struct {
	at, writes int
	bytes      int64
	heap       uint64
}

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	if c.writes++; c.writes == 2*c.at {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		c.heap = m.HeapAlloc
	}
	return len(p), nil
}

func BenchmarkGateway(b *testing.B) {
	items := oneGateway()
	b.ReportAllocs()
	for b.Loop() {
		if err := hbom.CycloneDX(io.Discard, items, settings("")); err != nil {
			b.Fatal(err)
		}
	}
}
