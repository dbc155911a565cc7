package atcmd_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

// common is the dialogue that a common module needs: 8 commands.
var common = []string{"ATI", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+GMM", "AT+GMR"}

// BenchmarkDialogue is one visit to a module on a real pty: open, AT, 7 queries, close. Its
// figure ratio/own is the time of the visit over the sum of the module's own answer times,
// measured in the module.
func BenchmarkDialogue(b *testing.B) {
	pace := func(d time.Duration) atcmdtest.Behaviour {
		return atcmdtest.Late(func(string) time.Duration { return d }, atcmdtest.Say(answers))
	}
	// 115200 baud carry 11.5 bytes a millisecond.
	slow := atcmdtest.Late(func(string) time.Duration { return 15 * time.Millisecond }, atcmdtest.Split(16, 1389*time.Microsecond, atcmdtest.Say(answers)))
	for name, m := range map[string]atcmdtest.Behaviour{"15ms": pace(15 * time.Millisecond), "15ms-115200-baud": slow, "1ms": pace(time.Millisecond), "at-once": atcmdtest.Say(answers)} {
		b.Run(name, func(b *testing.B) { dialogue(b, m) })
	}
}

func dialogue(b *testing.B, behave atcmdtest.Behaviour) {
	var own atomic.Int64
	m := atcmdtest.Behave(func(cmd string, w io.Writer) {
		begun := time.Now()
		behave(cmd, w)
		own.Add(int64(time.Since(begun)))
	})
	m.Echo = true
	pty, err := m.Pty()
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	var took time.Duration
	b.ReportAllocs()
	for b.Loop() {
		begun := time.Now()
		visitOnce(b, pty)
		took += time.Since(begun)
	}
	b.ReportMetric(float64(took)/float64(own.Load()), "ratio/own")
	b.ReportMetric(float64(took.Milliseconds())/float64(b.N), "ms/visit")
}

func visitOnce(b *testing.B, pty *atcmdtest.Pty) {
	port, err := pty.Open()
	if err != nil {
		b.Fatal(err)
	}
	s := atcmd.New(port, atcmd.Settings{})
	for _, text := range common {
		if _, err := s.Ask(context.Background(), query(b, text)); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSession is the same dialogue over memory with a module that answers at once:
// what the session itself costs.
func BenchmarkSession(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		m := atcmdtest.Modem(answers)
		s := atcmd.New(m.Port(), atcmd.Settings{})
		for _, text := range common {
			if _, err := s.Ask(context.Background(), query(b, text)); err != nil {
				b.Fatal(err)
			}
		}
		_ = s.Close()
		_ = m.Close()
	}
}
