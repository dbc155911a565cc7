package up

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
	"github.com/rollcall-iot/rollcall/survey"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// simulated runs gateways whose modules are real ptys that replay real transcripts. They go
// the whole way of a real one: find, open, ask, identify, sign, spool, publish.
func (s Settings) simulated(ctx context.Context, url string) error {
	cases, err := simulate.Many(s.Simulate)
	if err != nil {
		return err
	}
	ports := filepath.Join(s.DataDir, "modules")
	if err := os.RemoveAll(ports); err != nil { // links that a kill left behind lead nowhere
		return fmt.Errorf("cannot clear the simulated ports: %w", err)
	}
	modules, err := simulate.Start(ctx, cases, ports, simulate.Settings{})
	if err != nil {
		return err
	}
	defer modules.Close()
	finder := &serialport.Finder{}
	g, ctx := errgroup.WithContext(ctx)
	for i, port := range modules.Paths() {
		id := fmt.Sprintf("sim-%04d", i+1)
		look := survey.Settings{Finder: finder, Base: s.Base, Ports: []string{port}}
		gateway := inventory.Gateway{
			ID: id, Hostname: id, Labels: map[string]string{"simulated": "true", "site": sites[i%len(sites)]},
			Agent: s.Gateway.Agent, OS: s.Gateway.OS, Arch: s.Gateway.Arch,
		}
		g.Go(func() error {
			return s.gateway(ctx, url, filepath.Join(s.DataDir, "simulated", id), agent.Settings{
				Gateway: gateway,
				Survey:  func(ctx context.Context) ([]inventory.Module, error) { return survey.Run(ctx, look) },
			})
		})
	}
	return g.Wait()
}

// sites give the simulated fleet something to be told apart by.
var sites = [...]string{"substation-12", "pump-station-3", "crane-7", "depot"}
