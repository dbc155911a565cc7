package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// judgeLine runs the rules for whole lines.
func (b *Base) judgeLine(w *work, s, quote, source string, rank uint8, banner bool) {
	s = s[:min(len(s), maxRuleText)]
	r := reading{value: s, quote: quote, source: source, rank: rank}
	by := byReply
	if banner {
		by = byBanner
		b.judgeRules(w, knowledge.OnBanner, by, &r)
	}
	b.judgeRules(w, knowledge.OnLine, by, &r)
}

// judgeRules runs the rules of makers on one reading.
func (b *Base) judgeRules(w *work, on knowledge.Subject, by origin, r *reading) {
	if r.value == "" {
		return
	}
	b.judgeRulesOf(w, on, by, r, knowledge.Hint, knowledge.Proof)
}

// judgeRulesOf runs those of a range of strengths.
func (b *Base) judgeRulesOf(w *work, on knowledge.Subject, by origin, r *reading, low, high knowledge.Strength) {
	for _, n := range b.rules[on][r.value[0]] {
		if s := b.pack.Rules[n].Strength; s < low || s > high {
			continue
		}
		if loc := b.match(n, r.value); loc != nil {
			b.markRule(w, n, loc, by, r)
		}
	}
}

// markRule notes a match: what the rule sets, and what its groups caught.
func (b *Base) markRule(w *work, n uint16, loc []int, by origin, r *reading) {
	rule := &b.pack.Rules[n]
	m := mark{maker: rule.Maker, badge: knowledge.None}
	groups := b.patterns[n].groups
	for i := 1; i < len(groups); i++ {
		if loc[2*i] >= 0 && groups[i] == "code" {
			m = b.ruleCode(rule, r.value[loc[2*i]:loc[2*i+1]])
		}
	}
	m.by, m.strength, m.needs, m.rank = by, rule.Strength, rule.Needs, r.rank
	m.rule, m.quote, m.source = rule.ID, r.quote, r.source
	for _, s := range rule.Set {
		b.setField(&m, s.Field, s.Value)
	}
	for i := 1; i < len(groups); i++ {
		if loc[2*i] < 0 {
			continue
		}
		value := trim(r.value[loc[2*i]:loc[2*i+1]])
		if field := readAgain(groups[i], m.labelled()); field != knowledge.FieldText {
			w.add(reading{field: field, rank: r.rank, value: value, source: r.source, quote: r.quote})
		}
		b.setField(&m, groups[i], value)
	}
	w.cellular = w.cellular || m.labelled() // who labels its answers so is a cellular device
	m.exact, m.binds = m.model != "", rule.Binds
	w.cellular = w.cellular || rule.Strength >= knowledge.Fair
	w.mark(m)
}

// labelled: a rule for lines knows the label and no more, which any firmware may have copied. What stands behind it proves
// as much as it does in an answer to a question.
func (m *mark) labelled() bool {
	return m.strength == knowledge.Hint && !m.needs && (m.by == byReply || m.by == byBanner)
}

// readAgain gives the field as which a rule's group is judged on its own, Text for none.
func readAgain(group string, labelled bool) knowledge.Field {
	switch {
	case group == "imei": // a check digit that is wrong counts
		return knowledge.FieldIMEI
	case !labelled:
	case group == "model":
		return knowledge.FieldModel
	case group == "firmware":
		return knowledge.FieldFirmware
	case group == "hardware":
		return knowledge.FieldHardware
	}
	return knowledge.FieldText
}

// ruleCode looks up what a rule's group "code" caught.
func (b *Base) ruleCode(rule *knowledge.Rule, code string) mark {
	m := mark{maker: rule.Maker, badge: knowledge.None}
	if rule.Before != "" {
		code = rule.Before + code
	}
	if f, ok := b.findCode(code, rule.Owner); ok {
		m = b.codeMark(f)
		m.maker = rule.Maker
	} else if rule.Before == "" {
		m.stem = codeStem(code)
	}
	if rule.Before != "" && len(m.model) < len(code) {
		m.model = code
	}
	return m
}

// codeStem is the model's part of a code that no family has: letters and digits, then the letters of the series as
// far as a number of three or four digits has them ("EC257U" of EC257UCNAA, "SIM8509SA", "T99W121", "EC29" of EC29EFA).
func codeStem(code string) string {
	letters := 0
	for letters < len(code) && code[letters] >= 'A' && code[letters] <= 'Z' {
		letters++
	}
	end := letters
	for end < len(code) && digit(code[end]) {
		end++
	}
	if letters == 0 || end-letters < 2 || end < len(code) && code[end] == 'x' {
		return ""
	}
	series, more := end, max(0, end-letters-2)
	for series < len(code) && letter(code[series]) && series-end < more {
		series++
	}
	if rest := code[min(len(code), end+1):]; end-letters == 2 && len(rest) > 2 && digits(rest) { // Foxconn's T99W175
		series = len(code)
	}
	return code[:series]
}

// codeMark is what a model code inside a firmware's name tells.
func (b *Base) codeMark(f found) mark {
	m := b.familyMark(f)
	fam := &b.pack.Families[f.family]
	m.model = fam.Name
	if fam.Is != "" && fam.Builder == fam.Owner {
		m.model = fam.Is
	}
	if f.variant >= 0 {
		m.model = fam.Variants[f.variant].Full
	}
	return m
}

func (b *Base) setField(m *mark, field, value string) {
	switch field {
	case "model":
		m.model = value
	case "variant":
		m.variant = value
	case "firmware":
		m.firmware = value
	case "hardware":
		m.hardware = value
	case "chipset":
		m.chipset = value
	case "technology":
		m.technology = value
	case "badge":
		m.badge = b.slugNumber(value)
	default:
		if name, ok := strings.CutPrefix(field, "part_"); ok {
			m.part, m.partValue = partName(name), value
		}
	}
}

// partName shows the underline of a group's name as a hyphen.
func partName(s string) string {
	if strings.IndexByte(s, '_') < 0 {
		return s
	}
	return strings.ReplaceAll(s, "_", "-")
}

func (b *Base) slugNumber(slug string) uint16 {
	for i := range b.pack.Makers {
		if b.pack.Makers[i].Slug == slug {
			return uint16(i)
		}
	}
	return knowledge.None
}

// judgeOthers runs the rules of devices that are not cellular; the strongest counts, and of
// equal ones the first by id.
func (b *Base) judgeOthers(w *work, on knowledge.Subject, s, source, quote string) {
	if s == "" {
		return
	}
	s = s[:min(len(s), maxRuleText)]
	for _, n := range b.others[on][s[0]] {
		rule := &b.pack.Rules[n]
		better := rule.Strength > w.otherStrength || rule.Strength == w.otherStrength && n < w.otherRule
		if better && b.match(n, s) != nil {
			w.other, w.otherStrength, w.otherRule = rule.Other, rule.Strength, n
			w.otherModel = (on == knowledge.OnModel || on == knowledge.OnFirmware) && rule.Strength == knowledge.Proof
			w.otherQuote, w.otherSource = quote, source
		}
	}
}
