package main

import (
	"io"
	"strings"
	"testing"
)

// The tap sees what it must see: a byte too many, a real port, a trace without any port.
func TestWiretapSees(t *testing.T) {
	const open = `7 openat(AT_FDCWD</x>, "/dev/pts/3", O_RDWR|O_NOCTTY|O_NONBLOCK|O_CLOEXEC) = 9</dev/pts/3>` + "\n"
	for name, tt := range map[string]struct {
		trace string
		good  bool
	}{
		"queries":         {open + `7 write(9</dev/pts/3>, "AT\r", 3) = 3` + "\n" + `8 write(9</dev/pts/3>, "AT+CGMI\r", 8) = 8`, true},
		"in pieces":       {open + `7 write(9</dev/pts/3>, "AT+CG", 5) = 5` + "\n" + `7 write(9</dev/pts/3>, "MI\r", 3) = 3`, true},
		"unfinished":      {`7 openat(AT_FDCWD</x>, "/dev/pts/3", O_RDWR|O_NOCTTY|O_NONBLOCK|O_CLOEXEC <unfinished ...>` + "\n7 <... openat resumed>) = 9</dev/pts/3>\n" + `8 write(9</dev/pts/3>, "AT\r", 3 <unfinished ...>` + "\n8 <... write resumed>) = 3", true},
		"a setting":       {open + `7 write(9</dev/pts/3>, "ATE0\r", 5) = 5`, false},
		"line feed":       {open + `7 write(9</dev/pts/3>, "AT\r\n", 4) = 4`, false},
		"escape":          {open + `7 write(9</dev/pts/3>, "\33", 1) = 1`, false},
		"a real port":     {open + `7 write(9</dev/pts/3>, "AT\r", 3) = 3` + "\n" + `7 openat(AT_FDCWD</x>, "/dev/ttyUSB0", O_RDWR|O_NOCTTY) = 9</dev/ttyUSB0>`, false},
		"nothing":         {open, false},
		"a terminal":      {`7 openat(AT_FDCWD</x>, "/dev/pts/3", O_RDWR|O_NOCTTY) = 9</dev/pts/3>` + "\n" + `7 write(9</dev/pts/3>, "\33[2K", 4) = 4`, false},
		"cut by strace":   {open + `7 write(9</dev/pts/3>, "AT\r"..., 3000) = 3000`, false},
		"another's bytes": {open + `7 write(9</dev/pts/3>, "AT\r", 3) = 3` + "\n" + `7 write(10</dev/ptmx>, "\r\nOK\r\n", 6) = 6`, true},
	} {
		tap := newTap()
		if err := tap.read(strings.NewReader(tt.trace)); err != nil {
			t.Fatal(err)
		}
		if got := tap.told(io.Discard); got != tt.good {
			t.Errorf("%s: good is %v: %q", name, got, tap.bad)
		}
	}
}
