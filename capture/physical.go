package capture

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// physical is one line of the input with what only a terminal needs taken out.
type physical struct {
	number int
	text   string
	gap    bool // a blank line stands before it
	broken bool // it did not end there: something else was written into it
}

// escapes matches what moves a cursor or sets a title: CSI, OSC, DCS and friends, and
// two-character escapes (ECMA-48), in their 7-bit forms.
var escapes = pattern(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]`)

// moves matches what puts the cursor into another line (CUP, HVP, VPA, CNL and CPL of ECMA-48): what is written there
// does not go on where the line before it ended, as minicom's status line shows.
var moves = pattern(`\x1b\[[0-9;]*[HfdEF]`)

// physicalLines splits text at LF, at CR and where the cursor goes elsewhere. A CR that stands alone ends a line too:
// V.250 ends lines with it, and some logs keep no LF.
func physicalLines(text []byte) []physical {
	text = bytes.TrimPrefix(fromUTF16(text), []byte("\ufeff"))
	var lines []physical
	number, gap := 0, false
	for line := range strings.SplitSeq(string(text), "\n") {
		number++
		blank := true
		if strings.Contains(line, "\x1b[") {
			line = moves().ReplaceAllString(line, "\r")
		}
		for part := range strings.SplitSeq(line, "\r") {
			if part = plain(part); strings.TrimSpace(part) != "" {
				lines = append(lines, physical{number: number, text: part, gap: gap})
				blank, gap = false, false
			}
		}
		gap = gap || blank
	}
	return lines
}

// fromUTF16 reads what terminal programs and editors on Windows may write, told by its
// byte order mark.
func fromUTF16(text []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return text
	}
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order.Uint16(text[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// plain takes escapes out of a line, obeys backspace and DEL as the person who typed
// them meant them, and drops what is left of control characters.
func plain(s string) string {
	if strings.IndexFunc(s, isControl) < 0 {
		return s
	}
	s = escapes().ReplaceAllString(s, "")
	out := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		switch {
		case c == '\b' || c == 0x7f:
			_, n := utf8.DecodeLastRune(out)
			out = out[:len(out)-n]
		case c == '\t' || c >= 0x20:
			out = append(out, c)
		}
	}
	return string(out)
}

func isControl(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }
