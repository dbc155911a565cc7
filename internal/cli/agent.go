package cli

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/agentcli"
)

func agentCommand() *cobra.Command { return agentcli.Command(os.Environ()) }
