package atcmd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

// say returns a behaviour that sends exactly b.
func say(b string) atcmdtest.Behaviour {
	return func(_ string, w io.Writer) { _, _ = io.WriteString(w, b) }
}

// A01: a line of 70 kB without end. Its first 4 KiB are kept, the rest is dropped, and the
// next command is answered rightly.
func TestA01LongLine(t *testing.T) {
	long := "\r\n" + strings.Repeat("x", 70_000)
	m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", say(long), atcmdtest.Say(answers)))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		x, err := ask(t, s, "AT+CGMI")
		expectKind(t, err, atcmd.TooLong, nil)
		if len(x.Lines) != 1 || x.Lines[0] != strings.Repeat("x", atcmd.MaxLine) || x.Final != "" || x.Note != atcmd.NoteTooLong {
			t.Errorf("%d lines, final %q, note %q", len(x.Lines), x.Final, x.Note)
		}
		mustAsk(t, s, "AT+CGMM")
		mustAsk(t, s, "AT+CGMR")
		for _, line := range s.Transcript().Banner {
			if len(line) > atcmd.MaxLine {
				t.Errorf("an unasked line of %d bytes was kept", len(line))
			}
		}
	})
}

// A line of just the limit is an answer like any other.
func TestA01LongestLine(t *testing.T) {
	longest := strings.Repeat("x", atcmd.MaxLine)
	m := atcmdtest.Modem(atcmdtest.Answers(map[string]string{"AT+CGMI": longest}))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		x, err := ask(t, s, "AT+CGMI")
		if err != nil {
			t.Fatal(err)
		}
		expect(t, x, longest, "OK")
	})
}

// A02: endless lines without a final result. It ends at the limits, the port is left after
// two failed attempts to resynchronise, and memory stays flat.
func TestA02EndlessLines(t *testing.T) {
	for name, piece := range map[string]string{"short": "EC25\r\n", "blank": "\r\n", "long": strings.Repeat("y", 3000) + "\r\n", "no line": "z"} {
		t.Run(name, func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", atcmdtest.Endless(piece), atcmdtest.Say(answers)))
			before := heap()
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				wake(t, s)
				x, err := ask(t, s, "AT+CGMI")
				expectKind(t, err, atcmd.TooLong, nil)
				if n := len(x.Lines); n > atcmd.MaxLines {
					t.Errorf("kept %d lines", n)
				}
				if n := len(strings.Join(x.Lines, "")); n > atcmd.MaxAnswer {
					t.Errorf("kept %d bytes", n)
				}
				_, err = ask(t, s, "AT+CGMM")
				expectKind(t, err, atcmd.TooLong, atcmd.ErrNoise)
				_, err = ask(t, s, "AT+CGMR")
				expectKind(t, err, atcmd.TooLong, atcmd.ErrNoise)
				if got := m.Commands(); len(got) != 2 {
					t.Errorf("after the flood began, it still wrote %q", got[2:])
				}
				if grown := heap() - before; grown > 4<<20 {
					t.Errorf("the visit holds %d KiB", grown>>10)
				}
			})
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A02 with an end: 600 lines and then OK.
func TestA02TooManyLines(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", say(strings.Repeat("line\r\n", 600)+"OK\r\n"), atcmdtest.Say(answers)))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		_, err := ask(t, s, "AT+CGMI")
		expectKind(t, err, atcmd.TooLong, nil)
		mustAsk(t, s, "AT+CGMM")
	})
}

// A03: complete silence, from the start and from some command on. Every command ends at its
// deadline, the port counts as silent after three, and the visit stays within a minute.
func TestA03Silence(t *testing.T) {
	t.Run("from the start", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Silence)
		visit(t, m, atcmd.Settings{}, func(t *testing.T, s *atcmd.Session) {
			begun := time.Now()
			expectKind(t, s.Wake(context.Background()), atcmd.NoAnswer, atcmd.ErrSilent)
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if got := m.Commands(); len(got) != 3 || count(got, "AT") != 3 {
				t.Errorf("wrote %q", got)
			}
			_, err := ask(t, s, "ATI")
			expectKind(t, err, atcmd.NoAnswer, atcmd.ErrSilent)
		})
	})
	t.Run("later", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Once(atcmdtest.Yes, atcmdtest.Silence))
		visit(t, m, atcmd.Settings{}, func(t *testing.T, s *atcmd.Session) {
			begun := time.Now()
			wake(t, s)
			for _, cmd := range []string{"ATI", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN"} {
				_, err := ask(t, s, cmd)
				expectKind(t, err, atcmd.NoAnswer, nil)
			}
			if took := time.Since(begun); took > 60*time.Second {
				t.Errorf("took %v", took)
			}
			if got := fmt.Sprint(m.Commands()); got != "[AT ATI AT AT]" {
				t.Errorf("wrote %s", got)
			}
		})
	})
}

// A04: one byte a second, never complete. The deadline is for the whole answer.
func TestA04Drip(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", atcmdtest.Drip("x", time.Second), atcmdtest.Say(answers)))
	visit(t, m, atcmd.Settings{}, func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		begun := time.Now()
		x, err := ask(t, s, "AT+CGMI")
		expectKind(t, err, atcmd.NoAnswer, nil)
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("took %v; the catalogue says 5 s", took)
		}
		if x.Note != atcmd.NoteTimeout || len(x.Lines) != 1 || strings.Trim(x.Lines[0], "x") != "" {
			t.Errorf("kept %q with note %q", x.Lines, x.Note)
		}
	})
}

// The time for a visit ends it, whatever is still to be asked.
func TestVisitEnds(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.Late(delayOf("ATI", 4*time.Second), atcmdtest.Say(answers)))
	visit(t, m, atcmd.Settings{Visit: 10 * time.Second}, func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		var err error
		asked := 0
		for err == nil {
			_, err = ask(t, s, "ATI")
			asked++
		}
		expectKind(t, err, atcmd.NoAnswer, atcmd.ErrVisit)
		if asked != 3 {
			t.Errorf("asked %d times in 10 s at 4 s an answer", asked)
		}
		_, err = ask(t, s, "AT+CGMM")
		expectKind(t, err, atcmd.NoAnswer, atcmd.ErrVisit)
	})
}

// After its time nothing more is written.
func TestVisitOver(t *testing.T) {
	m := atcmdtest.Modem(answers)
	visit(t, m, atcmd.Settings{Visit: 10 * time.Second}, func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		time.Sleep(11 * time.Second)
		_, err := ask(t, s, "ATI")
		expectKind(t, err, atcmd.NoAnswer, atcmd.ErrVisit)
		if got := m.Commands(); len(got) != 1 {
			t.Errorf("wrote %q", got)
		}
	})
}

// The transcript holds what fits, says so, and ends the visit.
func TestTranscriptIsBounded(t *testing.T) {
	big := strings.Repeat(strings.Repeat("v", 1000)+"\n", 50) + "end"
	m := atcmdtest.Modem(atcmdtest.Answers(map[string]string{"ATI": big}))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		var err error
		for range 20 {
			if _, err = ask(t, s, "ATI"); err != nil {
				break
			}
		}
		expectKind(t, err, atcmd.TooLong, atcmd.ErrFull)
		tr := s.Transcript()
		size := 0
		for _, x := range tr.Exchanges {
			size += len(strings.Join(x.Lines, ""))
		}
		if size > atcmd.MaxTranscript {
			t.Errorf("the transcript holds %d bytes", size)
		}
		if last := tr.Exchanges[len(tr.Exchanges)-1]; last.Note != atcmd.NoteTooLong {
			t.Errorf("the last exchange has note %q", last.Note)
		}
		record := 0
		for _, c := range tr.Record {
			record += len(c.Bytes)
		}
		if record > atcmd.MaxTranscript {
			t.Errorf("the record holds %d bytes", record)
		}
	})
}

// A context that ends takes the command with it; the next one is answered rightly.
func TestContextEnds(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.Late(delayOf("AT+CGMI", 700*time.Millisecond), atcmdtest.Say(answers)))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		_, err := s.Ask(ctx, query(t, "AT+CGMI"))
		expectKind(t, err, atcmd.NoAnswer, context.DeadlineExceeded)
		mustAsk(t, s, "AT+CGMM")
		honest(t, s)
	})
}

// A zero Command is refused and nothing is written.
func TestZeroCommandIsRefused(t *testing.T) {
	m := atcmdtest.Modem(answers)
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		_, err := s.Ask(context.Background(), atcmd.Command{})
		expectKind(t, err, atcmd.Refused, atcmd.ErrNotCatalogued)
		if w := m.Written(); len(w) > 0 {
			t.Errorf("wrote %q", w)
		}
	})
}

func TestErrorReads(t *testing.T) {
	e := &atcmd.Error{Port: "/dev/ttyUSB2", Command: "ATI", Kind: atcmd.Lost, Err: atcmd.ErrRestart}
	if got := e.Error(); !strings.HasPrefix(got, "cannot ask ATI on /dev/ttyUSB2: port lost: ") {
		t.Error(got)
	}
	if !errors.Is(e, atcmd.Lost) || errors.Is(e, atcmd.InUse) || !errors.Is(e, atcmd.ErrRestart) {
		t.Error("errors.Is does not tell kinds and reasons")
	}
	if got := (&atcmd.Error{Port: "p", Kind: atcmd.Kind(99)}).Error(); got != "cannot talk on p: kind 99" {
		t.Error(got)
	}
}

// A context that ends at any moment ends the dialogue, also between arming the guard and
// the write: what at is given before it began would be dropped, and waited for in vain.
func TestCancelledAtOnce(t *testing.T) {
	for range 200 {
		m := atcmdtest.Modem(func(string) []byte { return nil })
		ctx, cancel := context.WithCancel(context.Background())
		s := atcmd.New(m.Port(), atcmd.Settings{Progress: func(string) { cancel() }})
		if err := s.Wake(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want the end of the context", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
}

// TestVisitEndsInSilence: a visit that is over while one waits for silence says so, and not that the port talks.
func TestVisitEndsInSilence(t *testing.T) {
	for name, after := range map[string]time.Duration{"while waking": 0, "while resynchronising": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.Silence)
			if after > 0 {
				m = atcmdtest.Behave(atcmdtest.For("AT", atcmdtest.Say(answers), atcmdtest.Silence))
			}
			set := fast()
			set.Visit = time.Second + 100*time.Millisecond // one answer is missing, and then less than a silence is left
			visit(t, m, set, func(t *testing.T, s *atcmd.Session) {
				var err error
				for range 2 {
					_, err = ask(t, s, "ATI")
				}
				expectKind(t, err, atcmd.NoAnswer, atcmd.ErrVisit)
			})
		})
	}
}

// TestWakeLeaves: what ends waking together with the OK is Wake's error, not only that of the next Ask.
func TestWakeLeaves(t *testing.T) {
	m := atcmdtest.Modem(func(string) []byte { return []byte("\r\nOK\r\n\r\nCONNECT 9600\r\n") })
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		expectKind(t, s.Wake(context.Background()), atcmd.InUse, atcmd.ErrData)
	})
}
