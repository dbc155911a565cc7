package capture

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// ReadTerminal reads a pasted session or a log of one module. Where it shows several,
// the one with the most answers is returned; [ReadSessions] gives all. The lines used,
// and those left out with the reason, are in the order of the input.
func ReadTerminal(r io.Reader) (Case, []Used, error) {
	cases, used, err := ReadSessions(r)
	if err != nil {
		return Case{}, used, err
	}
	best := 0
	for i := range cases {
		if len(cases[i].Transcript) > len(cases[best].Transcript) {
			best = i
		}
	}
	for i := range used {
		switch u := &used[i]; u.Case {
		case best:
			u.Case = 0
		case -1:
		default:
			*u = u.leftOut("of another module")
		}
	}
	return cases[best], used, nil
}

// ReadSessions reads a pasted session or a log, one case for each module that it shows.
// Ports that gave the same answers count as one module; ports whose answers differ, or
// that were not asked the same, as several.
func ReadSessions(r io.Reader) ([]Case, []Used, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, nil, err
	}
	split := physicalLines(text)
	if len(split) > maxLines {
		return nil, nil, fmt.Errorf("cannot read capture of %d lines, %d at most: %w", len(split), maxLines, ErrTooLarge)
	}
	lines, traits := prepare(split)
	usb, pci, skip, used := descriptors(lines)
	listed := managers(lines, skip)
	channels := converse(readEvents(lines, traits, skip))
	cases, more := assemble(channels)
	used = append(used, more...)
	cases, more = attachManagers(cases, listed)
	used = append(used, more...)
	if len(cases) == 0 {
		cases, used = withoutCommand(lines, skip, channels, used)
	}
	if len(cases) == 0 && usb == nil && pci == nil {
		sortUsed(used)
		return nil, used, ErrNothing
	}
	if len(cases) == 0 {
		cases = []Case{{}}
	}
	if len(cases) == 1 {
		cases[0].USB, cases[0].PCI = usb, pci
	}
	attributeDescriptors(used, len(cases))
	sortUsed(used)
	return cases, used, nil
}

// attributeDescriptors gives the descriptor to the only case, or says why to none.
func attributeDescriptors(used []Used, cases int) {
	for i := range used {
		if u := &used[i]; u.As == UseDescriptor {
			u.Case = 0
			if cases > 1 {
				*u = u.leftOut("of one of several modules, which one is not shown")
			}
		}
	}
}

func sortUsed(used []Used) {
	slices.SortStableFunc(used, func(a, b Used) int { return cmp.Compare(a.Line, b.Line) })
}

// assemble keeps what asks for the identity and joins the ports of one module.
func assemble(channels []*channel) (cases []Case, used []Used) {
	q := loadQueries()
	var silent []*channel // without a question about the identity
	for _, c := range channels {
		kept, left := c.identification(q)
		used = append(used, left...)
		for _, l := range c.left {
			l.Case = -1
			used = append(used, l)
		}
		if len(kept) == 0 {
			silent = append(silent, c)
			continue
		}
		for n, part := range modules(kept) {
			i := slices.IndexFunc(cases, func(k Case) bool { return sameModule(k.Transcript, part) })
			if i < 0 {
				i = len(cases)
				cases = append(cases, Case{ID: portID(c.name)})
			}
			used = append(used, cases[i].join(i, part)...)
			if n == 0 {
				used = append(used, cases[i].takeBanner(i, c)...)
			}
		}
	}
	for _, c := range silent {
		for _, u := range c.bannerAt {
			if len(cases) > 0 { // else it may be all there is
				used = append(used, u.leftOut(whyOutside))
			}
		}
	}
	return cases, used
}

// modules parts what was asked on one channel where another module begins to answer: where a question
// that one module always answers alike is answered otherwise, from the questions on that repeat earlier ones.
func modules(kept []*exchange) (parts [][]*exchange) {
	from := 0
	for i, e := range kept {
		before := kept[from:i]
		if !slices.ContainsFunc(before, func(h *exchange) bool { return otherModule(h, e) }) {
			continue
		}
		at := i
		for at > from+1 && slices.ContainsFunc(kept[from:at-1], func(h *exchange) bool { return strings.EqualFold(h.Cmd, kept[at-1].Cmd) }) {
			at--
		}
		parts, from = append(parts, kept[from:at]), at
	}
	return append(parts, kept[from:])
}

// always are the questions whose answer is the same as long as the module is.
var always = []string{"+CGMI", "+GMI", "+CGMM", "+GMM", "+CGSN", "+GSN"}

// otherModule: the same question, answered in full both times, and not alike.
func otherModule(x, y *exchange) bool {
	if !strings.EqualFold(x.Cmd, y.Cmd) || x.Final != "OK" || y.Final != "OK" || len(x.Lines) == 0 || len(y.Lines) == 0 {
		return false
	}
	if commandBody(x.Cmd) == "I" {
		return !slices.Equal(withoutRevision(x.Lines), withoutRevision(y.Lines))
	}
	common := slices.ContainsFunc(x.Lines, func(l string) bool { return slices.Contains(y.Lines, l) }) // with something unasked beside it
	return slices.Contains(always, commandBody(x.Cmd)) && !common
}

// withoutRevision gives the first lines of the answer to ATI, maker and model, without what an update changes.
func withoutRevision(lines []string) []string {
	lines = slices.DeleteFunc(slices.Clone(lines), func(s string) bool {
		m := answerLine().FindStringSubmatch(strings.TrimSpace(s))
		return m != nil && (strings.HasPrefix(strings.ToLower(m[2]), "revision") || strings.HasPrefix(strings.ToLower(m[2]), "firmware"))
	})
	return lines[:min(2, len(lines))]
}

// portID is the name of a channel where that is a port.
func portID(channel string) string {
	if strings.Contains(channel, "[") {
		return ""
	}
	return channel
}

// identification splits the exchanges of a channel into those that are kept and the
// lines of those that are not.
func (c *channel) identification(q queries) (kept []*exchange, left []Used) {
	for _, e := range c.exchanges {
		why := ""
		switch {
		case !q.keeps(e.Cmd):
			why = "no question about the identity"
		case len(e.Lines) == 0 && e.Final == "":
			why = "no answer"
		case commandBody(e.Cmd) == "" && len(e.Lines) == 0:
			why = "says only that something answers"
		}
		if why == "" {
			kept = append(kept, e)
			continue
		}
		for _, u := range e.used {
			left = append(left, u.leftOut(why))
		}
	}
	return kept, left
}

// sameModule: at least one question has the same answer, and none has another one.
func sameModule(have []inventory.Exchange, kept []*exchange) bool {
	same := false
	for _, h := range have {
		for _, k := range kept {
			if len(h.Lines) == 0 || len(k.Lines) == 0 || !strings.EqualFold(h.Cmd, k.Cmd) {
				continue
			}
			if !slices.Equal(h.Lines, k.Lines) {
				return false
			}
			same = true
		}
	}
	return same
}

// join adds what a channel showed to the case, without repeating what it has.
func (k *Case) join(index int, kept []*exchange) (used []Used) {
	for _, e := range kept {
		repeated := slices.ContainsFunc(k.Transcript, func(h inventory.Exchange) bool {
			return strings.EqualFold(h.Cmd, e.Cmd) && h.Final == e.Final && slices.Equal(h.Lines, e.Lines)
		})
		if !repeated {
			k.Transcript = append(k.Transcript, e.Exchange)
		}
		for _, u := range e.used {
			if u.Case = index; repeated {
				u = u.leftOut("repeats what stands above")
			}
			used = append(used, u)
		}
	}
	return used
}

// takeBanner adds what came unasked on a channel.
func (k *Case) takeBanner(index int, c *channel) (used []Used) {
	for i, b := range c.banner {
		u := c.bannerAt[i]
		if u.Case = index; len(k.Banner) < maxBanner {
			k.Banner = append(k.Banner, b)
		} else {
			u = u.leftOut(whyLimit)
		}
		used = append(used, u)
	}
	return used
}

// withoutCommand makes cases of a capture in which no command has an answer.
func withoutCommand(lines []logged, skip map[int]bool, channels []*channel, used []Used) ([]Case, []Used) {
	cases, answers := withoutQuestion(lines, skip)
	if len(cases) == 0 {
		return bannerOnly(channels, used)
	}
	read := map[int]bool{}
	for _, u := range answers {
		read[u.Line] = true
	}
	used = slices.DeleteFunc(used, func(u Used) bool { return read[u.Line] })
	for _, c := range channels {
		for i, u := range c.bannerAt {
			if !read[u.Line] {
				cases[0].Banner = append(cases[0].Banner, c.banner[i])
				u.Case = 0
				used = append(used, u)
			}
		}
	}
	return cases, append(used, answers...)
}

// bannerOnly makes a case of a capture without any command: what a device sent unasked.
// Remarks of people stay out.
func bannerOnly(channels []*channel, used []Used) ([]Case, []Used) {
	for _, c := range channels {
		if len(c.exchanges) > 0 {
			return nil, used
		}
		used = append(used, c.bannerAt...)
	}
	sortUsed(used)
	var k Case
	for i := range used {
		u := &used[i]
		outside := u.As == UseNone && u.Why == whyOutside && !prose(u.Text)
		if (outside || u.As == UseUnasked) && len(k.Banner) < maxBanner {
			k.Banner = append(k.Banner, u.Text)
			u.As, u.Why, u.Case = UseUnasked, "", 0
		}
	}
	if len(k.Banner) == 0 {
		return nil, used
	}
	return []Case{k}, used
}
