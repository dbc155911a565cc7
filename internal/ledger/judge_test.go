package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// judge asks what must hold once faults have ended.
func (s *site) judge() {
	s.truth()
	s.liveness()
	s.conservation()
	s.noHarm()
	s.integrity()
}

const patience = 90 * time.Second

// within waits until is holds; why tells what is missing.
func (s *site) within(what string, is func() (why string)) {
	s.t.Helper()
	var why string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if why = is(); why == "" {
			return
		}
	}
	s.t.Fatalf("waited %v in vain: %s: %s", patience, what, why)
}

// get asks the collector's API.
func (s *site) get(path string, into any) error {
	s.mu.Lock()
	base := s.base
	s.mu.Unlock()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, base+path, nil)
	if err != nil {
		return err
	}
	return s.ask(r, into)
}

func (s *site) ask(r *http.Request, into any) error {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	answer, err := http.DefaultClient.Do(r.WithContext(ctx))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", r.URL, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// table is what is fitted: by port, model, firmware and IMEI.
type table map[string]string

func row(i inventory.Identity) string {
	return strings.TrimSpace(fmt.Sprint(i.Maker, " ", i.Model, " ", i.Firmware, " ", i.IMEI))
}

func (g *gateway) ledger() table {
	all := table{}
	for _, p := range g.ports {
		all["tty:"+p.path] = row(p.module)
	}
	return all
}

// truth: the table of the collector is what the ledger says.
func (s *site) truth() {
	for _, g := range s.gateways {
		s.within("the table of "+g.id+" is true", g.differs)
	}
}

func (g *gateway) differs() string {
	var answer struct {
		State   string `json:"state"`
		Modules []struct {
			ID       string             `json:"id"`
			State    inventory.State    `json:"state"`
			Identity inventory.Identity `json:"identity"`
		} `json:"modules_now"`
	}
	if err := g.get("/api/v1/gateways/"+g.id, &answer); err != nil {
		return err.Error()
	}
	got, want := table{}, g.ledger()
	var states []inventory.State
	for _, m := range answer.Modules {
		got[m.ID] = row(m.Identity)
		states = append(states, m.State)
	}
	if !maps.Equal(got, want) || answer.State != "heard" {
		return fmt.Sprintf("state %s, modules %v\nsays %v\nwant %v", answer.State, states, got, want)
	}
	return ""
}

// liveness: a new module is asked for through the collector, and appears.
func (s *site) liveness() {
	g := s.gateways[len(s.gateways)-1]
	g.plug(g.ports[1], s.kinds[2])
	var asked time.Time
	s.within("a new module appears", func() string {
		if time.Since(asked) > 3*time.Second {
			asked = time.Now()
			s.mu.Lock()
			base := s.base
			s.mu.Unlock()
			r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, base+"/api/v1/gateways/"+g.id+"/scan", strings.NewReader("{}"))
			if err != nil {
				return err.Error()
			}
			r.Header.Set("Content-Type", "application/json")
			var answer any
			_ = s.ask(r, &answer) // it may have been asked a moment ago
		}
		return g.differs()
	})
}

// conservation: every report that a spool confirmed is at the collector. What the broker had acknowledged before
// its store went back in time may be gone with that, and what was superseded may have made room when the disk became
// full; the full picture is there, as truth has shown.
func (s *site) conservation() {
	confirmed, excused := 0, 0
	for _, g := range s.gateways {
		s.within("all confirmed reports of "+g.id+" are at the collector", func() string {
			there, latest := map[inventory.Order]bool{}, inventory.Order{}
			for next := ""; ; {
				var page struct {
					Items []store.Report `json:"items"`
					Next  string         `json:"next"`
				}
				if err := s.get("/api/v1/gateways/"+g.id+"/reports?limit=200&cursor="+next, &page); err != nil {
					return err.Error()
				}
				for _, r := range page.Items {
					there[r.Order] = true
					if latest.Before(r.Order) {
						latest = r.Order
					}
				}
				if next = page.Next; next == "" {
					break
				}
			}
			flying := s.flying(g.id)
			var missing []inventory.Order
			confirmed, excused = 0, 0
			g.mu.Lock()
			defer g.mu.Unlock()
			for o, when := range g.confirmed {
				confirmed++
				switch {
				case there[o], flying[o]:
				case when.Before(s.rolled), when.Before(g.filled) && o.Before(latest):
					excused++
				default:
					missing = append(missing, o)
				}
			}
			if len(missing) > 0 {
				return fmt.Sprintf("missing are %v of %d", missing, len(g.confirmed))
			}
			return ""
		})
		s.t.Logf("%s: %d reports confirmed, %d of them went with the broker's store or made room on a full disk", g.id, confirmed, excused)
		if confirmed == 0 {
			s.t.Errorf("%s confirmed nothing: this test tests nothing", g.id)
		}
	}
}

// flying are the reports of a gateway that the broker gave to a collector which was killed, and gives again when the
// minute for an acknowledgement is over. Where there is time for that, there are none.
func (s *site) flying(gateway string) map[inventory.Order]bool {
	if os.Getenv(forHow) != "" {
		return nil
	}
	js := natslinktest.Dial(s.t, s.broker.URL())
	stream, err := js.Stream(s.t.Context(), natslink.Stream)
	if err != nil {
		s.t.Fatal(err)
	}
	pending := 0
	for c := range stream.ListConsumers(s.t.Context()).Info() {
		pending += c.NumAckPending
	}
	all := map[inventory.Order]bool{}
	for _, m := range natslinktest.Messages(s.t, js) {
		if e, err := natslink.FromMsg(m.Subject, m.Header, m.Data); err == nil && pending > 0 && e.Gateway == gateway {
			if r, err := inventory.DecodeReport(e.Body); err == nil {
				all[r.Order] = true
			}
		}
	}
	return all
}

// noHarm: modules were sent catalogued queries, and a port that was not named was sent nothing.
func (s *site) noHarm() {
	for _, g := range s.gateways {
		g.mu.Lock()
		defer g.mu.Unlock()
		for port, b := range g.written {
			if port == "stranger" {
				t := string(b)
				s.t.Errorf("%s wrote %q to a port that nobody named", g.id, t)
			}
			for line := range strings.SplitAfterSeq(string(b), "\r") {
				if line == "" {
					continue
				}
				if _, err := atcmd.Parse(strings.TrimSuffix(line, "\r")); err != nil || !strings.HasSuffix(line, "\r") {
					s.t.Errorf("%s wrote %q to %s", g.id, line, port)
				}
			}
		}
		if len(g.written) == 0 {
			s.t.Errorf("%s wrote nothing at all", g.id)
		}
	}
}

// integrity: what the broker holds is as it was signed, and so is what the collector keeps as proof; it rejected nothing.
func (s *site) integrity() {
	for _, m := range natslinktest.Messages(s.t, natslinktest.Dial(s.t, s.broker.URL())) {
		e, err := natslink.FromMsg(m.Subject, m.Header, m.Data)
		if err == nil {
			err = e.Verify()
		}
		if err != nil {
			s.t.Errorf("message %d on %s: %v", m.Sequence, m.Subject, err)
		}
	}
	s.collector.mu.Lock()
	defer s.collector.mu.Unlock()
	if err := s.collector.end(syscall.SIGTERM); err != nil {
		s.t.Errorf("the collector ended with %v", err)
	}
	db, err := sqlite.Open(s.t.Context(), s.database())
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rejected, err := db.Rejected(s.t.Context(), store.Page{Limit: 10})
	if err != nil || len(rejected.Items) > 0 {
		s.t.Errorf("rejected: %v, %+v", err, rejected.Items)
	}
	for _, g := range s.gateways {
		row, err := db.Gateway(s.t.Context(), g.id)
		if err != nil {
			s.t.Fatal(err)
		}
		proof, err := db.Evidence(s.t.Context(), g.id, row.Digest)
		if err != nil {
			s.t.Fatal(err)
		}
		e := &inventory.Envelope{Kind: inventory.KindReport, Gateway: g.id, ID: proof.Report, Body: proof.Body, Signature: proof.Signature}
		if e.Key, err = inventory.DecodeKey(proof.Key); err != nil {
			s.t.Fatal(err)
		}
		r, err := inventory.DecodeReport(proof.Body)
		if err != nil {
			s.t.Fatal(err)
		}
		e.Order = r.Order
		if err := e.Verify(); err != nil {
			s.t.Errorf("%s: the proof of its modules is not as it was signed: %v", g.id, err)
		}
		proven := 0
		for _, m := range r.Modules {
			if m.State == inventory.StateIdentified {
				proven++
			}
		}
		if fitted := g.fitted(); proven != fitted {
			s.t.Errorf("%s: %d modules are proven, and %d are fitted", g.id, proven, fitted)
		}
	}
}

func (g *gateway) fitted() (n int) {
	for _, p := range g.ports {
		if p.fleet != nil {
			n++
		}
	}
	return n
}
