//go:build !linux

package serialport

// DropSysAdmin does nothing where there is no such capability.
func DropSysAdmin() (had bool, err error) { return false, nil }

// RestartWithoutSysAdmin does nothing where there is no such capability.
func RestartWithoutSysAdmin() error { return nil }
