package cli_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/rollcall-iot/rollcall/internal/cli"
)

// FuzzPolicyCheck: whatever stands in a file, the command ends as success or failure, says
// something, and prints only text.
func FuzzPolicyCheck(f *testing.F) {
	for _, s := range []string{
		"", "{}", "[]", "[[]]", "null", "1", `{"schema":"rollcall.report/1"}`, `{"schema":"x"}`, `{"items":[{"state":"held"}]}`,
		`{"id":"\u001b","state":"identified","identity":{"maker":"quectel","model":"\u202e"},"conflicts":[{"why":"\u009b"}]}`,
		`{"state":"held"}{"state":"x"} ]`, `[{"state":"identified","gateway":"\u001b"},{"exchange":1}]`, "\x1b[2J",
		`{"schema":"rollcall.report/1","gateway":{"id":"a"},"modules":[{"id":"x","state":"partial","possible":["huawei"]}]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var stdout, stderr bytes.Buffer
		code := cli.Run(t.Context(), []string{"policy", "check", "-"}, strings.NewReader(text), &stdout, &stderr)
		if code != 0 && code != 1 || code == 1 && (stderr.Len() == 0 || stdout.Len() > 0) || code == 0 && stdout.Len() == 0 {
			t.Errorf("exit status %d, %q, %q", code, stdout.String(), stderr.String())
		}
		for _, out := range []string{stdout.String(), stderr.String()} {
			if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); i >= 0 {
				t.Errorf("unprintable at %d of %q", i, out)
			}
		}
	})
}
