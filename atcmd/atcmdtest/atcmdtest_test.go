package atcmdtest_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

// readN reads n bytes or fails the test.
func readN(t *testing.T, r io.Reader, n int) string {
	t.Helper()
	buf := make([]byte, n)
	if _, err := io.ReadFull(r, buf); err != nil {
		t.Fatalf("%v after %q", err, buf)
	}
	return string(buf)
}

// The module says the same over memory and over a pty, and both keep what was written.
func TestMemoryAndPty(t *testing.T) {
	build := func() *atcmdtest.FakeModem {
		m := atcmdtest.Modem(atcmdtest.Answers(map[string]string{"ATI": "Maker\nModel-7"}))
		m.Echo, m.Banner = true, []byte("RDY\r\n")
		return m
	}
	const want = "RDY\r\nATI\r\r\nMaker\r\nModel-7\r\n\r\nOK\r\nAT+X\r\r\nERROR\r\n"
	check := func(t *testing.T, m *atcmdtest.FakeModem, port io.ReadWriteCloser) {
		defer m.Close()
		defer port.Close()
		if _, err := io.WriteString(port, "ATI\rAT+X\r"); err != nil {
			t.Fatal(err)
		}
		if got := readN(t, port, len(want)); got != want {
			t.Errorf("read %q", got)
		}
		if w := string(m.Written()); w != "ATI\rAT+X\r" {
			t.Errorf("written %q", w)
		}
		if c := m.Commands(); len(c) != 2 || c[0] != "ATI" || c[1] != "AT+X" {
			t.Errorf("commands %q", c)
		}
	}
	t.Run("memory", func(t *testing.T) {
		m := build()
		check(t, m, m.Port())
	})
	t.Run("pty", func(t *testing.T) {
		m := build()
		pty, err := m.Pty()
		if err != nil {
			t.Fatal(err)
		}
		port, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		check(t, m, port)
	})
}

// After Vanish reads end and writes fail.
func TestVanish(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.Silence)
	defer m.Close()
	memory := m.Port()
	pty, err := m.Pty()
	if err != nil {
		t.Fatal(err)
	}
	tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	m.Vanish()
	for _, port := range []io.ReadWriter{memory, tty} {
		if n, err := port.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%T: read %d, %v", port, n, err)
		}
		if _, err := port.Write([]byte("AT\r")); err == nil {
			t.Errorf("%T still takes bytes", port)
		}
	}
	if _, err := m.Pty(); err != nil {
		t.Errorf("cannot be plugged in again: %v", err)
	}
}

// A deaf module lets writes block until their deadline.
func TestDeaf(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.Silence)
	m.Deaf = true
	defer m.Close()
	port := m.Port()
	_ = port.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := port.Write([]byte("AT\r"))
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("write returned %v", err)
	}
}

// A closed module opens no more ports.
func TestClosed(t *testing.T) {
	m := atcmdtest.Behave(atcmdtest.Silence)
	_ = m.Close()
	if _, err := m.Pty(); err == nil {
		t.Error("a pty of a closed module")
	}
	if _, err := m.Port().Read(make([]byte, 1)); err == nil {
		t.Error("a port of a closed module reads")
	}
}
