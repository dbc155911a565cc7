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

// look asks one device through the first of its ports that answers.
func (s Settings) look(ctx context.Context, d serialport.Device) inventory.Module {
	m := inventory.Module{ID: d.ID, Device: info(d)}
	ports := make([]inventory.Port, len(d.Ports))
	for i, p := range d.Ports {
		ports[i] = p.Inventory()
	}
	failed := failure{state: d.State, reason: d.Reason}
	seen := descriptor(d)
	for i, p := range d.Candidates() {
		v, err := s.visit(ctx, d, p)
		if len(v.seen.Transcript)+len(v.seen.Banner) > 0 {
			seen = v.seen
		}
		if err == nil {
			ports[i].State = v.verdict.State
			if v.left != nil {
				ports[i].Reason = v.left.Error()
			}
			failed = failure{}
			break
		}
		one := failureOf(err)
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
	// left is the trouble in leaving the port as it was found, if any. It spoils no answer.
	left error
}

// maxQuestions ends a visit whose plan would not end by itself.
const maxQuestions = 24

// visit opens p and asks what the knowledge plans, until it is sure or has no more questions.
func (s Settings) visit(ctx context.Context, d serialport.Device, p serialport.Port) (v visited, err error) {
	v.seen = descriptor(d)
	s.tell(Event{Device: d.ID, Port: p.Path})
	conn, err := serialport.Open(ctx, p, s.Serial)
	if err != nil {
		return v, err
	}
	session := atcmd.New(conn, atcmd.Settings{Name: p.Path, Visit: s.Timeout, Progress: func(command string) {
		s.tell(Event{Device: d.ID, Port: p.Path, Command: command})
	}})
	defer func() {
		t := session.Transcript()
		v.seen.Transcript, v.seen.Banner = t.Exchanges, t.Banner
		v.left = session.Close()
	}()
	if err := session.Wake(ctx); err != nil {
		return v, err
	}
	asked := map[string]bool{}
	for range maxQuestions {
		v.seen.Transcript = session.Transcript().Exchanges
		v.verdict = s.Base.Identify(v.seen)
		next, ok := s.next(v, asked)
		if !ok {
			return v, nil
		}
		if _, err := session.Ask(ctx, next); err != nil && ends(err) {
			return v, err
		}
	}
	return v, nil
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

func descriptor(d serialport.Device) fingerprint.Observation {
	var o fingerprint.Observation
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
