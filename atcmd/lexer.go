package atcmd

// line is a run of bytes up to a CR or LF.
type line struct {
	// text is without its terminator; at most MaxLine bytes.
	text string
	// over counts the bytes that were dropped beyond MaxLine.
	over int
	// end is the terminator, CR or LF; 0 for a line that never ended.
	end byte
}

// lexer cuts what a module sends into lines. V.250 ends a line by CR LF, numeric results
// by CR alone, and modules add "\r\r\n" and bare LF; so every CR and every LF ends a line,
// and lines between the two are blank. The lines are the same however the bytes
// were split on their way.
type lexer struct {
	buf  []byte
	over int
}

func (l *lexer) feed(p []byte, emit func(line)) {
	start := 0
	for i, b := range p {
		if b == '\r' || b == '\n' {
			l.keep(p[start:i])
			emit(l.take(b))
			start = i + 1
		}
	}
	l.keep(p[start:])
}

func (l *lexer) keep(p []byte) {
	n := min(len(p), MaxLine-len(l.buf))
	l.buf = append(l.buf, p[:n]...)
	l.over += len(p) - n
}

// take ends the line begun so far.
func (l *lexer) take(end byte) line {
	out := line{string(l.buf), l.over, end}
	l.buf, l.over = l.buf[:0], 0
	return out
}

// pending is the line begun so far. It is the lexer's own until the next feed.
func (l *lexer) pending() []byte { return l.buf }

// overlong reports whether the line begun so far already exceeds MaxLine.
func (l *lexer) overlong() bool { return l.over > 0 }

// bare returns text without the bytes that stand around it and do not belong to it: blanks,
// fill bytes, flow control, and the mark of a wrong parity.
func bare(text string) string {
	for len(text) > 0 && aside(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && aside(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

func aside(b byte) bool {
	switch b {
	case ' ', '\t', 0x00, 0x11, 0x13, 0xff:
		return true
	}
	return false
}
