// Command line plays one module on a pseudo terminal and on a socket, says OK to every command that
// would set something, as modules do, and notes each command with its time. scripts/side-by-side
// compares with it what programs send to find out what a module is.
//
// It never starts a program and touches no port but its own.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// module is what is played.
type module struct {
	answers map[string]string
	delay   time.Duration
	start   time.Time

	mu  sync.Mutex
	log io.Writer
}

func main() {
	answers := flag.String("answers", "", "`file` of answers")
	link := flag.String("link", "", "`path` of the link to the pseudo terminal")
	socket := flag.String("socket", "", "`name` of the abstract socket")
	notes := flag.String("log", "", "`file` that takes a line for each command")
	delay := flag.Duration("delay", 15*time.Millisecond, "`time` before each answer")
	flag.Parse()
	if err := run(*answers, *link, *socket, *notes, *delay); err != nil {
		log.Fatal(err)
	}
}

func run(answers, link, socket, notes string, delay time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	text, err := os.ReadFile(answers)
	if err != nil {
		return err
	}
	out, err := os.Create(notes)
	if err != nil {
		return err
	}
	defer out.Close()
	m := &module{answers: read(string(text)), delay: delay, start: time.Now(), log: out}
	master, slave, err := terminal(link)
	if err != nil {
		return err
	}
	defer os.Remove(link)
	defer slave.Close() // open, so that the master outlives each visit
	defer master.Close()
	l, err := net.Listen("unix", "@abstract:"+socket) // ModemManager takes the prefix as part of the name
	if err != nil {
		return err
	}
	defer l.Close()
	go m.serve(master)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(c)
		}
	}()
	<-ctx.Done()
	return nil
}

// terminal makes a raw pseudo terminal and links to it.
func terminal(link string) (master, slave *os.File, err error) {
	if master, slave, err = pty.Open(); err != nil {
		return nil, nil, err
	}
	t, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		return nil, nil, err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, t); err != nil {
		return nil, nil, err
	}
	return master, slave, os.Symlink(slave.Name(), link)
}

func read(text string) map[string]string {
	answers := map[string]string{}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		answer := ""
		for part := range strings.SplitSeq(f[1], "|") {
			if part != "" && part != f[2] {
				answer += "\r\n" + part + "\r\n"
			}
		}
		answers[f[0]] = answer + "\r\n" + f[2] + "\r\n"
	}
	return answers
}

// serve takes commands, which CR ends, and single bytes that mean something by themselves.
func (m *module) serve(rw io.ReadWriter) {
	r := bufio.NewReader(rw)
	var line []byte
	echo := true
	for {
		b, err := r.ReadByte()
		switch {
		case err != nil:
			return
		case b == 0x1b || b == 0x1a:
			m.note(fmt.Sprintf("0x%02x", b))
		case b == '\r':
			cmd := strings.TrimSpace(string(line))
			line = line[:0]
			if echo {
				_, _ = io.WriteString(rw, cmd+"\r")
			}
			switch strings.ToUpper(cmd) {
			case "ATE0":
				echo = false
			case "ATE1", "ATZ", "AT&F":
				echo = true
			}
			m.answer(rw, cmd)
		case b != '\n':
			line = append(line, b)
		}
	}
}

func (m *module) answer(w io.Writer, cmd string) {
	if cmd == "" {
		return
	}
	m.note(cmd)
	text, known := m.answers[strings.ToUpper(cmd)]
	switch {
	case known:
	case changes(cmd):
		text = "\r\nOK\r\n"
	default:
		text = "\r\nERROR\r\n"
	}
	time.Sleep(m.delay)
	_, _ = io.WriteString(w, text)
}

// note writes when a command came, and whether it changes something in a module.
func (m *module) note(cmd string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	what := "asks"
	if changes(cmd) {
		what = "changes"
	}
	fmt.Fprintf(m.log, "%d\t%s\t%q\n", time.Since(m.start).Milliseconds(), what, cmd)
}

// changes says whether a command changes the state of a module: it resets (Z, &F), sets how it
// talks (E, V, Q, X, S, &C, &D), hangs up or answers (H, A, O, D), gives a parameter a value, or ends what is being
// entered. A question about values ("=?") does not, nor does reading the SIM (+CRSM, +CSIM) or a question of a
// vendor that is written like a setting (*CNTI).
func changes(cmd string) bool {
	c := strings.ToUpper(strings.TrimSpace(cmd))
	if strings.HasPrefix(c, "0X") || c == "+++" {
		return true
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(c, "AT"), ";") {
		switch {
		case strings.HasSuffix(part, "?"), part == "":
		case strings.HasPrefix(part, "+CRSM="), strings.HasPrefix(part, "+CSIM="), strings.HasPrefix(part, "*CNTI="):
		case strings.Contains(part, "="):
			return true
		case strings.ContainsAny(part[:1], "ZEVQXHAODS&"):
			return true
		}
	}
	return false
}
