package capture

import (
	"bytes"
	"encoding/json"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Sniff says which format text begins in. A few kilobytes are enough; the last line
// may be cut off.
func Sniff(text []byte) Format {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	objects, others := 0, 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || bytes.HasPrefix(line, []byte(`{"modem":`)): // of mmcli, alone or in a session
		case line[0] == '{' && len(line) > 1:
			objects++
		default:
			others++
		}
	}
	switch {
	case isReport(text):
		return Report
	case objects > 0 && objects >= others:
		return JSONLines
	}
	return Terminal
}

// isReport tells a report, on one line or on many, from cases that quote one.
func isReport(text []byte) bool {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	for range 2 {
		if _, err := d.Token(); err != nil {
			return false
		}
	}
	schema, err := d.Token()
	return err == nil && schema == inventory.ReportSchema
}
