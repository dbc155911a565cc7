package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	collecting "github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/cli"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// A simulated fleet against a real broker and a real collector: all of it arrives, is believed
// and identified, and the changes are told.
func TestSimulateFleet(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rollcall.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	base, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- collecting.Run(ctx, collecting.Settings{Conn: nc, Store: s, Base: base, Ready: func() { close(ready) }})
	}()
	<-ready
	var out, errs bytes.Buffer
	if code := cli.Run(t.Context(), []string{"simulate", "--fleet", "60", "--nats-url", srv.URL(), "--duration", "1s", "--rate", "300", "--change", "0.2", "-o", "json"},
		nil, &out, &errs); code != 0 {
		t.Fatalf("exit status %d: %s", code, errs.String())
	}
	var figures struct{ Reports, Acknowledged, Lost int }
	if err := json.Unmarshal(out.Bytes(), &figures); err != nil || figures.Reports <= 60 || figures.Acknowledged != figures.Reports || figures.Lost != 0 {
		t.Fatalf("%v: %s", err, out.String())
	}
	natslinktest.Eventually(t, "all of it is stored", func() bool { return stored(t, s) == figures.Reports })
	ms, err := s.Modules(t.Context(), store.ModuleFilter{}, store.Page{Limit: 100})
	if err != nil || len(ms.Items) != 60 {
		t.Errorf("%d modules: %v", len(ms.Items), err)
	}
	kinds := map[store.EventKind]int{}
	es, err := s.EventsAfter(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		kinds[e.Kind]++
	}
	if kinds[store.GatewayNew] != 60 || kinds[store.FirmwareChanged] == 0 {
		t.Errorf("events: %v", kinds)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func stored(t *testing.T, s store.Store) (n int) {
	t.Helper()
	gs, err := s.Gateways(t.Context(), store.GatewayFilter{}, store.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gs.Items {
		rs, err := s.Reports(t.Context(), g.ID, store.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		n += len(rs.Items)
	}
	return n
}

func TestSimulateFleetSaysWhatIsWrong(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{NoJetStream: true})
	nobody := srv.URL()
	srv.Stop()
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"--fleet 0":                         {2, "--fleet takes 1"},
		"--fleet -1":                        {2, "--fleet takes 1"},
		"--fleet 1 --change 2":              {2, "--change is a share"},
		"--fleet 1 --rate -1":               {2, "not negative"},
		"--fleet 1 --connections 0":         {2, "--connections takes"},
		"--fleet 1 -o csv":                  {2, "table, json"},
		"--fleet 1 --nats-url " + nobody:    {1, "start one, or name another"},
		"--fleet 1 --from not-there.jsonl":  {1, "not-there.jsonl"},
		"--fleet 1 --creds not-there.creds": {1, "not-there.creds"},
	} {
		var out, errs bytes.Buffer
		if code := cli.Run(t.Context(), append([]string{"simulate"}, strings.Fields(args)...), nil, &out, &errs); code != want.code || !strings.Contains(errs.String(), want.text) {
			t.Errorf("simulate %s: exit status %d, says %q; want %d and %q", args, code, errs.String(), want.code, want.text)
		}
	}
}
