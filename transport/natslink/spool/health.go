package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Health lists what is wrong with the spool now.
func (s *Spool) Health() []inventory.Warning {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.health.warnings)
}

// health is the set of warnings in force, one of a code.
type health struct {
	now      func() time.Time
	warnings []inventory.Warning
}

// raise sets a warning, which keeps its Since while it lasts.
func (h *health) raise(code string, severity inventory.Severity, text string) {
	for i := range h.warnings {
		if h.warnings[i].Code == code {
			h.warnings[i].Severity, h.warnings[i].Text = severity, text
			return
		}
	}
	h.warnings = append(h.warnings, inventory.Warning{Code: code, Severity: severity, Text: text, Since: h.now().UTC()})
}

// diskCodes are those that a write which works takes back.
func diskCode(err error) (code, text string) {
	switch {
	case full(err):
		return "disk-full", "the disk or the quota of the state directory is full: reports are held in memory; make space"
	case errors.Is(err, syscall.EROFS):
		return "not-durable", "the state directory is read-only: reports are held in memory and lost at a restart; give a writable one"
	case errors.Is(err, fs.ErrPermission):
		return "not-durable", "the state directory is not ours to write: reports are held in memory and lost at a restart; give it to the agent's user"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return "not-durable", "the state directory is missing: reports are held in memory and lost at a restart; make it"
	case exhausted(err):
		return "descriptors-exhausted", "no file descriptor or memory is free: raise the limit"
	default:
		return "disk-error", "the disk of the state directory fails: reports are held in memory and lost at a restart; check it"
	}
}

func (h *health) diskFailed(err error) {
	code, text := diskCode(err)
	h.clear(code)
	h.raise(code, inventory.SeverityError, fmt.Sprintf("%s (%v)", text, err))
}

func (h *health) diskWorks() { h.clear("") }

// clear takes back the warnings about the disk, but that of one code, which goes on.
func (h *health) clear(but string) {
	h.warnings = slices.DeleteFunc(h.warnings, func(w inventory.Warning) bool {
		switch w.Code {
		case "disk-full", "not-durable", "descriptors-exhausted", "disk-error":
			return w.Code != but
		}
		return false
	})
}

func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}
