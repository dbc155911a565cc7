package agent

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Privacy says how much of an IMEI leaves the gateway.
type Privacy string

// The choices. The zero value is IMEIFull.
const (
	IMEIFull Privacy = "full"
	// IMEITAC keeps the first eight digits, which name the model's type approval.
	IMEITAC Privacy = "tac"
	// IMEIHash sends HMAC-SHA-256 under the report key: the same module stays
	// recognisable on this gateway, and nowhere else.
	IMEIHash Privacy = "hash"
)

var (
	// identifier fits what is no firmware date: IMEI and IMEISV (15 to 17 digits), ICCID
	// and the like (more), whatever letters stand around them, and an IMEI with the
	// separators of 3GPP 23.003.
	identifier = regexp.MustCompile(`[0-9]{15,}|[0-9]{2}[- ][0-9]{6}[- ][0-9]{6}(?:[- ]?[0-9]{1,2})?`)
	// serial fits what is an identifier only in the answer to a query for one: an IMEI
	// without check digit, and a MEID.
	serial = regexp.MustCompile(`[0-9A-Fa-f]{14,}`)
	// askedSerial fits the queries for one, and the names of parts that hold one.
	askedSerial = regexp.MustCompile(`(?i)SN\b|IMEI|MEID|EGMR|ID\b|serial`)
)

// apply takes equipment identifiers out of everything that a module carries. Raw bytes go
// altogether: they may spell one in a way that no pattern finds.
func (p Privacy) apply(key ed25519.PrivateKey, m *inventory.Module) {
	if p == IMEIFull || p == "" {
		return
	}
	imei := m.Identity.IMEI
	known := m.Identity.IMEI
	if len(known) > 14 {
		known = known[:14]
	}
	hide := func(s *string) {
		*s = mask(*s)
		if known != "" {
			*s = strings.ReplaceAll(*s, known, hidden(known))
		}
	}
	for i := range m.Transcript {
		x := &m.Transcript[i]
		x.Raw = nil
		if askedSerial.MatchString(x.Cmd) {
			for j := range x.Lines {
				x.Lines[j] = serial.ReplaceAllStringFunc(x.Lines[j], hidden)
			}
		}
	}
	if m.Managed != nil {
		managed := *m.Managed
		managed.EquipmentID = serial.ReplaceAllStringFunc(managed.EquipmentID, hidden)
		m.Managed = &managed
	}
	for i := range m.Parts {
		if askedSerial.MatchString(m.Parts[i].Name) {
			m.Parts[i].Value = serial.ReplaceAllStringFunc(m.Parts[i].Value, hidden)
		}
	}
	eachText(m, hide)
	if imei != "" {
		m.Identity.IMEI = p.imei(key, imei)
	}
}

// eachText visits every text of a module that may come from outside.
func eachText(m *inventory.Module, visit func(*string)) {
	list := func(l []string) {
		for i := range l {
			visit(&l[i])
		}
	}
	for _, s := range []*string{&m.ID, &m.Seems, &m.Reason, &m.Identity.Model, &m.Identity.Variant, &m.Identity.Firmware, &m.Identity.Hardware, &m.Identity.IMEI} {
		visit(s)
	}
	for i := range m.Evidence {
		visit(&m.Evidence[i].Value)
		visit(&m.Evidence[i].Quote)
	}
	for i := range m.Conflicts {
		visit(&m.Conflicts[i].Why)
		list(m.Conflicts[i].Values)
	}
	for i := range m.Parts {
		visit(&m.Parts[i].Value)
	}
	for i := range m.Ports {
		visit(&m.Ports[i].Path) // a link below /dev/serial/by-id holds what USB says
		visit(&m.Ports[i].Holder)
		visit(&m.Ports[i].Reason)
	}
	if d := m.Device; d != nil {
		visit(&d.Manufacturer)
		visit(&d.Product)
	}
	if g := m.Managed; g != nil {
		for _, s := range []*string{&g.Manufacturer, &g.Model, &g.Revision, &g.Hardware, &g.EquipmentID} {
			visit(s)
		}
	}
	for i := range m.Transcript {
		list(m.Transcript[i].Lines)
		visit(&m.Transcript[i].Final)
	}
	list(m.Banner)
}

func (p Privacy) imei(key ed25519.PrivateKey, imei string) string {
	if p == IMEITAC {
		return hidden(imei)
	}
	h := hmac.New(sha256.New, key.Seed())
	h.Write([]byte("rollcall imei\x00" + imei))
	return "hmac:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// text takes identifiers out of a text of our own, which may quote a module.
func (p Privacy) text(s string) string {
	if p == IMEIFull || p == "" {
		return s
	}
	return mask(s)
}

// mask keeps the TAC and the length of every identifier in s.
func mask(s string) string { return identifier.ReplaceAllStringFunc(s, hidden) }

// hidden keeps the first eight digits of an identifier, and what stands between digits.
func hidden(id string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return r
		}
		if n++; n > 8 {
			return 'x'
		}
		return r
	}, id)
}
