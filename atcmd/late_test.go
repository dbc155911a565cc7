package atcmd_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

// A05: the answer comes after its timeout, before or after the next command; delays are
// swept from 0 to twice the timeout, in modules that answer in order and in such that let
// answers overtake each other, with echo and without. It is the command's, or nobody's.
func TestA05LateAnswersSwept(t *testing.T) {
	type order func(func(string) time.Duration, atcmdtest.Behaviour) atcmdtest.Behaviour
	orders := map[string]order{"ordered": atcmdtest.Late, "unordered": atcmdtest.Unordered}
	for name, late := range orders {
		for _, echo := range []bool{false, true} {
			for _, slow := range []string{"AT+CGMI", "ATI", "ATI1", "AT+GSV"} {
				t.Run(fmt.Sprintf("%s/echo=%v/%s", name, echo, slow), func(t *testing.T) {
					for d := time.Duration(0); d <= 2*time.Second; d += 50 * time.Millisecond {
						lateBy(t, late(delayOf(slow, d), atcmdtest.Say(answers)), echo, slow)
					}
				})
			}
		}
	}
}

func delayOf(slow string, d time.Duration) func(string) time.Duration {
	return func(cmd string) time.Duration {
		if cmd == slow {
			return d
		}
		return 5 * time.Millisecond
	}
}

func lateBy(t *testing.T, b atcmdtest.Behaviour, echo bool, slow string) {
	m := atcmdtest.Behave(b)
	m.Echo = echo
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		for _, cmd := range []string{slow, "AT+CGMM", "AT+CGMR", "AT+GMM", "AT+CGSN"} {
			rightOrNothing(t, s, cmd)
		}
		honest(t, s)
	})
}

// rightOrNothing asks and accepts the true answer or an error, nothing else.
func rightOrNothing(t *testing.T, s *atcmd.Session, cmd string) {
	t.Helper()
	x, err := ask(t, s, cmd)
	if err != nil {
		return
	}
	want, known := truth[cmd]
	if got := strings.Join(x.Lines, "\n"); known && got != want || !known && x.Final != "ERROR" {
		t.Errorf("%s was given %q, %q", cmd, x.Lines, x.Final)
	}
}

// A05, at random: every command has its own delay, echo and order are drawn, and answers
// come in two pieces. The seed is in the name.
func TestA05LateAnswersAtRandom(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			var mu sync.Mutex
			delay := func(string) time.Duration {
				mu.Lock()
				defer mu.Unlock()
				if r.IntN(3) > 0 {
					return time.Duration(r.IntN(20)) * time.Millisecond
				}
				return time.Duration(r.IntN(2000)) * time.Millisecond
			}
			b := atcmdtest.Say(answers)
			if r.IntN(2) == 0 {
				b = atcmdtest.Late(delay, b)
			} else {
				b = atcmdtest.Unordered(delay, b)
			}
			m := atcmdtest.Behave(b)
			m.Echo = r.IntN(2) == 0
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				for _, cmd := range []string{"AT+CGMI", "AT+CGMM", "ATI", "AT+CGMR", "ATI1", "AT+CGSN"} {
					rightOrNothing(t, s, cmd)
				}
				honest(t, s)
			})
		})
	}
}

// A05, in pieces: the first half of an answer comes in time, the second half late.
func TestA05LateHalves(t *testing.T) {
	for d := 900 * time.Millisecond; d <= 2*time.Second; d += 50 * time.Millisecond {
		halves := func(cmd string, w io.Writer) {
			a := answers(cmd)
			_, _ = w.Write(a[:len(a)/2])
			time.Sleep(d)
			_, _ = w.Write(a[len(a)/2:])
		}
		m := atcmdtest.Behave(atcmdtest.For("ATI", halves, atcmdtest.Say(answers)))
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			for _, cmd := range []string{"ATI", "AT+CGMM", "AT+CGMR", "ATI1", "AT+CGSN"} {
				rightOrNothing(t, s, cmd)
			}
			honest(t, s)
		})
	}
}

// After one late answer the visit goes on: what follows is answered rightly.
func TestA05VisitGoesOn(t *testing.T) {
	for _, d := range []time.Duration{1050, 1250, 1320, 1400, 1600, 1900} {
		m := atcmdtest.Behave(atcmdtest.Late(delayOf("AT+CGMI", d*time.Millisecond), atcmdtest.Say(answers)))
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			wake(t, s)
			_, err := ask(t, s, "AT+CGMI")
			expectKind(t, err, atcmd.NoAnswer, nil)
			mustAsk(t, s, "AT+CGMM")
			mustAsk(t, s, "AT+CGMR")
			honest(t, s)
		})
	}
}
