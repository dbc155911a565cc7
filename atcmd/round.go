package atcmd

import (
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/warthog618/modem/at"

	"github.com/rollcall-iot/rollcall/inventory"
)

// round is one command on its way: written once, until its answer, its deadline or the
// end of the port.
type round struct {
	*answer
	s        *Session
	deadline time.Time
	timer    *time.Timer
	reply    chan reply
	begun    bool   // something was read since the command went out
	after    []line // what was read together with the result, behind it
}

// reply is what at returned for a command.
type reply struct {
	info []string
	err  error
}

// outcome is how a round ended.
type outcome struct {
	x     inventory.Exchange
	code  code
	doubt bool
	err   error // *Error
}

// exchange writes c once and waits for what comes.
func (s *Session) exchange(ctx context.Context, c Command, limit time.Duration) outcome {
	s.drain()
	if err := s.ready(ctx, c); err != nil {
		return outcome{err: err}
	}
	r := s.begin(c, min(limit, s.remaining()))
	defer r.timer.Stop()
	for {
		select {
		case chunk, ok := <-s.guard.in:
			if !ok {
				return r.fail(NoteLost, s.gone(c))
			}
			if st := r.hear(chunk); st != more {
				return r.close(st)
			}
		case <-r.timer.C:
			if s.guard.writing() { // the write has a deadline of its own
				r.timer.Reset(writeTime)
				continue
			}
			return r.expire()
		case <-ctx.Done():
			return r.cancel(context.Cause(ctx))
		case got := <-r.reply:
			return r.unsent(got.err)
		}
	}
}

// cancel ends a round because its context ended. A command that the port took only in
// part must not be followed by another.
func (r *round) cancel(why error) outcome {
	if !r.s.guard.writing() {
		return r.giveUp(r.s.fault(NoAnswer, r.cmd, why))
	}
	err := r.s.leave(Blocked, r.cmd, why)
	r.s.guard.hurry()
	out := r.fail(NoteLost, err)
	out.err = err
	return out
}

// begin hands c to at, which writes it through the guard.
func (s *Session) begin(c Command, limit time.Duration) *round {
	if s.set.Progress != nil {
		s.set.Progress(c.text)
	}
	a := &answer{cmd: c, numeric: s.numeric || c == wakeUp, wantEcho: s.echo, owing: slices.Clone(s.owed), told: s.told}
	r := &round{answer: a, s: s, deadline: time.Now().Add(limit), timer: time.NewTimer(limit), reply: make(chan reply, 1)}
	s.heard, s.loose = s.heard[:0], false
	s.told[c.text] = true
	taken := s.guard.arm(c)
	go func() {
		info, err := s.at.Command(c.body(), at.WithTimeout(-1)) // the deadline is kept here
		r.reply <- reply{info, err}
	}()
	select {
	case <-taken:
	case got := <-r.reply: // at is closed; the round hears of it as of anything else
		r.reply <- got
	}
	return r
}

// hear takes one chunk. What was read before the command went out is not its answer.
func (r *round) hear(c Chunk) status {
	if !r.s.guard.afterSending(c.At) {
		r.s.stray(c.Bytes)
		return more
	}
	if !r.begun {
		r.begun = true
		waiting := bare(string(r.s.lexer.pending()))
		r.prompted = waiting == ">"
		r.stale = waiting != "" && !r.prompted
	}
	r.s.remember(c.Bytes)
	st := more
	r.s.lexer.feed(c.Bytes, func(l line) {
		switch st {
		case more, early:
			st = r.take(l)
		default:
			r.after = append(r.after, l)
		}
	})
	if st == more && r.s.lexer.overlong() {
		st = r.take(r.s.lexer.take(0))
	}
	if st == early {
		st = more
	}
	if st == more {
		r.rearm()
	}
	return st
}

// rearm sets the timer: after an early result to a silence, else to the deadline.
func (r *round) rearm() {
	left := time.Until(r.deadline)
	if r.before != nil && len(r.info) == 0 && !r.echoed {
		left = min(left, silence)
	}
	r.timer.Reset(left)
}

// close ends a round that came to an end by what was read.
func (r *round) close(st status) outcome {
	switch st {
	case foreign:
		return r.fail(NoteDoubtful, r.s.leave(InUse, r.cmd, ErrForeign))
	case data:
		return r.fail(NoteDoubtful, r.s.leave(InUse, r.cmd, ErrData))
	case tooLong:
		return r.taken(NoteTooLong, r.s.fault(TooLong, r.cmd, nil))
	}
	return r.complete()
}

// complete passes the answer through at and makes the exchange of it.
func (r *round) complete() outcome {
	r.sortOut()
	r.s.guard.feed.put(r.info, r.code == codeOK)
	got := <-r.reply
	if unsentErr(got.err) || errors.Is(got.err, at.ErrClosed) {
		return r.unsent(got.err)
	}
	r.s.learn(r.answer)
	x := r.exchange(unmark(got.info), r.final, "")
	if r.doubt {
		x.Note = NoteDoubtful
	}
	r.note(x)
	if r.boot && r.s.awake {
		return outcome{x: x, err: r.s.leave(Lost, r.cmd, ErrRestart)}
	}
	return outcome{x: x, code: r.code, doubt: r.doubt}
}

// learn takes from a complete answer how this module talks.
func (s *Session) learn(a *answer) {
	s.echo = a.echoed
	for range a.owedSeen {
		s.settle(true)
	}
	switch {
	case a.cmd != wakeUp:
	case a.code == codeOK:
		s.numeric = a.final == "0"
	case a.code == codeNone: // another command's answer came in its place
		s.owed = append(s.owed, a.cmd.text)
	}
}

// expire ends a round at its deadline, or at the silence after an early result.
func (r *round) expire() outcome {
	switch {
	case r.before != nil && len(r.info) == 0:
		r.settleEarly()
		return r.complete()
	case r.call != "":
		r.final, r.code = r.call, codeCall
		return r.complete()
	case r.s.remaining() <= 0:
		return r.giveUp(r.s.leave(NoAnswer, r.cmd, ErrVisit))
	}
	return r.taken(NoteTimeout, r.s.fault(NoAnswer, r.cmd, nil))
}

// taken ends a round without an answer, for good if the line is somebody else's.
func (r *round) taken(note string, err error) outcome {
	if seen := look(r.s.heard, r.told); seen.kind == InUse {
		return r.fail(NoteDoubtful, r.s.leave(seen.kind, r.cmd, seen.err))
	}
	return r.giveUpAs(note, err)
}

func (r *round) giveUp(err error) outcome { return r.giveUpAs(NoteTimeout, err) }

// giveUpAs ends a round whose answer may still come.
func (r *round) giveUpAs(note string, err error) outcome {
	r.s.dirty = true
	r.s.owed = append(r.s.owed, r.cmd.text)
	return r.fail(note, err)
}

// fail ends a round without an answer; the lines that came are kept, unconfirmed.
func (r *round) fail(note string, err error) outcome {
	r.s.guard.feed.put(nil, false) // at waits for an answer that will not be given
	if got := <-r.reply; unsentErr(got.err) {
		return r.unsent(got.err)
	}
	lines := r.info
	if r.before != nil {
		lines = append(slices.Clone(r.before.info), r.info...)
	}
	if rest := bare(string(r.s.lexer.pending())); r.begun && !r.stale && rest != "" && rest != ">" && !partOf(r.cmd.text, rest) {
		lines = append(lines, rest)
	}
	if r.cmd == wakeUp { // AT asks nothing, so nothing answers it
		r.unasked, lines = append(r.unasked, lines...), nil
	}
	x := r.exchange(lines, "", note)
	r.note(x)
	return outcome{x: x, err: err}
}

// unsentErr reports whether the guard or the port refused the command.
func unsentErr(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

// unsent ends a round whose command at could not write. The port is left, so nobody is
// given what at may still find in its feed.
func (r *round) unsent(err error) outcome {
	var e *Error
	if !errors.As(err, &e) {
		return outcome{err: r.s.gone(r.cmd)}
	}
	x := r.exchange(nil, "", NoteLost)
	r.note(x)
	return outcome{x: x, err: r.s.leave(e.Kind, r.cmd, e.Err)}
}

// note puts the round into the transcript, and then what came behind it.
func (r *round) note(x inventory.Exchange) {
	r.s.note(x, r.unasked)
	for _, l := range r.after {
		r.s.strayLine(l)
	}
}

// exchange is the round as the transcript keeps it.
func (r *round) exchange(lines []string, final, note string) inventory.Exchange {
	x := inventory.Exchange{Cmd: r.cmd.text, Lines: []string{}, Final: valid(final), Note: note}
	took := time.Since(r.s.guard.start) - r.s.guard.sent()
	x.Millis = took.Round(time.Millisecond).Milliseconds()
	lossy := r.lossy
	for _, l := range lines {
		lossy = lossy || !utf8.ValidString(l)
		x.Lines = append(x.Lines, valid(l))
	}
	if lossy {
		x.Raw = r.raw
	}
	return x
}
