package atcmd

import (
	"context"
	"slices"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Ask writes c and returns what the module answered. A final result code other than OK is
// an answer, not an error. It wakes the module first where Wake was not called.
//
// Its error is an *[Error]; the exchange then holds what came, unconfirmed. After
// NoAnswer and TooLong the session resynchronises before the next command; after every
// other kind, and when that fails, the port is left and Ask returns the reason without
// writing anything.
func (s *Session) Ask(ctx context.Context, c Command) (inventory.Exchange, error) {
	s.talk.Lock()
	defer s.talk.Unlock()
	if c.text == "" {
		return inventory.Exchange{}, s.fault(Refused, c, ErrNotCatalogued)
	}
	if err := s.wake(ctx); err != nil {
		return inventory.Exchange{Cmd: c.text, Lines: []string{}}, err
	}
	x, err := s.agreed(ctx, c)
	if err == nil {
		err = s.suspect(ctx, c, x)
	}
	return x, err
}

// agreed asks c as often as it takes to be sure of the answer: once, where no other
// answer can come. While n answers of earlier commands are owed, n+1 that agree hold at
// least one of c's own, whatever the order in which they come.
func (s *Session) agreed(ctx context.Context, c Command) (inventory.Exchange, error) {
	if err := s.resync(ctx, c); err != nil {
		return inventory.Exchange{Cmd: c.text, Lines: []string{}}, err
	}
	owed := slices.Clone(s.owed)
	var got []outcome
	for most := 1; len(got) < most; {
		out := s.exchange(ctx, c, s.set.timeout(c))
		if out.err != nil {
			s.retract(c, got)
			return out.x, out.err
		}
		got = append(got, out)
		need := needed(out, owed)
		if votes(got, out) >= need {
			return s.accept(ctx, c, got, out)
		}
		most = max(most, 2*need)
	}
	s.retract(c, got)
	s.dirty = true
	x := got[len(got)-1].x
	x.Lines, x.Final, x.Note = []string{}, "", NoteDoubtful
	return x, s.fault(NoAnswer, c, ErrUnsure)
}

// needed is how many equal answers it takes to trust out while those to owed may come.
// An owed AT brings a bare OK, which cannot be taken for information.
func needed(out outcome, owed []string) int {
	n := 1
	for _, c := range owed {
		if c != wakeUp.text || len(out.x.Lines) == 0 {
			n++
		}
	}
	if out.doubt {
		n = max(n, 2)
	}
	return n
}

// accept takes out as the answer. Others among got were not this command's.
func (s *Session) accept(ctx context.Context, c Command, got []outcome, out outcome) (inventory.Exchange, error) {
	others := slices.DeleteFunc(slices.Clone(got), func(o outcome) bool { return same(o, out) })
	if len(others) > 0 {
		s.retract(c, others)
		if err := s.quiet(ctx, silence, noise); err != nil {
			s.dirty = true
		}
	}
	s.confirm(out.x)
	out.x.Note = ""
	return out.x, nil
}

// retract takes answers that are not c's, or may not be, out of the transcript's
// exchanges. Each settles what was owed, and in its place an answer to c is owed.
func (s *Session) retract(c Command, outs []outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range outs {
		s.log.retract(o.x)
		s.settle(len(o.x.Lines) > 0)
		s.owed = append(s.owed, c.text)
	}
}

// confirm takes the doubt off x: another answer agreed with it.
func (s *Session) confirm(x inventory.Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.confirm(x)
}

func votes(got []outcome, out outcome) (n int) {
	for _, o := range got {
		if same(o, out) {
			n++
		}
	}
	return n
}

func same(a, b outcome) bool {
	return a.x.Final == b.x.Final && slices.Equal(a.x.Lines, b.x.Lines)
}

// suspect asks what no module knows, once, where every answer so far was OK and nothing
// else. What says OK to that too is no module.
func (s *Session) suspect(ctx context.Context, c Command, x inventory.Exchange) error {
	if len(x.Lines) > 0 {
		s.informed = true
	} else if c != wakeUp && c != unknown && finals().find(x.Final, s.numeric) == codeOK {
		s.empty++
	}
	if s.informed || s.tested || s.empty < 2 {
		return nil
	}
	s.tested = true
	if y, err := s.agreed(ctx, unknown); err == nil && finals().find(y.Final, s.numeric) == codeOK {
		return s.leave(NotModem, c, ErrYes)
	}
	return nil
}

// missing counts the queries that were never answered.
func (s *Session) missing() (n int) {
	for _, c := range s.owed {
		if c != wakeUp.text {
			n++
		}
	}
	return n
}

// resync makes sure, after an answer is missing, that the module listens and talks of
// nothing else: silence, AT, a lone OK, and a moment more for a second one. Where that
// fails twice, the port is left.
func (s *Session) resync(ctx context.Context, c Command) error {
	if !s.dirty {
		return nil
	}
	var last error
	for range resyncTries {
		if s.missing() > maxOwed {
			break
		}
		if last = s.quiet(ctx, silence, noise); last == nil {
			out := s.exchange(ctx, wakeUp, s.wakeTimeout())
			if lone(out) {
				if last = s.quiet(ctx, settle, noise); last == nil {
					s.dirty = false
					return s.ready(ctx, c)
				}
			}
			last = out.err
		}
		if err := s.ready(ctx, c); err != nil {
			return err
		}
	}
	if kindOf(last) == TooLong {
		return s.leave(TooLong, c, ErrNoise)
	}
	return s.leave(NoAnswer, c, ErrSilent)
}
