package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Progress shows one line for each thing that is under way, on a terminal, and takes
// them away again. Its methods may be called from several goroutines.
type Progress struct {
	screen Screen
	out    io.Writer
	now    func() time.Time

	mu    sync.Mutex // guards all below
	order []string
	text  map[string]string
	drawn int
	last  time.Time
	later *time.Timer // draws what came too soon after the last time
	ended bool
}

// redraw bounds how often the lines are drawn, for the sake of slow lines.
const redraw = 80 * time.Millisecond

// NewProgress draws on out, which must be a terminal as wide as the screen.
func (s Screen) NewProgress(out io.Writer) *Progress {
	return &Progress{screen: s, out: out, now: time.Now, text: map[string]string{}}
}

// Set shows text behind key.
func (p *Progress) Set(key, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.text[key]
	if !known {
		p.order = append(p.order, key)
	}
	p.text[key] = text
	p.soon()
}

// soon draws now, or when it is time again.
func (p *Progress) soon() {
	switch since := p.now().Sub(p.last); {
	case p.ended:
	case since >= redraw:
		p.draw()
	case p.later == nil:
		p.later = time.AfterFunc(redraw-since, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.later = nil; !p.ended {
				p.draw()
			}
		})
	}
}

// Remove takes the line of key away.
func (p *Progress) Remove(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.text[key]; !known {
		return
	}
	delete(p.text, key)
	p.order = slices.DeleteFunc(p.order, func(k string) bool { return k == key })
	p.soon()
}

// Clear takes all lines away, for good.
func (p *Progress) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if p.later != nil {
		p.later.Stop()
	}
	p.order, p.text = nil, map[string]string{}
	p.draw()
	p.ended = true
}

// draw goes back to the first line, draws all anew, and clears what is below.
func (p *Progress) draw() {
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r", p.drawn)
	}
	const most = 8 // lines, so that all of them fit any terminal
	shown := p.order[:min(len(p.order), most)]
	for _, key := range shown {
		line := pad(port(key), 10) + " " + field(p.text[key]) + " …"
		b.WriteString(cut(line, p.screen.width()-1) + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	p.drawn, p.last = len(shown), p.now()
	_, _ = io.WriteString(p.out, b.String()) // a terminal that is gone needs no progress
}
