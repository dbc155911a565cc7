package collector

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
)

// message is what the broker delivered.
type message struct {
	subject  string
	header   nats.Header
	body     []byte
	received time.Time // when the broker took it
	sequence uint64    // in the stream
	tries    uint64    // how often it was delivered
}

// item is one message on its way through intake. Where outcome is a rejection, the rest may be empty.
type item struct {
	message
	gateway string
	key     string
	signed  *inventory.Envelope // nil where nothing is signed
	report  *received
	beat    *inventory.Heartbeat
	outcome Outcome
	handle  handle // to acknowledge it
}

// received is a believed report, ready to be compared.
type received struct {
	*inventory.Report
	row    store.Report
	digest string
	signed *inventory.Envelope
	// judged are its modules as this collector knows them, in store form. Nil until judged.
	judged []store.Module
	// by is the knowledge that they were judged by.
	by *judge.Known
	// full are they by id, where the policy needs more than rows tell.
	full   map[string]*inventory.Module
	packed []byte // the signed bytes, packed; nil until they are
}

// open decodes what the signature stands for.
func (it *item) open() Outcome {
	if it.signed.Kind == inventory.KindHeartbeat {
		return it.openBeat(it.signed)
	}
	return it.openReport(it.signed)
}

func (it *item) openBeat(e *inventory.Envelope) Outcome {
	h, err := inventory.DecodeHeartbeat(e.Body)
	if err != nil {
		return undecoded(err)
	}
	if o := checkClaims(e, h.Gateway, h.ID, h.Order); o.Verdict == Rejected {
		return o
	}
	it.beat = h
	return Outcome{}
}

// longestID bounds the id of a module, which stands in rows, events and addresses of pages. Where modules
// sit has names far shorter.
const longestID = 1024

func (it *item) openReport(e *inventory.Envelope) Outcome {
	r, err := inventory.DecodeReport(e.Body)
	if err != nil {
		return undecoded(err)
	}
	if o := checkClaims(e, r.Gateway.ID, r.ID, r.Order); o.Verdict == Rejected {
		return o
	}
	seen := map[string]bool{}
	for i := range r.Modules {
		id := clean.Line(r.Modules[i].ID)
		if id == "" || seen[id] {
			return reject(Malformed, "module id %q is empty or stands twice", id)
		}
		if len(id) > longestID {
			return reject(Malformed, "a module id has %d bytes, more than %d", len(id), longestID)
		}
		seen[id] = true
	}
	digest, err := r.Digest()
	if err != nil {
		return Outcome{Rejected, Malformed, err}
	}
	it.report = &received{Report: r, digest: digest, signed: e, row: store.Report{
		Gateway: r.Gateway.ID, ID: r.ID, Order: r.Order, Received: it.received.UTC().Truncate(time.Microsecond),
		Clock: r.Time.UTC().Truncate(time.Microsecond), ClockSynced: r.ClockSynced,
		Reason: inventory.Reason(clean.Line(string(r.Reason))), Digest: digest, Key: it.key,
	}}
	return Outcome{}
}

func undecoded(err error) Outcome {
	if errors.Is(err, inventory.ErrSchema) {
		return Outcome{Rejected, BadSchema, err}
	}
	return Outcome{Rejected, Malformed, err}
}

// checkClaims holds the signed bytes against the unsigned subject, and against what the
// order of reports needs.
func checkClaims(e *inventory.Envelope, gateway, id string, o inventory.Order) Outcome {
	switch {
	case gateway != e.Gateway:
		return reject(WrongSubject, "subject of gateway %q carries a %s of gateway %q", e.Gateway, e.Kind, gateway)
	case inventory.CheckGatewayID(id) != nil: // the same alphabet
		return reject(Malformed, "%s id %q is no token of 1 to 64 letters and digits", e.Kind, id)
	case o.Seq == 0 || o.Boot > math.MaxInt64 || o.Seq > math.MaxInt64:
		return reject(Malformed, "order %d.%d has no sequence, or is past all bounds", o.Boot, o.Seq)
	}
	return Outcome{}
}

// gateway gives the row of a report that is the newest of its gateway.
func (r *received) gateway(data string) store.Gateway {
	g := r.Report.Gateway
	labels := make(map[string]string, len(g.Labels))
	for k, v := range g.Labels {
		labels[clean.Line(k)] = clean.Line(v)
	}
	return store.Gateway{
		Gateway: inventory.Gateway{ID: g.ID, Hostname: clean.Line(g.Hostname), Labels: labels,
			Agent: clean.Line(g.Agent), OS: clean.Line(g.OS), Arch: clean.Line(g.Arch)},
		Order: r.Order, Report: r.ID, Digest: r.digest, Reason: r.row.Reason, Clock: r.row.Clock, ClockSynced: r.ClockSynced,
		Truncated: r.Truncated, Key: r.row.Key, First: r.row.Received, Changed: r.row.Received, Seen: r.row.Received,
		Modules: len(r.Modules), Health: cleanHealth(r.Health), Data: data,
	}
}

func (r *received) evidence() store.Evidence {
	return store.Evidence{Gateway: r.Gateway.ID, Digest: r.digest, Report: r.ID, Body: r.signed.Body, Packed: r.packed, Key: r.row.Key, Signature: r.signed.Signature}
}

// maxWarnings bounds what a gateway can have every page show.
const maxWarnings = 50

func cleanHealth(ws []inventory.Warning) []inventory.Warning {
	var out []inventory.Warning
	for i, w := range ws {
		if i == maxWarnings {
			return append(out, inventory.Warning{Code: "more", Severity: inventory.SeverityInfo,
				Text: fmt.Sprintf("%d more warnings are in the report", len(ws)-i)})
		}
		w.Code, w.Severity, w.Text = clean.Line(w.Code), inventory.Severity(clean.Line(string(w.Severity))), clean.Line(w.Text)
		out = append(out, w)
	}
	return out
}
