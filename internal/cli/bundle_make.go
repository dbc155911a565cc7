package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/internal/atomicfile"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/overlay"
)

// making holds the flags of rollcall bundle make.
type making struct {
	key, out, name, created string
	version                 int64
}

func bundleMakeCommand() *cobra.Command {
	var m making
	c := &cobra.Command{
		Use:   "make DIR --key KEY --version N -o FILE",
		Short: "Make a bundle of a directory",
		Long: `Takes the *.yaml of DIR/` + strings.Join(bundle.Folders(), ", DIR/") + `, loads them as a collector would,
judges the cases in them, and signs them. Nothing is written if anything is wrong. The same
files, version, --created and key make the same bytes.`,
		Example: "  rollcall bundle make --key bundle.pem --version 7 -o fleet-7.tar knowledge",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return m.run(c, args[0]) },
	}
	f := c.Flags()
	f.StringVar(&m.key, "key", "", "`file` of the private key; \"rollcall bundle key\" makes one")
	f.Int64Var(&m.version, "version", 0, "`number` that is higher than that of every bundle before")
	f.StringVarP(&m.out, "out", "o", "", "`file` to write")
	f.StringVar(&m.name, "name", "rollcall", "`name` for people")
	f.StringVar(&m.created, "created", "", "`time` that stands in it, such as 2026-11-22T12:00:00Z (default now)")
	for _, name := range []string{"key", "version", "out"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // the flags were defined above
		}
	}
	return c
}

func (m *making) run(c *cobra.Command, dir string) error {
	manifest := bundle.Manifest{Name: m.name, Version: m.version, Created: time.Now()}
	if m.created != "" {
		var err error
		if manifest.Created, err = time.Parse(time.RFC3339, m.created); err != nil {
			return exit.Usagef("--created %q is no time such as 2026-11-22T12:00:00Z", m.created)
		}
	}
	key, err := readPrivateKey(m.key)
	if err != nil {
		return err
	}
	contents, err := bundleContents(dir)
	if err != nil {
		return err
	}
	data, err := bundle.Make(manifest, contents, key)
	if err != nil {
		return err
	}
	b, err := bundle.Read(data)
	if err != nil {
		return err
	}
	if err := tryBundle(c, b); err != nil {
		return err
	}
	return atomicfile.Write(m.out, data, 0o644)
}

// bundleContents reads the folders of a bundle. What would be left out is an error.
func bundleContents(dir string) ([]bundle.Content, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot make a bundle: %w", err)
	}
	for _, e := range entries {
		if hidden := strings.HasPrefix(e.Name(), "."); !hidden && !slices.Contains(bundle.Folders(), e.Name()) && (e.IsDir() || filepath.Ext(e.Name()) == ".yaml") {
			return nil, fmt.Errorf("cannot make a bundle of %q: %q belongs into one of the folders %s", dir, e.Name(), strings.Join(bundle.Folders(), ", "))
		}
	}
	var contents []bundle.Content
	for _, folder := range bundle.Folders() {
		files, err := overlay.Files(filepath.Join(dir, folder))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot make a bundle: %w", err)
		}
		for _, f := range files {
			contents = append(contents, bundle.Content{Path: folder + "/" + filepath.Base(f.Name), Data: f.Data})
		}
	}
	if len(contents) == 0 {
		return nil, fmt.Errorf("cannot make a bundle of %q: no *.yaml in any of the folders %s", dir, strings.Join(bundle.Folders(), ", "))
	}
	return contents, nil
}
