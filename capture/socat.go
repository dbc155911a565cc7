package capture

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// socatHead is what socat -v and -x write before each block that it carries: the way, the time, how many bytes. With -v
// the block before it does not end its line unless its last byte did, so that it may stand anywhere in a line.
var socatHead = pattern(`([<>]) \d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,9})?\s+length=(\d{1,9}) from=\d+ to=\d+\s*$`)

// socatHex is a line of a block with -x: all bytes of the block, or sixteen of them and their text with -v as well.
var socatHex = pattern(`^((?: [0-9a-f]{2})+)(?:\s{2,}.*)?$`)

// socatText undoes what -v writes for control characters. An end of line is one, whichever way it was sent.
var socatText = strings.NewReplacer(`\\`, `\`, `\r`, "\n", `\a`, "", `\b`, "", `\v`, "", `\f`, "")

// block is the rest of a block that socat carried.
type block struct {
	dir  direction
	left int // bytes still to come
	line int // the last line that belongs to it
}

// breakDumps parts lines in which a block of socat begins where the block before it ended.
func breakDumps(lines []physical) []physical {
	for i, p := range lines {
		if head := socatBegins(p.text); head > 0 {
			out := append(make([]physical, 0, len(lines)+16), lines[:i]...)
			for _, p := range lines[i:] {
				if at := socatBegins(p.text); at > 0 {
					out = append(out, physical{number: p.number, text: p.text[:at], gap: p.gap, broken: true})
					p = physical{number: p.number, text: p.text[at:]}
				}
				out = append(out, p)
			}
			return out
		}
	}
	return lines
}

func socatBegins(s string) int {
	if !strings.Contains(s, " length=") {
		return -1
	}
	if loc := socatHead().FindStringIndex(s); loc != nil {
		return loc[0]
	}
	return -1
}

// socatLine reads the log of socat. What stands between the blocks is what it carried to the screen.
func (r *reader) socatLine(l logged) bool {
	if !r.socat {
		return false
	}
	if m := socatHead().FindStringSubmatch(l.text); m != nil {
		r.block = block{dir: to, line: l.number}
		if m[1] == "<" {
			r.block.dir = from
		}
		r.block.left, _ = strconv.Atoi(m[2])
		r.note(l, note, whyLogger)
		return true
	}
	if b, ok := r.block.take(l.physical); ok {
		r.events = append(r.events, event{dir: r.block.dir, text: b, line: l.number, channel: r.channel, chunk: true})
		return true
	}
	if r.block.line > 0 && isCommand(l.rest) || l.rest == "--" {
		r.note(l, note, whyTerminal)
		return true
	}
	return false
}

// take gives what a line of the block says, with ends of line as LF, as long as the block has bytes left.
func (b *block) take(p physical) (text string, ok bool) {
	if m := socatHex().FindStringSubmatch(p.text); m != nil && len(m[1])/3 <= b.left {
		raw, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		b.left -= len(raw)
		return strings.ReplaceAll(string(raw), "\r", "\n"), err == nil
	}
	blank := max(p.number-b.line-1, 0) // lines with nothing but their end
	if b.left -= blank; b.left <= 0 {
		b.left = 0
		return "", false
	}
	text = strings.Repeat("\n", min(blank, 1)) + socatText.Replace(p.text)
	b.left -= len(p.text) - strings.Count(p.text, `\`) + strings.Count(p.text, `\\`)
	if b.line = p.number; !p.broken && b.left > 0 {
		text += "\n"
		b.left--
	}
	return text, true
}
