package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/bundle/follow"
	fleetjudge "github.com/rollcall-iot/rollcall/collector/judge" // judge is a function here
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/policy"
)

// ownKnowledge is what a collector is to know: that of this program, of a bundle where there is
// one, and the operator's own files above both.
type ownKnowledge struct {
	fingerprints, policy string // directories; one that is not there is none
	log                  *slog.Logger
	knowledge            *fleetjudge.Knowledge
	rules                *rulesLog // nil: nobody keeps who changed what

	again func() // has bundles tried once more that did not go with these files. Nil: there are none

	mu     sync.Mutex
	bundle *bundle.Bundle // in use
	alone  error          // why the files do not load without a bundle
}

// newOwnKnowledge loads what is known without any bundle. Where one may come, the operator's files may
// speak of what only that has; see [ownKnowledge.complete].
func newOwnKnowledge(c *configs.Collector, log *slog.Logger) (*ownKnowledge, error) {
	o := &ownKnowledge{fingerprints: c.FingerprintsDir, policy: c.PolicyDir, log: log}
	base, p, err := o.load(nil)
	if err != nil && followed(c) {
		o.alone = err
		base, p, err = new(ownKnowledge).load(nil)
	}
	if err != nil {
		return nil, err
	}
	o.knowledge = fleetjudge.NewKnowledge(base, p)
	return o, nil
}

// complete is nil unless the operator's files are loaded neither over a bundle nor without one: a
// collector does not judge without them.
func (o *ownKnowledge) complete() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.alone == nil || o.bundle != nil {
		return nil
	}
	return fmt.Errorf("%w; and there is no bundle at the start with which it loads (bundles.file, or bundle.tar in state_dir)", o.alone)
}

// load reads the operator's own files anew, over a bundle or over this program's knowledge.
func (o *ownKnowledge) load(b *bundle.Bundle) (*fingerprint.Base, *policy.Policy, error) {
	if b == nil {
		base, err := overlay.Load(o.fingerprints)
		if err != nil {
			return nil, nil, err
		}
		p, err := findings.Load(existing(o.policy))
		return base, p, err
	}
	files, err := overlay.Files(existing(o.fingerprints))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot load your own fingerprints: %w", err)
	}
	overlays := make([]fingerprint.Overlay, len(files))
	for i, f := range files {
		overlays[i] = fingerprint.Overlay(f)
	}
	k, err := b.Load(overlays...)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range k.Warnings {
		o.log.Warn("a bundle is not the newest", "bundle", b.String(), "warning", w)
	}
	if dir := existing(o.policy); dir != "" {
		if k.Policy, err = findings.Over(k.Policy, dir); err != nil {
			return nil, nil, fmt.Errorf("bundle %s does not go with your own files: %w", b, err)
		}
	}
	return k.Base, k.Policy, nil
}

// prepare loads a bundle beneath the operator's own files.
func (o *ownKnowledge) prepare(b *bundle.Bundle) (use func(), err error) {
	base, p, err := o.load(b)
	if err != nil {
		return nil, err
	}
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.bundle = b
		o.knowledge.Set(base, p)
		o.rules.note(o.knowledge.Now(), "key "+b.Signature.PublicKey, "bundle", b.String())
	}, nil
}

// reload reads the operator's own files again. If one has a fault, all stays as it was.
func (o *ownKnowledge) reload() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	base, p, err := o.load(o.bundle)
	if err == nil {
		o.knowledge.Set(base, p)
		o.noteFiles("as the collector was told to read them again")
	}
	return err
}

// noteFiles keeps by which files the fleet is judged from now on, where they are not the ones that
// it was judged by.
func (o *ownKnowledge) noteFiles(when string) {
	via := "files"
	who, what := lastOf(existing(o.policy), existing(o.fingerprints))
	if what == "" {
		who, via, what = localUser(), "program", "what this program carries"
	}
	o.rules.note(o.knowledge.Now(), who, via, when+"; "+what)
}

// reloadOn reads the operator's own files again at each signal, until ctx ends.
func (o *ownKnowledge) reloadOn(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-hangup:
			err := o.reload()
			if o.again != nil {
				o.again() // also where they do not go with the bundle in use
			}
			if err != nil {
				o.log.Error("your own files are not read again; what was known holds", "error", err)
				continue
			}
			now := o.knowledge.Now()
			o.log.Info("read your own files again", "data", now.Base.Version(), "policy", now.Policy.Version())
		case <-ctx.Done():
			return
		}
	}
}

// existing gives a directory that is there, or "".
func existing(dir string) string {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return dir
}

// followed says whether bundles are configured.
func followed(c *configs.Collector) bool { return c.Bundles.File != "" || c.Bundles.Bucket != "" }

// followBundles takes up the bundle that was kept and prepares to follow news. It gives nil
// where none are configured.
func followBundles(c *configs.Collector, o *ownKnowledge, js jetstream.JetStream, r prometheus.Registerer) (*follow.Follower, error) {
	if !followed(c) {
		return nil, nil
	}
	keys, err := trustedKeys(c.Bundles.Trust)
	if err != nil {
		return nil, fmt.Errorf("bundles.trust: %w", err)
	}
	f, err := follow.New(follow.Settings{Trusted: keys, Dir: c.StateDir, File: c.Bundles.File, JetStream: js, Bucket: c.Bundles.Bucket,
		AllowOlder: c.Bundles.AllowOlder, Prepare: o.prepare, Log: o.log})
	if err != nil {
		return nil, err
	}
	o.again = f.Again
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "rollcall_bundle_version",
		Help: "Version of the bundle in use; 0: none."}, func() float64 {
		if now, _, _ := f.State(); now != nil {
			return float64(now.Version)
		}
		return 0
	}), prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "rollcall_bundles_refused_total",
		Help: "Bundles that were not taken into use."}, func() float64 {
		_, refused, _ := f.State()
		return float64(refused)
	}))
	return f, nil
}
