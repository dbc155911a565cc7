package lists

import (
	"fmt"
	"time"
)

// Date is a day, or a month where the day is not known. The zero Date is "not known".
type Date struct {
	year  int
	month time.Month
	day   int
}

// ParseDate reads "2026-06-08" or "2026-06"; "" is the zero Date.
func ParseDate(s string) (Date, error) {
	if s == "" {
		return Date{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return Date{t.Year(), t.Month(), t.Day()}, nil
	}
	if t, err := time.Parse("2006-01", s); err == nil {
		return Date{year: t.Year(), month: t.Month()}, nil
	}
	return Date{}, fmt.Errorf("%q is not a date such as 2026-06-08", s)
}

// IsZero says whether the day is not known.
func (d Date) IsZero() bool { return d == Date{} }

// Time gives the start of the day, or of the month, in UTC.
func (d Date) Time() time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	return time.Date(d.year, d.month, max(d.day, 1), 0, 0, 0, 0, time.UTC)
}

// After says whether d starts after t.
func (d Date) After(t time.Time) bool { return !d.IsZero() && d.Time().After(t) }

// String gives the form that ParseDate reads.
func (d Date) String() string {
	switch {
	case d.IsZero():
		return ""
	case d.day == 0:
		return d.Time().Format("2006-01")
	}
	return d.Time().Format(time.DateOnly)
}

// MarshalText gives the form that ParseDate reads.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads that form.
func (d *Date) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDate(string(b))
	return err
}
