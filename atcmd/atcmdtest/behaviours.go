package atcmdtest

import (
	"io"
	"strings"
	"time"
)

// OK makes an answer of information lines and the result OK, in V.250's form.
func OK(lines ...string) []byte { return Result("OK", lines...) }

// Result makes an answer of information lines and a final result code.
func Result(final string, lines ...string) []byte {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("\r\n" + l)
	}
	if len(lines) > 0 {
		b.WriteString("\r\n")
	}
	if final != "" {
		b.WriteString("\r\n" + final + "\r\n")
	}
	return []byte(b.String())
}

// Answers answers AT with OK, the given commands with their text (lines separated by
// \n) and OK, and all others with ERROR.
func Answers(text map[string]string) func(cmd string) []byte {
	return func(cmd string) []byte {
		if cmd == "AT" {
			return OK()
		}
		if t, ok := text[cmd]; ok {
			return OK(strings.Split(t, "\n")...)
		}
		return Result("ERROR")
	}
}

// Say is the behaviour of a module that answers with the bytes of answer.
func Say(answer func(cmd string) []byte) Behaviour {
	return func(cmd string, w io.Writer) { _, _ = w.Write(answer(cmd)) }
}

// Silence never answers.
func Silence(string, io.Writer) {}

// Parrot sends back what was written and nothing else, as a loopback plug does.
func Parrot(cmd string, w io.Writer) { _, _ = io.WriteString(w, cmd+"\r") }

// Yes answers OK to everything.
func Yes(_ string, w io.Writer) { _, _ = w.Write(OK()) }

// Endless sends piece over and over until the port is gone: a line without end, or lines
// without end, at about 4 MB/s.
func Endless(piece string) Behaviour {
	return func(_ string, w io.Writer) {
		block := []byte(strings.Repeat(piece, max(1, 4096/len(piece))))
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// Drip sends piece every pause until the port is gone.
func Drip(piece string, pause time.Duration) Behaviour {
	return func(_ string, w io.Writer) {
		for {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}

// Late answers as b does, after the time that d gives. A module is busy until then.
func Late(d func(cmd string) time.Duration, b Behaviour) Behaviour {
	return func(cmd string, w io.Writer) {
		time.Sleep(d(cmd))
		b(cmd, w)
	}
}

// Unordered answers as b does, after the time that d gives, and meanwhile goes on with
// the next command: answers may overtake each other.
func Unordered(d func(cmd string) time.Duration, b Behaviour) Behaviour {
	return func(cmd string, w io.Writer) {
		time.AfterFunc(d(cmd), func() { b(cmd, w) })
	}
}

// Split answers as b does, in pieces of n bytes with a pause between them.
func Split(n int, pause time.Duration, b Behaviour) Behaviour {
	return func(cmd string, w io.Writer) {
		b(cmd, writerFunc(func(p []byte) (int, error) {
			for i := 0; i < len(p); i += n {
				if i > 0 {
					time.Sleep(pause)
				}
				if _, err := w.Write(p[i:min(i+n, len(p))]); err != nil {
					return i, err
				}
			}
			return len(p), nil
		}))
	}
}

// For behaves as special does for the given command, and as b for all others.
func For(cmd string, special, b Behaviour) Behaviour {
	return func(c string, w io.Writer) {
		if c == cmd {
			special(c, w)
			return
		}
		b(c, w)
	}
}

// Once behaves as first does the first time, and as b from then on.
func Once(first, b Behaviour) Behaviour {
	done := false
	return func(c string, w io.Writer) {
		if !done {
			done = true
			first(c, w)
			return
		}
		b(c, w)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
