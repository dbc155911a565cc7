package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/render"
)

// The formats of output.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
	formatCSV   = "csv"
)

// addOutput adds the flag -o with its completion.
func addOutput(c *cobra.Command, into *string, formats ...string) {
	c.Flags().StringVarP(into, "output", "o", formats[0], "`format`: "+strings.Join(formats, ", "))
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return formats, cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag was defined in the line above
	}
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if !slices.Contains(formats, *into) {
			return exit.Usagef("unknown output %q; use one of %s", *into, strings.Join(formats, ", "))
		}
		return run(c, args)
	}
}

// terminal returns the descriptor of w if it is a terminal.
func terminal(w any) (fd int, ok bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

// animated says whether lines drawn on w can be taken away again.
func animated(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("TERM") != "dumb"
}

// remark says something beside the output: in one line for scripts, wrapped on a terminal.
func remark(w io.Writer, text string) {
	if _, ok := terminal(w); ok {
		fmt.Fprint(w, screenOf(w, nil).Paragraphs(text))
		return
	}
	fmt.Fprintln(w, text)
}

// screenOf describes what w draws on: a terminal as wide as it says, or text as wide as
// COLUMNS says. Colour is for terminals whose user does not object (https://no-color.org).
func screenOf(w io.Writer, base *fingerprint.Base) render.Screen {
	var s render.Screen
	fd, isTerminal := terminal(w)
	if isTerminal {
		if width, _, err := term.GetSize(fd); err == nil {
			s.Width = width
		}
		s.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 && s.Width == 0 {
		s.Width = n
	}
	if base != nil {
		s.Name = func(slug string) string {
			maker, _ := base.Maker(slug)
			return maker.Name
		}
	}
	return s
}

// emitter writes modules one after the other, in the format that was asked for.
type emitter interface {
	module(render.Item) error
	// close writes what stands below all modules.
	close() error
}

// frame is what stands around modules on a screen.
type frame struct {
	head []string
	why  string // the command that explains
}

func newEmitter(w io.Writer, format string, s render.Screen, f frame) emitter {
	switch format {
	case formatJSON:
		return &jsonLines{w}
	case formatYAML:
		return &yamlDocuments{w: w}
	case formatCSV:
		return newCSV(w)
	}
	return &cards{w: w, screen: s, frame: f}
}

// cards draws modules for people.
type cards struct {
	w      io.Writer
	screen render.Screen
	frame  frame
	sum    render.Summary
	begun  bool
}

func (c *cards) begin(it render.Item) {
	if c.begun {
		return
	}
	c.begun = true
	if len(c.frame.head) > 0 {
		fmt.Fprint(c.w, c.screen.Head(c.frame.head...))
	}
	fmt.Fprint(c.w, c.screen.TableHead(it))
}

func (c *cards) module(it render.Item) error {
	c.begin(it)
	c.sum.Add(it)
	card := c.screen.Module(it)
	if c.screen.TableHead(it) == "" {
		card += "\n"
	}
	_, err := io.WriteString(c.w, card)
	return writing(err)
}

func (c *cards) close() error {
	if c.sum == (render.Summary{}) {
		return nil
	}
	foot := c.screen.Foot(c.sum, c.frame.why)
	if c.screen.TableHead(render.Item{}) != "" {
		foot = "\n" + foot
	}
	_, err := io.WriteString(c.w, foot)
	return writing(err)
}

// writing says what failed when output cannot be written.
func writing(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot write the output: %w", err)
}

// openInput opens a file, or standard input for "-".
func openInput(c *cobra.Command, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(c.InOrStdin()), nil
	}
	f, err := os.Open(path)
	if err != nil {
		var perr *os.PathError
		if errors.As(err, &perr) {
			err = perr.Err
		}
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	return f, nil
}
