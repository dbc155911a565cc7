package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// cleanModel takes off what is no part of a model's name.
func (b *Base) cleanModel(s string) string {
	s = strings.Trim(s, ` "',;`)
	if len(s) > 1 && strings.IndexByte("$^%", s[0]) >= 0 && letter(s[1]) { // a line that came unasked ("$QCRMCALL")
		return ""
	}
	if len(s) > 6 && strings.EqualFold(s[:6], "model ") {
		s = s[6:]
	}
	if inner, ok := strings.CutPrefix(s, "unknown ("); ok { // gammu's way to show a model that it does not know
		s = strings.TrimSuffix(inner, ")")
	}
	if first, rest, ok := strings.Cut(s, " ("); ok && (rest == first+")" || nokiaType(rest)) { // gammu's way to show a model that it knows
		s = first
	}
	if at := strings.LastIndex(s, " ("); at > 0 && isBuilt(strings.TrimSuffix(s[at+2:], ")")) { // "nRF93M1-LABA-A0A (20250428)"
		s = s[:at]
	}
	for _, open := range [...]string{" (HW", " [", "(HW ", " - ", ".?"} { // the last: a version that is lost ("HL7800.?.?.?.0")
		if i := strings.Index(s, open); i > 0 {
			s = s[:i]
		}
	}
	return b.withoutTails(b.withoutChipset(s))
}

// nokiaType: the type behind a telephone's name ("RM-145)").
func nokiaType(s string) bool {
	kind, number, ok := strings.Cut(strings.TrimSuffix(s, ")"), "-")
	return ok && len(kind) > 1 && len(kind) < 4 && kind[0] == 'R' && strings.ToUpper(kind) == kind && digits(number)
}

// withoutChipset cuts a model where a chipset's maker is named behind it ("EM7455 Qualcomm Snapdragon X7 LTE-A").
func (b *Base) withoutChipset(s string) string {
	numbered := false
	for i := range len(s) {
		if s[i] == ' ' && numbered {
			if n, ok := b.findName(s[i+1:], false); ok && b.pack.Makers[n.maker].Role == knowledge.RoleChipset {
				return s[:i]
			}
			break
		}
		numbered = numbered || digit(s[i])
	}
	return s
}

// maxTails bounds the words that are taken off a model's end.
const maxTails = 6

// withoutTails takes words that only describe off the end ("L850 LTE Module", "A7670E LTE Cat.1 Module"), where a
// model is left, and not of one that is known by them ("GlobeTrotter HSUPA Modem").
func (b *Base) withoutTails(s string) string {
	s = strings.Trim(s, ` "',;`)
	left := s
	for range maxTails {
		short := strings.Trim(b.withoutTail(left), ` "',;`)
		if short == left || b.wholeModel(left) {
			break
		}
		left = short
	}
	if at := strings.LastIndexByte(left, ' '); strings.Count(left, " ") < 2 && strings.ContainsAny(left[at+1:], "0123456789") {
		return left
	}
	return s
}

func (b *Base) withoutTail(s string) string {
	for _, tail := range b.pack.ModelTails {
		if at := len(s) - len(tail); at > 0 && strings.EqualFold(s[at:], tail) {
			return s[:at]
		}
	}
	return s
}

// describes: the value is made of such words alone ("LTE Module").
func (b *Base) describes(s string) bool {
	for range maxTails {
		if len(s) < 2 {
			break
		}
		short := b.withoutTail(s)
		if short == s {
			return b.isTail(s)
		}
		s = strings.TrimRight(short, " ")
	}
	return s == ""
}

func (b *Base) isTail(s string) bool {
	for _, tail := range b.pack.ModelTails {
		if strings.EqualFold(s, tail[1:]) {
			return true
		}
	}
	return false
}

// cleanFirmware takes off dates, builders and doubled words. The forms are those of Qualcomm's
// ("X  1  [Jul 11 2018 00:00:00]"), Option's ("X (Date: …)") and build servers' (" C:/path").
func cleanFirmware(s string) string {
	s = strings.Trim(s, ` "'`)
	if first, rest, ok := strings.Cut(s, " "); ok && masked(first) {
		s = rest
	}
	for _, tail := range [...]string{"(Date", " SVN ", " (Release Build"} {
		if i := strings.Index(s, tail); i > 0 {
			s = s[:i]
		}
	}
	if i := strings.Index(s, " ("); i > 0 && isDay(strings.TrimSuffix(s[i+2:], ")")) {
		s = s[:i]
	}
	if i := strings.IndexByte(s, '['); i > 0 && beginsWithDay(s[i+1:]) {
		s = strings.TrimRight(s[:i], " ")
		s = trimBuildNumber(s, " ")
	}
	if i := strings.IndexByte(s, ' '); i > 0 && versionLike(s[:i]) && isTime(strings.TrimLeft(s[i:], " ")) {
		s = strings.TrimRight(s[:i], ",")
	}
	if i := strings.IndexByte(s, ','); i > 0 && beginsWithDay(strings.TrimLeft(s[i+1:], " ")) {
		s = s[:i]
	}
	if i := strings.Index(s, ":/"); i > 2 && s[i-2] == ' ' {
		s = s[:i-2]
	}
	s = trimBuildNumber(strings.TrimRight(s, " "), "  ")
	if first, rest, ok := strings.Cut(s, "("); ok && rest == first+")" { // "R2A07(R2A07)"
		s = first
	}
	if half := len(s) / 2; len(s) > 8 && len(s)%2 == 1 && s[half] == ' ' && s[:half] == s[half+1:] {
		s = s[:half]
	}
	return strings.TrimRight(s, " ")
}

// trimBuildNumber takes a single digit off the end where blanks stand before it.
func trimBuildNumber(s, blanks string) string {
	n := len(s) - 1
	if n > len(blanks) && digit(s[n]) && strings.HasSuffix(s[:n], blanks) {
		return strings.TrimRight(s[:n], " ")
	}
	return s
}

// versionLike: has a digit and is more than a date, a number or words.
func versionLike(s string) bool {
	digitsSeen, marks, letters, blanks := 0, 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case digit(c):
			digitsSeen++
		case c == '.' || c == '_':
			marks++
		case c == ' ':
			blanks++
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
			letters++
		}
	}
	return digitsSeen > 0 && (marks > 0 || letters > 0) && blanks < 4 && !strings.Contains(s, "(c)")
}

// modelLike: has a letter and a digit, in few words.
func modelLike(s string) bool {
	letter, number := false, false
	for i := range len(s) {
		number = number || digit(s[i])
		letter = letter || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= 'a' && s[i] <= 'z'
	}
	return letter && number && len(s) <= 32 && strings.Count(s, " ") < 4
}

// masked: a poster or a privacy filter wrote over it ("xxxxxxxx", "35####", "***").
func masked(s string) bool {
	hidden := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == 'x' || c == 'X' || c == '*' || c == '#':
			hidden++
		case knowledge.Alnum(c):
			return false
		}
	}
	return hidden > 2
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func digits(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return s != ""
}
