package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// defaultAuthority is where an authority is looked for.
const defaultAuthority = "/etc/rollcall/authority"

// enrolment holds the flags of rollcall enroll GATEWAY.
type enrolment struct {
	dir, role, out, store string
	options               enroll.Options
	makeReportKey         string
}

func enrollCommand() *cobra.Command {
	var e enrolment
	c := &cobra.Command{
		Use:   "enroll GATEWAY",
		Short: "Make the credentials of one gateway",
		Long: `Makes the credentials with which one gateway logs in to NATS. They let it publish its own
reports, answer requests to itself, and nothing else. "rollcall enroll init" comes first.
They take effect at once, or with the kind nkey when the broker has reloaded users.conf.
A gateway cannot be called ` + strings.Join(enroll.Commands(), ", ") + `.`,
		Example: `  rollcall enroll init --dir authority
  rollcall enroll gw-0017 --dir authority --out gw-0017.creds`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return e.run(c, args[0]) },
	}
	f := c.Flags()
	f.StringVar(&e.out, "out", "", "`file` for the credentials, which must not exist, or - for standard output (default GATEWAY.creds, or GATEWAY.nk of the kind nkey)")
	f.StringVar(&e.role, "role", string(enroll.Gateway), "`role`: gateway, leaf, collector, join for the join token of a fleet, or admin for people with the nats tool")
	f.BoolVar(&e.options.Again, "again", false, "take back what the name had before")
	f.DurationVar(&e.options.Expires, "expires", 0, "`time` that the credentials are good for (default: until they are revoked)")
	f.StringVar(&e.options.ReportKey, "report-key", "", "record this public `key`, which signs the gateway's reports; the agent names it when it starts")
	f.StringVar(&e.makeReportKey, "make-report-key", "", "make the report key into this `file`, to be put into the agent's state directory as report.key")
	f.StringVar(&e.store, "store", "", "tell this collector's store of the report key: `sqlite:PATH` (with the collector stopped) or postgres://…")
	c.PersistentFlags().StringVar(&e.dir, "dir", defaultAuthority, "`directory` of the authority")
	c.AddCommand(enrollInitCommand(&e.dir), enrollListCommand(&e.dir), enrollExportCommand(&e.dir), enrollImportCommand(), enrollPushCommand(&e.dir))
	c.AddCommand(joinCommands(&e.dir)...)
	return c
}

func (e *enrolment) run(c *cobra.Command, name string) (err error) {
	if err := e.check(name); err != nil {
		return exit.With(exit.Usage, err)
	}
	a, err := enroll.Open(e.dir)
	if err != nil {
		return err
	}
	defer a.Close()
	var keys store.Store
	if e.store != "" {
		if keys, err = openKeys(c.Context(), e.store); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, keys.Close()) }()
	}
	if e.out == "" {
		e.out = name + ".creds"
		if a.Kind() == enroll.NKey {
			e.out = name + ".nk"
		}
	}
	if e.makeReportKey != "" {
		if err := e.reportKey(); err != nil {
			return err
		}
	}
	if err := e.credentials(a, name, c.OutOrStdout()); err != nil {
		return err
	}
	if keys != nil {
		if err := tell(c.Context(), a, keys, name); err != nil {
			return err
		}
	}
	return e.explain(c, a, name)
}

func (e *enrolment) check(name string) error {
	e.options.Role = enroll.Role(e.role)
	switch {
	case e.makeReportKey != "" && e.options.ReportKey != "":
		return errors.New("--report-key and --make-report-key exclude each other")
	case e.store != "" && e.makeReportKey == "" && e.options.ReportKey == "":
		return errors.New("--store is told of a report key: give --report-key or --make-report-key too")
	}
	return enroll.CheckName(name)
}

// reportKey makes one and remembers its public form.
func (e *enrolment) reportKey() error {
	file, public, err := enroll.NewReportKey()
	if err != nil {
		return err
	}
	defer clear(file)
	e.options.ReportKey = public
	return secretFile(e.makeReportKey, func(w io.Writer) error {
		_, err := w.Write(file)
		return err
	})
}

// credentials are made when there is a place for them.
func (e *enrolment) credentials(a *enroll.Authority, name string, stdout io.Writer) error {
	fill := func(w io.Writer) error {
		creds, err := a.Enroll(name, e.options)
		if err != nil {
			return err
		}
		defer clear(creds.File)
		_, err = w.Write(creds.File)
		return err
	}
	if e.out == "-" {
		return fill(stdout)
	}
	return secretFile(e.out, fill)
}

// secretFile makes a file that was not there, for its owner alone; nothing of it stays where
// it could not be filled.
func secretFile(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: move it away, or choose another file", path)
	}
	if err != nil {
		return fmt.Errorf("cannot write a secret: %w", err)
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}

// openKeys opens the collector's store that a person named.
func openKeys(ctx context.Context, url string) (store.Store, error) {
	if !strings.HasPrefix(url, "sqlite:") && !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, exit.Usagef("store %q is neither sqlite:PATH nor postgres://…", url)
	}
	return openStore(ctx, url)
}

// tell makes the store know the report keys that the record holds.
func tell(ctx context.Context, a *enroll.Authority, to enroll.Keys, name string) error {
	r, err := a.Record(name)
	if err != nil {
		return err
	}
	return enroll.Tell(ctx, to, r.ReportKeys)
}

// explain says what to do with the credentials. With "--out -" that goes to standard error.
func (e *enrolment) explain(c *cobra.Command, a *enroll.Authority, name string) error {
	w, file := c.OutOrStdout(), e.out
	if e.out == "-" {
		w, file = c.ErrOrStderr(), "what was printed"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s is enrolled as %s; %s is secret: who has it can %s\n", name, e.options.Role, file, can(e.options.Role, name))
	option := "creds"
	if a.Kind() == enroll.NKey {
		option = "nkey"
		fmt.Fprintf(&b, "on the broker: copy %s/%s again, then nats-server --signal reload\n", a.BrokerDir(), enroll.UsersFile)
	}
	if e.options.Again && a.Kind() == enroll.JWT {
		b.WriteString("brokers still take its former credentials, if it had any: tell them with rollcall enroll push\n")
	}
	switch e.options.Role {
	case enroll.Gateway:
		fmt.Fprintf(&b, "on the gateway: put it into /etc/rollcall/nats.%s, mode 0600, and into agent.yaml:\n"+
			"  gateway: {id: %s}\n  nats: {urls: [tls://BROKER:4222], %s: /etc/rollcall/nats.%s}\n", option, name, option, option)
	case enroll.Collector:
		fmt.Fprintf(&b, "on the collector: put it into /etc/rollcall/collector.%s, mode 0600, and into collector.yaml:\n"+
			"  nats: {urls: [tls://BROKER:4222], %s: /etc/rollcall/collector.%s}\n", option, option, option)
	case enroll.Join:
		fmt.Fprintf(&b, "on each gateway: put it into /etc/rollcall/join.creds, mode 0600, and into agent.yaml:\n"+
			"  nats: {urls: [tls://BROKER:4222], join: /etc/rollcall/join.creds}\n"+
			"near this authority: run rollcall enroll serve; brokers that ran before its first join token need rollcall enroll push\n")
	case enroll.Leaf:
		b.WriteString("on the leaf node: put it into /etc/nats/leaf.creds, mode 0600; leaf.conf names it\n")
	}
	if e.makeReportKey != "" {
		fmt.Fprintf(&b, "and %s into the agent's state directory as report.key, mode 0600\n", e.makeReportKey)
	}
	if e.options.ReportKey != "" {
		fmt.Fprintf(&b, "its reports are signed by %s\n", e.options.ReportKey)
	}
	_, err := io.WriteString(w, b.String())
	return writing(err)
}

func can(r enroll.Role, name string) string {
	if r == enroll.Join {
		return "ask to join"
	}
	return "act as " + name
}

func enrollInitCommand(dir *string) *cobra.Command {
	var s enroll.Settings
	var kind string
	c := &cobra.Command{
		Use:   "init",
		Short: "Make an authority: the keys that say who may log in",
		Long: `Makes a directory with the keys of an authority, and the configurations of nats-server that
trust it. The keys are all that protects the fleet's credentials: keep the directory where
few may read it, and a copy of it elsewhere.

jwt: brokers trust the authority's operator; a new gateway needs no change there.
nkey: all gateways stand in a file that the broker includes and reloads. For small sites.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if kind != string(enroll.JWT) && kind != string(enroll.NKey) {
				return exit.Usagef("unknown kind %q; use %s or %s", kind, enroll.JWT, enroll.NKey)
			}
			s.Kind = enroll.Kind(kind)
			a, err := enroll.Init(*dir, s)
			if err != nil {
				return err
			}
			defer a.Close()
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is an authority of the kind %s\ncopy %s to the broker as /etc/nats, set the paths in it, and run nats-server -c /etc/nats/%s.conf\n",
				*dir, a.Kind(), a.BrokerDir(), a.Kind())
			return writing(err)
		},
	}
	c.Flags().StringVar(&kind, "kind", string(enroll.JWT), "`kind`: jwt or nkey")
	c.Flags().StringVar(&s.Name, "name", "rollcall", "`name` of the operator, as brokers log it")
	return c
}

func enrollListCommand(dir *string) *cobra.Command {
	return authorityList[*enroll.Record]{
		use: "list", short: "List who is enrolled", read: (*enroll.Authority).Records,
		heading: "NAME\tROLE\tSTATE\tSINCE\tREPORT KEY", rows: writeRecord,
	}.command(dir)
}

func writeRecord(w io.Writer, r *enroll.Record) {
	state, since := "revoked", r.Users[len(r.Users)-1].Revoked
	if since.IsZero() {
		state, since = "expired", r.Users[len(r.Users)-1].Expires
	}
	if r.Live(time.Now()) {
		state, since = "enrolled", r.Users[len(r.Users)-1].Issued
	}
	key := "-"
	for _, k := range r.ReportKeys {
		if k.State == store.KeyEnrolled {
			key = k.Key
		}
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.Role, state, since.Format(time.DateOnly), key)
}

func enrollExportCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print the recorded report keys, for a collector elsewhere",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withAuthority(*dir, func(a *enroll.Authority) error { return a.Export(c.OutOrStdout()) })
		},
	}
}

func enrollImportCommand() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Tell a collector's store the report keys that \"enroll export\" printed",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			in, err := openInput(c, args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			keys, err := enroll.ReadKeys(in)
			if err != nil {
				return err
			}
			s, err := openKeys(c.Context(), url)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if err := enroll.Tell(c.Context(), s, keys); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%d report keys are recorded\n", len(keys))
			return writing(err)
		},
	}
	c.Flags().StringVar(&url, "store", "", "the collector's store: `sqlite:PATH` (with the collector stopped) or postgres://…")
	if err := c.MarkFlagRequired("store"); err != nil {
		panic(err) // the flag was defined in the line above
	}
	return c
}

// pushTo are the flags that say where brokers are.
type pushTo struct {
	urls []string
	ca   string
}

func (p *pushTo) flags(c *cobra.Command) {
	c.Flags().StringSliceVar(&p.urls, "nats-url", nil, "`URL`s of the brokers to tell")
	c.Flags().StringVar(&p.ca, "ca", "", "`file` of the authority that the brokers' certificates must be of")
}

// pushTime bounds the telling of brokers.
const pushTime = time.Minute

func (p *pushTo) push(ctx context.Context, a *enroll.Authority) error {
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	return a.Push(ctx, natslink.Settings{URLs: p.urls, CAFile: p.ca})
}

func enrollPushCommand(dir *string) *cobra.Command {
	var p pushTo
	c := &cobra.Command{
		Use:   "push",
		Short: "Tell running brokers what the authority says now",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withAuthority(*dir, func(a *enroll.Authority) error { return p.push(c.Context(), a) })
		},
	}
	p.flags(c)
	if err := c.MarkFlagRequired("nats-url"); err != nil {
		panic(err) // the flag was defined in the line above
	}
	return c
}
