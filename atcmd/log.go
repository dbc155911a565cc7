package atcmd

import (
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// maxBanner bounds the unasked lines, so that talk does not crowd out answers.
const maxBanner = 4 << 10

// log is the transcript as it grows, within its bounds.
type log struct {
	Transcript
	size, banner int
	full         bool // an answer did not fit
}

// add appends x. An exchange that no longer fits keeps its command and result.
func (l *log) add(x inventory.Exchange, unasked []string) {
	l.addBanner(unasked)
	size := len(x.Cmd) + len(x.Final) + 4*len(x.Raw)/3
	for _, text := range x.Lines {
		size += len(text)
	}
	if l.size+size > MaxTranscript-maxBanner {
		l.full = true
		x.Lines, x.Raw, x.Note = []string{}, nil, NoteTooLong
		size = len(x.Cmd) + len(x.Final)
	}
	l.size += size
	l.Exchanges = append(l.Exchanges, x)
}

func (l *log) addBanner(lines []string) {
	for _, text := range lines {
		text = valid(text)
		if strings.TrimSpace(text) == "" || l.banner+len(text)+1 > maxBanner {
			continue
		}
		l.banner += len(text) + 1
		l.Banner = append(l.Banner, text)
	}
}

func (l *log) doubtLast() {
	if n := len(l.Exchanges); n > 0 && l.Exchanges[n-1].Note == "" && l.Exchanges[n-1].Cmd != wakeUp.text {
		l.Exchanges[n-1].Note = NoteDoubtful
	}
}

// valid returns s with invalid UTF-8 replaced.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// retract moves the answer of the last exchange that equals x to the unasked lines.
func (l *log) retract(x inventory.Exchange) {
	if e := l.last(x); e != nil {
		l.addBanner(e.Lines)
		e.Lines, e.Final, e.Raw, e.Note = []string{}, "", nil, NoteDoubtful
	}
}

// confirm takes the doubt off the last exchange that equals x.
func (l *log) confirm(x inventory.Exchange) {
	if e := l.last(x); e != nil && e.Note == NoteDoubtful {
		e.Note = ""
	}
}

func (l *log) last(x inventory.Exchange) *inventory.Exchange {
	for i := len(l.Exchanges) - 1; i >= 0; i-- {
		e := &l.Exchanges[i]
		if e.Cmd == x.Cmd && e.Final == x.Final && slices.Equal(e.Lines, x.Lines) {
			return e
		}
	}
	return nil
}
