package simulate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/capture"
)

// DefaultDelay is what a module takes to answer where Settings do not say.
const DefaultDelay = 15 * time.Millisecond

// Echo says whether modules echo what they are sent.
type Echo uint8

// The settings of echo.
const (
	// EchoVaried: some do and some don't, each always the same.
	EchoVaried Echo = iota
	EchoOn
	EchoOff
)

// Settings of a fleet. The zero value is good.
type Settings struct {
	// Delay is the time from the end of a command to its answer. Zero: DefaultDelay.
	// Negative: none.
	Delay time.Duration
	// Baud paces answers as a line of that speed does. Zero: no pacing.
	Baud int
	Echo Echo
	// Received, where set, is told all bytes that a module is sent, in order. It is
	// called from the module's goroutine and must return soon.
	Received func(id string, b []byte)
}

func (s Settings) delay() time.Duration {
	if s.Delay == 0 {
		return DefaultDelay
	}
	return max(s.Delay, 0)
}

// Fleet is a number of running modules.
type Fleet struct {
	modules []*Module
	links   []string
	dir     string // to be removed in the end; empty if it was there before

	once sync.Once
	err  error
}

// Start runs one module for each case. In dir, which is made if need be, a symlink with
// the module's id as its name leads to its port; with dir "" there are none. The fleet
// ends when ctx does, or with Close.
func Start(ctx context.Context, cases []capture.Case, dir string, s Settings) (*Fleet, error) {
	f := &Fleet{}
	if err := f.start(cases, dir, s); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot simulate modules: %w", err), f.Close())
	}
	context.AfterFunc(ctx, func() { _ = f.Close() })
	return f, nil
}

func (f *Fleet) start(cases []capture.Case, dir string, s Settings) error {
	if dir != "" {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			f.dir = dir
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	names := map[string]bool{}
	for i, c := range cases {
		if err := f.add(c, dir, unique(fileName(c.ID, i), names), s); err != nil {
			return err
		}
	}
	return nil
}

// add starts one module. It is part of the fleet before anything can fail, so that Close
// ends it.
func (f *Fleet) add(c capture.Case, dir, id string, s Settings) error {
	m, err := newModule(c, s)
	if err != nil {
		return err
	}
	tty := m.path
	m.id = id
	if dir != "" {
		m.path = filepath.Join(dir, id)
	}
	f.modules = append(f.modules, m)
	m.run()
	if dir == "" {
		return nil
	}
	if err := os.Symlink(tty, m.path); err != nil {
		return fmt.Errorf("%w (is another simulation using this directory?)", err)
	}
	f.links = append(f.links, m.path)
	return nil
}

// Modules are in the order of the cases.
func (f *Fleet) Modules() []*Module { return f.modules }

// Paths are the ports of the modules, in the order of the cases.
func (f *Fleet) Paths() []string {
	paths := make([]string, len(f.modules))
	for i, m := range f.modules {
		paths[i] = m.path
	}
	return paths
}

// Close unplugs all modules, waits for them and removes what Start made. Further calls
// do nothing and return the same.
func (f *Fleet) Close() error {
	f.once.Do(func() {
		var errs []error
		for _, link := range f.links {
			errs = append(errs, os.Remove(link))
		}
		if f.dir != "" {
			_ = os.Remove(f.dir) // stays where somebody else has put something in it
		}
		for _, m := range f.modules {
			errs = append(errs, m.close())
		}
		f.err = errors.Join(errs...)
	})
	return f.err
}

// fileName makes a name that is safe in a directory and on a command line: letters,
// digits, dot, dash and underscore, not beginning with a dot or dash.
func fileName(id string, i int) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, id)
	clean = strings.TrimLeft(clean[:min(len(clean), 80)], ".-")
	if strings.Trim(clean, "_") == "" {
		return fmt.Sprintf("module-%d", i+1)
	}
	return clean
}

func unique(name string, taken map[string]bool) string {
	try := name
	for n := 2; taken[try]; n++ {
		try = fmt.Sprintf("%s-%d", name, n)
	}
	taken[try] = true
	return try
}
