package natslink

import (
	"bytes"
	"fmt"
	"os"

	"github.com/nats-io/nkeys"
)

// checkSecret refuses a file that others may read or the group may change. The group may
// read: systemd hands out credentials under an access list, which shows as group rights.
func checkSecret(path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot use credentials: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return fmt.Errorf("cannot use credentials in %s: mode %04o lets others read or change it; set it to 0600", path, mode)
	}
	return nil
}

// publicKey is that of a file with a seed, or "" where it cannot be told.
func publicKey(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	defer clear(b)
	k, err := nkeys.FromSeed(bytes.TrimSpace(b))
	if err != nil {
		return ""
	}
	defer k.Wipe()
	public, err := k.PublicKey()
	if err != nil {
		return ""
	}
	return public
}
