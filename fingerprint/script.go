package fingerprint

import "strings"

// inLatin puts known words of another script, in UTF-8 or GBK, into what stands for them. A run of such letters of which
// a part is not known stays: it is a sentence, or a name that is not known here.
func (b *Base) inLatin(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		from := i
		for i < len(s) && s[i] >= 0x80 {
			i++
		}
		if as, ok := b.knownRun(s[from:i]); ok {
			out.WriteString(as)
		} else {
			out.WriteString(s[from:i])
		}
		for i < len(s) && s[i] < 0x80 {
			out.WriteByte(s[i])
			i++
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// knownRun takes a run of letters apart into words that are all known, the longest first.
func (b *Base) knownRun(run string) (as string, ok bool) {
	for run != "" {
		known := false
		for _, a := range b.pack.Aliases {
			if strings.HasPrefix(run, a.Text) {
				as, run, known = as+a.As, run[len(a.Text):], true
				break
			}
		}
		if !known {
			return "", false
		}
	}
	return as, true
}
