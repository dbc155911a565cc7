package cli

import (
	"os"
	"runtime/debug"
	"sync"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/inventory"
)

// ahead is what a scan needs to know, loaded while the first module thinks: it takes as long as
// one of its answers.
type ahead struct {
	base  func() (*fingerprint.Base, error)
	judge func() (*judge, error)
	// soon begins to load both, once.
	soon func()
}

// loadAhead prepares to load. What the user named is loaded at once, since it may be wrong. Whoever
// calls it calls both functions of what it returns, which wait.
func loadAhead(l looker, j judging) (*ahead, error) {
	a := &ahead{
		base:  sync.OnceValues(func() (*fingerprint.Base, error) { return overlay.Named(l.fingerprints) }),
		judge: sync.OnceValues(j.load),
	}
	if l.fingerprints != "" {
		if _, err := a.base(); err != nil {
			return nil, err
		}
	}
	if j.policy != "" || j.failOn != "" {
		if _, err := a.judge(); err != nil {
			return nil, err
		}
	}
	a.soon = sync.OnceFunc(func() {
		go func() {
			_, _ = a.base()
			_, _ = a.judge()
		}()
	})
	return a, nil
}

// Identify judges with the knowledge once it is there. That it cannot be loaded is told by base,
// in the end.
func (a *ahead) Identify(o fingerprint.Observation) fingerprint.Verdict {
	base, err := a.base()
	if err != nil {
		return fingerprint.Verdict{State: inventory.StateUnknown, Reason: err.Error()}
	}
	return base.Identify(o)
}

// Plan is the same for what to ask next.
func (a *ahead) Plan(o fingerprint.Observation, v fingerprint.Verdict) []string {
	base, err := a.base()
	if err != nil {
		return nil
	}
	return base.Plan(o, v)
}

// fewCollections keeps a command that is over in a moment from spending a sixth of its work on
// collecting garbage: the first collection comes at 16 MB, not at 4. What it returns puts the
// pace back. Somebody's own GOGC holds.
func fewCollections() (restore func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(before) }
}
