package atcmd

import (
	"bytes"
	"strings"
)

// sight is what a port that gives no answer seems to be.
type sight struct {
	kind Kind
	err  error
}

// dataMarks begin a frame of PPP (RFC 1662: flag, address, control, in both forms that
// the control byte may have).
var dataMarks = [][]byte{[]byte("\x7e\xff\x7d\x23"), []byte("\x7e\xff\x03")}

// binaryMarks stand in what debug ports of modules send.
var binaryMarks = [][]byte{[]byte("os_logids.h"), []byte("option/faema_"), []byte("NETWORK SERVICE CHANGE"), make([]byte, 32)}

// look tells from the bytes since the last command what a port seems to be. told are the
// commands written so far. The zero sight means: nothing speaks against a module.
func look(heard []byte, told map[string]bool) sight {
	if containsAny(heard, dataMarks) {
		return sight{InUse, ErrData}
	}
	if containsAny(heard, binaryMarks) || isBinary(heard) {
		return sight{NotModem, ErrBinary}
	}
	return lookAtLines(heard, told)
}

func lookAtLines(heard []byte, told map[string]bool) (found sight) {
	var lx lexer
	var echo bool
	each := func(l line) {
		text := bare(l.text)
		switch known, _ := unasked().find(text); {
		case text == "" || known:
		case told[text]:
			echo = true
		case finals().find(text, false) == codeConnect:
			found = sight{InUse, ErrData}
		case found.err != nil && found.err != ErrLog:
		case isNMEA(text):
			found = sight{NotModem, ErrNMEA}
		case finals().find(text, false) == codeNone:
			found = sight{NotModem, ErrLog}
		}
	}
	lx.feed(heard, each)
	if prompt(lx.pending()) && found.err == nil {
		return sight{InUse, ErrPrompt}
	}
	each(lx.take(0))
	if found.err == nil && echo {
		return sight{NotModem, ErrEcho}
	}
	return found
}

// prompt recognises the unended line with which a module asks for the text of a message
// (TS 27.005, 3.5.1).
func prompt(pending []byte) bool {
	return bare(string(pending)) == ">"
}

// isNMEA recognises sentences of satellite receivers and of ships' transponders.
func isNMEA(text string) bool {
	if len(text) < 7 || text[0] != '$' && text[0] != '!' {
		return false
	}
	i := strings.IndexByte(text, ',')
	if i < 4 || i > 8 {
		return false
	}
	for _, b := range []byte(text[1:i]) {
		if !capital(b) && !digit(b) {
			return false
		}
	}
	return true
}

// isBinary recognises bytes of which many are no text.
func isBinary(p []byte) bool {
	odd := 0
	for _, b := range p {
		if b < ' ' && b != '\r' && b != '\n' && b != '\t' && b != 0 || b == 0x7e || b >= 0x80 {
			odd++
		}
	}
	return odd > 4 && odd*5 > len(p)
}

func containsAny(p []byte, marks [][]byte) bool {
	for _, m := range marks {
		if bytes.Contains(p, m) {
			return true
		}
	}
	return false
}
