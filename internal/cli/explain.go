package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
)

func explainCommand() *cobra.Command {
	var l looker
	var j judging
	var format string
	c := &cobra.Command{
		Use:   "explain [FILE|-|N] [N|ID]",
		Short: "Say why: which line proves what, and what else was considered",
		Long: `Explains the verdict on modules: each claim with the lines that prove it, how strong that
is, what else was considered, and contradictions. With a FILE, or - for standard input, as
identify reads it; a further N or ID takes one module of it. With a number alone, or with
nothing, this machine's modules are asked as scan does, and the N-th of them is explained.`,
		Example: `  rollcall explain 2
  rollcall explain session.txt`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return explain(c, l, j, format, args) },
	}
	l.addFlags(c)
	addPolicy(c, &j.policy)
	addOutput(c, &format, formatTable, formatJSON, formatYAML)
	return c
}

func explain(c *cobra.Command, l looker, j judging, format string, args []string) error {
	if len(args) == 0 || isNumberOnly(args[0]) { // this machine's modules
		if err := l.obey(c, c.ErrOrStderr()); err != nil {
			return err
		}
	}
	base, err := overlay.Named(l.fingerprints)
	if err != nil {
		return err
	}
	judge, err := j.load()
	if err != nil {
		return err
	}
	modules, which, err := explained(c, l, base, args)
	if err != nil {
		return err
	}
	items, err := pick(modules, which)
	if err != nil {
		return err
	}
	w, screen := c.OutOrStdout(), screenOf(c.OutOrStdout(), base)
	if format != formatTable {
		e := judge.emitter(w, format, screen, frame{})
		for _, it := range items {
			if err := e.module(it); err != nil {
				return err
			}
		}
		return e.close()
	}
	for i, it := range items {
		it.Findings = findings.Brief(judge.Module(&it.Module, nil))
		text := screen.Explain(it)
		if i > 0 {
			text = "\n" + text
		}
		if _, err := io.WriteString(w, text); err != nil {
			return writing(err)
		}
	}
	return nil
}

// explained finds the modules that the arguments speak of, and which of them is meant.
func explained(c *cobra.Command, l looker, base *fingerprint.Base, args []string) ([]inventory.Module, string, error) {
	if len(args) > 0 && !isNumberOnly(args[0]) {
		modules, err := modulesOf(c, base, args[0])
		if len(args) == 2 {
			return modules, args[1], err
		}
		return modules, "", err
	}
	if len(args) == 2 {
		return nil, "", exit.Usagef("explain takes one number for this machine's modules, or a file and a number")
	}
	modules, err := l.look(c.Context(), base, c.ErrOrStderr())
	if err == nil && len(modules) == 0 {
		err = errors.New("no cellular device to explain; \"rollcall ports\" lists what is there")
	}
	if len(args) == 1 {
		return modules, args[0], err
	}
	return modules, "", err
}

// isNumberOnly: a number names a module, unless a file of that name is there.
func isNumberOnly(arg string) bool {
	if _, err := strconv.Atoi(arg); err != nil {
		return false
	}
	_, err := os.Stat(arg)
	return err != nil
}

// modulesOf judges all cases of a file.
func modulesOf(c *cobra.Command, base *fingerprint.Base, from string) ([]inventory.Module, error) {
	in, err := openInput(c, from)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	hint(c, from)
	var all collected
	i := identifier{base: base, stderr: c.ErrOrStderr(), emitter: &all}
	if err := i.read(in, io.Discard); err != nil {
		return nil, fmt.Errorf("cannot explain %s: %w", named(from), err)
	}
	return all.modules, nil
}

// collected keeps modules instead of writing them.
type collected struct{ modules []inventory.Module }

func (k *collected) module(it render.Item) error {
	k.modules = append(k.modules, it.Module)
	return nil
}

func (k *collected) close() error { return nil }

// pick numbers the modules and takes the one that is meant: all of them, if none is named.
func pick(modules []inventory.Module, which string) ([]render.Item, error) {
	items := make([]render.Item, len(modules))
	for i, m := range modules {
		items[i] = render.Item{Number: i + 1, Of: len(modules), Module: m}
	}
	if which == "" {
		return items, nil
	}
	if i := slices.IndexFunc(modules, func(m inventory.Module) bool { return m.ID == which }); i >= 0 {
		return items[i : i+1], nil
	}
	if n, err := strconv.Atoi(which); err == nil && n >= 1 && n <= len(items) {
		return items[n-1 : n], nil
	}
	return nil, exit.Usagef("there is no module %q; the numbers go from 1 to %d", which, len(items))
}
