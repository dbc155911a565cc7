package policy

import "strings"

// CompareFirmware orders two revisions of one model's firmware: -1 if a is older than b, +1
// if newer, 0 if they are the same. It is not ok if nothing can be said.
//
// Revisions are read as runs of digits and runs of anything else. From the left, the other
// runs must be equal and the first run of digits that differs decides, by its value: A08 is
// older than A10, 02.24.05 older than 02.33.03. If one revision ends where the other goes on
// with a separator and digits, the shorter one is the older one.
//
// The limit: this knows no maker's scheme. Two revisions whose letters differ before their
// numbers do ("EC25EFAR06" and "EC25EUGAR05": other variants) are not ordered; letters that
// count releases (A, B, C) and names such as "beta" are not ordered either; and of two
// revisions of different models ("EC21…", "EC25…") the digits of the model's name would
// decide, so compare within one model only.
func CompareFirmware(a, b string) (order int, ok bool) {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if (na == 0) != (nb == 0) {
			return 0, false
		}
		if na == 0 {
			na, nb = letters(a), letters(b)
			if a[:na] != b[:nb] {
				return compareEnds(a, b)
			}
		} else if c := compareNumbers(a[:na], b[:nb]); c != 0 {
			return c, true
		}
		a, b = a[na:], b[nb:]
	}
	return compareEnds(a, b)
}

// compareEnds orders two rests of which one may be the beginning of the other.
func compareEnds(a, b string) (order int, ok bool) {
	switch {
	case a == b:
		return 0, true
	case strings.HasPrefix(b, a) && goesOn(b[len(a):]):
		return -1, true
	case strings.HasPrefix(a, b) && goesOn(a[len(b):]):
		return 1, true
	}
	return 0, false
}

// compareNumbers orders runs of digits of any length by value.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		if len(a) < len(b) {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

func digits(s string) int {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func letters(s string) int {
	i := 0
	for i < len(s) && !isDigit(s[i]) {
		i++
	}
	return i
}

// goesOn says whether the rest of a revision is a further level: ".1", "_01.002".
func goesOn(rest string) bool {
	return len(rest) > 1 && strings.IndexByte("._-", rest[0]) >= 0 && isDigit(rest[1])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
