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

// identifier fits IMEI, IMEISV, ICCID (14 to 20 digits) and MEID (14 hex digits).
var identifier = regexp.MustCompile(`\b(?:[0-9]{14,20}|[0-9A-F]{14})\b`)

// apply takes equipment identifiers out of everything that a module carries.
func (p Privacy) apply(key ed25519.PrivateKey, m *inventory.Module) {
	if p == IMEIFull || p == "" {
		return
	}
	if imei := m.Identity.IMEI; imei != "" {
		m.Identity.IMEI = p.imei(key, imei)
	}
	for i := range m.Evidence {
		e := &m.Evidence[i]
		e.Value, e.Quote = mask(e.Value), mask(e.Quote)
	}
	for i := range m.Conflicts {
		c := &m.Conflicts[i]
		c.Why = mask(c.Why)
		for j := range c.Values {
			c.Values[j] = mask(c.Values[j])
		}
	}
	for i := range m.Parts {
		m.Parts[i].Value = mask(m.Parts[i].Value)
	}
	for i := range m.Transcript {
		x := &m.Transcript[i]
		for j := range x.Lines {
			x.Lines[j] = mask(x.Lines[j])
		}
		if x.Raw != nil {
			x.Raw = []byte(mask(string(x.Raw)))
		}
	}
	for i := range m.Banner {
		m.Banner[i] = mask(m.Banner[i])
	}
	m.Reason = mask(m.Reason)
}

func (p Privacy) imei(key ed25519.PrivateKey, imei string) string {
	if p == IMEITAC {
		return mask(imei)
	}
	h := hmac.New(sha256.New, key.Seed())
	h.Write([]byte("rollcall imei\x00" + imei))
	return "hmac:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// mask keeps the TAC and the length of every identifier in s.
func mask(s string) string {
	return identifier.ReplaceAllStringFunc(s, func(id string) string {
		return id[:8] + strings.Repeat("x", len(id)-8)
	})
}
