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
	return s.health.warnings.List()
}

// health is the set of warnings in force.
type health struct {
	now      func() time.Time
	warnings inventory.Warnings
}

func (h *health) raise(code string, severity inventory.Severity, text string) {
	h.warnings.Raise(h.now(), code, severity, text)
}

// diskCodes are the warnings that a write which works takes back.
func diskCodes() []string {
	return []string{"disk-full", "not-durable", "descriptors-exhausted", "disk-error"}
}

// diskCode names what the disk refused with.
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
	h.warnings.Clear(slices.DeleteFunc(diskCodes(), func(c string) bool { return c == code })...)
	h.raise(code, inventory.SeverityError, fmt.Sprintf("%s (%v)", text, err))
}

func (h *health) diskWorks() { h.warnings.Clear(diskCodes()...) }

func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}
