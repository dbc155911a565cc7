package serialport

import "errors"

// DropSysAdmin gives up CAP_SYS_ADMIN in all threads of the process, for good, so that
// another program's exclusive access to a port holds against this process too. It says
// whether there was anything to give up. Call it at the start of a command.
func DropSysAdmin() (had bool, err error) { return false, errors.ErrUnsupported }
