package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/agentcli"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/internal/version"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/survey"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/modemmanager"
)

// looker is what scan and explain share: how this machine's modules are asked.
type looker struct {
	ports        []string
	timeout      time.Duration
	fingerprints string
	bauds        []int
	inhibit      bool
	config       obeying
	parallel     int
	rules        serialport.Rules
	// asking, where set, is told when the first questions go out: there is time for something else then.
	asking func()
}

func (l *looker) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&l.ports, "port", nil, "ask this port `path` and no other; repeatable; a pseudo terminal is fine")
	f.DurationVar(&l.timeout, "timeout", 0, "longest `time` that one port may take (default 60s)")
	f.IntSliceVar(&l.bauds, "baud", nil, "`speeds` to try, in order, on a port that is named: 9600,115200 (default 115200)")
	f.BoolVar(&l.inhibit, "inhibit-modemmanager", false, "have ModemManager let go of a module while it is asked; its data connection GOES DOWN")
	addFingerprints(c, &l.fingerprints)
	l.config.addFlags(c)
}

// check refuses what makes no sense together.
func (l *looker) check() error {
	if len(l.bauds) > 0 && len(l.ports) == 0 {
		return exit.With(exit.Usage, errors.New("--baud is for a port that --port names: USB has no speed, and nothing is tried on ports that are found"))
	}
	for _, p := range l.ports {
		if p == "" {
			return exit.Usagef("--port is empty; \"rollcall ports\" lists what is here")
		}
	}
	if l.timeout < 0 || l.timeout > 0 && l.timeout < time.Second {
		return exit.Usagef("--timeout takes 1s or more, not %s", l.timeout)
	}
	for _, b := range l.bauds {
		if b < 50 || b > 4_000_000 {
			return exit.With(exit.Usage, fmt.Errorf("--baud: %d is no speed of a serial line, such as 9600 or 115200", b))
		}
	}
	return nil
}

func addFingerprints(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "fingerprints", "", "`directory` with your own *.yaml over the embedded knowledge")
}

func scanCommand() *cobra.Command {
	var l looker
	var j judging
	var k keepLooking
	var format string
	c := &cobra.Command{
		Use:   "scan",
		Short: "Ask this machine's cellular modules now",
		Long: `Finds the cellular modules of this machine, asks each on its AT port with read-only
queries, and prints one report. Changes nothing in any module, and opens no port that is
not a cellular module's, unless --port names it. What ModemManager knows of the modules that it
manages is taken as evidence; the ports that it uses are left to it.

Where this machine's agent is configured, its ports, speeds, timeout, fingerprints and what it
allows or denies hold here too, unless a flag says otherwise. What it denies is not opened for
--port either.`,
		Example: `  rollcall scan
  rollcall scan --port /dev/ttyUSB2 -o json
  rollcall scan --port /dev/ttyS1 --baud 9600,115200
  rollcall scan --watch`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return scan(c, l, j, k, format) },
	}
	l.addFlags(c)
	j.addFlags(c)
	k.addFlags(c)
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV, formatCycloneDX, formatCycloneDX16, formatSPDX)
	return c
}

func scan(c *cobra.Command, l looker, j judging, k keepLooking, format string) error {
	if err := k.check(format); err != nil {
		return err
	}
	if err := errors.Join(l.obey(c, c.ErrOrStderr()), l.check()); err != nil {
		return err
	}
	if k.on {
		return scanOn(c, l, j, k, format)
	}
	defer fewCollections()()
	knows, err := loadAhead(l, j)
	if err != nil {
		return err
	}
	l.asking = knows.soon
	modules, failed := l.look(c.Context(), knows, c.ErrOrStderr())
	base, errBase := knows.base()
	judge, errJudge := knows.judge()
	if err := errors.Join(errBase, errJudge); err != nil {
		return err
	}
	report, err := reportOf(modules)
	if err != nil {
		return err
	}
	if err := printReport(c.OutOrStdout(), format, report, base, l, judge); err != nil {
		return err
	}
	if failed == nil {
		failed = unanswered(l.ports, modules)
	}
	return errors.Join(failed, judge.verdict())
}

// why is the command that explains what scan has shown.
func (l looker) why() string {
	switch len(l.ports) {
	case 0:
		return "rollcall explain N"
	case 1:
		return "rollcall explain --port " + l.ports[0]
	}
	return "rollcall explain --port PATH"
}

// asked counts what the report is about.
func (l looker) asked(modules int) string {
	if len(l.ports) > 0 {
		return render.Count(modules, "port")
	}
	return render.Count(modules, "cellular device")
}

// look asks the modules, with progress on w where that is a terminal. What was found is
// returned beside an error.
func (l looker) look(ctx context.Context, base survey.Base, w io.Writer) ([]inventory.Module, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	// As root, a port that another program holds for itself could be opened all the same.
	_, _ = serialport.DropSysAdmin()
	s := survey.Settings{Finder: &serialport.Finder{Rules: l.rules}, Base: base, Ports: l.ports, Timeout: l.timeout, Parallel: l.parallel, Bauds: l.bauds,
		Manager: modemmanager.Manager{}, Inhibit: l.inhibit}
	show := func(survey.Event) {}
	if animated(w) {
		p := screenOf(w, nil).NewProgress(w)
		defer p.Clear()
		show = func(e survey.Event) { showOn(p, e) }
	}
	s.Progress = func(e survey.Event) {
		if e.Command != "" && l.asking != nil {
			l.asking()
		}
		show(e)
	}
	modules, err := survey.Run(ctx, s)
	if err == nil {
		err = ctx.Err()
	}
	return modules, err
}

func showOn(p *render.Progress, e survey.Event) {
	if e.Module != nil {
		for _, port := range e.Module.Ports {
			p.Remove(port.Path)
		}
		return
	}
	text := e.Command
	if text == "" {
		text = "opening"
	}
	p.Set(e.Port, text)
}

// reportOf makes the report that an agent on this machine would make.
func reportOf(modules []inventory.Module) (*inventory.Report, error) {
	gateway, err := agentcli.Gateway("", map[string]string{})
	if err != nil {
		return nil, err
	}
	gateway.Agent = "rollcall/" + version.Version
	r := &inventory.Report{
		Schema: inventory.ReportSchema, ID: inventory.NewID(), Gateway: gateway, Order: inventory.Order{Seq: 1},
		Time: time.Now().UTC().Truncate(time.Second), Reason: inventory.ReasonRequest,
		Modules: make([]inventory.Module, len(modules)),
	}
	for i, m := range modules {
		r.Modules[i] = m.Normal()
	}
	return r, nil
}

func printReport(w io.Writer, format string, r *inventory.Report, base *fingerprint.Base, l looker, j *judge) error {
	j.of(r)
	switch format {
	case formatJSON:
		return writeJSON(w, j.report(r), "  ")
	case formatYAML:
		return writeYAML(w, j.report(r))
	case formatCycloneDX, formatCycloneDX16, formatSPDX:
		return printBill(w, format, r, base, j)
	}
	screen := screenOf(w, base)
	e := j.emitter(w, format, screen, frame{why: l.why(), head: []string{
		r.Gateway.Hostname, l.asked(len(r.Modules)), "data " + day(base.Version())}})
	for i, m := range r.Modules {
		if err := e.module(render.Item{Number: i + 1, Of: len(r.Modules), Module: m}); err != nil {
			return err
		}
	}
	if len(r.Modules) == 0 && format == formatTable {
		_, err := io.WriteString(w, screen.Head(r.Gateway.Hostname, l.asked(0))+
			screen.Note("> the kernel shows none: \"rollcall ports\" lists what is there, \"rollcall doctor\" says what may be missing; a module on a plain UART is asked with --port PATH"))
		return writing(err)
	}
	return e.close()
}

// day is the date of a data version, without its digest.
func day(version string) string {
	date, _, _ := strings.Cut(version, "+")
	return date
}

// unanswered: a port that a person named and that could not be asked is a failure.
func unanswered(named []string, modules []inventory.Module) error {
	if len(named) == 0 {
		return nil
	}
	silent := 0
	for _, m := range modules {
		switch m.State {
		case inventory.StateUnanswered, inventory.StateHeld, inventory.StateDenied:
			silent++
		}
	}
	if silent == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d ports could not be asked; the report says why", silent, len(modules))
}
