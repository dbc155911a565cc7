package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/agentcli"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// obeying are the flags of commands that keep to what this machine's agent is configured to: an
// owner who has said there what must not be opened means everybody who looks.
type obeying struct {
	file    string
	without bool
}

func (o *obeying) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.file, "config", "", "the agent's configuration `file`, whose ports and rules hold here too (default "+configs.AgentFile+", if there)")
	f.BoolVar(&o.without, "no-config", false, "do without it, and without what it says must not be opened")
}

// load gives the configuration of the agent, nil where there is none or none is wanted.
func (o obeying) load() (*configs.Agent, error) {
	switch {
	case o.without && o.file != "":
		return nil, exit.Usagef("--config and --no-config: give one of them")
	case o.without:
		return nil, nil
	}
	config, err := configs.LoadAgent(configs.Source{File: o.file, Environ: os.Environ()})
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, exit.With(exit.Failure, fmt.Errorf("%w: it may say what must not be opened; run this as root, or with --no-config to do without", err))
	case err != nil:
		return nil, exit.With(exit.Usage, fmt.Errorf("%w; mend it, or do without it and what it says must not be opened: --no-config", err))
	}
	return config, nil
}

// from names where the configuration came from.
func (o obeying) from() string {
	file := cmp.Or(o.file, configs.AgentFile)
	if _, err := os.Stat(file); err != nil {
		return "the environment (ROLLCALL_ variables)"
	}
	return file
}

// obey takes from the configuration what no flag says, and tells w of it. That a module's data
// connection goes down is not taken: the person at the terminal may be using it.
func (l *looker) obey(c *cobra.Command, w io.Writer) error {
	config, err := l.config.load()
	if err != nil || config == nil {
		return err
	}
	set := c.Flags().Changed
	l.rules = agentcli.Rules(config)
	l.parallel = config.Scan.Parallel
	says := rulesIn(l.rules)
	if !set("port") && len(config.Scan.Ports) > 0 {
		l.ports = config.Scan.Ports
		says = append(says, onlyPorts(l.ports)...)
	}
	if !set("baud") && len(l.ports) > 0 && len(config.Scan.Baud) > 0 {
		l.bauds = config.Scan.Baud
		says = append(says, "speeds "+strings.Trim(fmt.Sprint(l.bauds), "[]"))
	}
	if !set("timeout") && config.Scan.Timeout != time.Minute {
		l.timeout = config.Scan.Timeout
		says = append(says, "timeout "+l.timeout.String())
	}
	if !set("fingerprints") {
		if _, err := os.Stat(config.FingerprintsDir); err == nil {
			l.fingerprints = config.FingerprintsDir
			says = append(says, "fingerprints of "+l.fingerprints)
		}
	}
	l.config.tell(w, says)
	return nil
}

// tell says in one line what holds by the configuration, where that is anything.
func (o obeying) tell(w io.Writer, says []string) {
	if len(says) > 0 {
		remark(w, fmt.Sprintf("by %s: %s (--no-config: without)", o.from(), strings.Join(says, ", ")))
	}
}

func onlyPorts(ports []string) []string {
	if len(ports) == 0 {
		return nil
	}
	return []string{"only " + strings.Join(ports, " and ") + " asked"}
}

func rulesIn(r serialport.Rules) (says []string) {
	if n := len(r.Deny); n > 0 {
		says = append(says, render.Count(n, "exclusion"))
	}
	if n := len(r.Allow); n > 0 {
		says = append(says, render.Count(n, "permission"))
	}
	return says
}
