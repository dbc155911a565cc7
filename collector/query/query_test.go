package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/query"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url)
	must(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// serve answers about a small fleet until the test ends.
func serve(t *testing.T, nc *nats.Conn) *fleet.Fleet {
	t.Helper()
	s := collectortest.Store(t)
	f := collectortest.Fleet(s)
	p := collectortest.Policy(t)
	for i := range 40 {
		g := collectortest.NewGateway(fmt.Sprintf("gw-%02d", i))
		_, err := collector.Take(t.Context(), collector.Settings{Store: s, Base: f.Base, Policy: p, Now: f.Now},
			g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", "")))
		must(t, err)
	}
	stranger := collectortest.NewGateway("gw-00")
	stranger.Key = collectortest.NewGateway("another").Key
	_, err := collector.Take(t.Context(), collector.Settings{Store: s, Base: f.Base, Policy: p, Now: f.Now}, stranger.Report(t))
	must(t, err)
	storetest.Index(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- query.Serve(ctx, query.Settings{Conn: nc, Fleet: f, Version: "v1.2.3-4-gabc"}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	return f
}

// ask waits until somebody answers.
func ask(t *testing.T, nc *nats.Conn, subject, request string) *nats.Msg {
	t.Helper()
	var m *nats.Msg
	natslinktest.Eventually(t, subject+" is answered", func() (ok bool) {
		var err error
		m, err = nc.Request(subject, []byte(request), 5*time.Second)
		return err == nil
	})
	return m
}

// The answers are those of the API, byte for byte.
func TestAsTheAPI(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	f := serve(t, dial(t, srv.URL()))
	guard, err := access.New(access.Settings{Store: collectortest.Store(t), Loopback: true})
	must(t, err)
	web := httptest.NewServer(api.New(api.Settings{Fleet: f, Guard: guard}))
	defer web.Close()
	nc := dial(t, srv.URL())
	for _, c := range []struct{ what, request, parameters string }{
		{"summary", "", ""},
		{"modules", "", ""},
		{"modules", `{"maker":["alpha","beta"],"limit":3,"sort":"-firmware"}`, "maker=alpha&maker=beta&limit=3&sort=-firmware"},
		{"modules", `{"conflict":true}`, "conflict=true"},
		{"gateways", `{"q":"gw-0","state":"heard"}`, "q=gw-0&state=heard"},
		{"gateways", `{"q":"gw 07"}`, "q=gw+07"},
		{"modules", `{"q":"alpha gw-07"}`, "q=alpha+gw-07"},
		{"rejected", `{"limit":5}`, "limit=5"},
		{"events", `{"kind":"gateway-new","limit":2}`, "kind=gateway-new&limit=2"},
		{"findings", `{"severity":"high"}`, "severity=high"},
	} {
		m := ask(t, nc, query.Prefix+c.what, c.request)
		r, err := web.Client().Get(web.URL + "/api/v1/" + c.what + "?" + c.parameters)
		must(t, err)
		b, err := io.ReadAll(r.Body)
		must(t, err)
		must(t, r.Body.Close())
		if string(m.Data) != string(b) || len(m.Data) < 30 {
			t.Errorf("%s %s: %.200s, the API says %.200s", c.what, c.request, m.Data, b)
		}
	}
	info := ask(t, nc, "$SRV.INFO."+query.Service, "")
	if !strings.Contains(string(info.Data), `"version":"1.2.3"`) {
		t.Errorf("the service says %s", info.Data)
	}
}

// What cannot be answered is said with the API's status, in one line of printable text.
func TestErrors(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{MaxPayload: 12 << 10})
	serve(t, dial(t, srv.URL()))
	nc := dial(t, srv.URL())
	for _, c := range []struct{ what, request, code, want string }{
		{"modules", "{", "400", "neither empty nor JSON"},
		{"modules", `{"colour":"red\u001b[2J\n"}`, "400", "colour"},
		{"modules", `{"co\r\nX: \u001b[2Jlour":"red"}`, "400", "lour: is not known"},
		{"modules", `{"maker":{"x":1}}`, "400", "takes a text"},
		{"modules", `{"maker":[["x"]]}`, "400", "takes a text"},
		{"modules", `{"cursor":"AAAA"}`, "400", "start again"},
		{"modules", `{"sort":"pr\u001b[2Jice\r\nX: y"}`, "400", "takes one of"},
		{"summary", `{"maker":"x"}`, "400", "takes none"},
		{"findings", `{"severity":"huge"}`, "400", "takes info, low"},
		{"modules", `{"limit":1000}`, "413", "ask for fewer"},
	} {
		m := ask(t, nc, query.Prefix+c.what, c.request)
		text := m.Header.Get("Nats-Service-Error")
		if m.Header.Get("Nats-Service-Error-Code") != c.code || !strings.Contains(text, c.want) || strings.ContainsAny(text, "\r\n\x1b") {
			t.Errorf("%s %s: %q %s %s", c.what, c.request, m.Header, m.Data, c.want)
		}
		var p api.Problem
		if c.code != "413" && (json.Unmarshal(m.Data, &p) != nil || fmt.Sprint(p.Status) != c.code) {
			t.Errorf("%s %s: %s", c.what, c.request, m.Data)
		}
	}
}

// slow is a store that answers when it is let.
type slow struct {
	store.Store
	begun, goOn chan struct{}
}

func (s *slow) Rejected(ctx context.Context, p store.Page) (store.RejectedList, error) {
	close(s.begun)
	select {
	case <-s.goOn:
	case <-ctx.Done():
		return store.RejectedList{}, ctx.Err()
	}
	return s.Store.Rejected(ctx, p)
}

// A question that came before the end is answered.
func TestAnswersOutlastTheEnd(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	s := &slow{Store: collectortest.Store(t), begun: make(chan struct{}), goOn: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	nc, ended := dial(t, srv.URL()), make(chan error, 1)
	go func() { ended <- query.Serve(ctx, query.Settings{Conn: nc, Fleet: collectortest.Fleet(s)}) }()
	mine := dial(t, srv.URL())
	ask(t, mine, "$SRV.PING."+query.Service, "")
	answer := make(chan *nats.Msg, 1)
	go func() {
		m, err := mine.Request(query.Prefix+"rejected", nil, natslinktest.Patience)
		if err != nil {
			t.Error(err)
		}
		answer <- m
	}()
	select {
	case <-s.begun:
	case <-time.After(natslinktest.Patience):
		t.Fatal("nothing is asked")
	}
	cancel()
	select { // until what is under way is done
	case err := <-ended:
		t.Fatalf("ended before the answer: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(s.goOn)
	if m := <-answer; m == nil || m.Header.Get("Nats-Service-Error-Code") != "" || !strings.HasPrefix(string(m.Data), `{"items":[]`) {
		t.Errorf("answered %+v", m)
	}
	must(t, <-ended)
}

// Who may ask is what the broker says.
func TestPermissions(t *testing.T) {
	reader := natslinktest.User{Name: "reader", Password: "x", Publish: []string{query.Prefix + "modules"}, Subscribe: []string{"_INBOX.>"}}
	gateway := natslinktest.User{Name: "gw-1", Password: "x", Publish: []string{"rollcall.v1.report.gw-1"}, Subscribe: []string{"_INBOX.>"}}
	server := natslinktest.User{Name: "collector", Password: "x", Publish: []string{"rollcall.v1.event.>"},
		Subscribe: []string{"_INBOX.>", query.Prefix + "*", "$SRV.PING", "$SRV.PING.rollcall-collector", "$SRV.PING.rollcall-collector.*",
			"$SRV.INFO", "$SRV.INFO.rollcall-collector", "$SRV.INFO.rollcall-collector.*", "$SRV.STATS", "$SRV.STATS.rollcall-collector", "$SRV.STATS.rollcall-collector.*"}}
	srv := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{reader, gateway, server}})
	serve(t, dial(t, srv.URLOf(server)))
	mine := dial(t, srv.URLOf(reader))
	if m := ask(t, mine, query.Prefix+"modules", ""); !strings.Contains(string(m.Data), `"gw-01"`) {
		t.Errorf("the reader gets %s", m.Data)
	}
	for _, c := range []struct {
		nc      *nats.Conn
		subject string
	}{{mine, query.Prefix + "gateways"}, {dial(t, srv.URLOf(gateway)), query.Prefix + "modules"}} {
		if m, err := c.nc.Request(c.subject, nil, 300*time.Millisecond); err == nil {
			t.Errorf("%s is answered: %.100s", c.subject, m.Data)
		}
	}
}

func FuzzParameters(f *testing.F) {
	for _, s := range []string{"", `{}`, `{"maker":["a","b"],"limit":3}`, `{"x":1e400}`, `[1]`, `{"conflict":true}`, `{"x":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := query.Parameters(b)
		if err != nil {
			return
		}
		for name, list := range v { // what was read can be written as an address and read again
			again, err := url.ParseQuery(url.Values{name: list}.Encode())
			if err != nil || len(again[name]) != len(list) {
				t.Fatalf("%q became %v, %v", name, again, err)
			}
		}
	})
}
