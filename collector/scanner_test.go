package collector

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// What gateways answer to a request to look is told apart.
func TestScanner(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	agents := srv.JetStream(natslinktest.User{}).Conn()
	s, err := micro.AddService(agents, micro.Config{Name: natslink.Service, Version: "1.0.0"})
	must(t, err)
	for gateway, answer := range map[string]func(micro.Request){
		"well": func(r micro.Request) { _ = r.RespondJSON(map[string]string{"gateway": "well"}) },
		"busy": func(r micro.Request) {
			_ = r.Error("429", "busy", nil, micro.WithHeaders(micro.Headers{"Retry-After": {"42"}}))
		},
		"odd": func(r micro.Request) {
			_ = r.Error("429", "busy", nil, micro.WithHeaders(micro.Headers{"Retry-After": {"-1"}}))
		},
		"broken": func(r micro.Request) { _ = r.Error("503", "the port\u202e is \x1b[2J gone", nil) },
		"mute":   func(micro.Request) {},
	} {
		must(t, s.AddEndpoint(gateway, micro.HandlerFunc(answer), micro.WithEndpointSubject(natslink.ScanSubject(gateway))))
	}
	must(t, agents.Flush())
	ask := scanner{srv.JetStream(natslinktest.User{}).Conn()}
	must(t, ask.Scan(t.Context(), "well"))
	for gateway, want := range map[string]time.Duration{"busy": 42 * time.Second, "odd": time.Minute} {
		var busy *fleet.BusyError
		if err := ask.Scan(t.Context(), gateway); !errors.As(err, &busy) || busy.Wait != want {
			t.Errorf("%s: %v, want to wait %s", gateway, err, want)
		}
	}
	if err := ask.Scan(t.Context(), "broken"); !errors.Is(err, fleet.ErrAway) || !strings.Contains(err.Error(), "gone") || strings.ContainsAny(err.Error(), "\u202e\x1b") {
		t.Errorf("broken: %v", err)
	}
	if err := ask.Scan(t.Context(), "nobody"); !errors.Is(err, fleet.ErrAway) {
		t.Errorf("nobody: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := ask.Scan(ctx, "mute"); !errors.Is(err, fleet.ErrAway) {
		t.Errorf("mute: %v", err)
	}
	got := make(chan *nats.Msg, 8)
	sub, err := agents.ChanSubscribe("rollcall.v1.>", got)
	must(t, err)
	must(t, agents.Flush())
	for _, gateway := range []string{"*", ">", "a.b", "", "x y", "gw\r\nPUB evil"} {
		if err := ask.Scan(t.Context(), gateway); err == nil || errors.Is(err, fleet.ErrAway) {
			t.Errorf("gateway %q is asked: %v", gateway, err)
		}
	}
	must(t, ask.conn.Flush())
	must(t, agents.Flush())
	if len(got) != 0 {
		t.Errorf("%q was asked", (<-got).Subject)
	}
	must(t, sub.Unsubscribe())
}
