// Command rollcall-agent is the daemon of a gateway alone. It never holds collector code.
package main

import (
	"context"
	"os"

	"github.com/rollcall-iot/rollcall/internal/agentcli"
)

func main() {
	os.Exit(agentcli.Run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
