package collector

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// maxAlike bounds how many kinds of reports are remembered.
const maxAlike = 20_000

// alike remembers what came of reports that say the same but for the serial numbers in their
// IMEIs and the time that answers took. A fleet of a million has few kinds of them, and to
// read one costs far more than to judge it.
//
// It rests on this: a verdict depends on a valid IMEI only by its first eight digits, which
// name the type, and by which IMEIs are the same one. An IMEI that is not valid, and any other
// number, counts digit by digit.
type alike struct {
	by     *judge.Known
	packer *store.Packer
	mu     sync.RWMutex
	kinds  map[string]*kindOf
}

// kindOf is one kind of report.
type kindOf struct {
	imeis  []string // of the report that was judged, in their order
	judged []store.Module
}

func newAlike(by *judge.Known, p *store.Packer) *alike {
	return &alike{by: by, packer: p, kinds: map[string]*kindOf{}}
}

// judged gives the modules of a packed report, judged. The report is given where it was read.
func (a *alike) judged(gateway, digest string, packed []byte) ([]store.Module, *received, error) {
	body, err := a.packer.Unpack(packed)
	if err != nil {
		return nil, nil, err
	}
	key, imeis := kindOfReport(body)
	a.mu.RLock()
	k := a.kinds[key]
	a.mu.RUnlock()
	if k != nil {
		return k.of(gateway, imeis), nil, nil
	}
	r, err := readStored(body, digest)
	if err != nil {
		return nil, nil, err
	}
	r.judge(a.by)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kinds) >= maxAlike {
		clear(a.kinds)
	}
	a.kinds[key] = &kindOf{imeis, r.judged}
	return r.judged, r, nil
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
	var pairs []string
	for i := range k.imeis {
		if k.imeis[i] != imeis[i] {
			pairs = append(pairs, k.imeis[i], imeis[i])
		}
	}
	r := strings.NewReplacer(pairs...)
	out := slices.Clone(k.judged)
	for i := range out {
		m := &out[i]
		m.Gateway, m.Identity.IMEI = gateway, r.Replace(m.Identity.IMEI)
		m.Facts = store.Facts{Reason: r.Replace(m.Facts.Reason), Parts: slices.Clone(m.Facts.Parts), Conflicts: slices.Clone(m.Facts.Conflicts)}
		for j := range m.Facts.Parts {
			m.Facts.Parts[j].Value = r.Replace(m.Facts.Parts[j].Value)
		}
		for j := range m.Facts.Conflicts {
			c := &m.Facts.Conflicts[j]
			c.Why, c.Values = r.Replace(c.Why), slices.Clone(c.Values)
			for n := range c.Values {
				c.Values[n] = r.Replace(c.Values[n])
			}
		}
	}
	return out
}

// kindOfReport names the kind of a report, which is what stands in it from its modules on, and
// gives its valid IMEIs in their order.
func kindOfReport(body []byte) (key string, imeis []string) {
	from := max(0, bytes.Index(body, []byte(`"modules":`)))
	out := make([]byte, 0, len(body)-from+1)
	if bytes.Contains(body[:from], []byte(`"truncated":true`)) {
		out = append(out, 't')
	}
	rest := body[from:]
	for i := 0; i < len(rest); {
		c := rest[i]
		if c < '0' || c > '9' {
			out = append(out, c)
			i++
			continue
		}
		n := i + 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		run := rest[i:n]
		switch {
		case bytes.HasSuffix(rest[:i], []byte(`"ms":`)):
		case validIMEI(run):
			at := slices.Index(imeis, string(run))
			if at < 0 {
				at = len(imeis)
				imeis = append(imeis, string(run))
			}
			out = append(append(out, run[:8]...), '#', byte(at), '#')
		default:
			out = append(out, run...)
		}
		i = n
	}
	return string(out), imeis
}

// validIMEI: 15 digits of which the last is the check digit (3GPP TS 23.003 annex B), and not
// all zeros.
func validIMEI(s []byte) bool {
	if len(s) != 15 || bytes.Count(s, []byte{'0'}) == 15 {
		return false
	}
	sum := 0
	for i, c := range s {
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
