package atcmd

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/warthog618/modem/at"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Session is one visit to one port. Its methods may be called from several goroutines;
// commands go out one at a time.
type Session struct {
	set   Settings
	port  Port
	guard *guard
	at    *at.AT
	lexer lexer
	ended chan struct{} // closed when guard.listen has returned
	close sync.Once
	cerr  error

	talk sync.Mutex // held by Wake and Ask; guards what follows
	talkState

	mu  sync.Mutex // guards log
	log log
}

// talkState is what the dialogue has learnt so far.
type talkState struct {
	awake   bool
	dirty   bool // an answer is missing: resynchronise before the next command
	echo    bool // the module repeats commands
	numeric bool // results are numbers
	owed    []string
	told    map[string]bool
	heard   []byte // what came since the last command, for telling what it is
	loose   bool   // unasked text came since the last unasked result
	murky   bool   // text or a result came unasked that no module sends of itself
	left    *Error // why the port was left
	// informed: some answer held information. empty counts the answers that held none.
	informed, tested bool
	empty            int
}

// New begins a visit to p: it starts reading and writes nothing. The session owns p and
// closes it with Close, which must be called.
func New(p Port, s Settings) *Session {
	s = s.withDefaults()
	g := newGuard(p, s.Name)
	session := &Session{set: s, port: p, guard: g, at: at.New(g), ended: make(chan struct{})}
	session.told = map[string]bool{}
	go func() {
		defer close(session.ended)
		g.listen()
	}()
	return session
}

// Transcript returns what was said so far. It may be called at any time, also while a
// command is out and after Close.
func (s *Session) Transcript() Transcript {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.log.Transcript.clone()
	t.Record = s.guard.recorded()
	return t
}

// Close closes the port, ends a command that is out, and waits until nothing of the
// session is left running. Further calls return what the first returned.
func (s *Session) Close() error {
	s.close.Do(func() { s.cerr = s.shut() })
	return s.cerr
}

func (s *Session) shut() error {
	close(s.guard.quit)
	err := s.port.Close()
	late := time.NewTimer(closeTime)
	defer late.Stop()
	select {
	case <-s.ended:
	case <-late.C:
		err = errors.Join(err, errors.New("its reader did not end; the driver holds it"))
	}
	s.guard.feed.close()
	select {
	case <-s.at.Closed():
	case <-late.C:
	}
	s.talk.Lock()
	defer s.talk.Unlock()
	if s.left == nil {
		s.left = &Error{Port: s.set.Name, Kind: Lost, Err: ErrClosed}
	}
	if err != nil {
		return &Error{Port: s.set.Name, Kind: Lost, Err: err}
	}
	return nil
}

// leave notes why nothing more is written to this port.
func (s *Session) leave(k Kind, c Command, err error) error {
	if s.left == nil {
		s.left = &Error{Port: s.set.Name, Kind: k, Err: err}
	}
	return s.fault(k, c, err)
}

func (s *Session) fault(k Kind, c Command, err error) error {
	return &Error{Port: s.set.Name, Command: c.text, Kind: k, Err: err}
}

// ready reports why c must not be written now.
func (s *Session) ready(ctx context.Context, c Command) error {
	switch {
	case s.left != nil:
		return s.fault(s.left.Kind, c, s.left.Err)
	case ctx.Err() != nil:
		return s.fault(NoAnswer, c, context.Cause(ctx))
	case s.remaining() <= 0:
		return s.leave(NoAnswer, c, ErrVisit)
	case s.full():
		return s.leave(TooLong, c, ErrFull)
	}
	return nil
}

// remaining is what is left of the time for this visit.
func (s *Session) remaining() time.Duration {
	return s.set.Visit - time.Since(s.guard.start)
}

// gone leaves the port because it cannot be read any more.
func (s *Session) gone(c Command) error {
	err := s.guard.why()
	select {
	case <-s.guard.quit:
		err = ErrClosed
	default:
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	}
	return s.leave(Lost, c, err)
}

// note adds x to the transcript.
func (s *Session) note(x inventory.Exchange, unasked []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.add(x, unasked)
}

func (s *Session) banner(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.addBanner(lines)
}

func (s *Session) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.full
}

// doubtLast marks the last exchange as doubtful: a result too many came after it.
func (s *Session) doubtLast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.doubtLast()
}

// settle takes one answer off those owed: one with information, or a bare OK, which is
// more likely to be that of an AT.
func (s *Session) settle(informed bool) {
	i := slices.IndexFunc(s.owed, func(c string) bool { return (c != wakeUp.text) == informed })
	if i < 0 {
		i = 0
	}
	if len(s.owed) > 0 {
		s.owed = slices.Delete(s.owed, i, i+1)
	}
}
