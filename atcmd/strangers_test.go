package atcmd_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

const nmea = "$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76\r\n$GPRMC,092750.000,A,5321.6802,N,00630.3372,W,0.02,31.66,280511,,,A*43\r\n"

// ppp is the beginning of an LCP Configure-Request as RFC 1662 frames it.
const ppp = "\x7e\xff\x7d\x23\xc0\x21\x7d\x21\x7d\x21\x7d\x20\x7d\x34\x7d\x22\x7d\x26\x7d\x20\x7d\x20\x7d\x20\x7d\x20\x9a\x7f\x7e"

// A20: the module restarts or is exchanged during the visit. The visit ends as Lost, and
// nothing is asked of what comes after.
func TestA20Restart(t *testing.T) {
	for _, boot := range []string{"RDY", "^SYSSTART", "APP RDY", "^SYSSTART AIRPLANE MODE"} {
		t.Run(boot, func(t *testing.T) {
			m := atcmdtest.Modem(answers)
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				wake(t, s)
				mustAsk(t, s, "AT+CGMI")
				m.Send([]byte("\r\n" + boot + "\r\n"))
				time.Sleep(10 * time.Millisecond)
				_, err := ask(t, s, "AT+CGMM")
				expectKind(t, err, atcmd.Lost, atcmd.ErrRestart)
				if contains(m.Commands(), "AT+CGMM") {
					t.Error("asked after the restart")
				}
			})
		})
	}
	t.Run("in the middle of an answer", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.For("AT+CGMM", say("\r\nMod\r\nRDY\r\nOther\r\n\r\nOK\r\n"), atcmdtest.Say(answers)))
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			_, err := ask(t, s, "AT+CGMM")
			expectKind(t, err, atcmd.Lost, atcmd.ErrRestart)
			_, err = ask(t, s, "AT+CGMR")
			expectKind(t, err, atcmd.Lost, atcmd.ErrRestart)
		})
	})
	t.Run("boot lines before the visit do not matter", func(t *testing.T) {
		m := atcmdtest.Modem(answers)
		m.Banner = []byte("\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n")
		visit(t, m, fast(), rightVisit)
	})
}

// A21: a loopback, a parrot, and what says OK to everything: no modem, and no identity.
func TestA21Parrots(t *testing.T) {
	t.Run("loopback", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Parrot)
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			expectKind(t, s.Wake(context.Background()), atcmd.NotModem, atcmd.ErrEcho)
			noIdentity(t, s)
		})
	})
	yes := map[string]atcmdtest.Behaviour{
		"OK to everything":       atcmdtest.Yes,
		"echo and OK":            func(c string, w io.Writer) { _, _ = io.WriteString(w, c+"\r\r\nOK\r\n") },
		"echo twice and OK":      func(c string, w io.Writer) { _, _ = io.WriteString(w, c+"\r\n"+c+"\r\nOK\r\n") },
		"OK to all, numeric":     func(_ string, w io.Writer) { _, _ = io.WriteString(w, "0\r") },
		"OK to all, small, late": atcmdtest.Late(func(string) time.Duration { return 100 * time.Millisecond }, say("ok\n")),
	}
	for name, b := range yes {
		t.Run(name, func(t *testing.T) {
			visit(t, atcmdtest.Behave(b), fast(), func(t *testing.T, s *atcmd.Session) {
				wake(t, s)
				var err error
				for _, cmd := range []string{"ATI", "AT+CGMI", "AT+CGMM", "AT+CGMR"} {
					if _, err = ask(t, s, cmd); err != nil {
						break
					}
				}
				expectKind(t, err, atcmd.NotModem, atcmd.ErrYes)
				noIdentity(t, s)
			})
		})
	}
	t.Run("a module with two empty answers is one", func(t *testing.T) {
		m := atcmdtest.Modem(atcmdtest.Answers(map[string]string{"ATI1": "", "ATI2": "", "ATI3": ""}))
		m.Echo = true
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			for _, cmd := range []string{"ATI1", "ATI2", "ATI3"} {
				if x, err := ask(t, s, cmd); err != nil || x.Final != "OK" {
					t.Errorf("%s: %+v, %v", cmd, x, err)
				}
			}
		})
	})
}

// noIdentity fails the test if some exchange holds information.
func noIdentity(t *testing.T, s *atcmd.Session) {
	t.Helper()
	for _, x := range s.Transcript().Exchanges {
		if len(x.Lines) > 0 {
			t.Errorf("%s has lines %q", x.Cmd, x.Lines)
		}
	}
}

// A22: positions, logs and boot text. They are classed, at most one AT is written, and
// there is no identity.
func TestA22Talkers(t *testing.T) {
	cases := map[string]struct {
		piece string
		every time.Duration
		why   error
	}{
		"nmea":       {nmea, time.Second, atcmd.ErrNMEA},
		"nmea fast":  {nmea, 20 * time.Millisecond, atcmd.ErrNMEA},
		"nmea slow":  {nmea, 700 * time.Millisecond, atcmd.ErrNMEA},
		"log":        {"[  12.345678] usb 1-1: new high-speed USB device\r\n", 200 * time.Millisecond, atcmd.ErrLog},
		"boot text":  {"U-Boot 2021.01 (Jan 11 2021)\r\nDRAM: 512 MiB\r\n", 50 * time.Millisecond, atcmd.ErrLog},
		"diag":       {"\x10\x00\x01\x00\x7e\x98\x01\xaf\x7e\x13\x7e\x10\x00\x7e", 100 * time.Millisecond, atcmd.ErrBinary},
		"zeros":      {strings.Repeat("\x00", 64), 300 * time.Millisecond, atcmd.ErrBinary},
		"Sierra CnS": {"NETWORK SERVICE CHANGE", 300 * time.Millisecond, atcmd.ErrBinary},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.Silence)
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				stop := keepSending(m, c.piece, c.every)
				defer stop()
				expectKind(t, s.Wake(context.Background()), atcmd.NotModem, c.why)
				if got := m.Commands(); len(got) > 1 {
					t.Errorf("wrote %q", got)
				}
				noIdentity(t, s)
				_, err := ask(t, s, "ATI")
				expectKind(t, err, atcmd.NotModem, c.why)
			})
		})
	}
	t.Run("a module that also sends positions is a module", func(t *testing.T) {
		m := atcmdtest.Modem(answers)
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			stop := keepSending(m, nmea, 700*time.Millisecond)
			defer stop()
			time.Sleep(time.Second)
			wake(t, s)
			mustAsk(t, s, "AT+CGMM")
		})
	})
}

// Devices that understand lines but not AT: told apart, without an identity.
func TestA22OtherInterpreters(t *testing.T) {
	for name, c := range map[string]struct {
		b   atcmdtest.Behaviour
		why error
	}{
		"printer": {func(c string, w io.Writer) { _, _ = io.WriteString(w, "echo:Unknown command: \""+c+"\"\nok\n") }, atcmd.ErrOther},
		"cnc":     {say("error:2\r\n"), atcmd.ErrOther},
		"obd":     {say("?\r\r>"), atcmd.ErrLog},
		"console": {func(c string, w io.Writer) { _, _ = io.WriteString(w, c+"\r\n-sh: "+c+": not found\r\n# ") }, atcmd.ErrLog},
		"login":   {say("Password: "), atcmd.ErrLog},
	} {
		t.Run(name, func(t *testing.T) {
			visit(t, atcmdtest.Behave(c.b), fast(), func(t *testing.T, s *atcmd.Session) {
				expectKind(t, wakeOf(s), atcmd.NotModem, c.why)
				noIdentity(t, s)
			})
		})
	}
}

// keepSending sends piece unasked, again and again, until stop is called.
func keepSending(m *atcmdtest.FakeModem, piece string, every time.Duration) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			m.Send([]byte(piece))
			select {
			case <-time.After(every):
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}

// A23: the port carries data. Nothing more is written, above all no +++.
func TestA23DataMode(t *testing.T) {
	t.Run("frames wait", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Silence)
		m.Banner = []byte(ppp)
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			expectKind(t, s.Wake(context.Background()), atcmd.InUse, atcmd.ErrData)
			if w := m.Written(); len(w) > 0 {
				t.Errorf("wrote %q", w)
			}
		})
	})
	for name, answer := range map[string]string{"frames": ppp, "CONNECT": "\r\nCONNECT 115200\r\n", "frames after CONNECT": "\r\nCONNECT\r\n" + ppp} {
		t.Run("after AT: "+name, func(t *testing.T) {
			visit(t, atcmdtest.Behave(say(answer)), fast(), func(t *testing.T, s *atcmd.Session) {
				expectKind(t, wakeOf(s), atcmd.InUse, atcmd.ErrData)
				onlyOneAT(t, s)
			})
		})
		t.Run("in the visit: "+name, func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", say(answer), atcmdtest.Say(answers)))
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				_, err := ask(t, s, "AT+CGMI")
				expectKind(t, err, atcmd.InUse, atcmd.ErrData)
				_, err = ask(t, s, "AT+CGMM")
				expectKind(t, err, atcmd.InUse, atcmd.ErrData)
				if got := m.Commands(); len(got) != 2 {
					t.Errorf("wrote %q", got)
				}
			})
		})
	}
}

func wakeOf(s *atcmd.Session) error { return s.Wake(context.Background()) }

func onlyOneAT(t *testing.T, s *atcmd.Session) {
	t.Helper()
	sent := ""
	for _, c := range s.Transcript().Record {
		if c.Sent {
			sent += string(c.Bytes)
		}
	}
	if sent != "AT\r" {
		t.Errorf("wrote %q", sent)
	}
}

// A24: somebody else's message is being entered. It is recognised, and nothing more is
// written, above all no Ctrl-Z and no ESC.
func TestA24MessagePrompt(t *testing.T) {
	t.Run("prompt waits", func(t *testing.T) {
		m := atcmdtest.Behave(atcmdtest.Silence)
		m.Banner = []byte("\r\n> ")
		visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
			expectKind(t, wakeOf(s), atcmd.InUse, atcmd.ErrPrompt)
			if w := m.Written(); len(w) > 0 {
				t.Errorf("wrote %q", w)
			}
		})
	})
	for _, prompt := range []string{"\r\n> ", "\r\n>", "AT\r\r\n> ", "AT\r\n>"} {
		t.Run("after AT", func(t *testing.T) {
			visit(t, atcmdtest.Behave(say(prompt)), fast(), func(t *testing.T, s *atcmd.Session) {
				expectKind(t, wakeOf(s), atcmd.InUse, atcmd.ErrPrompt)
				onlyOneAT(t, s)
			})
		})
	}
	for _, echo := range []bool{false, true} {
		t.Run("in the visit", func(t *testing.T) {
			m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", say("\r\n> "), atcmdtest.Say(answers)))
			m.Echo = echo
			visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
				_, err := ask(t, s, "AT+CGMI")
				expectKind(t, err, atcmd.InUse, atcmd.ErrPrompt)
				_, err = ask(t, s, "AT+CGMM")
				expectKind(t, err, atcmd.InUse, atcmd.ErrPrompt)
				if got := m.Commands(); len(got) != 2 {
					t.Errorf("wrote %q", got)
				}
			})
		})
	}
	t.Run("a prompt after answers is no message", func(t *testing.T) {
		m := atcmdtest.Modem(func(cmd string) []byte { return append(answers(cmd), "\r\n>"...) })
		visit(t, m, fast(), rightVisit)
	})
}

// Somebody else's command comes back: the line is shared, and it is left alone.
func TestForeignEcho(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.For("AT+CGMI", say("AT+CSQ\r\r\n+CSQ: 14,99\r\n\r\nOK\r\n"), atcmdtest.Say(answers)))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		_, err := ask(t, s, "AT+CGMI")
		expectKind(t, err, atcmd.InUse, atcmd.ErrForeign)
		_, err = ask(t, s, "AT+CGMM")
		expectKind(t, err, atcmd.InUse, atcmd.ErrForeign)
		if got := m.Commands(); len(got) != 2 {
			t.Errorf("wrote %q", got)
		}
	})
}
