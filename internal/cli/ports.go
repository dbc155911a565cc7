package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/agentcli"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// foundDevice is a device of `rollcall ports -o json`.
type foundDevice struct {
	ID       string           `json:"id"`
	Cellular bool             `json:"cellular"`
	State    inventory.State  `json:"state"`
	Reason   string           `json:"reason"`
	Device   inventory.Device `json:"device"`
	Ports    []foundPort      `json:"ports"`
}

type foundPort struct {
	Path    string             `json:"path"`
	Kind    serialport.Kind    `json:"kind"`
	Role    inventory.Role     `json:"role"`
	Verdict serialport.Verdict `json:"verdict"`
	Reason  string             `json:"reason"`
	Rule    string             `json:"rule,omitempty"`
	Claim   string             `json:"claim,omitempty"`
}

func portsCommand() *cobra.Command {
	var format, root string
	var o obeying
	c := &cobra.Command{
		Use:   "ports",
		Short: "List serial ports and cellular devices, opening nothing",
		Long: `Lists what the kernel shows: every device with serial ports and every cellular device,
the role of each port, whether scan would ask it, and why. Reads sysfs and opens no port. Where
this machine's agent is configured, what it allows or denies holds here too.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f := &serialport.Finder{Root: root}
			if root == "" || o.file != "" { // a recorded machine is not this one
				config, err := o.load()
				if err != nil {
					return err
				}
				if config != nil {
					f.Rules = agentcli.Rules(config)
					o.tell(c.ErrOrStderr(), append(rulesIn(f.Rules), onlyPorts(config.Scan.Ports)...))
				}
			}
			devices, err := f.Find(c.Context())
			if err != nil {
				return err
			}
			return printPorts(c.OutOrStdout(), format, foundDevices(devices))
		},
	}
	o.addFlags(c)
	c.Flags().StringVar(&root, "root", "", "`directory` of a recorded machine, in place of /")
	addOutput(c, &format, formatTable, formatJSON, formatYAML)
	return c
}

func foundDevices(devices []serialport.Device) []foundDevice {
	found := make([]foundDevice, len(devices))
	for i, d := range devices {
		found[i] = foundDevice{ID: d.ID, Cellular: d.Cellular, State: d.State, Reason: d.Reason, Device: d.Info,
			Ports: make([]foundPort, len(d.Ports))}
		for j, p := range d.Ports {
			found[i].Ports[j] = foundPort{Path: p.Path, Kind: p.Kind, Role: p.Role, Verdict: p.Verdict,
				Reason: p.Reason, Rule: p.Rule, Claim: p.Claim}
		}
	}
	return found
}

func printPorts(w io.Writer, format string, devices []foundDevice) error {
	switch format {
	case formatJSON:
		return writeJSON(w, devices, "  ")
	case formatYAML:
		return writeYAML(w, devices)
	}
	screen := screenOf(w, nil)
	if len(devices) == 0 {
		_, err := io.WriteString(w, screen.Note("> no serial ports and no cellular devices; \"rollcall doctor\" says what may be missing"))
		return writing(err)
	}
	asked := 0
	for _, d := range devices {
		f := render.Found{Device: d.Device, ID: d.ID, Cellular: d.Cellular, State: d.State, Reason: d.Reason}
		for _, p := range d.Ports {
			if p.Verdict == serialport.Ask {
				asked++
			}
			f.Ports = append(f.Ports, render.FoundPort{Path: p.Path, Role: string(p.Role), Verdict: p.Verdict.String(), Reason: p.Reason})
		}
		if _, err := io.WriteString(w, screen.Device(f)+"\n"); err != nil {
			return writing(err)
		}
	}
	note := screen.Note(fmt.Sprintf("%s, %s that scan may ask; none was opened", render.Count(len(devices), "device"), render.Count(asked, "port")))
	if asked == 0 {
		note += screen.Note("> \"rollcall scan --port PATH\" asks one that you know to be a module's, \"rollcall doctor\" says what may be missing")
	}
	_, err := io.WriteString(w, note)
	return writing(err)
}
