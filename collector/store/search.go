package store

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/rollcall-iot/rollcall/inventory"
)

// SearchForm numbers the way in which text becomes words. A store whose index was made in
// another way makes it anew.
const SearchForm = 1

const (
	mostTerms   = 32 // of a question
	longestWord = 48 // characters; what is longer is found by them
	mostStarts  = 16 // words of one text
	mostWords   = 256
)

// SearchTerms gives what a question looks for, or nothing where it has neither letter nor
// digit, or asks for more than anybody means. Parts between blanks are terms, all of which
// have to be found. The words of one term stand side by side, as in site=substation, and are
// joined by hyphens; the last may be only begun. Nothing in it is an operator.
func SearchTerms(query string) []string {
	var terms []string
	for part := range strings.FieldsSeq(query) {
		if t := shorten(normal(part)); t != "" {
			terms = append(terms, t)
		}
	}
	slices.Sort(terms)
	var out []string
	for i, t := range terms { // what begins with a term is found by it: sorted, that one comes next
		if i+1 == len(terms) || !strings.HasPrefix(terms[i+1], t) {
			out = append(out, t)
		}
	}
	if len(out) > mostTerms {
		return nil
	}
	return out
}

// SearchWords gives what a gateway is found by: its id, hostname and labels, each from every
// word on, with a blank before each. A number within a word begins one, too: gw0417 is also
// found as 0417.
func SearchWords(g *inventory.Gateway) string {
	var out []string
	add := func(text string) {
		for _, w := range suffixes(normal(text)) {
			if len(out) < mostWords && !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	add(g.ID)
	add(g.Hostname)
	for _, k := range slices.Sorted(maps.Keys(g.Labels)) {
		add(k + "=" + g.Labels[k])
	}
	if len(out) == 0 {
		return ""
	}
	return " " + strings.Join(out, " ")
}

// HasTerm says whether one of the words of [SearchWords] begins with a term.
func HasTerm(words, term string) bool { return strings.Contains(words, " "+term) }

// SearchText gives what modules of these facets are found by: terms stand anywhere in it.
func (f *Facets) SearchText() string {
	return searchText(f.Maker, f.MakerName, f.Badge, f.Model, f.Firmware, f.Chipset, f.Technology, f.Seems, f.Possible)
}

// SearchText gives what findings of this kind are found by.
func (k Kind) SearchText() string { return searchText(k.Rule, k.List) }

func searchText(texts ...string) string {
	for i, t := range texts {
		texts[i] = normal(t)
	}
	return strings.Join(texts, "\n")
}

// IMEITerm says whether a term may be the beginning of an IMEI.
func IMEITerm(term string) bool { return len(term) >= 6 && strings.Trim(term, "0123456789") == "" }

// normal gives the words of a text, folded and joined by hyphens.
func normal(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range fold(text) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(r)
	}
	return b.String()
}

// fold makes letters equal that people take for the same: without case, accent or width.
func fold(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return strings.ToLower(s)
	}
	s = norm.NFKD.String(strings.ToValidUTF8(s, " "))
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s)
	return cases.Fold().String(s)
}

// suffixes gives a text of words from each of them on.
func suffixes(text string) []string {
	var out []string
	var last rune
	fresh, number := true, false // a word begins; a number was found in it
	for i, r := range text {
		digit := unicode.IsDigit(r)
		inner := !fresh && !number && digit && !unicode.IsDigit(last)
		switch {
		case r == '-':
			fresh, number, last = true, false, r
			continue
		case len(out) == mostStarts:
			return out
		case fresh || inner:
			out = append(out, shorten(text[i:]))
		}
		number = number || digit
		fresh, last = false, r
	}
	return out
}

// shorten cuts a word, and a hyphen that would end it.
func shorten(s string) string {
	n := 0
	for i := range s {
		if n == longestWord {
			return strings.TrimSuffix(s[:i], "-")
		}
		n++
	}
	return s
}
