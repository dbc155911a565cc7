package agentcli

import (
	"fmt"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/exit"
)

// reloadCommand is for service managers: not every gateway has a program kill.
func reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload PID",
		Short: "Have the running agent read its configuration again",
		Long: `Has the agent with this process id read its configuration again, as SIGHUP does. If that is wrong, the
agent goes on with the old one and says so in its health.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			pid, err := strconv.Atoi(args[0])
			if err != nil || pid <= 1 {
				return exit.Usagef("%q is no process id of an agent", args[0])
			}
			if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
				return fmt.Errorf("cannot reach the agent with process id %d: %w", pid, err)
			}
			return nil
		},
	}
}
