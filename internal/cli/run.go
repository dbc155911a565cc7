package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/version"
)

// Run runs one command line, without the program's name, and returns the exit status.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := Root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exit.OK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = exit.With(exit.Code(err), errors.New("interrupted before it was done"))
	}
	if isUsage(err) {
		err = exit.With(exit.Usage, worded(err))
	}
	fmt.Fprint(stderr, message(stderr, err))
	if exit.Code(err) == exit.Usage {
		fmt.Fprintf(stderr, "run \"%s --help\" for its flags and arguments\n", c.CommandPath())
	}
	return exit.Code(err)
}

// message is what the program says of err: in one piece for scripts, in lines that fit
// on a terminal.
func message(stderr io.Writer, err error) string {
	if _, ok := terminal(stderr); ok {
		return screenOf(stderr, nil).Message("rollcall", err.Error())
	}
	return "rollcall: " + clean.Text(err.Error()) + "\n"
}

// Root is the command with all its sub-commands, for running, completions and manuals.
func Root() *cobra.Command {
	root := needsCommand(&cobra.Command{
		Use:   "rollcall",
		Short: "Say which cellular modules are fitted, who made them, and how that is known",
		Long: `Rollcall asks the cellular modules of a gateway who made them, which model and which
firmware they are, without changing anything in them, and keeps the inventory of a fleet.

Start with "rollcall scan" on a gateway, or "rollcall up --simulate 12" without one.`,
		Version:       version.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
	})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit.With(exit.Usage, worded(err)) })
	root.AddCommand(commands()...)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			needsCommand(c)
		}
	}
	grouped(root)
	helped(root)
	checkArgs(root)
	return root
}

// commands lists all sub-commands. A new one is added here.
func commands() []*cobra.Command {
	return []*cobra.Command{
		scanCommand(),
		identifyCommand(),
		explainCommand(),
		portsCommand(),
		simulateCommand(),
		fingerprintsCommand(),
		upCommand(),
		agentCommand(),
		collectorCommand(),
		enrollCommand(),
		revokeCommand(),
		tokenCommand(),
		fleetCommand(),
		doctorCommand(),
		policyCommand(),
		bundleCommand(),
		hbomCommand(),
		manCommand(),
	}
}

// isUsage finds the errors of cobra that have no type and no hook.
func isUsage(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "unknown command ") || strings.HasPrefix(text, "required flag(s) ")
}

// worded says in our words what cobra says in its own.
func worded(err error) error {
	if said, _, ok := strings.Cut(err.Error(), ": strconv."); ok { // the name of a Go function helps nobody
		return errors.New(said + ": it is no number")
	}
	name, ok := strings.CutPrefix(err.Error(), `required flag(s) "`)
	if !ok {
		return err
	}
	names := strings.Split(strings.TrimSuffix(name, `" not set`), `", "`)
	return fmt.Errorf("--%s is needed", strings.Join(names, " and --"))
}
