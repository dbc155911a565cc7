package atcmd

import (
	"context"
	"errors"
	"time"
)

const wakeWait = time.Second // for the OK to one AT

// Wake finds out whether a module listens: it takes what already waits in the port,
// writes AT and expects a lone OK, up to three times.
//
// Its error is an *[Error]. NoAnswer: silence. InUse: the line carries data or a message
// is being entered; nothing more was written. NotModem: something else talks there, which
// Err names. After any error but that of a context the port is left: Ask returns the same.
func (s *Session) Wake(ctx context.Context) error {
	s.talk.Lock()
	defer s.talk.Unlock()
	return s.wake(ctx)
}

func (s *Session) wake(ctx context.Context) error {
	if s.awake || s.left != nil {
		return s.ready(ctx, wakeUp)
	}
	if err := s.listenFirst(ctx); err != nil {
		return err
	}
	seen := sight{NoAnswer, ErrSilent}
	for try := range wakeTries {
		out := s.exchange(ctx, wakeUp, s.wakeTimeout())
		if err := s.ready(ctx, wakeUp); err != nil { // also where an OK came just before that
			return err
		}
		switch {
		case lone(out):
			return s.woken(ctx, try > 0 || s.murky)
		case out.err == nil: // at first it may be what is left of an earlier dialogue
			seen = sight{NotModem, ErrOther}
		default:
			seen = s.judge(seen)
			if seen.kind != NoAnswer && seen.err != ErrEcho && seen.err != ErrOther {
				return s.leave(seen.kind, wakeUp, seen.err)
			}
		}
		if err := s.quiet(ctx, silence, noise); err != nil {
			return s.leave(kindOf(err), wakeUp, errors.Unwrap(err))
		}
	}
	if seen.err == ErrEcho {
		seen = s.askQuiet(ctx)
	}
	return s.leave(seen.kind, wakeUp, seen.err)
}

// listenFirst takes what already waits, and goes on only if nobody else is in the middle
// of something. It costs no time where nothing waits, or only what modules send unasked.
func (s *Session) listenFirst(ctx context.Context) error {
	if err := s.quiet(ctx, firstLook, noise); err != nil && kindOf(err) != TooLong {
		return err
	}
	if !s.murky && bare(string(s.lexer.pending())) == "" {
		return s.ready(ctx, wakeUp)
	}
	if err := s.quiet(ctx, silence, time.Second); err != nil && kindOf(err) != TooLong {
		return err
	}
	if seen := look(s.heard, s.told); seen.kind == InUse {
		return s.leave(seen.kind, Command{}, seen.err)
	}
	return s.ready(ctx, wakeUp)
}

// woken ends waking. Where it took more than one AT, a silence makes sure that no answer
// of those before is still to come.
func (s *Session) woken(ctx context.Context, unsure bool) error {
	if unsure {
		if err := s.quiet(ctx, silence, noise); err != nil {
			return s.leave(kindOf(err), wakeUp, errors.Unwrap(err))
		}
	}
	s.awake, s.dirty = true, false
	return nil
}

// judge says what a port that did not answer seems to be, where that can be told.
func (s *Session) judge(before sight) sight {
	if now := look(s.heard, s.told); now.err != nil {
		return now
	}
	return before
}

// askQuiet tells a loopback from a module whose result codes are switched off: asked for
// its name, a module says more than the question.
func (s *Session) askQuiet(ctx context.Context) sight {
	out := s.exchange(ctx, basic, s.wakeTimeout())
	if len(out.x.Lines) > 0 {
		return sight{NoAnswer, ErrQuiet}
	}
	return sight{NotModem, ErrEcho}
}

func (s *Session) wakeTimeout() time.Duration {
	if s.set.Timeout > 0 {
		return min(s.set.Timeout, wakeWait)
	}
	return wakeWait
}

// lone reports whether out is an OK with nothing else.
func lone(out outcome) bool {
	return out.err == nil && out.code == codeOK && len(out.x.Lines) == 0
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return NoAnswer
}
