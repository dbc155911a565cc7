package policy

import (
	"fmt"
	"slices"
)

// Severity says how much a finding matters. The zero value is none.
type Severity uint8

// The severities, lowest first.
const (
	Info Severity = iota + 1
	Low
	Medium
	High
	Critical
)

func severityNames() []string { return []string{"", "info", "low", "medium", "high", "critical"} }

// ParseSeverity reads the name of a severity.
func ParseSeverity(s string) (Severity, error) {
	i := slices.Index(severityNames(), s)
	if i <= 0 {
		return 0, fmt.Errorf("%q is none of info, low, medium, high, critical", s)
	}
	return Severity(i), nil
}

// String gives the name.
func (s Severity) String() string {
	if int(s) >= len(severityNames()) {
		return fmt.Sprintf("severity(%d)", uint8(s))
	}
	return severityNames()[s]
}

// MarshalText gives the name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *Severity) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*s = 0
		return nil
	}
	*s, err = ParseSeverity(string(b))
	return err
}
