// Package exit maps errors to the exit status that scripts rely on.
//
// It never exits itself: only the programs' main functions do.
package exit

import (
	"errors"
	"fmt"
)

// The exit statuses.
const (
	OK      = 0
	Failure = 1
	// Usage: wrong flags, arguments or configuration.
	Usage = 2
	// Finding: a policy finding of the chosen severity.
	Finding = 3
)

type withCode struct {
	error
	code int
}

func (e *withCode) Unwrap() error { return e.error }

// With gives err the exit status code.
func With(code int, err error) error {
	if err == nil {
		return nil
	}
	return &withCode{err, code}
}

// Usagef makes an error of wrong usage.
func Usagef(format string, args ...any) error { return With(Usage, fmt.Errorf(format, args...)) }

// Findingf makes an error that says what policy found.
func Findingf(format string, args ...any) error { return With(Finding, fmt.Errorf(format, args...)) }

// Code is the exit status for err.
func Code(err error) int {
	var w *withCode
	switch {
	case err == nil:
		return OK
	case errors.As(err, &w):
		return w.code
	}
	return Failure
}
