package survey

import (
	"context"
	"errors"
	"io/fs"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// target is what one visit is about.
type target struct {
	device serialport.Device
	port   serialport.Port
	// managed is what a manager told of the device. freed: it has just let go of it.
	managed *inventory.Managed
	freed   bool
	// stuck is why it did not let go though it was told to.
	stuck error
}

// look asks one device, which a manager may have in its hands.
func (s Settings) look(ctx context.Context, d serialport.Device, g *inventory.Managed) inventory.Module {
	if g == nil || !s.Inhibit || len(d.Candidates()) == 0 {
		return s.ask(ctx, d, target{device: d, managed: g})
	}
	return s.inhibited(ctx, d, func(err error) inventory.Module {
		return s.ask(ctx, d, target{device: d, managed: g, freed: err == nil, stuck: err})
	})
}

// ask asks one device through the first of its ports that answers.
func (s Settings) ask(ctx context.Context, d serialport.Device, t target) inventory.Module {
	m := inventory.Module{ID: d.ID, Device: info(d), Managed: t.managed}
	ports := make([]inventory.Port, len(d.Ports))
	for i, p := range d.Ports {
		ports[i] = p.Inventory()
	}
	failed := failure{state: d.State, reason: d.Reason}
	seen := observation(d, t.managed)
	for i, p := range d.Candidates() {
		t.port = p
		v, err := s.visit(ctx, t)
		if len(v.seen.Transcript)+len(v.seen.Banner) > 0 {
			seen = v.seen
		}
		if err == nil {
			ports[i].State, ports[i].Baud = v.verdict.State, v.baud
			if v.left != nil {
				ports[i].Reason = v.left.Error()
			}
			failed = failure{}
			break
		}
		one := failureOf(err)
		if ctx.Err() != nil && one.state == inventory.StateUnanswered { // that it did not answer is not its fault
			one.reason = "the look was ended before this port had answered all; look again"
		}
		ports[i].State, ports[i].Holder, ports[i].Reason = one.state, one.holder, one.reason
		failed = worse(failed, one)
		if ctx.Err() != nil || errors.Is(err, atcmd.Lost) {
			break // the device is gone, or our time is: its other ports will not answer either
		}
	}
	m.Ports, m.Transcript, m.Banner = ports, seen.Transcript, seen.Banner
	s.Base.Identify(seen).Apply(&m)
	failed.apply(&m, d.Cellular)
	return m
}

// visited is what came of one port.
type visited struct {
	seen    fingerprint.Observation
	verdict fingerprint.Verdict
	// baud is the speed at which it answered, where several were tried.
	baud int
	// left is the trouble in leaving the port as it was found, if any. It spoils no answer.
	left error
}

// maxQuestions ends a visit whose plan would not end by itself.
const maxQuestions = 24

// visit opens a port and asks what the knowledge plans, until it is sure or has no more questions.
func (s Settings) visit(ctx context.Context, t target) (v visited, err error) {
	v.seen = observation(t.device, t.managed)
	if !t.freed && usedBy(t.managed, t.port) {
		return v, leftTo(t)
	}
	s.tell(Event{Device: t.device.ID, Port: t.port.Path})
	conn, err := s.open(ctx, t)
	if err != nil {
		return v, err
	}
	session, baud, err := s.awake(ctx, t, conn)
	v.baud = baud
	defer func() {
		said := session.Transcript()
		v.seen.Transcript, v.seen.Banner = said.Exchanges, said.Banner
		v.left = session.Close()
	}()
	if err != nil {
		return v, err
	}
	return v, s.question(ctx, session, &v)
}

// question asks what the knowledge plans.
func (s Settings) question(ctx context.Context, session *atcmd.Session, v *visited) error {
	asked := map[string]bool{}
	for range maxQuestions {
		v.seen.Transcript = session.Transcript().Exchanges
		v.verdict = s.Base.Identify(v.seen)
		next, ok := s.next(*v, asked)
		if !ok {
			return nil
		}
		if _, err := session.Ask(ctx, next); err != nil && ends(err) {
			return err
		}
	}
	return nil
}

func (s Settings) open(ctx context.Context, t target) (*serialport.Conn, error) {
	if t.freed {
		return openFreed(ctx, t.port, s.Serial)
	}
	return serialport.Open(ctx, t.port, s.Serial)
}

// next is the first planned question that was not asked yet. What the catalogue does not
// hold is passed over: knowledge, also a user's own, can never add a command.
func (s Settings) next(v visited, asked map[string]bool) (atcmd.Command, bool) {
	for _, text := range s.Base.Plan(v.seen, v.verdict) {
		c, err := atcmd.Parse(text)
		if err != nil || asked[text] {
			continue
		}
		asked[text] = true
		return c, true
	}
	return atcmd.Command{}, false
}

// ends says whether the visit is over: a question without an answer is a fact, a port that
// is gone, busy or silent throughout is not worth another.
func ends(err error) bool {
	var e *atcmd.Error
	if !errors.As(err, &e) {
		return true
	}
	switch e.Kind {
	case atcmd.NoAnswer:
		return errors.Is(err, atcmd.ErrSilent) || errors.Is(err, atcmd.ErrUnsure) || errors.Is(err, atcmd.ErrVisit) ||
			errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	case atcmd.TooLong:
		return errors.Is(err, atcmd.ErrFull) || errors.Is(err, atcmd.ErrNoise)
	}
	return true
}

// and joins two reasons.
func and(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// failure says why a port or device was not asked.
type failure struct {
	state  inventory.State
	holder string
	reason string
}

func failureOf(err error) failure {
	state, holder := refusal(err)
	return failure{state, holder, err.Error()}
}

func refusal(err error) (inventory.State, string) {
	var held *serialport.HeldError
	var dialogue *atcmd.Error
	switch {
	case errors.As(err, &held):
		return inventory.StateHeld, held.Holder
	case errors.Is(err, fs.ErrPermission), errors.Is(err, serialport.ErrSkipped), errors.Is(err, serialport.ErrNotSerial):
		return inventory.StateDenied, ""
	case errors.As(err, &dialogue) && dialogue.Kind == atcmd.InUse:
		return inventory.StateHeld, ""
	case errors.As(err, &dialogue) && dialogue.Kind == atcmd.NotModem:
		return inventory.StateNotCellular, ""
	}
	return inventory.StateUnanswered, ""
}

// worse keeps of two failures the one that a person can do more about.
func worse(a, b failure) failure {
	if rank(b.state) > rank(a.state) {
		return b
	}
	return a
}

func rank(s inventory.State) int {
	switch s {
	case inventory.StateHeld:
		return 4
	case inventory.StateDenied:
		return 3
	case inventory.StateUnanswered:
		return 2
	case inventory.StateNotCellular:
		return 1
	}
	return 0
}

// apply puts the failure over what evidence there is: who holds a port says nothing about
// the module, whose identity stays as the descriptor or the answers so far tell it.
func (f failure) apply(m *inventory.Module, cellular bool) {
	switch {
	case f.state == "":
		return
	case m.Managed != nil && m.State == inventory.StateIdentified:
		m.Reason = told(m.Managed)
		return
	case f.state == inventory.StateNotCellular && cellular && m.State != inventory.StateNotCellular:
		// A port of a cellular device that carries something else is no verdict on the device.
		m.State = inventory.StateUnanswered
	case f.state == inventory.StateUnanswered && m.State == inventory.StateNotCellular:
		return
	default:
		m.State = f.state
	}
	if m.State == inventory.StateNotCellular {
		m.Identity, m.Origin = inventory.Identity{}, inventory.Origin{}
	}
	m.Reason = f.reason
}

// observation is what is known of a device before it is asked.
func observation(d serialport.Device, g *inventory.Managed) fingerprint.Observation {
	o := fingerprint.Observation{Managed: g}
	switch d.Info.Bus {
	case "usb":
		o.USB = info(d)
	case "pci":
		o.PCI = info(d)
	}
	return o
}

func info(d serialport.Device) *inventory.Device {
	if d.Info == (inventory.Device{}) {
		return nil
	}
	i := d.Info
	return &i
}
