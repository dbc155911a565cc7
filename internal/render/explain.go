package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// claimOrder is the order in which claims are explained. Others follow by name.
var claimOrder = [...]string{"maker", "badge", "model", "variant", "firmware", "hardware", "imei", "chipset", "technology"}

// Explain draws why the verdict is what it is: each claim with what proves it and how
// strongly, what else was considered, conflicts, and the transcript with the claims
// beside the lines that support them.
func (s Screen) Explain(it Item) string {
	var b strings.Builder
	m := it.Module
	s.hangMarked(&b, pad(it.number(), it.margin()), faint, s.title(m), strong)
	s.hang(&b, strings.Repeat(" ", it.margin()), join(" · ", Certainty(m), origin(m), labelled("data", field(m.Data))), faint)
	b.WriteByte('\n')
	for _, claim := range claims(m) {
		s.claim(&b, m, claim)
	}
	s.considered(&b, m)
	s.findings(&b, it.Findings)
	s.transcript(&b, m)
	return b.String()
}

// claims lists what the verdict says or what evidence speaks of.
func claims(m inventory.Module) []string {
	var named, others []string
	has := func(claim string) bool {
		return claimValue(m, claim) != "" || slices.ContainsFunc(m.Evidence, func(e inventory.Evidence) bool { return e.Claim == claim })
	}
	for _, c := range claimOrder {
		if has(c) {
			named = append(named, c)
		}
	}
	for _, e := range m.Evidence {
		if !slices.Contains(named, e.Claim) && !slices.Contains(others, e.Claim) {
			others = append(others, e.Claim)
		}
	}
	slices.Sort(others)
	return append(named, others...)
}

func claimValue(m inventory.Module, claim string) string {
	id := m.Identity
	switch claim {
	case "maker":
		return id.Maker
	case "badge":
		return id.Badge
	case "model":
		return id.Model
	case "variant":
		return id.Variant
	case "firmware":
		return id.Firmware
	case "hardware":
		return id.Hardware
	case "imei":
		return id.IMEI
	case "chipset":
		return id.Chipset
	case "technology":
		return id.Technology
	}
	for _, p := range m.Parts {
		if p.Name == claim {
			return p.Value
		}
	}
	return ""
}

const claimColumn = 11

// label is a name in the first column. One that is too long for it gets a line of its own.
func (s Screen) label(b *strings.Builder, name string) string {
	name = field(name)
	if columns(name) < claimColumn {
		return pad(name, claimColumn)
	}
	s.hang(b, "", name, plain)
	return strings.Repeat(" ", claimColumn)
}

func (s Screen) claim(b *strings.Builder, m inventory.Module, claim string) {
	value := claimValue(m, claim)
	shown := field(value)
	switch {
	case claim == "maker" && value != "":
		shown = s.maker(m.Identity)
	case claim == "badge" && value != "":
		shown = s.name(value)
	case value == "":
		shown = "open"
	}
	s.pair(b, s.label(b, claim), shown, strong, strength(m, claim, value), plain)
	drawn := map[[2]string]bool{}
	for _, e := range m.Evidence {
		if e.Claim != claim {
			continue
		}
		proof := source(m, e)
		if !strings.EqualFold(e.Value, value) && !strings.EqualFold(e.Value, e.Quote) && e.Value != "" {
			proof += ", read as " + field(e.Value)
		}
		rule := field(e.Rule)
		if s.width() < cardWidth {
			rule = ""
		}
		if line := [2]string{proof, rule}; !drawn[line] { // without rules, several may look the same
			drawn[line] = true
			s.pair(b, strings.Repeat(" ", claimColumn), proof, plain, rule, faint)
		}
	}
}

// pair draws text on the left and a remark on the right, or below where there is no room.
func (s Screen) pair(b *strings.Builder, lead, left string, leftStyle style, right string, rightStyle style) {
	rightWidth := max(24, s.width()/4)
	at := s.width() - rightWidth
	used := columns(lead) + columns(left)
	switch {
	case right == "":
		s.hang(b, lead, left, leftStyle)
	case s.width() < cardWidth || used+2+min(columns(right), rightWidth) > s.width():
		s.hang(b, lead, left, leftStyle)
		s.hang(b, strings.Repeat(" ", columns(lead)), right, rightStyle)
	case used+2 > at: // the remark just fits behind it
		b.WriteString(lead + s.paint(leftStyle, left) + "  " + s.paint(rightStyle, right) + "\n")
	default:
		for i, line := range wrap(right, rightWidth, rightWidth) {
			if i > 0 {
				lead, left, used = "", "", 0
			}
			b.WriteString(lead + s.paint(leftStyle, left) + strings.Repeat(" ", at-used) + s.paint(rightStyle, line) + "\n")
		}
	}
}

// source says in words where a piece of evidence stands.
func source(m inventory.Module, e inventory.Evidence) string {
	quote := `"` + field(e.Quote) + `"`
	kind, what, _ := strings.Cut(e.Source, ":")
	switch {
	case kind == "at":
		if n := lineOf(m, what, e.Quote); n > 0 {
			return fmt.Sprintf("%s line %d %s", field(what), n, quote)
		}
		return field(what) + " " + quote
	case kind == "usb" && what == "id", kind == "pci" && what == "id":
		return strings.ToUpper(kind) + " id " + field(e.Quote)
	case kind == "usb", kind == "pci":
		return strings.ToUpper(kind) + " " + field(what) + " " + quote
	case kind == "mm":
		return "ModemManager " + field(what) + " " + quote
	case e.Source == "tac":
		return "TAC " + field(e.Quote)
	}
	return join(" ", field(e.Source), quote)
}

// lineOf is the line of the answer to cmd that holds quote, from 1.
func lineOf(m inventory.Module, cmd, quote string) int {
	for _, x := range m.Transcript {
		if !strings.EqualFold(strings.TrimSpace(x.Cmd), cmd) || quote == "" {
			continue
		}
		for i, line := range x.Lines {
			if strings.Contains(line, quote) {
				return i + 1
			}
		}
	}
	return 0
}

// strength says in words how well a claim is supported.
func strength(m inventory.Module, claim, value string) string {
	if slices.ContainsFunc(m.Conflicts, func(c inventory.Conflict) bool { return c.Claim == claim }) {
		return "contradicted"
	}
	agree := map[string]bool{}
	for _, e := range m.Evidence {
		if e.Claim == claim && strings.EqualFold(e.Value, value) {
			agree[e.Source] = true
		}
	}
	switch {
	case value == "":
		return "not proven"
	case claim == "maker" || claim == "model":
		return Certainty(m)
	case len(agree) > 1:
		return fmt.Sprintf("%d sources agree", len(agree))
	case len(agree) == 1:
		return "one source"
	}
	return "follows from the model"
}

// considered draws what else was possible, and what contradicts.
func (s Screen) considered(b *strings.Builder, m inventory.Module) {
	if len(m.Possible) > 0 {
		names := make([]string, len(m.Possible))
		for i, slug := range m.Possible {
			names[i] = s.name(slug)
		}
		s.hang(b, pad("possible", claimColumn), alternatives(names), plain)
	}
	if m.Seems != "" {
		s.hang(b, pad("seems", claimColumn), field(m.Seems), plain)
	}
	for _, p := range m.Parts {
		if !slices.ContainsFunc(m.Evidence, func(e inventory.Evidence) bool { return e.Claim == p.Name }) {
			s.hang(b, s.label(b, p.Name), field(p.Value), plain)
		}
	}
	lead := pad("conflicts", claimColumn)
	if len(m.Conflicts) == 0 {
		s.hang(b, lead, "none", plain)
	}
	for _, c := range m.Conflicts {
		s.hang(b, lead, join(": ", field(c.Claim), join(" against ", cleanAll(c.Values)...)), warn)
		s.hang(b, strings.Repeat(" ", claimColumn), field(c.Why), plain)
		lead = strings.Repeat(" ", claimColumn)
	}
	for _, step := range steps(m) {
		s.hangMarked(b, "> ", strong, step, plain)
	}
}

// findings draws what a policy says, by which rule and on which text that rests.
func (s Screen) findings(b *strings.Builder, found []Finding) {
	lead := pad("findings", claimColumn)
	for _, f := range found {
		text, st := field(f.Text), findingStyle(f)
		if f.Covered {
			text += " (an exception covers this)"
		}
		s.pair(b, lead, text, st, join(", ", field(f.Severity), field(f.Rule)), faint)
		lead = strings.Repeat(" ", claimColumn)
		s.address(b, lead, field(f.Source))
	}
}

// address draws where a text is to be read. One of the web is never broken: a terminal that goes
// on in the next line by itself still knows that it is one, and it can be copied.
func (s Screen) address(b *strings.Builder, lead, text string) {
	if !isAddress(text) {
		s.hang(b, lead, text, faint)
		return
	}
	b.WriteString(lead + s.paint(faint, text) + "\n")
}

func isAddress(text string) bool {
	return strings.Contains(text, "://") && !strings.ContainsAny(text, " \u00a0")
}

func cleanAll(in []string) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = field(v)
	}
	return out
}

// transcript draws what was said, with the claims that each line supports.
func (s Screen) transcript(b *strings.Builder, m inventory.Module) {
	if len(m.Transcript) == 0 {
		return
	}
	b.WriteByte('\n')
	for _, x := range m.Transcript {
		s.hang(b, "", field(x.Cmd)+noted(x), strong)
		for i, line := range x.Lines {
			lead := fmt.Sprintf("%3d  ", i+1)
			s.pair(b, lead, orElse(field(line), " "), plain, labelled("←", strings.Join(supported(m, x.Cmd, line, i+1), ", ")), good)
		}
		s.hang(b, "     ", orElse(field(x.Final), "(no final result code)"), faint)
	}
}

func noted(x inventory.Exchange) string {
	if x.Note == "" {
		return ""
	}
	return " (" + field(x.Note) + ")"
}

// supported lists the claims for which the n-th line of the answer to cmd is evidence.
func supported(m inventory.Module, cmd, line string, n int) []string {
	var found []string
	for _, e := range m.Evidence {
		what, ok := strings.CutPrefix(e.Source, "at:")
		if !ok || !strings.EqualFold(what, strings.TrimSpace(cmd)) || e.Quote == "" || !strings.Contains(line, e.Quote) {
			continue
		}
		if claim := field(e.Claim); lineOf(m, what, e.Quote) == n && !slices.Contains(found, claim) {
			found = append(found, claim)
		}
	}
	return found
}
