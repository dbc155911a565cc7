package atcmd_test

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

// onPty puts m on a real pty, runs f with a session on it, and afterwards proves that only
// catalogued queries were written and that no goroutine of the dialogue is left.
func onPty(t *testing.T, m *atcmdtest.FakeModem, set atcmd.Settings, f func(*testing.T, *atcmd.Session, *atcmdtest.Pty)) {
	t.Helper()
	pty, err := m.Pty()
	if err != nil {
		t.Fatal(err)
	}
	port, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := atcmd.New(port, set)
	defer func() {
		_ = s.Close()
		if _, err := port.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the port is still open after Close: %v", err)
		}
		_ = m.Close()
		tap(t, m)
		noneLeft(t)
	}()
	f(t, s, pty)
}

// noneLeft waits for the goroutines of at and of this package to end.
func noneLeft(t *testing.T) {
	t.Helper()
	var stacks string
	for range 200 {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "modem/at.") && !strings.Contains(stacks, "atcmd.(*guard)") && !strings.Contains(stacks, "atcmdtest.(*FakeModem)") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines are left:\n%s", stacks)
}

func TestOnPty(t *testing.T) {
	m := atcmdtest.Modem(answers)
	m.Echo = true
	onPty(t, m, atcmd.Settings{}, func(t *testing.T, s *atcmd.Session, _ *atcmdtest.Pty) {
		rightVisit(t, s)
	})
}

// B01: any bytes but catalogued queries, each with one CR. Every test of this package taps
// the wire; this one asks everything there is to ask of a module that says no, of one that
// says yes, and of one that answers late.
func TestB01OnlyCatalogued(t *testing.T) {
	for name, b := range map[string]atcmdtest.Behaviour{
		"no":   atcmdtest.Say(answers),
		"yes":  atcmdtest.For("ATI", atcmdtest.Say(answers), atcmdtest.Yes),
		"late": atcmdtest.Late(delayOf("AT+CGMI", 1500*time.Millisecond), atcmdtest.Say(answers)),
	} {
		t.Run(name, func(t *testing.T) {
			m := atcmdtest.Behave(b)
			m.Echo = true
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				for _, q := range atcmd.Catalogue() {
					_, _ = s.Ask(context.Background(), q.Command)
				}
				written := string(m.Written())
				if strings.ContainsAny(written, "\n\x1b\x1a;&") || strings.Contains(written, "+++") {
					t.Errorf("wrote %q", written)
				}
				for _, q := range atcmd.Catalogue() {
					if !strings.Contains(written, q.Command.String()+"\r") {
						t.Errorf("%s was never written", q.Command)
					}
				}
			})
		})
	}
}

// The tap itself sees what it must see.
func TestB01TapWorks(t *testing.T) {
	for _, bad := range []string{"ATZ\r", "AT\r\n", "AT+CGMI", "ATI;+CFUN=0\r", "\x1b", "AT\r+++", "at\r", "AT \r"} {
		if notCatalogued([]byte(bad)) == "" {
			t.Errorf("the tap lets %q pass", bad)
		}
	}
	if bad := notCatalogued([]byte("AT\rATI\rAT+CGMI\r")); bad != "" {
		t.Errorf("the tap stops %q", bad)
	}
}

// B08: unplugged at every step. It is Lost at once, everything ends, and the next plug works.
func TestB08Unplugged(t *testing.T) {
	steps := map[string]func(t *testing.T, m *atcmdtest.FakeModem, s *atcmd.Session) error{
		"before the first byte": func(t *testing.T, m *atcmdtest.FakeModem, s *atcmd.Session) error {
			m.Vanish()
			return wakeOf(s)
		},
		"between commands": func(t *testing.T, m *atcmdtest.FakeModem, s *atcmd.Session) error {
			wake(t, s)
			m.Vanish()
			_, err := ask(t, s, "AT+CGMI")
			return err
		},
		"in the middle of an answer": func(t *testing.T, m *atcmdtest.FakeModem, s *atcmd.Session) error {
			wake(t, s)
			x, err := ask(t, s, "AT+GSV") // says half and is unplugged
			if x.Note != atcmd.NoteLost || len(x.Lines) != 1 || x.Lines[0] != "half" {
				t.Errorf("exchange %+v", x)
			}
			return err
		},
		"in a silence": func(t *testing.T, m *atcmdtest.FakeModem, s *atcmd.Session) error {
			wake(t, s)
			_, err := ask(t, s, "AT+QGMR") // says nothing and is unplugged
			return err
		},
		"while resynchronising": func(t *testing.T, m *atcmdtest.FakeModem, s *atcmd.Session) error {
			wake(t, s)
			_, err := ask(t, s, "AT+CSUB") // says nothing
			expectKind(t, err, atcmd.NoAnswer, nil)
			m.Vanish()
			_, err = ask(t, s, "AT+CGMI")
			return err
		},
	}
	build := func() *atcmdtest.FakeModem {
		var m *atcmdtest.FakeModem
		m = atcmdtest.Behave(func(cmd string, w io.Writer) {
			switch cmd {
			case "AT+GSV":
				_, _ = io.WriteString(w, "\r\nhalf")
				time.Sleep(30 * time.Millisecond)
				m.Vanish()
			case "AT+QGMR":
				m.Vanish()
			case "AT+CSUB":
			default:
				_, _ = w.Write(answers(cmd))
			}
		})
		return m
	}
	for name, step := range steps {
		t.Run("memory/"+name, func(t *testing.T) {
			m := build()
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				lost(t, s, step(t, m, s))
			})
		})
		t.Run("pty/"+name, func(t *testing.T) {
			m := build()
			onPty(t, m, atcmd.Settings{Timeout: 2 * time.Second}, func(t *testing.T, s *atcmd.Session, _ *atcmdtest.Pty) {
				lost(t, s, step(t, m, s))
			})
		})
	}
	t.Run("the next plug works", func(t *testing.T) {
		onPty(t, atcmdtest.Modem(answers), atcmd.Settings{}, func(t *testing.T, s *atcmd.Session, _ *atcmdtest.Pty) {
			rightVisit(t, s)
		})
	})
}

// lost expects that the port is lost for good.
func lost(t *testing.T, s *atcmd.Session, err error) {
	t.Helper()
	expectKind(t, err, atcmd.Lost, nil)
	begun := time.Now()
	_, err = ask(t, s, "AT+CGMM")
	expectKind(t, err, atcmd.Lost, nil)
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the second error took %v", took)
	}
}

// B08: closed from elsewhere while a command is out, while a write is blocked, and twice.
func TestB08ClosedMeanwhile(t *testing.T) {
	for name, build := range map[string]func() *atcmdtest.FakeModem{
		"command out": func() *atcmdtest.FakeModem {
			return atcmdtest.Behave(atcmdtest.Once(atcmdtest.Yes, atcmdtest.Silence))
		},
		"write blocked": func() *atcmdtest.FakeModem {
			m := atcmdtest.Behave(atcmdtest.Silence)
			m.Deaf = true
			return m
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := build()
				s := atcmd.New(m.Port(), fast())
				var wg sync.WaitGroup
				wg.Go(func() {
					_, err := s.Ask(context.Background(), query(t, "ATI"))
					if !errors.Is(err, atcmd.Lost) {
						t.Errorf("the command ended with %v", err)
					}
				})
				time.Sleep(100 * time.Millisecond)
				for range 2 {
					if err := s.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				}
				wg.Wait()
				_, err := s.Ask(context.Background(), query(t, "ATI"))
				expectKind(t, err, atcmd.Lost, nil)
				_ = m.Close()
				tap(t, m)
			})
		})
	}
}

// B11: a write that blocks for ever ends at its deadline; the port is left and nothing is stuck.
func TestB11BlockedWrite(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Silence)
		m.Deaf = true
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			begun := time.Now()
			expectKind(t, wakeOf(s), atcmd.Blocked, nil)
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			_, err := ask(t, s, "ATI")
			expectKind(t, err, atcmd.Blocked, nil)
		})
	})
	t.Run("given up", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Silence)
		m.Deaf = true
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			begun := time.Now()
			_, err := s.Ask(ctx, query(t, "ATI"))
			expectKind(t, err, atcmd.Blocked, context.DeadlineExceeded)
			if took := time.Since(begun); took > 200*time.Millisecond {
				t.Errorf("took %v", took)
			}
			expectKind(t, wakeOf(s), atcmd.Blocked, nil)
		})
	})
	t.Run("pty", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Silence)
		m.Deaf = true
		onPty(t, m, atcmd.Settings{}, func(t *testing.T, s *atcmd.Session, p *atcmdtest.Pty) {
			fill(t, p)
			expectKind(t, wakeOf(s), atcmd.Blocked, os.ErrDeadlineExceeded)
		})
	})
}

// fill writes to the pty until it takes no more.
func fill(t *testing.T, p *atcmdtest.Pty) {
	t.Helper()
	f, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for full := 0; full < 3; { // the kernel makes room again by moving bytes on
		_ = f.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := f.Write(make([]byte, 1024)); n > 0 || err == nil {
			full = 0
		} else {
			full++
		}
	}
}

// noDeadlines is a port that cannot limit a write.
type noDeadlines struct{ *atcmdtest.Port }

func (noDeadlines) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// A port whose writes cannot be limited is not written to.
func TestB11NoDeadlinesNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atcmdtest.Modem(answers)
		s := atcmd.New(noDeadlines{m.Port()}, fast())
		err := wakeOf(s)
		expectKind(t, err, atcmd.Lost, os.ErrNoDeadline)
		if w := m.Written(); len(w) > 0 {
			t.Errorf("wrote %q", w)
		}
		_ = s.Close()
		_ = m.Close()
	})
}

// dozing is a port whose Read returns nothing and no error when nothing is there, as
// serial libraries do at their timeout.
type dozing struct {
	*atcmdtest.Port
	reads *int
	odd   bool
}

func (d *dozing) Read(p []byte) (int, error) {
	*d.reads++
	if d.odd = !d.odd; d.odd {
		return 0, nil
	}
	return d.Port.Read(p)
}

// Reads of 0 bytes are no end of the port.
func TestZeroByteReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atcmdtest.Modem(answers)
		reads := 0
		s := atcmd.New(&dozing{Port: m.Port(), reads: &reads}, fast())
		rightVisit(t, s)
		_ = s.Close()
		_ = m.Close()
		if reads < 4 {
			t.Errorf("%d reads", reads)
		}
	})
}

// stuck is a port that Close does not unblock.
type stuck struct {
	*atcmdtest.Port
	let chan struct{}
}

func (s *stuck) Read([]byte) (int, error) { <-s.let; return 0, io.EOF }

// Close does not wait for ever for a driver that keeps a Read.
func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Silence)
		p := &stuck{m.Port(), make(chan struct{})}
		s := atcmd.New(p, fast())
		begun := time.Now()
		expectKind(t, s.Close(), atcmd.Lost, nil)
		if took := time.Since(begun); took > 6*time.Second {
			t.Errorf("Close took %v", took)
		}
		close(p.let)
		_ = m.Close()
	})
}
