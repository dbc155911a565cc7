package fingerprint

import "strings"

// When a firmware was built is no revision. The days are those of C compilers ("Jul 11 2018"), of ISO 8601
// ("2006-10-20"), and of people ("20.10.2006", "12-03-07").

// isTime: a day, a time of day, or both, and nothing else ("01-20-2015 10:32:11", "2026-07-09", "16:10").
func isTime(s string) bool {
	n, short := day(s)
	switch rest := s[n:]; {
	case short:
		return false // it may be a version as well
	case n == 0 || rest == "":
		return n > 0 || clock(s)
	default:
		return rest[0] == ' ' && clock(strings.TrimLeft(rest, " "))
	}
}

// isDay: a day and nothing else.
func isDay(s string) bool {
	n, _ := day(s)
	return n > 0 && n == len(s)
}

// isBuilt: a day, also one written without separators ("20250428").
func isBuilt(s string) bool {
	if len(s) == 8 && digits(s) {
		return (s[:2] == "19" || s[:2] == "20") && s[4:6] >= "01" && s[4:6] <= "12" && s[6:] >= "01" && s[6:] <= "31"
	}
	return isDay(s)
}

// beginsWithDay: a day whose year is whole stands before anything else.
func beginsWithDay(s string) bool {
	n, short := day(s)
	return n > 0 && !short
}

// day gives the length of the day with which s begins, 0 for none; short: with two digits for its year.
func day(s string) (n int, short bool) {
	const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec "
	if len(s) > 4 && strings.Contains(months, s[:4]) {
		return namedDay(s), false
	}
	var numbers [3]int // how many digits each has
	for i := range numbers {
		start := n
		for n < len(s) && digit(s[n]) {
			n++
		}
		numbers[i] = n - start
		if i == len(numbers)-1 {
			break
		}
		if n == len(s) || strings.IndexByte("-/.", s[n]) < 0 || i > 0 && s[n] != s[start-1] {
			return 0, false
		}
		n++
	}
	year, month, last := numbers[0], numbers[1], numbers[2]
	switch {
	case month != 1 && month != 2:
		return 0, false
	case year == 4 && (last == 1 || last == 2), last == 4 && (year == 1 || year == 2):
		return n, false
	case year == 2 && month == 2 && last == 2 && s[2] == '-':
		return n, true
	}
	return 0, false
}

// namedDay gives the length of a day that begins with the month's name ("Jul 11 2018", "Jul  1 2018").
func namedDay(s string) int {
	rest := strings.TrimLeft(s[4:], " ")
	number, rest, ok := strings.Cut(rest, " ")
	if !ok || len(number) > 2 || !digits(number) || len(rest) < 4 || !digits(rest[:4]) {
		return 0
	}
	return len(s) - len(rest) + 4
}

// clock: "10:32", "10:32:11".
func clock(s string) bool {
	h, rest, ok := strings.Cut(s, ":")
	m, sec, seconds := strings.Cut(rest, ":")
	return ok && len(h) < 3 && digits(h) && len(m) == 2 && digits(m) && (!seconds || len(sec) == 2 && digits(sec))
}
