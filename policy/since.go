package policy

import (
	"maps"
	"slices"
	"time"
)

// Since gives the time since which the policy, by itself, finds what it finds now: the last
// day on which an exception ended or a list began or ceased to name somebody. Where a rule
// reads the time, that is today; but for rules on how long a gateway has been silent, which
// whoever counts the silence judges again. Times are those of UTC.
func (p *Policy) Since(now time.Time) time.Time {
	if p.timely {
		return now.UTC().Truncate(24 * time.Hour)
	}
	n, found := slices.BinarySearchFunc(p.turns, now, time.Time.Compare)
	if found {
		return p.turns[n]
	}
	if n == 0 {
		return time.Time{}
	}
	return p.turns[n-1]
}

// findTurns collects the times at which findings change though nothing else does.
func (p *Policy) findTurns() {
	for _, r := range p.module {
		p.timely = p.timely || r.reads["now"]
	}
	for _, r := range p.gateway { // a rule about silence is judged while a gateway is silent
		p.timely = p.timely || r.reads["now"] && (!r.reads["gateway.last_seen"] || r.reads["gateway"])
	}
	days := map[time.Time]bool{}
	for i := range p.spec.exceptions {
		days[p.spec.exceptions[i].Until.UTC()] = true
	}
	for _, l := range p.lists.All() {
		days[l.EditionDate.Time()] = true
		for _, e := range l.Editions {
			days[e.Date.Time()] = true
		}
		for i := range l.Entries {
			days[l.Entries[i].Since.Time()] = true
			days[l.Entries[i].Until.Time()] = true
		}
	}
	delete(days, time.Time{})
	p.turns = slices.SortedFunc(maps.Keys(days), time.Time.Compare)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
