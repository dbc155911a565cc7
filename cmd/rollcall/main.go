// Command rollcall says which cellular modules are fitted, who made them, and how that is
// known: on one gateway, and for a fleet. It never does more than internal/cli says.
package main

import (
	"context"
	"os"

	"github.com/rollcall-iot/rollcall/internal/cli"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

func main() {
	_ = serialport.RestartWithoutSysAdmin() // a command that opens ports says what is left of it
	os.Exit(cli.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
