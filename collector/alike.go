package collector

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

const (
	// maxAlike bounds how many kinds of reports are remembered, of about a kilobyte each.
	maxAlike = 10_000
	// mostIMEIs bounds those of a report that may be alike another. A gateway has few modules.
	mostIMEIs = 64
)

// alike remembers what came of reports that say the same but for who reports, the serial numbers
// in their IMEIs and the time that answers took. A fleet of a million has few kinds of them, and
// to identify the modules of one costs several times as much as to find its kind.
//
// It rests on this: a verdict depends on a valid IMEI only by its first eight digits, which name the
// type, and by which IMEIs are the same one and how they are sorted. An IMEI that is not valid, and any
// other number, counts digit by digit. What a verdict says of an IMEI elsewhere than in the fields
// that [kindOf.of] writes anew is not shared.
type alike struct {
	by     *judge.Known
	packer *store.Packer
	mu     sync.RWMutex
	kinds  map[kindKey]*kindOf
}

// kindKey names a kind by what its reports have in common.
type kindKey [sha256.Size]byte

// kindOf is one kind of report.
type kindOf struct {
	imeis  []string // of the report that was judged, in their order
	judged []store.Module
}

func newAlike(by *judge.Known, p *store.Packer) *alike {
	return &alike{by: by, packer: p, kinds: map[kindKey]*kindOf{}}
}

// likes gives what is remembered of reports that were judged by k.
func (c *collector) likes(k *judge.Known) *alike {
	a := c.alike.Load()
	if a == nil || a.by != k {
		a = newAlike(k, c.packer)
		c.alike.Store(a)
	}
	return a
}

// judged gives the modules of a packed report, judged. What is given beside them has the report
// only where it was read.
func (a *alike) judged(gateway, digest string, packed []byte) ([]store.Module, *received, error) {
	body, err := a.packer.Unpack(packed)
	if err != nil {
		return nil, nil, err
	}
	key, imeis, ok := kindOfReport(body)
	if ok {
		if k := a.kind(key); k != nil {
			modules := k.of(gateway, imeis)
			return modules, &received{digest: digest, judged: orEmpty(modules), by: a.by}, nil
		}
	}
	r, err := readStored(body, digest)
	if err != nil {
		return nil, nil, err
	}
	r.judge(a.by)
	if ok {
		a.put(key, imeis, r.judged)
	}
	return r.judged, r, nil
}

// judge judges a report, or gives it what came of one that says the same.
func (a *alike) judge(r *received) {
	key, imeis, ok := kindOfReport(r.signed.Body)
	if !ok || a.by.Policy != nil && a.by.Policy.NeedsEvidence() { // then rules read more than rows
		r.judge(a.by)
		return
	}
	if k := a.kind(key); k != nil {
		r.judged, r.by, r.full = k.of(r.Gateway.ID, imeis), a.by, nil
		return
	}
	r.judge(a.by)
	a.put(key, imeis, r.judged)
}

func (a *alike) kind(key kindKey) *kindOf {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.kinds[key]
}

func (a *alike) put(key kindKey, imeis []string, judged []store.Module) {
	if !shareable(judged, imeis) {
		return
	}
	own := make([]store.Module, len(judged))
	for i := range judged {
		own[i] = ownModule(judged[i])
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kinds) >= maxAlike {
		clear(a.kinds)
	}
	a.kinds[key] = &kindOf{imeis, own}
}

// shareable says whether the modules tell an IMEI nowhere but where [kindOf.of] writes another.
func shareable(judged []store.Module, imeis []string) bool {
	for _, m := range judged {
		m.Identity.IMEI, m.Facts = "", store.Facts{}
		text := fmt.Sprintf("%+v", m)
		if slices.ContainsFunc(imeis, func(imei string) bool { return strings.Contains(text, imei) }) {
			return false
		}
	}
	return true
}

// ownModule copies the texts of m, which are parts of the whole report that it came in.
func ownModule(m store.Module) store.Module {
	i := &m.Identity
	for _, s := range []*string{&m.Gateway, &m.ID, &m.Seems, &i.Maker, &i.MakerName, &i.Badge, &i.Model, &i.Variant, &i.Firmware, &i.Hardware,
		&i.IMEI, &i.Chipset, &i.Technology, &m.Origin.Country, &m.Origin.ParentCountry, (*string)(&m.State), &m.Facts.Reason} {
		*s = strings.Clone(*s)
	}
	m.Possible = ownTexts(m.Possible)
	m.Facts.Parts = slices.Clone(m.Facts.Parts)
	for j := range m.Facts.Parts {
		p := &m.Facts.Parts[j]
		p.Name, p.Value = strings.Clone(p.Name), strings.Clone(p.Value)
	}
	m.Facts.Conflicts = slices.Clone(m.Facts.Conflicts)
	for j := range m.Facts.Conflicts {
		c := &m.Facts.Conflicts[j]
		c.Claim, c.Why, c.Values = strings.Clone(c.Claim), strings.Clone(c.Why), ownTexts(c.Values)
	}
	return m
}

func ownTexts(texts []string) []string {
	texts = slices.Clone(texts)
	for i := range texts {
		texts[i] = strings.Clone(texts[i])
	}
	return texts
}

func readStored(body []byte, digest string) (*received, error) {
	report, err := inventory.DecodeReport(body)
	if err != nil {
		return nil, err
	}
	return &received{Report: report, digest: digest}, nil
}

// of gives the modules of a report of this kind from another gateway.
func (k *kindOf) of(gateway string, imeis []string) []store.Module {
	out := slices.Clone(k.judged)
	for i := range out {
		m := &out[i]
		m.Gateway, m.Identity.IMEI = gateway, k.text(m.Identity.IMEI, imeis)
		m.Facts = store.Facts{Reason: k.text(m.Facts.Reason, imeis), Parts: slices.Clone(m.Facts.Parts), Conflicts: slices.Clone(m.Facts.Conflicts)}
		for j := range m.Facts.Parts {
			p := &m.Facts.Parts[j]
			p.Value = k.text(p.Value, imeis)
		}
		for j := range m.Facts.Conflicts {
			c := &m.Facts.Conflicts[j]
			c.Why, c.Values = k.text(c.Why, imeis), slices.Clone(c.Values)
			for n := range c.Values {
				c.Values[n] = k.text(c.Values[n], imeis)
			}
		}
	}
	return out
}

// text gives s with these IMEIs in place of those of the report that was judged.
func (k *kindOf) text(s string, imeis []string) string {
	if i := slices.Index(k.imeis, s); i >= 0 {
		return imeis[i]
	}
	var pairs []string
	for i, old := range k.imeis {
		if strings.Contains(s, old) {
			pairs = append(pairs, old, imeis[i])
		}
	}
	if pairs == nil {
		return s
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// kindOfReport names the kind of a report, which is what stands in it from its modules on, and
// gives its valid IMEIs in their order. False: it is like no other.
func kindOfReport(body []byte) (key kindKey, imeis []string, ok bool) {
	rest, ok := inventory.FromModules(body)
	if !ok {
		return key, nil, false
	}
	common := make([]byte, 0, len(rest)+16)
	done := 0 // of rest, in common
	for i := 0; i < len(rest); i++ {
		if rest[i] < '0' || rest[i] > '9' {
			continue
		}
		from := i
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
			i++
		}
		before, run := rest[:from], rest[from:i]
		switch {
		case bytes.HasSuffix(before, []byte(`"ms":`)):
			common = append(common, rest[done:from]...)
		case inventory.ValidIMEI(string(run)) && !ofNumber(before):
			at := slices.Index(imeis, string(run))
			if at < 0 {
				at = len(imeis)
				imeis = append(imeis, string(run))
			}
			common = append(append(common, rest[done:from+8]...), '#', byte(at), '#')
		default:
			continue
		}
		done = i
	}
	common = append(common, rest[done:]...)
	for i := range imeis {
		for j := range i {
			common = append(common, byte(strings.Compare(imeis[i], imeis[j])))
		}
	}
	return sha256.Sum256(common), imeis, len(imeis) <= mostIMEIs
}

// ofNumber says whether digits that come next belong to a number of JSON, not to a text.
func ofNumber(before []byte) bool {
	return bytes.HasSuffix(before, []byte(`":`)) || bytes.HasSuffix(before, []byte("."))
}
