package capture

import (
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// answerLine matches a line of the answer to ATI, or of what programs that ask modems print (gammu --identify,
// qmicli, gsmctl, oFono's list-modems, RouterOS, asterisk's chan_dongle, a driver's log).
var answerLine = pattern(`(?i)^(?:[\w/.-]{1,24}: |<[a-z]{2}\d> +)?((manufacturer|model|module|modem (?:name|info)|revision|firmware(?: version| revision)?|imei|imei sv|svn|hardware(?: version| revision)?|qti baseline|meid|esn)(?:\s*: ?| = )\s*(\S.*))$`)

// withoutQuestion reads a capture that shows no command: answers that people paste without their
// question. Two of maker, model and revision make one; where a label comes again, another begins.
func withoutQuestion(lines []logged, skip map[int]bool) (cases []Case, used []Used) {
	var e inventory.Exchange
	var of []Used
	seen := map[string]bool{}
	end := func() {
		telling := count(seen, "manufacturer", "model", "module", "revision", "firmware", "firmware version", "firmware revision")
		if telling > 1 || telling == 1 && seen["module"] && seen["imei"] || seen["modem name"] || seen["modem info"] {
			for i := range of {
				of[i].Case = len(cases)
			}
			c := Case{}
			c.Transcript = []inventory.Exchange{e}
			cases, used = append(cases, c), append(used, of...)
		}
		e, of, seen = inventory.Exchange{}, nil, map[string]bool{}
	}
	for _, l := range lines {
		m := answerLine().FindStringSubmatch(strings.TrimSpace(l.rest))
		if m == nil || skip[l.number] || len(m[1]) > maxAnswerLine || len(e.Lines) >= maxAnswer {
			continue
		}
		label := strings.ToLower(m[2])
		if seen[label] && label == "manufacturer" {
			end()
		}
		seen[label] = true
		e.Lines = append(e.Lines, m[1])
		of = append(of, Used{Line: l.number, Text: m[1], As: UseAnswer})
	}
	end()
	return cases, used
}

func count(seen map[string]bool, labels ...string) (n int) {
	for _, l := range labels {
		if seen[l] {
			n++
		}
	}
	return n
}
