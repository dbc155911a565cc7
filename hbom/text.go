package hbom

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// personal says whether a claim or part is a number that tells one device or person apart.
func personal(name string) bool {
	name = strings.ToLower(name)
	for _, p := range []string{"imei", "imsi", "iccid", "meid", "esn", "msisdn", "eid", "serial"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// masked stands for a number that was left out.
const masked = "[number left out]"

// shortest run of digits that may be such a number: an IMEI without its check digit.
const shortest = 14

// mask leaves out numbers as long as an IMEI, IMSI or ICCID from text that quotes a module,
// unless IMEIs are asked for.
func (s Settings) mask(text string) string {
	if s.IMEI {
		return text
	}
	return maskFrom(text, shortest)
}

// maskName does the same for names and revisions, in which 14 digits may be a time.
func (s Settings) maskName(text string) string {
	if s.IMEI {
		return text
	}
	return maskFrom(text, shortest+1)
}

// longest is how many characters CycloneDX has for a version.
const longest = 1024

// version is a revision as CycloneDX takes it: what is longer ends with an ellipsis.
func (s Settings) version(text string) string {
	text = s.maskName(text)
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	return string([]rune(text)[:longest-1]) + "…"
}

func maskFrom(text string, least int) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		n, digits := run(text[i:])
		switch {
		case digits >= least:
			b.WriteString(masked)
		case n > 0:
			b.WriteString(text[i : i+n])
		default:
			n = 1
			b.WriteByte(text[i])
		}
		i += n
	}
	return b.String()
}

// run measures digits from the start of s, which single hyphens, spaces or slashes may divide,
// always the same: "35-209900-176148-1" is an IMEI too, and two dates in a row are none.
func run(s string) (length, digits int) {
	divider := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
			length = i + 1
		case (c == '-' || c == ' ' || c == '/') && i > 0 && length == i && (divider == 0 || divider == c):
			divider = c
		default:
			return length, digits
		}
	}
	return length, digits
}

// escapeRunes writes runes in JSON that a terminal, a log or a reader's eye would act on
// (C1 controls, bidirectional and zero-width marks) as \uXXXX. The value stays the same.
func escapeRunes(json []byte) []byte {
	if plain(json) {
		return json
	}
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(json)+64)
	unit := func(u rune) {
		out = append(out, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	for len(json) > 0 {
		r, n := utf8.DecodeRune(json)
		switch {
		case r < 0x7f || r != 0x7f && unicode.IsGraphic(r):
			out = append(out, json[:n]...)
		case r < 0x10000:
			unit(r)
		default:
			unit(0xd800 + (r-0x10000)>>10)
			unit(0xdc00 + (r-0x10000)&0x3ff)
		}
		json = json[n:]
	}
	return out
}

func plain(b []byte) bool {
	for _, c := range b {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

// address gives a web address as the formats want it, or "": a link of another kind, or one
// that is none, is left out.
func address(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	if (strings.ContainsAny(u.Host, "[]") || strings.Contains(u.Hostname(), ":")) && !isIPv6(u) {
		return ""
	}
	out := u.String()
	authority := len(u.Scheme) + len("://")
	path := len(out)
	if i := strings.IndexAny(out[authority:], "/?#"); i >= 0 {
		path = authority + i
	}
	out = escapeAddress(out[:path], "") + escapeAddress(out[path:], "[]")
	if _, err := url.Parse(out); err != nil {
		return "" // a host may not have what was escaped in it
	}
	return out
}

// isIPv6: a host with colons is an address in brackets.
func isIPv6(u *url.URL) bool {
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.Is6() && a.Zone() == "" && strings.HasPrefix(u.Host, "[")
}

// escapeAddress escapes what RFC 3986 has no place for, and what is given beside; net/url passes
// such bytes on in a query, and brackets in a path.
func escapeAddress(s, more string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}"+more, c) >= 0 || c == '%' && !escapes(s[i:]) {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escapes says whether s begins with a percent sign and two hexadecimal digits.
func escapes(s string) bool {
	const hex = "0123456789abcdefABCDEF"
	return len(s) > 2 && strings.IndexByte(hex, s[1]) >= 0 && strings.IndexByte(hex, s[2]) >= 0
}
