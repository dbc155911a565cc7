package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// The identifiers of a device (3GPP TS 23.003 clause 6): IMEI, 15 digits of which the last is a
// check digit; IMEISV, 16 digits without one; MEID, 14 hexadecimal digits; ESN, 8 of them.

// identifierKind says what a number is.
type identifierKind uint8

const (
	noIdentifier identifierKind = iota
	validIMEI
	invalidIMEI
	imeiSV
	meid
	esn
	serial
)

// identify tells what a value of an identifier's field is, and gives it without what stands around.
// Masked ones ("3592980XXXXXXXX") are nothing.
func identify(value string, field knowledge.Field) (identifierKind, string) {
	s := strings.Trim(value, ` "`)
	if i := strings.IndexAny(s, `,; "`); i > 0 {
		s = s[:i]
	}
	if hex, ok := strings.CutPrefix(s, "0x"); ok || strings.HasPrefix(s, "0X") {
		return hexIdentifier(strings.TrimPrefix(hex, "0X"))
	}
	switch {
	case digits(s) && field == knowledge.FieldMEID:
		return hexIdentifier(s)
	case digits(s) && (field == knowledge.FieldESN || field == knowledge.FieldSerial):
		return serial, s
	case digits(s) && len(s) == 8:
		return hexIdentifier(s) // an ESN whose digits happen to be decimal
	case digits(s):
		return decimalIdentifier(s)
	case (len(s) == 14 || len(s) == 8) && hexadecimal(s):
		return hexIdentifier(s)
	case field == knowledge.FieldSerial && len(s) >= 4 && len(s) <= 32 && !strings.ContainsAny(s, "#*") && strings.ContainsAny(s, "0123456789"):
		return serial, s
	case field == knowledge.FieldIMEI && serialLike(s):
		return serial, s // 27.007 5.4: AT+CGSN=0 gives the serial number
	}
	return noIdentifier, s
}

// serialLike: letters and digits, many of these, and no sign of a mask.
func serialLike(s string) bool {
	number := 0
	for i := range len(s) {
		if digit(s[i]) {
			number++
		}
		if !knowledge.Alnum(s[i]) || s[i]|0x20 == 'x' || s[i] >= 0x80 {
			return false
		}
	}
	return len(s) >= 8 && len(s) <= 32 && len(s) != 15 && number >= 4
}

func decimalIdentifier(s string) (identifierKind, string) {
	switch n := len(s); {
	case inventory.ValidIMEI(s):
		return validIMEI, s
	case n == 16 && strings.Trim(s, "0") == "":
		return noIdentifier, s
	case n == 16:
		return imeiSV, s
	case n >= 14 && n <= 17:
		return invalidIMEI, s
	case n >= 4 && n <= 32:
		return serial, s
	}
	return noIdentifier, s
}

func hexIdentifier(s string) (identifierKind, string) {
	if !hexadecimal(s) || strings.Trim(s, "0") == "" {
		return noIdentifier, s
	}
	switch len(s) {
	case 8:
		return esn, s
	case 14:
		return meid, s
	}
	return noIdentifier, s
}

func hexadecimal(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// identifiers are those of one device.
type identifiers struct {
	imei, imeiSource, imeiQuote string
	imeiRank                    int
	other                       string // a second valid IMEI that differs
	invalid                     string
	imeisv, meid, esn, serial   string
}

func (w *work) identifiers() (ids identifiers) {
	ids.imeiRank = -1
	for i := range w.nReading {
		r := &w.readings[i]
		switch r.field {
		case knowledge.FieldIMEI, knowledge.FieldMEID, knowledge.FieldESN, knowledge.FieldSerial:
			ids.take(r)
		}
	}
	return ids
}

func (ids *identifiers) take(r *reading) {
	kind, s := identify(r.value, r.field)
	switch kind {
	case validIMEI:
		ids.takeIMEI(r, s)
	case invalidIMEI:
		ids.invalid = smaller(ids.invalid, s)
	case imeiSV:
		ids.imeisv = smaller(ids.imeisv, s)
	case meid:
		ids.meid = smaller(ids.meid, s)
	case esn:
		ids.esn = smaller(ids.esn, s)
	case serial:
		if strings.Trim(s, "0") != "" {
			ids.serial = smaller(ids.serial, s)
		}
	}
}

func (ids *identifiers) takeIMEI(r *reading, s string) {
	if ids.imei != "" && s != ids.imei {
		ids.other = smaller(ids.other, s)
	}
	if rank := int(r.rank); rank > ids.imeiRank {
		if ids.imei != "" && s != ids.imei {
			ids.other = ids.imei
		}
		ids.imei, ids.imeiRank, ids.imeiSource, ids.imeiQuote = s, rank, r.source, r.quote
	}
}

func smaller(have, s string) string {
	if have == "" || s < have {
		return s
	}
	return have
}

// any: it has a number of one of the kinds that only cellular devices have.
func (n *identifiers) any() bool {
	return n.imei != "" || n.meid != "" || n.esn != "" || n.imeisv != ""
}
