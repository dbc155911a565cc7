package atcmd_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
	"github.com/rollcall-iot/rollcall/inventory"
)

// truth is what the fake module of most tests answers.
var truth = map[string]string{
	"ATI":     "Maker\nModel-7\nRevision: MODEL7R01",
	"AT+CGMI": "Maker",
	"AT+CGMM": "Model-7",
	"AT+CGMR": "MODEL7R01",
	"AT+CGSN": "490154203237518",
	"AT+GMM":  "Model-7 LTE",
	"ATI1":    "",
}

func answers(cmd string) []byte { return atcmdtest.Answers(truth)(cmd) }

// visit runs f in a bubble of fake time with a session on m, and afterwards proves that
// only catalogued queries were written and that nothing is left running: a goroutine that
// outlives the session ends the bubble in a panic.
func visit(t *testing.T, m *atcmdtest.FakeModem, set atcmd.Settings, f func(*testing.T, *atcmd.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := atcmd.New(m.Port(), set)
		defer func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := m.Close(); err != nil {
				t.Errorf("closing the fake module: %v", err)
			}
			tap(t, m)
		}()
		f(t, s)
	})
}

// tap fails the test if a byte was written that is not of a catalogued query (B01).
func tap(t *testing.T, m *atcmdtest.FakeModem) {
	t.Helper()
	if bad := notCatalogued(m.Written()); bad != "" {
		t.Errorf("wrote %q, which is not in the catalogue", bad)
	}
}

// notCatalogued returns the first piece of p that is no catalogued query with its CR.
func notCatalogued(p []byte) string {
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\r"))
		if _, err := atcmd.Parse(string(line)); err != nil || !ended {
			return string(line)
		}
		p = rest
	}
	return ""
}

func query(t testing.TB, text string) atcmd.Command {
	t.Helper()
	c, err := atcmd.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wake(t *testing.T, s *atcmd.Session) {
	t.Helper()
	if err := s.Wake(context.Background()); err != nil {
		t.Fatalf("Wake: %v", err)
	}
}

func ask(t *testing.T, s *atcmd.Session, text string) (inventory.Exchange, error) {
	t.Helper()
	return s.Ask(context.Background(), query(t, text))
}

// mustAsk asks and expects the true answer.
func mustAsk(t *testing.T, s *atcmd.Session, text string) inventory.Exchange {
	t.Helper()
	x, err := ask(t, s, text)
	if err != nil {
		t.Fatalf("Ask %s: %v", text, err)
	}
	expect(t, x, truth[text], "OK")
	return x
}

func expect(t *testing.T, x inventory.Exchange, lines, final string) {
	t.Helper()
	if strings.Join(x.Lines, "\n") != lines || x.Final != final {
		t.Errorf("%s: lines %q, final %q; want %q, %q", x.Cmd, x.Lines, x.Final, lines, final)
	}
}

// expectKind fails the test unless err is an atcmd.Error of kind k that wraps why.
func expectKind(t *testing.T, err error, k atcmd.Kind, why error) {
	t.Helper()
	var e *atcmd.Error
	if !errors.As(err, &e) || !errors.Is(err, k) || why != nil && !errors.Is(err, why) {
		t.Fatalf("error is %v; want kind %q and %v", err, k, why)
	}
}

// honest fails the test if the transcript gives any command an answer that is not its own.
func honest(t *testing.T, s *atcmd.Session) {
	t.Helper()
	for _, x := range s.Transcript().Exchanges {
		if x.Final == "" || x.Note != "" {
			continue // not attributed
		}
		want, known := truth[x.Cmd]
		switch {
		case x.Cmd == "AT" || !known:
			if len(x.Lines) > 0 {
				t.Errorf("%s was given %q", x.Cmd, x.Lines)
			}
		case strings.Join(x.Lines, "\n") != want:
			t.Errorf("%s was given %q; its answer is %q", x.Cmd, x.Lines, want)
		}
	}
}

func count(list []string, want string) (n int) {
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}

func contains(list []string, want string) bool { return slices.Contains(list, want) }

func fast() atcmd.Settings { return atcmd.Settings{Name: "ttyTEST", Timeout: time.Second} }
