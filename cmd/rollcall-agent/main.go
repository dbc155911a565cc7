// Command rollcall-agent is the daemon of a gateway alone. It never holds collector code.
package main

import (
	"context"
	"os"

	"github.com/rollcall-iot/rollcall/internal/agentcli"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

func main() {
	_ = serialport.RestartWithoutSysAdmin() // a command that opens ports says what is left of it
	os.Exit(agentcli.Run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
