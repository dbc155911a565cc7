package atcmd_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

// A06: unasked lines before, inside and after an answer are kept as unasked, and are in no
// answer.
func TestA06UnaskedLines(t *testing.T) {
	for _, urc := range []string{"+CREG: 2", "RING", `+CMTI: "SM",3`, "^RSSI:18", "+QIND: SMS DONE", "NO CARRIER", "^BOOT:37251,0,0,0,75", "+CPIN: READY", "+UNHEARDOF: 1"} {
		for place := range 4 {
			t.Run(fmt.Sprintf("%s/%d", urc, place), func(t *testing.T) {
				parts := []string{"", "\r\nModel-7\r\n", "\r\nOK\r\n", ""}
				parts[place] = "\r\n" + urc + "\r\n" + parts[place]
				m := atcmdtest.Behave(atcmdtest.For("AT+CGMM", say(strings.Join(parts, "")), atcmdtest.Say(answers)))
				visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
					wake(t, s)
					x := mustAsk(t, s, "AT+CGMM")
					if x.Note != "" {
						t.Errorf("note %q", x.Note)
					}
					mustAsk(t, s, "AT+CGMR")
					if got := s.Transcript().Banner; !contains(got, urc) {
						t.Errorf("the unasked lines are %q", got)
					}
				})
			})
		}
	}
}

// A06: unasked lines that wait in the port cost no time.
func TestA06UnaskedLinesCostNoTime(t *testing.T) {
	m := atcmdtest.Modem(answers)
	m.Banner = []byte("\r\n^RSSI:18\r\n\r\n+CREG: 1\r\n")
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		begun := time.Now()
		rightVisit(t, s)
		if took := time.Since(begun); took > 5*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// A06: what stands before the echo was not asked for, known or not.
func TestA06BeforeTheEcho(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.For("ATI", say("some text\r\nATI\r\r\nMaker\r\nModel-7\r\nRevision: MODEL7R01\r\n\r\nOK\r\n"), atcmdtest.Say(answers)))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		mustAsk(t, s, "ATI")
		if got := s.Transcript().Banner; !contains(got, "some text") {
			t.Errorf("the unasked lines are %q", got)
		}
	})
}

// A07: a stray result from an earlier dialogue, in every place where it can come. What came
// with it is marked as doubtful, the query is asked again, and the answer is right.
func TestA07StrayResults(t *testing.T) {
	for _, stray := range []string{"\r\nOK\r\n", "\r\nERROR\r\n", "\r\nOld text\r\n\r\nOK\r\n"} {
		for _, echo := range []bool{false, true} {
			t.Run(fmt.Sprintf("waiting/%q/echo=%v", stray, echo), func(t *testing.T) {
				m := atcmdtest.Modem(answers)
				m.Echo, m.Banner = echo, []byte(stray)
				visit(t, m, fast(), rightVisit)
			})
			t.Run(fmt.Sprintf("with the first AT/%q/echo=%v", stray, echo), func(t *testing.T) {
				m := atcmdtest.Behave(atcmdtest.Once(say(stray+"\r\nOK\r\n"), atcmdtest.Say(answers)))
				m.Echo = echo
				visit(t, m, fast(), rightVisit)
			})
		}
	}
	t.Run("OK before the answer", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", atcmdtest.Once(say("\r\nOK\r\n\r\nMaker\r\n\r\nOK\r\n"), atcmdtest.Say(answers)), atcmdtest.Say(answers)))
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			rightVisit(t, s)
			if count(m.Commands(), "AT+CGMI") != 2 {
				t.Errorf("wrote %q; the doubtful query was not asked once more", m.Commands())
			}
			if x := s.Transcript().Exchanges[1]; x.Cmd != "AT+CGMI" || x.Note != atcmd.NoteDoubtful {
				t.Errorf("the first exchange is not marked as doubtful: %+v", x)
			}
		})
	})
	t.Run("OK in place of the answer", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", atcmdtest.Once(say("\r\nOK\r\n"), atcmdtest.Say(answers)), atcmdtest.Say(answers)))
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			rightVisit(t, s)
			if x := s.Transcript().Exchanges[1]; x.Cmd != "AT+CGMI" || x.Note != atcmd.NoteDoubtful {
				t.Errorf("the first exchange is not marked as doubtful: %+v", x)
			}
		})
	})
}

// rightVisit asks what everybody asks and expects the truth.
func rightVisit(t *testing.T, s *atcmd.Session) {
	t.Helper()
	wake(t, s)
	for _, cmd := range []string{"AT+CGMI", "AT+CGMM", "AT+CGMR", "ATI"} {
		mustAsk(t, s, cmd)
	}
	honest(t, s)
}

// A07: a result too many after an answer puts that answer in doubt.
func TestA07ResultTooMany(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", func(_ string, w io.Writer) {
		_, _ = io.WriteString(w, "\r\nFirst\r\n\r\nOK\r\n")
		time.Sleep(20 * time.Millisecond)
		_, _ = io.WriteString(w, "\r\nSecond\r\n\r\nOK\r\n")
	}, atcmdtest.Say(answers)))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		_, _ = ask(t, s, "AT+CGMI")
		time.Sleep(50 * time.Millisecond)
		mustAsk(t, s, "AT+CGMM")
		if x := s.Transcript().Exchanges[1]; x.Note != atcmd.NoteDoubtful {
			t.Errorf("the exchange is not marked as doubtful: %+v", x)
		}
	})
}

// A08: an answer cut at every byte, then silence. Without its final result it is no answer;
// its lines are kept, unconfirmed; the next command is answered rightly.
func TestA08CutAnswers(t *testing.T) {
	whole := string(answers("ATI"))
	for _, echo := range []string{"", "ATI\r"} {
		full := echo + whole
		for n := range len(full) + 1 {
			t.Run(fmt.Sprint(echo != "", n), func(t *testing.T) {
				m := atcmdtest.Behave(atcmdtest.For("ATI", say(full[:n]), atcmdtest.Say(answers)))
				visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
					wake(t, s)
					x, err := ask(t, s, "ATI")
					if n >= len(full)-1 { // all but the last LF
						expect(t, x, truth["ATI"], "OK")
					} else {
						expectKind(t, err, atcmd.NoAnswer, nil)
						if x.Final != "" || x.Note != atcmd.NoteTimeout || !strings.HasPrefix(truth["ATI"]+"\nOK", strings.Join(x.Lines, "\n")) {
							t.Errorf("lines %q, final %q, note %q", x.Lines, x.Final, x.Note)
						}
					}
					mustAsk(t, s, "AT+CGMM")
					honest(t, s)
				})
			})
		}
	}
}

// A09: echo on, off, switching, with CR CR LF, in pieces, or only in part. It is dropped and
// never taken for information.
func TestA09Echo(t *testing.T) {
	for _, echo := range []string{"AT+CGMM\r", "AT+CGMM\r\n", "AT+CGMM\r\r\n", "AT+CGMM\n", "at+cgmm\r", "T+CGMM\r", "CGMM\r", "GMM\r", "M\r", "A\r", "AT\r", "AT+C\r", "AT+CG\r", "AT+MM\r", "AT+CGM\r", "\x00AT+CGMM\r", ""} {
		t.Run(fmt.Sprintf("%q", echo), func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.For("AT+CGMM", say(echo+string(atcmdtest.OK("Model-7"))), atcmdtest.Say(answers)))
			visit(t, m, fast(), rightVisit)
		})
	}
	t.Run("switching", func(t *testing.T) {
		n := 0
		m := atcmdtest.Behave(func(cmd string, w io.Writer) {
			if n++; n%3 == 0 {
				_, _ = io.WriteString(w, cmd+"\r")
			}
			_, _ = w.Write(answers(cmd))
		})
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			for range 3 {
				rightVisit(t, s)
			}
		})
	})
}

// A10: results as numbers, in small letters, and switched off.
func TestA10ResultForms(t *testing.T) {
	t.Run("numeric", func(t *testing.T) {
		m := atcmdtest.Modem(func(cmd string) []byte {
			if text, ok := truth[cmd]; ok && text != "" {
				return []byte(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n0\r")
			}
			if cmd == "AT" {
				return []byte("0\r")
			}
			return []byte("4\r")
		})
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			wake(t, s)
			x, err := ask(t, s, "AT+CGMM")
			if err != nil {
				t.Fatal(err)
			}
			expect(t, x, "Model-7", "0")
			x, _ = ask(t, s, "AT+GSV")
			expect(t, x, "", "4")
		})
	})
	t.Run("a number is text where results are words", func(t *testing.T) {
		m := atcmdtest.Modem(atcmdtest.Answers(map[string]string{"ATI1": "0", "ATI2": "4\n0"}))
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			x, _ := ask(t, s, "ATI1")
			expect(t, x, "0", "OK")
			x, _ = ask(t, s, "ATI2")
			expect(t, x, "4\n0", "OK")
		})
	})
	t.Run("small letters", func(t *testing.T) {
		m := atcmdtest.Modem(func(cmd string) []byte {
			return []byte(strings.ReplaceAll(strings.ReplaceAll(string(answers(cmd)), "OK", "ok"), "ERROR", "error"))
		})
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			wake(t, s)
			x, _ := ask(t, s, "AT+CGMM")
			expect(t, x, "Model-7", "ok")
			x, _ = ask(t, s, "AT+GSV")
			expect(t, x, "", "error")
		})
	})
	t.Run("quiet", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.For("AT", say(""), say("\r\nModel-7\r\n")))
		m.Echo = true
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			expectKind(t, s.Wake(context.Background()), atcmd.NoAnswer, atcmd.ErrQuiet)
		})
	})
	t.Run("quiet without echo", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Silence)
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			expectKind(t, s.Wake(context.Background()), atcmd.NoAnswer, atcmd.ErrSilent)
		})
	})
}

// A11: every way to say no is a final result, and none ends the visit.
func TestA11FinalResults(t *testing.T) {
	for _, final := range []string{"ERROR", "+CME ERROR: 10", "+CME ERROR: SIM not inserted", "+CMS ERROR: 500", "+CME ERROR:4", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS", "NO CARRIER", "NO ANSWER", "BUSY", "ABORTED", "ERROR: 5"} {
		t.Run(final, func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.For("AT+GSV", atcmdtest.Say(func(string) []byte { return atcmdtest.Result(final) }), atcmdtest.Say(answers)))
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				wake(t, s)
				x, err := ask(t, s, "AT+GSV")
				if err != nil {
					t.Fatal(err)
				}
				expect(t, x, "", final)
				mustAsk(t, s, "AT+CGMM")
			})
		})
	}
}

// A12: NUL, 0xFF, flow control and random bytes around and inside an answer. No line is
// lost, and the exact bytes are kept.
func TestA12Binary(t *testing.T) {
	for name, body := range map[string]string{
		"NUL before":   "\x00\x00\r\nModel-7\r\n\r\nOK\r\n",
		"0xFF before":  "\xff\xff\r\nModel-7\r\n\xff\r\nOK\r\n",
		"flow control": "\x11\r\nModel-7\r\n\r\n\x13OK\x11\r\n",
		"NUL lines":    "\r\n\x00\r\nModel-7\r\n\x00\x00\r\nOK\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.For("AT+CGMM", say(body), atcmdtest.Say(answers)))
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				wake(t, s)
				x := mustAsk(t, s, "AT+CGMM")
				if want := strings.TrimRight(strings.TrimLeft(body, "\r\n"), "\n"); string(x.Raw) != want {
					t.Errorf("raw is %q; want %q", x.Raw, want)
				}
				mustAsk(t, s, "AT+CGMR")
			})
		})
	}
}

// A12, A13: what is no UTF-8 is replaced in the lines and exact in Raw; what is UTF-8 or
// plain text in another code is left as it is.
func TestA13Text(t *testing.T) {
	for _, text := range []string{"\xc3\x28", "\xe9", "\xfe\xfd", "EC25\xe9", "\xef\xbb\xbfEC25", "00450043003200350000", "caf\xc3\xa9", "a\x80b\xfe\xffc", "\x1b[2J\x1b]52;c;AAAA\x07EC25", "EC\x0025"} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.For("AT+CGMM", say("\r\n"+text+"\r\n\r\nOK\r\n"), atcmdtest.Say(answers)))
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				x, err := ask(t, s, "AT+CGMM")
				if err != nil {
					t.Fatal(err)
				}
				expect(t, x, strings.ToValidUTF8(text, "\uFFFD"), "OK")
				if want := text + "\r\n\r\nOK\r"; utf8.ValidString(text) && x.Raw != nil || !utf8.ValidString(text) && string(x.Raw) != want {
					t.Errorf("raw is %q", x.Raw)
				}
			})
		})
	}
}
