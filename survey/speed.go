package survey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// speeds are those to try on a port, in order. Only a line that a person or the configuration
// speaks for has one that matters: USB ignores it, and nothing is tried there.
func (s Settings) speeds(t target) []int {
	switch {
	case len(s.Bauds) == 0, t.device.Info.Bus == "usb" && len(s.Ports) == 0,
		t.port.Kind != serialport.KindTTY && t.port.Kind != serialport.KindPTY && t.port.Kind != serialport.KindRFC2217:
		return []int{0} // as it was opened
	}
	return s.Bauds
}

// awake gives a session with the module behind conn, at the first speed at which it answers. conn
// stays open from one speed to the next, so that its lines do not move; what was not understood
// at other speeds is no part of the transcript.
func (s Settings) awake(ctx context.Context, t target, conn *serialport.Conn) (session *atcmd.Session, baud int, err error) {
	speeds := s.speeds(t)
	for i, speed := range speeds {
		last := i == len(speeds)-1
		if speed != 0 {
			if err := conn.SetBaud(speed); err != nil {
				return s.session(t, conn), speed, err
			}
		}
		port := &lent{Conn: conn, last: last}
		_ = conn.SetReadDeadline(time.Time{}) // which ended the session before
		session = s.session(t, port)
		err = session.Wake(ctx)
		if err == nil {
			port.last = true
			return session, speed, nil
		}
		if last || !garbled(err) {
			port.last = true
			break
		}
		_ = session.Close()
	}
	if len(speeds) > 1 && err != nil {
		err = fmt.Errorf("%w (at %s baud)", err, list(speeds))
	}
	return session, 0, err
}

func (s Settings) session(t target, port atcmd.Port) *atcmd.Session {
	return atcmd.New(port, atcmd.Settings{Name: t.port.Path, Visit: s.Timeout, Progress: func(command string) {
		s.tell(Event{Device: t.device.ID, Port: t.port.Path, Command: command})
	}})
}

// garbled: what a line at another speed looks like.
func garbled(err error) bool {
	var e *atcmd.Error
	return errors.As(err, &e) && (e.Kind == atcmd.NoAnswer || e.Kind == atcmd.NotModem || e.Kind == atcmd.TooLong) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

func list(speeds []int) string {
	text := ""
	for i, n := range speeds {
		switch {
		case i > 0 && i == len(speeds)-1:
			text += " and "
		case i > 0:
			text += ", "
		}
		text += fmt.Sprint(n)
	}
	return text
}

// lent is a port that outlives a session, but for the last.
type lent struct {
	*serialport.Conn
	last bool
}

// Close ends the session's reading; the last one's closes the port.
func (l *lent) Close() error {
	if l.last {
		return l.Conn.Close()
	}
	return l.SetReadDeadline(time.Unix(1, 0))
}
