package atcmd

import (
	"context"
	"time"
)

// maxHeard bounds what is kept of the bytes since the last command.
const maxHeard = 8 << 10

// remember keeps p for telling what kind of port this is.
func (s *Session) remember(p []byte) {
	n := min(len(p), maxHeard-len(s.heard))
	s.heard = append(s.heard, p[:n]...)
}

// stray takes bytes that no command asked for.
func (s *Session) stray(p []byte) {
	s.remember(p)
	s.lexer.feed(p, s.strayLine)
}

// strayLine takes a line that no command asked for. A result that nobody waits for
// settles an answer that was owed; where none is owed, the last answer may have been
// another command's.
func (s *Session) strayLine(l line) {
	text := bare(l.text)
	if text == "" || s.told[text] {
		return
	}
	switch finals().find(text, s.numeric) {
	case codeOK, codeError:
		s.murky = true
		if len(s.owed) == 0 {
			s.doubtLast()
		}
		s.settle(s.loose)
		s.loose = false
		return
	case codeConnect:
		_ = s.leave(InUse, Command{}, ErrData)
	}
	known, boot := unasked().find(text)
	if boot && s.awake {
		_ = s.leave(Lost, Command{}, ErrRestart)
	}
	s.loose = s.loose || !known
	s.murky = s.murky || !known
	s.banner(l.text)
}

// drain takes what has already been read.
func (s *Session) drain() {
	for range 2 * cap(s.guard.in) {
		select {
		case c, ok := <-s.guard.in:
			if !ok {
				_ = s.gone(Command{})
				return
			}
			s.stray(c.Bytes)
		default:
			return
		}
	}
}

// quiet takes what comes until there is silence for d. It fails when most has passed
// without such a silence, or the port, the visit or the context ended.
func (s *Session) quiet(ctx context.Context, d, most time.Duration) error {
	most = min(most, s.remaining())
	pause, over := time.NewTimer(d), time.NewTimer(most)
	defer pause.Stop()
	defer over.Stop()
	for {
		select {
		case c, ok := <-s.guard.in:
			if !ok {
				return s.gone(Command{})
			}
			s.stray(c.Bytes)
			pause.Reset(d)
		case <-pause.C:
			return nil
		case <-over.C:
			if s.remaining() <= 0 {
				return s.leave(NoAnswer, Command{}, ErrVisit)
			}
			return s.fault(TooLong, Command{}, ErrNoise)
		case <-ctx.Done():
			return s.fault(NoAnswer, Command{}, context.Cause(ctx))
		}
	}
}
