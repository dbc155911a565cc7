package agent

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
)

// machineSources are files that name this machine, most lasting first. None of them is a
// network address: those change with a replaced card.
var machineSources = []string{
	"sys/firmware/devicetree/base/serial-number",
	"sys/class/dmi/id/product_uuid",
	"etc/machine-id",
}

// placeholders stand in serial numbers that nobody filled in; they name many machines.
var placeholders = []string{
	"0", "none", "default string", "to be filled by o.e.m.", "system serial number", "not specified",
	"00000000-0000-0000-0000-000000000000", "03000200-0400-0500-0006-000700080009", "ffffffff-ffff-ffff-ffff-ffffffffffff",
}

// ErrNoMachineID: nothing on this machine names it.
var ErrNoMachineID = errors.New("nothing names this machine (no device-tree serial, DMI uuid or machine-id): set gateway.id")

// MachineID gives a gateway id that stays with this machine. It is a keyed hash, as
// machine-id(5) asks for, so that it tells nothing of its source. root is "/" but in tests.
func MachineID(root string) (string, error) {
	for _, source := range machineSources {
		b, err := os.ReadFile(filepath.Join(root, source))
		b = bytes.ToLower(bytes.TrimSpace(bytes.Trim(b, "\x00")))
		if err != nil || len(b) == 0 || isPlaceholder(string(b)) {
			continue
		}
		h := hmac.New(sha256.New, []byte("rollcall gateway id"))
		h.Write(b)
		return "gw-" + hex.EncodeToString(h.Sum(nil)[:8]), nil
	}
	return "", ErrNoMachineID
}

func isPlaceholder(s string) bool {
	if len(bytes.Trim([]byte(s), "0")) == 0 {
		return true
	}
	for _, p := range placeholders {
		if s == p {
			return true
		}
	}
	return false
}
