// Package doctor looks for what keeps Rollcall from doing its work on this machine, and says
// what to do about each.
//
// It promises one line for every thing that it looked at, good or bad, and an advice with
// every one that is bad. It never opens a port, never changes anything, and never asks a
// module.
package doctor

import (
	"context"
	"time"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/survey"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// Level says how bad it is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Note Level = "note"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Check is one thing that was looked at.
type Check struct {
	Name  string `json:"name"`
	Level Level  `json:"level"`
	// Text says what was found.
	Text string `json:"text"`
	// Advice says what to do. Empty where nothing is to be done.
	Advice string `json:"advice,omitempty"`
}

// Settings of Run.
type Settings struct {
	// Config is the agent's configuration, and ConfigErr why there is none.
	Config    *configs.Agent
	ConfigErr error
	// Root is "/" but in tests.
	Root   string
	Finder *serialport.Finder
	// Manager, where set, tells what a program such as ModemManager manages.
	Manager survey.Manager
	// Wait bounds the try to reach the broker. Zero: 5 s.
	Wait time.Duration
}

// Run makes all checks, in the order in which trouble is best mended.
func Run(ctx context.Context, s Settings) []Check {
	if s.Wait == 0 {
		s.Wait = 5 * time.Second
	}
	checks := []Check{configuration(s), rights()}
	if c, confined := confinement(s.Root); confined {
		checks = append(checks, c)
	}
	found := look(ctx, s)
	checks = append(checks, devices(found)...)
	checks = append(checks, modemManager(ctx, s, found.devices), clock(), zone(time.Now()))
	if s.Config == nil {
		return checks
	}
	return append(checks, state(s.Config.StateDir), broker(ctx, s.Config.NATS, s.Wait))
}

// Worst is the worst level among checks.
func Worst(checks []Check) Level {
	worst := OK
	rank := map[Level]int{OK: 0, Note: 1, Warn: 2, Fail: 3}
	for _, c := range checks {
		if rank[c.Level] > rank[worst] {
			worst = c.Level
		}
	}
	return worst
}
