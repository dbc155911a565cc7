package fingerprint

import "testing"

// TestTimes: what says when something was built, as a whole or at the beginning, and what only looks like it.
func TestTimes(t *testing.T) {
	for _, tc := range []struct {
		text               string
		time, day, leading bool
	}{
		{"2026-07-09", true, true, true},
		{"2006/10/20", true, true, true},
		{"20.10.2006", true, true, true},
		{"01-20-2015 10:32:11", true, false, true},
		{"2015/02/11 17:50", true, false, true},
		{"Jul 11 2018", true, true, true},
		{"Jul  1 2018 00:00:00", true, false, true},
		{"Feb 15 2016, 16:10:10", false, false, true},
		{"2026-7-9 builder", false, false, true},
		{"16:10", true, false, false},
		{"9:05:07", true, false, false},
		{"12-03-07", false, true, false}, // a version, perhaps
		{"12.03.07", false, false, false},
		{"2006-10/20", false, false, false},
		{"2026-07-0910:32", false, false, false},
		{"02.14.04.00", false, false, false},
		{"Jul 11", false, false, false},
		{"July 2018", false, false, false},
		{"1.2.3", false, false, false},
		{"12:3", false, false, false},
		{"2006-", false, false, false},
		{"", false, false, false},
	} {
		if got := isTime(tc.text); got != tc.time {
			t.Errorf("isTime(%q) = %v", tc.text, got)
		}
		if got := isDay(tc.text); got != tc.day {
			t.Errorf("isDay(%q) = %v", tc.text, got)
		}
		if got := beginsWithDay(tc.text); got != tc.leading {
			t.Errorf("beginsWithDay(%q) = %v", tc.text, got)
		}
	}
}
