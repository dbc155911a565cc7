package clean

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "EC25EFAR06A08M4G", "EC25EFAR06A08M4G"},
		{"blanks kept", " a  b ", " a  b "},
		{"letters of the world", "Qualcomm® 移远 ü", "Qualcomm® 移远 ü"},
		{"clear screen", "\x1b[2J", `\x1b[2J`},
		{"clipboard by OSC 52", "\x1b]52;c;YQ==\a", `\x1b]52;c;YQ==\x07`},
		{"8-bit CSI", "\u009b31m", `\x9b31m`},
		{"raw byte of 8-bit CSI", "\x9b31m", `\x9b31m`},
		{"right-to-left override", "a\u202eb", `a\u202eb`},
		{"zero width", "a\u200bb", `a\u200bb`},
		{"zero width that counts as a mark", "a\u034f\ufe0f\U000e0100\u180b", `a\u034f\ufe0f\U000e0100\u180b`},
		{"letters that show nothing", "EC\u115f\u3164\uffa025", `EC\u115f\u3164\uffa025`},
		{"accents", "e\u0301", "e\u0301"},
		{"byte order mark", "\ufeffa", `\ufeffa`},
		{"tag rune", "\U000e0041", `\U000e0041`},
		{"line separator", "a\u2028b", `a\u2028b`},
		{"forged log line", "a\nlevel=ERROR", `a\x0alevel=ERROR`},
		{"tab and CR", "a\tb\r", `a\x09b\x0d`},
		{"delete", "\x7f", `\x7f`},
		{"half a rune", "\xe7\xa7", `\xe7\xa7`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Line(c.in); got != c.want {
				t.Errorf("Line(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestTextKeepsNewlines(t *testing.T) {
	if got := Text("a\nb\x1b\r\n"); got != "a\nb\\x1b\\x0d\n" {
		t.Errorf("got %q", got)
	}
}

// Whatever comes in, what goes out is harmless; and what is harmless stays as it is.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "Quectel", "\x1b[31m\n", "\xff\xfe", "\u202e", "a\u00a0b", "a\ufe0f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line, text := Line(s), Text(s)
		for _, out := range []string{line, strings.ReplaceAll(text, "\n", "")} {
			if !utf8.ValidString(out) {
				t.Fatalf("%q gave invalid UTF-8 %q", s, out)
			}
			for _, r := range out {
				if r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff || unicode.Is(unicode.Variation_Selector, r) {
					t.Fatalf("%q gave %q, which holds %U", s, out, r)
				}
			}
		}
		if again := Line(line); again != line {
			t.Fatalf("cleaning %q twice differs: %q, %q", s, line, again)
		}
	})
}

func BenchmarkLine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Line("EC25EFAR06A08M4G")
	}
}
