package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// serve answers requests over NATS: scan looks now (or, asked for what is cached, sends
// the last report again), status and version tell. Who may ask is the server's to decide,
// by permissions on the subjects. It ends with the link.
func (d *Daemon) serve() error {
	gateway := d.settings.Gateway.ID
	s, err := micro.AddService(d.link.Conn(), micro.Config{
		Name: natslink.Service, Version: semver(d.settings.Gateway.Agent), Description: "the agent of gateway " + gateway,
		Metadata: map[string]string{"gateway": gateway},
	})
	if err != nil {
		return fmt.Errorf("cannot answer requests over NATS: %w", err)
	}
	for _, e := range []struct {
		name, subject string
		answer        func(micro.Request)
	}{
		{"scan", natslink.ScanSubject(gateway), d.answerScan},
		{"status", natslink.StatusSubject(gateway), func(r micro.Request) { _ = r.RespondJSON(d.Status()) }},
		{"version", natslink.VersionSubject(gateway), func(r micro.Request) {
			_ = r.RespondJSON(map[string]string{"gateway": gateway, "agent": d.settings.Gateway.Agent})
		}},
	} {
		// No queue group: a cloned gateway answers too, and so is noticed.
		err := s.AddEndpoint(e.name, micro.HandlerFunc(e.answer), micro.WithEndpointSubject(e.subject), micro.WithEndpointQueueGroupDisabled())
		if err != nil {
			return errors.Join(fmt.Errorf("cannot answer %s requests over NATS: %w", e.name, err), s.Stop())
		}
	}
	return nil
}

// ScanRequest is the body of a request to scan. An empty body looks anew.
type ScanRequest struct {
	// Cached sends the last full report again, without looking.
	Cached bool `json:"cached"`
}

// ScanAnswer says that a report newer than Order will come.
type ScanAnswer struct {
	Gateway string `json:"gateway"`
	inventory.Order
}

func (d *Daemon) answerScan(r micro.Request) {
	if r.Reply() == "" { // nobody asks: a stray acknowledgement, say
		return
	}
	var want ScanRequest
	if body := r.Data(); len(body) > 0 {
		if err := json.Unmarshal(body, &want); err != nil {
			_ = r.Error("400", `cannot read the request: want nothing or {"cached":true}`, nil)
			return
		}
	}
	answer := ScanAnswer{d.settings.Gateway.ID, d.Status().Order}
	if want.Cached {
		d.Repeat()
		_ = r.RespondJSON(answer)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := d.ask(ctx)
	var busy *BusyError
	switch {
	case errors.As(err, &busy):
		_ = r.Error("429", err.Error(), nil, micro.WithHeaders(micro.Headers{"Retry-After": {strconv.Itoa(int(busy.Wait/time.Second) + 1)}}))
	case err != nil:
		_ = r.Error("503", err.Error(), nil)
	default:
		_ = r.RespondJSON(answer)
	}
}

var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+`)

// semver finds the version in "rollcall-agent/v1.2.3-4-gabc"; the service framework takes
// no other shape.
func semver(agent string) string {
	if v := versionNumber.FindString(agent); v != "" {
		return v
	}
	return "0.0.0"
}
