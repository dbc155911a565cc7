package follow

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/internal/atomicfile"
)

// ErrOlder: the bundle is not newer than the one in use.
var ErrOlder = errors.New("not newer than what is in use")

// Settings of a Follower. Trusted, Dir and Prepare are needed.
type Settings struct {
	// Trusted are the keys whose bundles are believed.
	Trusted []ed25519.PublicKey
	// Dir is where the last good bundle is kept, as bundle.tar. It is made if need be.
	Dir string
	// File is looked at again and again. "": no file.
	File string
	// Bucket is watched through JetStream. "": no bucket.
	JetStream jetstream.JetStream
	Bucket    string
	// AllowOlder lets a lower version follow a higher one.
	AllowOlder bool
	// Prepare loads a bundle and gives what puts it to use; an error refuses the bundle.
	Prepare func(*bundle.Bundle) (use func(), err error)
	// Every is how often is looked for news that nobody told of. 0 is 1 min.
	Every time.Duration
	// Log gets what an operator wants to know. Nil: nothing.
	Log *slog.Logger
}

// Follower holds the bundle in use.
type Follower struct {
	s Settings

	mu      sync.Mutex
	now     *bundle.Bundle
	refused int
	last    error
	// seen is the digest of what each source offered last, so that nothing is tried or told twice.
	seen map[string]string
	// settled is the object in the bucket that need not be read again.
	settled string
	// unfit are the sources of which Prepare refused what they offered last.
	unfit []string
	// files and bucket wake those who look there.
	files, bucket chan struct{}
}

const kept = "bundle.tar"

// New takes up the bundle that was kept, and the file. What is wrong with either is told in the
// log and by [Follower.State]; the program starts without it.
func New(s Settings) (*Follower, error) {
	if len(s.Trusted) == 0 || s.Dir == "" || s.Prepare == nil {
		return nil, errors.New("cannot follow bundles: Trusted, Dir and Prepare are needed")
	}
	if s.Every == 0 {
		s.Every = time.Minute
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot follow bundles: %w", err)
	}
	f := &Follower{s: s, seen: map[string]string{}, files: make(chan struct{}, 1), bucket: make(chan struct{}, 1)}
	f.look(filepath.Join(s.Dir, kept))
	if s.File != "" {
		f.look(s.File)
	}
	return f, nil
}

// State says what is in use, how many bundles were refused, and the reason of the last one
// where nothing was accepted since.
func (f *Follower) State() (now *bundle.Bundle, refused int, last error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now, f.refused, f.last
}

// Again has what Prepare refused tried once more: something else that it depends on is another now.
func (f *Follower) Again() {
	f.mu.Lock()
	for _, source := range f.unfit {
		delete(f.seen, source)
	}
	f.unfit, f.settled = nil, ""
	f.mu.Unlock()
	for _, sleeper := range []chan struct{}{f.files, f.bucket} {
		select {
		case sleeper <- struct{}{}:
		default: // woken already
		}
	}
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if f.s.Bucket != "" && f.s.JetStream != nil {
		wg.Go(func() { f.sessions(ctx) })
	}
	tick := time.NewTicker(f.s.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-f.files:
			if now, _, _ := f.State(); now == nil { // what was kept did not fit at the start
				f.look(filepath.Join(f.s.Dir, kept))
			}
		}
		if f.s.File != "" {
			f.look(f.s.File)
		}
	}
}

// look offers a file, where it is there.
func (f *Follower) look(path string) {
	data, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if path == f.s.File {
			f.fail(path, fmt.Errorf("cannot read the bundle: there is no %q", path))
		}
	case err != nil:
		f.fail(path, fmt.Errorf("cannot read the bundle: %w", err))
	default:
		f.offer(path, data)
	}
}

// readFile reads at most what a bundle may have and one byte.
func readFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, bundle.MaxBytes+1))
}

// offer takes a bundle into use, or says once why not. It says whether that is settled: what
// could only not be kept is not.
func (f *Follower) offer(source string, data []byte) (settled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := digest(data)
	if f.seen[source] == d {
		return true
	}
	f.seen[source] = d
	b, err := f.take(source, data)
	switch {
	case err == nil && b == nil: // in use already
	case err == nil:
		f.now, f.last = b, nil
		f.s.Log.Info("a bundle is in use", "bundle", b.String(), "from", source, "digest", b.Digest())
	default:
		f.refuse(source, err)
	}
	_, settled = f.seen[source]
	return settled
}

// take gives nothing for what is in use already.
func (f *Follower) take(source string, data []byte) (*bundle.Bundle, error) {
	b, err := bundle.Open(data, f.s.Trusted...)
	if err != nil {
		return nil, err
	}
	if f.now != nil && f.now.Digest() == b.Digest() {
		return nil, nil
	}
	if f.now != nil && b.Version <= f.now.Version && !f.s.AllowOlder {
		return nil, fmt.Errorf("bundle %s is refused: %w (%s)", b, ErrOlder, f.now)
	}
	use, err := f.s.Prepare(b)
	if err != nil {
		if !slices.Contains(f.unfit, source) {
			f.unfit = append(f.unfit, source)
		}
		return nil, err
	}
	// Kept first: what is in use and not kept could be rolled back by a restart.
	if path := filepath.Join(f.s.Dir, kept); source != path {
		if err := atomicfile.Write(path, data, 0o600); err != nil {
			delete(f.seen, source) // the disk may have room again
			return nil, fmt.Errorf("bundle %s is good, but not used: %w", b, err)
		}
	}
	use()
	return b, nil
}

// fail is refuse for a source that gave nothing, told when the reason is another one.
func (f *Follower) fail(source string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[source] == err.Error() {
		return
	}
	f.seen[source] = err.Error()
	f.refuse(source, err)
}

func (f *Follower) refuse(source string, err error) {
	f.refused++
	f.last = err
	f.s.Log.Error("a bundle is not used", "from", source, "error", err)
}
