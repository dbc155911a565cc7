package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
)

func identifyCommand() *cobra.Command {
	var from, format, fingerprints string
	var j judging
	c := &cobra.Command{
		Use:   "identify [FILE|-]",
		Short: "Identify modules from transcripts, logs and pasted sessions",
		Long: `Judges what modules answered, without any module: a pasted terminal session (minicom,
picocom, screen, tio), a log (chat, ModemManager, gammu, wvdial and others, with or without
time stamps), JSON Lines of transcripts (id, exchange, banner, usb, pci), or a report of scan.

With JSON Lines in and -o json, one module object a line comes out, in the same order, with
its id.`,
		Example: `  rollcall identify --from session.txt
  rollcall identify -                    (paste the session, then Ctrl-D)
  rollcall identify --from cases.jsonl -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			from, err := inputOf(from, args)
			if err != nil {
				return err
			}
			base, err := overlay.Named(fingerprints)
			if err != nil {
				return err
			}
			judge, err := j.load()
			if err != nil {
				return err
			}
			return identify(c, base, judge, from, format)
		},
	}
	c.Flags().StringVar(&from, "from", "", "`FILE` to read, or - for standard input; the same as the argument")
	addFingerprints(c, &fingerprints)
	j.addFlags(c)
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV)
	return c
}

// inputOf is the file that was named, by a flag or as the argument.
func inputOf(flag string, args []string) (string, error) {
	switch {
	case len(args) == 0 && flag == "":
		return "", exit.Usagef("which file? rollcall identify session.txt, or - for standard input")
	case len(args) == 0:
		return flag, nil
	case flag != "" && flag != args[0]:
		return "", exit.Usagef("give one file: %q or --from %q", args[0], flag)
	}
	return args[0], nil
}

func identify(c *cobra.Command, base *fingerprint.Base, j *judge, from, format string) (err error) {
	in, err := openInput(c, from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	hint(c, from)
	out := bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
	defer func() { err = errors.Join(err, writing(out.Flush())) }()
	i := identifier{base: base, stderr: c.ErrOrStderr(), screen: screenOf(c.OutOrStdout(), base), format: format}
	i.emitter = j.emitter(out, format, i.screen, frame{why: "rollcall explain " + from})
	if err := i.read(in, out); err != nil {
		return errors.Join(fmt.Errorf("cannot identify from %s: %w", named(from), err), j.verdict())
	}
	return errors.Join(i.close(), j.verdict())
}

// hint tells a person who typed the command without a file that it waits.
func hint(c *cobra.Command, from string) {
	if _, ok := terminal(c.InOrStdin()); ok && from == "-" {
		fmt.Fprintln(c.ErrOrStderr(), "paste the session, then press Ctrl-D")
	}
}

func named(from string) string {
	if from == "-" {
		return "standard input"
	}
	return fmt.Sprintf("%q", from)
}

// identifier judges cases as they come.
type identifier struct {
	emitter
	base   *fingerprint.Base
	screen render.Screen
	format string
	stderr io.Writer
	count  int
	failed int // lines that could not be read
}

// read judges all cases of in. The format is told by how it begins.
func (i *identifier) read(in io.Reader, out io.Writer) error {
	r := bufio.NewReaderSize(in, 64<<10)
	if _, err := r.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	begin, _ := r.Peek(r.Buffered()) // cannot fail: it is there
	switch capture.Sniff(begin) {
	case capture.JSONLines:
		return i.lines(r)
	case capture.Report:
		return i.report(r)
	}
	if err := textual(begin); err != nil {
		return err
	}
	return i.terminal(r, out)
}

func (i *identifier) lines(r io.Reader) error {
	for c, err := range capture.ReadJSONLines(r) {
		if err != nil {
			i.failed++
			fmt.Fprintln(i.stderr, "rollcall:", clean.Line(err.Error()))
			continue
		}
		if err := i.judge(c); err != nil {
			return err
		}
	}
	if i.failed > 0 && i.count == 0 {
		return errors.New("no line of it is a case in JSON; see fingerprint/testdata of Rollcall for the format, or paste the session as it was")
	}
	if i.failed > 0 {
		return fmt.Errorf("%s could not be read; the others were", render.Count(i.failed, "line"))
	}
	return nil
}

func (i *identifier) report(r io.Reader) error {
	cases, err := capture.ReadReport(r)
	if err != nil {
		return err
	}
	return i.all(cases)
}

func (i *identifier) all(cases []capture.Case) error {
	for _, c := range cases {
		if err := i.judge(c); err != nil {
			return err
		}
	}
	return nil
}

// terminal judges a pasted session and says which of its lines were used.
func (i *identifier) terminal(r io.Reader, out io.Writer) error {
	cases, used, err := capture.ReadSessions(r)
	if errors.Is(err, capture.ErrNothing) {
		return fmt.Errorf("%w; paste commands such as ATI with what came back, as the terminal showed it", err)
	}
	if err != nil {
		return err
	}
	if err := i.all(cases); err != nil {
		return err
	}
	if i.format != formatTable {
		return nil
	}
	_, err = io.WriteString(out, i.screen.Used(used)+"\n")
	return writing(err)
}

func (i *identifier) judge(c capture.Case) error {
	i.count++
	return i.module(render.Item{Number: i.count, Module: moduleOf(i.base, c)})
}

// moduleOf is the verdict on a case as a module object.
func moduleOf(base *fingerprint.Base, c capture.Case) inventory.Module {
	m := inventory.Module{ID: c.ID, Device: c.USB, Transcript: c.Transcript, Banner: c.Banner}
	if m.Device == nil {
		m.Device = c.PCI
	}
	base.Identify(c.Observation).Apply(&m)
	return m
}
