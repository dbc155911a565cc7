package cli_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/cli"
)

// each calls f for c and every command below it, with its words.
func each(c *cobra.Command, words []string, f func(c *cobra.Command, words []string)) {
	f(c, words)
	for _, sub := range c.Commands() {
		each(sub, append(words[:len(words):len(words)], sub.Name()), f)
	}
}

// Help fits a phone, a terminal and a page of text, says how a command is used, and has its
// flags with what they are for.
func TestHelpFits(t *testing.T) {
	for _, width := range []int{40, 80, 0} {
		most := width
		if t.Setenv("COLUMNS", fmt.Sprint(width)); width == 0 {
			t.Setenv("COLUMNS", "")
			most = 100
		}
		each(cli.Root(), nil, func(c *cobra.Command, words []string) {
			if len(words) > 0 && (words[0] == "completion" || words[0] == "help") {
				return // cobra's own
			}
			text := run(t, 0, append(words, "--help")...)
			for line := range strings.SplitSeq(text, "\n") {
				if n := len([]rune(line)); n > most {
					t.Errorf("%q at %d: %d columns: %q", words, width, n, line)
				}
			}
			if !strings.Contains(text, "\nUsage:\n  rollcall") || !strings.Contains(text, "--help") || strings.Contains(text, "stringArray") {
				t.Errorf("%q: %s", words, text)
			}
		})
	}
}

// Every command stands under the heading of those who use it.
func TestCommandsAreGrouped(t *testing.T) {
	root := cli.Root()
	for _, c := range root.Commands() {
		if c.GroupID == "" && !c.Hidden {
			t.Errorf("%s is in no group", c.Name())
		}
	}
	text := run(t, 0)
	last := -1
	for _, name := range []string{"scan", "explain", "doctor", "up", "collector", "fleet", "simulate", "completion"} {
		at := strings.Index(text, "\n  "+name+" ")
		if at <= last {
			t.Errorf("%s is not where it belongs:\n%s", name, text)
		}
		last = at
	}
}

// Wrong words are wrong usage everywhere, and the answer says what would be right.
func TestWrongWords(t *testing.T) {
	for line, want := range map[string]string{
		"scna":                   `did you mean "scan"?`,
		"fleet modlues":          `did you mean "modules"?`,
		"completion bsh":         "unknown command",
		"scan extra":             `"rollcall scan" takes no argument, and got "extra"`,
		"man":                    "an argument is missing: rollcall man DIR",
		"hbom diff a":            "these arguments do not fit: rollcall hbom diff BEFORE AFTER",
		"hbom verify x":          "--key is needed",
		"identify":               "which file?",
		"identify a --from b":    "give one file",
		"scan --every 10s":       "--every is for --watch",
		"scan --fail-on nothing": "is none of info",
	} {
		var stdout, stderr bytes.Buffer
		code := cli.Run(t.Context(), strings.Fields(line), strings.NewReader(""), &stdout, &stderr)
		if code != 2 || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) || !strings.Contains(stderr.String(), "--help") {
			t.Errorf("%s: status %d, %q, %q", line, code, stdout.String(), stderr.String())
		}
	}
}
