package atcmd_test

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
	"github.com/rollcall-iot/rollcall/inventory"
)

// vector is one file of testdata/vectors; README.md there explains the form.
type vector struct {
	want    inventory.Exchange
	unasked []string
	raw     bool
	body    string
}

func readVector(t *testing.T, name string) vector {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	header, body, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		t.Fatalf("%s has no blank line", name)
	}
	v := vector{want: inventory.Exchange{Cmd: "AT+CGMM", Lines: []string{}}, body: unescape(t, strings.ReplaceAll(body, "\n", ""))}
	for line := range strings.SplitSeq(header, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch value = unescape(t, value); key {
		case "line":
			v.want.Lines = append(v.want.Lines, value)
		case "final":
			v.want.Final = value
		case "unasked":
			v.unasked = append(v.unasked, value)
		case "note":
			v.want.Note = value
		case "raw":
			v.raw = value == "yes"
		}
	}
	return v
}

func unescape(t *testing.T, s string) string {
	t.Helper()
	out, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return out
}

// Every vector gives what its header says, whole and cut in two at every byte.
func TestVectors(t *testing.T) {
	names, err := filepath.Glob("testdata/vectors/*.vec")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d vectors, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".vec"), func(t *testing.T) {
			v := readVector(t, name)
			for cut := range len(v.body) {
				v.check(t, cut)
			}
		})
	}
}

func (v vector) check(t *testing.T, cut int) {
	t.Helper()
	body := func(_ string, w io.Writer) {
		_, _ = io.WriteString(w, v.body[:cut])
		time.Sleep(50 * time.Millisecond)
		_, _ = io.WriteString(w, v.body[cut:])
	}
	m := atcmdtest.Behave(atcmdtest.For("AT+CGMM", body, atcmdtest.Say(answers)))
	visit(t, m, fast(), func(t *testing.T, s *atcmd.Session) {
		got, err := ask(t, s, "AT+CGMM")
		if (err == nil) != (v.want.Note == "") {
			t.Errorf("cut at %d: error %v", cut, err)
		}
		if v.raw != (got.Raw != nil) || v.raw && !strings.Contains(v.body, string(got.Raw)) {
			t.Errorf("cut at %d: raw is %q", cut, got.Raw)
		}
		got.Millis, got.Raw = 0, nil
		if diff := cmp.Diff(v.want, got); diff != "" {
			t.Errorf("cut at %d: %s", cut, diff)
		}
		mustAsk(t, s, "AT+CGMR")
		if diff := cmp.Diff(v.unasked, s.Transcript().Banner); diff != "" {
			t.Errorf("cut at %d: unasked: %s", cut, diff)
		}
	})
}
