package findings

import (
	"time"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/policy"
)

// ForHBOM gives findings as a bill of materials takes them.
func ForHBOM(found []policy.Finding) []hbom.Finding {
	out := make([]hbom.Finding, len(found))
	for i, f := range found {
		out[i] = hbom.Finding{Rule: f.Rule, List: f.List, Edition: f.Edition, Severity: f.Severity.String(), Text: f.Text,
			Source: f.Source, Since: f.Since, Excepted: excepted(f.Excepted)}
	}
	return out
}

// excepted says who accepted a finding, why and until when.
func excepted(e *policy.Exception) string {
	if e == nil {
		return ""
	}
	return e.Owner + ": " + e.Reason + ", until " + e.Until.Format(time.DateOnly)
}
