package collector

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// A broker whose store is full goes on taking reports where the stream is bounded: the oldest
// go. Without a bound it would refuse all new ones until the old have aged.
func TestBoundedStreamTakesNewReports(t *testing.T) {
	const room = 4 << 20
	for name, bound := range map[string]int64{"bounded": room * 3 / 4, "without a bound": 0} {
		t.Run(name, func(t *testing.T) {
			srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: room, NoSigs: true, NoLog: true})
			must(t, err)
			go srv.Start()
			t.Cleanup(srv.Shutdown)
			if !srv.ReadyForConnections(natslinktest.Patience) {
				t.Fatal("the server does not start")
			}
			nc, err := nats.Connect(srv.ClientURL())
			must(t, err)
			t.Cleanup(nc.Close)
			c, err := newCollector(Settings{Conn: nc, Store: collectortest.Store(t), Base: &collectortest.Base{Data: "1"}, StreamBytes: bound})
			must(t, err)
			_, err = c.consumer(t.Context())
			must(t, err)
			refused := 0
			for i := range 2 * room / 32_000 {
				m := nats.NewMsg(natslink.Subject("report", fmt.Sprintf("gw-%d", i)))
				m.Data = make([]byte, 32_000)
				if _, err := c.js.PublishMsg(t.Context(), m, jetstream.WithRetryAttempts(0)); err != nil {
					refused++
				}
			}
			if (refused == 0) != (bound > 0) {
				t.Errorf("%d messages were refused", refused)
			}
		})
	}
}
