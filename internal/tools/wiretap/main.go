// Command wiretap reads what strace saw of test programs and checks that every byte which went to a port is
// of a catalogued query, and that no port but pseudo terminals was opened at all. scripts/wiretap runs
// the tests of all packages that can open a port, and hands it the traces.
//
// A port is what was opened as Rollcall opens one: read and write, without waiting, without becoming
// the controlling terminal. It promises a non-zero exit if a byte is not catalogued, a real port was
// opened, or nothing was seen at all. It never opens a port itself.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/atcmd"
)

func main() {
	t := newTap()
	for _, file := range os.Args[1:] {
		if err := t.file(file); err != nil {
			fmt.Fprintln(os.Stderr, "wiretap:", err)
			os.Exit(1)
		}
	}
	if !t.told(os.Stdout) {
		os.Exit(1)
	}
}

// tap is what was seen so far.
type tap struct {
	ports   map[string]bool // by path: the last opening was that of a port
	opened  int
	queries map[string]int
	written map[string]string // by trace and path: what has no CR yet
	bad     []string
	pending map[string]string // by thread: a call that is not finished yet
}

func newTap() *tap {
	return &tap{ports: map[string]bool{}, queries: map[string]int{}, written: map[string]string{}, pending: map[string]string{}}
}

var (
	openCall  = regexp.MustCompile(`^openat2?\([^,]*, "([^"]*)", ([A-Z_|0-9x]+).*\) += \d+(?:<([^>]*)>)?`)
	writeCall = regexp.MustCompile(`^p?write(?:64)?\(\d+<([^>]*)>, "((?:[^"\\]|\\.)*)"(\.\.\.)?, .* = (\d+)`)
	// real are the nodes of ports, wherever the tree of a test stands.
	real = regexp.MustCompile(`^/dev/(tty[A-Za-z]|wwan|cdc-wdm|rfcomm|gsmtty|mhi_|noz|ttyS)`)
)

func (t *tap) file(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	t.ports, t.pending, t.written = map[string]bool{}, map[string]string{}, map[string]string{}
	return t.read(f)
}

func (t *tap) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		pid, call, ok := strings.Cut(strings.TrimLeft(lines.Text(), " "), " ")
		if !ok {
			continue
		}
		call = strings.TrimLeft(call, " ")
		if head, ok := strings.CutSuffix(call, " <unfinished ...>"); ok {
			t.pending[pid] = head
			continue
		}
		if rest, ok := strings.CutPrefix(call, "<... "); ok {
			_, rest, _ = strings.Cut(rest, " resumed>")
			call = t.pending[pid] + rest
		}
		t.call(call)
	}
	return lines.Err()
}

func (t *tap) call(call string) {
	if m := openCall.FindStringSubmatch(call); m != nil {
		path := m[3]
		if path == "" {
			path = m[1]
		}
		port := strings.Contains(m[2], "O_RDWR") && strings.Contains(m[2], "O_NONBLOCK") && strings.Contains(m[2], "O_NOCTTY")
		if port {
			t.opened++
		}
		if real.MatchString(path) {
			t.bad = append(t.bad, "a real port was opened: "+call)
		}
		t.ports[path] = port
		return
	}
	m := writeCall.FindStringSubmatch(call)
	if m == nil || !t.ports[m[1]] {
		return
	}
	text, err := strconv.Unquote(`"` + octal(m[2]) + `"`)
	n, _ := strconv.Atoi(m[4])
	if err != nil || m[3] != "" || n > len(text) {
		t.bad = append(t.bad, "cannot read "+call)
		return
	}
	t.wrote(m[1], text[:n])
}

// octal makes the short octal escapes of strace those of Go.
func octal(s string) string {
	return regexp.MustCompile(`\\([0-7]{1,3})`).ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.ParseUint(e[1:], 8, 16)
		return fmt.Sprintf(`\x%02x`, n)
	})
}

// wrote takes bytes that went to a port. A query may come in pieces.
func (t *tap) wrote(path, text string) {
	rest := t.written[path] + text
	for {
		query, more, whole := strings.Cut(rest, "\r")
		if !whole {
			break
		}
		if _, err := atcmd.Parse(query); err != nil {
			t.bad = append(t.bad, fmt.Sprintf("%s was sent %q: %v", path, query, err))
		}
		t.queries[query]++
		rest = more
	}
	if rest != "" && !beginsQuery(rest) {
		t.bad = append(t.bad, fmt.Sprintf("%s was sent %q", path, rest))
		rest = ""
	}
	t.written[path] = rest
}

func beginsQuery(s string) bool {
	for _, q := range atcmd.Catalogue() {
		if strings.HasPrefix(q.Command.String(), s) {
			return true
		}
	}
	return false
}

// told prints the result and says whether it is good.
func (t *tap) told(w io.Writer) bool {
	total := 0
	for _, n := range t.queries {
		total += n
	}
	for _, b := range t.bad {
		fmt.Fprintln(w, "wiretap:", b)
	}
	fmt.Fprintf(w, "wiretap: %d ports opened, %d queries written, %d different, %d bad\n", t.opened, total, len(t.queries), len(t.bad))
	return len(t.bad) == 0 && total > 0 && t.opened > 0
}
