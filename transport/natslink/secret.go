package natslink

import (
	"fmt"
	"os"
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
