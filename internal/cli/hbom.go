package cli

import (
	"cmp"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/hbom/sheet"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/internal/version"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// The formats of a bill of materials, beside CSV.
const (
	formatCycloneDX   = "cyclonedx"
	formatCycloneDX16 = "cyclonedx-1.6"
	formatCycloneDX17 = "cyclonedx-1.7"
	formatSPDX        = "spdx"
	formatXLSX        = "xlsx"
)

func hbomCommand() *cobra.Command {
	b := bill{}
	var at moment
	c := &cobra.Command{
		Use:   "hbom [FILE|-]",
		Short: "Write a hardware bill of materials",
		Long: `Writes which modules sit where, who made them, on which evidence, and what lists and rules find:
as CycloneDX or SPDX for tools, as CSV or XLSX for auditors. The modules come from a collector,
or from a FILE (rollcall scan -o json, rollcall identify -o json), or with --scan from this
machine.

The country of a manufacturer is the seat of the company, not the place of production. IMEIs,
and numbers as long, are left out unless --imei asks for them. "cyclonedx" is version 1.7.

With --sign, the signature stands beside the document in FILE.sig; the key is an Ed25519 key as
"openssl genpkey -algorithm ed25519" makes it, for documents and nothing else.`,
		Example: `  rollcall hbom --server http://127.0.0.1:8080 --out fleet.cdx.json
  rollcall hbom --gateway gw-0417 -o spdx
  rollcall hbom --scan -o cyclonedx-1.6
  rollcall hbom report.json -o xlsx --out modules.xlsx`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if b.at, err = at.time(); err != nil {
				return err
			}
			return b.run(c, args)
		},
	}
	b.source.addFlags(c)
	b.look.addFlags(c)
	addPolicy(c, &b.judging.policy)
	at.addFlag(c)
	f := c.Flags()
	f.BoolVar(&b.scan, "scan", false, "ask this machine's modules, as rollcall scan does; --port and --timeout as there")
	f.BoolVar(&b.imei, "imei", false, "write IMEIs, which tell one device, and so its place and owner, apart")
	f.StringVar(&b.name, "name", "", "`name` of the fleet, in documents about more than one gateway")
	f.StringVar(&b.out, "out", "", "`file` to write, whole or not at all (default standard output)")
	f.StringVar(&b.sign, "sign", "", "`file` of the private key that signs; needs --out")
	addOutput(c, &b.format, formatCycloneDX, formatCycloneDX17, formatCycloneDX16, formatSPDX, formatCSV, formatXLSX)
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "format" {
			name = "output"
		}
		return pflag.NormalizedName(name)
	})
	c.AddCommand(hbomDiffCommand(), hbomVerifyCommand())
	return c
}

// bill is what a bill of materials is made from.
type bill struct {
	source    source
	look      looker
	judging   judging
	scan      bool
	imei      bool
	at        time.Time
	format    string
	name      string
	out, sign string
}

func (b *bill) run(c *cobra.Command, args []string) error {
	if b.scan && (len(args) > 0 || b.source.at.url != "" || b.source.filtered() != "") {
		return exit.Usagef("give --scan, a file, or --server with its filters: one of them")
	}
	if b.sign != "" && b.out == "" {
		return exit.Usagef("--sign needs --out: the signature is written beside the file")
	}
	if _, ok := terminal(c.OutOrStdout()); ok && b.out == "" && b.format == formatXLSX {
		return exit.Usagef("xlsx is nothing to look at here; write it to a file with --out")
	}
	modules, failed, err := b.modules(c, args)
	if err != nil {
		return err
	}
	d, err := b.document(modules)
	if err != nil {
		return err
	}
	d.fleet = !b.scan && len(args) == 0
	d.nothing = func() error {
		if b.scan {
			return cmp.Or(failed, errNoModuleHere)
		}
		return b.source.nothing(args)
	}
	if err := d.write(c, b.out, b.sign); err != nil {
		return err
	}
	return failed
}

// modules gives what the bill is about. failed is what kept --scan from asking all of it.
func (b *bill) modules(c *cobra.Command, args []string) (all iter.Seq2[located, error], failed, err error) {
	if !b.scan {
		all, err = b.source.modules(c, args)
		return all, nil, err
	}
	if err := b.look.obey(c, c.ErrOrStderr()); err != nil {
		return nil, nil, err
	}
	base, err := overlay.Named(b.look.fingerprints)
	if err != nil {
		return nil, nil, err
	}
	found, failed := b.look.look(c.Context(), base, c.ErrOrStderr())
	report, err := reportOf(found)
	if err != nil {
		return nil, nil, err
	}
	if failed == nil {
		failed = unanswered(b.look.ports, found)
	}
	return b.source.chosen(modulesOfReport(report)), failed, nil
}

// document is a bill of materials to be written.
type document struct {
	format   string
	settings sheet.Settings
	items    iter.Seq2[hbom.Item, error]
	// fleet: the items come sorted, and may be too many to hold.
	fleet bool
	// nothing is the error if there are no items.
	nothing func() error
}

func (b *bill) document(modules iter.Seq2[located, error]) (*document, error) {
	base, err := overlay.Named(b.look.fingerprints)
	if err != nil {
		return nil, err
	}
	p, err := findings.Load(b.judging.policy)
	if err != nil {
		return nil, err
	}
	d := newDocument(b.format, base, &findings.Judge{Policy: p, Now: b.at}, modules)
	d.settings.Name, d.settings.IMEI = b.name, b.imei
	return d, nil
}

func newDocument(format string, base *fingerprint.Base, j *findings.Judge, modules iter.Seq2[located, error]) *document {
	d := &document{format: format, items: itemsOf(modules, j), settings: sheet.Settings{
		Settings: hbom.Settings{Time: j.Now, Version: version.Version, Companies: companies{base}, Spec: hbom.CycloneDX17},
		Notes:    notes(j.Policy, base.Version(), j.Now),
	}}
	if format == formatCycloneDX16 {
		d.settings.Spec = hbom.CycloneDX16
	}
	return d
}

var errNoModuleHere = errors.New(`this machine has no module to write a bill of materials about; "rollcall ports" shows what is there`)

// printBill writes a report as a bill of materials.
func printBill(w io.Writer, format string, r *inventory.Report, base *fingerprint.Base, j *judge) error {
	d := newDocument(format, base, &j.Judge, modulesOfReport(r))
	d.nothing = func() error { return errNoModuleHere }
	return d.writeTo(w)
}

// modulesOfReport gives the modules of one report.
func modulesOfReport(r *inventory.Report) iter.Seq2[located, error] {
	g := &policy.Gateway{Gateway: r.Gateway, ClockSynced: r.ClockSynced}
	return func(yield func(located, error) bool) {
		for i := range r.Modules {
			if !yield(located{gateway: g, module: &r.Modules[i]}, nil) {
				return
			}
		}
	}
}

// itemsOf judges modules and leaves out gateways without any.
func itemsOf(modules iter.Seq2[located, error], j *findings.Judge) iter.Seq2[hbom.Item, error] {
	return func(yield func(hbom.Item, error) bool) {
		for l, err := range modules {
			if err != nil {
				yield(hbom.Item{}, err)
				return
			}
			if l.module == nil {
				continue
			}
			it := hbom.Item{Gateway: l.gateway.Gateway, Module: *l.module, Findings: findings.ForHBOM(j.Module(l.module, l.gateway))}
			if !yield(it, nil) {
				return
			}
		}
	}
}

// notes say on the first page of a workbook by which knowledge, rules and lists it was made.
func notes(p *policy.Policy, data string, at time.Time) []sheet.Note {
	out := []sheet.Note{{Name: "Knowledge", Text: data}, {Name: "Rules and lists", Text: p.Version()}}
	for _, l := range p.Lists().All() {
		if !l.Confirmed || len(l.Entries) == 0 {
			continue
		}
		text := join(", ", prefixed(l.Edition, "edition "), prefixed(l.AsOf.String(), "as of "), l.Source)
		if w, old := l.Warning(at, 0); old {
			text = join("; ", text, w.Text)
		}
		out = append(out, sheet.Note{Name: l.Name, Text: text})
	}
	return out
}

func prefixed(text, label string) string {
	if text == "" {
		return ""
	}
	return label + text
}

// inMemory is how many modules of a collector are held before a document is written as they come.
const inMemory = 2000

func (d *document) writeTo(w io.Writer) error {
	next, stop := iter.Pull2(d.items)
	defer stop()
	head, more, err := d.gather(next)
	if err != nil {
		return err
	}
	if len(head) == 0 {
		return d.nothing()
	}
	if !more {
		slices.SortStableFunc(head, func(a, b hbom.Item) int {
			return cmp.Or(cmp.Compare(a.Gateway.ID, b.Gateway.ID), cmp.Compare(a.Module.ID, b.Module.ID))
		})
	}
	all := func(yield func(hbom.Item, error) bool) {
		for _, it := range head {
			if !yield(it, nil) {
				return
			}
		}
		for {
			it, err, ok := next()
			if !ok || !yield(it, err) {
				return
			}
		}
	}
	switch d.format {
	case formatSPDX:
		return hbom.SPDX(w, head, d.settings.Settings)
	case formatCSV:
		return sheet.CSV(w, all, d.settings)
	case formatXLSX:
		return sheet.XLSX(w, all, d.settings)
	}
	if more {
		return hbom.StreamCycloneDX(w, all, d.settings.Settings)
	}
	return hbom.CycloneDX(w, head, d.settings.Settings)
}

// gather reads items: all of them, or of a fleet so many that the rest is better written as
// it comes.
func (d *document) gather(next func() (hbom.Item, error, bool)) (head []hbom.Item, more bool, err error) {
	for {
		it, err, ok := next()
		if !ok || err != nil {
			return head, false, err
		}
		head = append(head, it)
		if d.fleet && len(head) == inMemory && d.format != formatSPDX {
			return head, true, nil
		}
	}
}
