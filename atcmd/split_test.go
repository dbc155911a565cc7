package atcmd_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
	"github.com/rollcall-iot/rollcall/inventory"
)

// busy is a module that does everything odd that an answer may hold and still be one.
func busy(cmd string) string {
	switch cmd {
	case "AT":
		return "AT\r\r\nOK\r\n"
	case "ATI":
		return "ATI\r\r\nMaker\r\nModel-7\r\n\r\n+CREG: 2\r\nRevision: MODEL7R01\r\n\r\n\r\nOK\r\n\r\nRING\r\n"
	case "AT+CGMI":
		return "AT+CGMI\r\r\nCaf\xe9 \x00\xff\r\r\nOK\r\n"
	case "AT+CGMM":
		return "\r\n^RSSI:18\r\nAT+CGMM\rModel-7\n\nOK\n"
	case "AT+CGMR":
		return "AT+CGMR\r\r\n+CME ERROR: 100\r\n"
	case "AT+CGSN":
		return "AT+CGSN\r\r\n490154203237518\r\nok\r\n+CMTI: \"SM\",1\r\n"
	}
	return cmd + "\r\r\nCOMMAND NOT SUPPORT\r\n"
}

// A25: the same bytes in 1,000 random chunkings and delays give the same transcript, byte
// for byte, times aside.
func TestA25SameTranscriptHoweverSplit(t *testing.T) {
	want := busyTranscript(t, func(cmd string, w io.Writer) { _, _ = io.WriteString(w, busy(cmd)) })
	if len(want.Exchanges) != 7 || len(want.Banner) != 4 {
		t.Fatalf("the undivided dialogue gave %+v", want)
	}
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 25))
		got := busyTranscript(t, func(cmd string, w io.Writer) {
			for rest := busy(cmd); rest != ""; {
				n := 1 + r.IntN(min(len(rest), 1+r.IntN(20)))
				_, _ = io.WriteString(w, rest[:n])
				time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
				rest = rest[n:]
			}
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// busyTranscript is what a visit to b leaves, without times.
func busyTranscript(t *testing.T, b atcmdtest.Behaviour) (tr atcmd.Transcript) {
	t.Helper()
	visit(t, atcmdtest.Behave(b), atcmd.Settings{Timeout: 20 * time.Second}, func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		for _, cmd := range []string{"ATI", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+GSV"} {
			if _, err := ask(t, s, cmd); err != nil {
				t.Fatalf("%s: %v", cmd, err)
			}
			time.Sleep(time.Second) // what follows an answer has come
		}
		tr = timeless(s.Transcript())
	})
	return tr
}

// timeless takes the times out of a transcript, and the record, which is chunked as it came.
func timeless(tr atcmd.Transcript) atcmd.Transcript {
	tr.Record = nil
	for i := range tr.Exchanges {
		tr.Exchanges[i].Millis = 0
	}
	return tr
}

// The exact answers of the busy module.
func TestBusyModule(t *testing.T) {
	got := busyTranscript(t, func(cmd string, w io.Writer) { _, _ = io.WriteString(w, busy(cmd)) })
	want := atcmd.Transcript{
		Exchanges: []inventory.Exchange{
			{Cmd: "AT", Lines: []string{}, Final: "OK"},
			{Cmd: "ATI", Lines: []string{"Maker", "Model-7", "Revision: MODEL7R01"}, Final: "OK"},
			{Cmd: "AT+CGMI", Lines: []string{"Caf\uFFFD \x00\uFFFD"}, Final: "OK", Raw: []byte("AT+CGMI\r\r\nCaf\xe9 \x00\xff\r\r\nOK\r")},
			{Cmd: "AT+CGMM", Lines: []string{"Model-7"}, Final: "OK"},
			{Cmd: "AT+CGMR", Lines: []string{}, Final: "+CME ERROR: 100"},
			{Cmd: "AT+CGSN", Lines: []string{"490154203237518"}, Final: "ok"},
			{Cmd: "AT+GSV", Lines: []string{}, Final: "COMMAND NOT SUPPORT"},
		},
		Banner: []string{"+CREG: 2", "RING", "^RSSI:18", `+CMTI: "SM",1`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The record holds every byte in both directions, in order, with the time of each.
func TestRecordIsExact(t *testing.T) {
	m := atcmdtest.Behave(func(cmd string, w io.Writer) { _, _ = io.WriteString(w, busy(cmd)) })
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		wake(t, s)
		if _, err := ask(t, s, "AT+CGMI"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		var got string
		last := time.Duration(0)
		for _, c := range s.Transcript().Record {
			got += map[bool]string{true: ">", false: "<"}[c.Sent] + string(c.Bytes)
			if c.At < last {
				t.Errorf("times go back: %v after %v", c.At, last)
			}
			last = c.At
		}
		if want := ">AT\r<" + busy("AT") + ">AT+CGMI\r<" + busy("AT+CGMI"); got != want {
			t.Errorf("record is %q; want %q", got, want)
		}
	})
}

// The time of an exchange is that from its command to its result.
func TestMillis(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.Late(delayOf("AT+CGMM", 123*time.Millisecond), atcmdtest.Say(answers)))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		if x := mustAsk(t, s, "AT+CGMM"); x.Millis != 123 {
			t.Errorf("took %d ms", x.Millis)
		}
	})
}

// A good dialogue waits for nothing but the answers: in fake time it takes exactly their
// sum and the first look.
func TestNoWaitInTheGoodCase(t *testing.T) {
	for _, echo := range []bool{false, true} {
		t.Run(fmt.Sprint(echo), func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.Late(func(string) time.Duration { return 15 * time.Millisecond }, atcmdtest.Say(answers)))
			m.Echo = echo
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				begun := time.Now()
				wake(t, s)
				for _, cmd := range []string{"ATI", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+GMM"} {
					mustAsk(t, s, cmd)
				}
				if took := time.Since(begun); took > 7*15*time.Millisecond+time.Millisecond {
					t.Errorf("7 answers of 15 ms took %v", took)
				}
			})
		})
	}
}
