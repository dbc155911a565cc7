package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
)

func tokenCommand() *cobra.Command {
	var url, file string
	c := needsCommand(&cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke the tokens that a collector's pages and API take",
		Long: `Tokens let programs and people ask a collector. They are kept in its store, as hashes, and
take effect at once, also while it runs. The first one closes the pages of this machine to
those who have none, for good.

The store is that of the collector's configuration, unless --store names one.`,
	})
	storeFlags(c.PersistentFlags(), &url, &file)
	open := func(ctx context.Context) (store.AccessCloser, error) { return openAccess(ctx, url, file, false) }
	there := func(ctx context.Context) (store.AccessCloser, error) { return openAccess(ctx, url, file, true) }
	c.AddCommand(tokenCreate(open), tokenList(there), tokenRevoke(there))
	return c
}

type opener func(context.Context) (store.AccessCloser, error)

// openAccess opens the store that was named, or the configured one. The first token may make it: a
// collector that others can reach starts with one. Where it has to be there, it is not made empty.
func openAccess(ctx context.Context, url, file string, there bool) (store.AccessCloser, error) {
	url, err := storeOf(url, file)
	if err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if !there {
			path = filepath.Dir(path)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("cannot open the store %s: %w; is this the machine of the collector? --store names another", url, err)
		}
	}
	return collector.OpenAccess(ctx, url)
}

// storeOf is the store that was named, or else that of the collector's configuration.
func storeOf(url, file string) (string, error) {
	if url != "" {
		return url, nil
	}
	c, err := configs.LoadCollector(configs.Source{File: file, Environ: os.Environ()})
	if err != nil {
		return "", exit.With(exit.Usage, err)
	}
	return c.Store, nil
}

// storeFlags are those that storeOf takes.
func storeFlags(f *pflag.FlagSet, url, file *string) {
	f.StringVar(url, "store", "", "the collector's store: `sqlite:PATH` or postgres://… (default: as the collector's configuration says)")
	f.StringVar(file, "config", "", "the collector's configuration `file` (default "+configs.CollectorFile+", if there)")
}

func tokenCreate(open opener) *cobra.Command {
	var role, out string
	var expires time.Duration
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token, and show it once",
		Long: `Makes a token and shows it once: the store keeps only its hash. NAME says who or what has it,
and stands in the log of who did what.

  read     sees everything
  operate  also asks gateways to look again, settles conflicts and tries rules out
  admin    also changes rules and reads who did what`,
		Example: `  rollcall token create grafana --role read
  rollcall token create alice --role admin --expires 2160h --out alice.token`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			r, err := access.ParseRole(role)
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			if expires < 0 || c.Flags().Changed("expires") && expires < time.Minute {
				return exit.Usagef("--expires takes a time of at least a minute, such as 720h")
			}
			s, err := open(c.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			t, secret, err := access.NewToken(c.Context(), s, args[0], r, expires, time.Now())
			kept := keepToken(c.Context(), s, "create token", args[0], "role "+string(r), err)
			if err != nil {
				return err
			}
			return errors.Join(showToken(c, t, secret, out), kept)
		},
	}
	f := c.Flags()
	f.StringVar(&role, "role", string(access.Read), "what it may do: read, operate or admin")
	f.DurationVar(&expires, "expires", 0, "`time` that it is good for, such as 720h (default: until it is revoked)")
	f.StringVar(&out, "out", "", "put it into this `file`, which must not exist, instead of showing it")
	return c
}

// showToken writes the secret alone on standard output, so that it can be piped; about it, on standard error.
func showToken(c *cobra.Command, t store.Token, secret access.Secret, out string) error {
	until := "until it is revoked"
	if !t.Expires.IsZero() {
		until = "until " + shortTime(t.Expires)
	}
	if out != "" {
		f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			_, err = fmt.Fprintln(f, secret.Reveal())
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return fmt.Errorf("token %s is made but cannot be kept: %w; revoke it and make another", t.Name, err)
		}
		_, err = fmt.Fprintf(c.ErrOrStderr(), "token %s (%s) is in %s; it is good %s\n", t.Name, t.Role, out, until)
		return writing(err)
	}
	fmt.Fprintf(c.ErrOrStderr(), "token %s (%s), good %s; it is shown this once:\n", t.Name, t.Role, until)
	_, err := fmt.Fprintln(c.OutOrStdout(), secret.Reveal())
	return writing(err)
}

func tokenList(open opener) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use: "list", Short: "List the tokens, without their secrets", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			s, err := open(c.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			all, err := s.Tokens(c.Context())
			if err != nil {
				return err
			}
			return printTokens(c, append([]store.Token{}, all...), format)
		},
	}
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV)
	return c
}

func printTokens(c *cobra.Command, all []store.Token, format string) error {
	rows := make([][]string, len(all))
	for i, t := range all {
		rows[i] = []string{t.Name, t.Role, tokenState(t, time.Now()), t.ID, shortTime(t.Created), shortTime(t.Expires), shortTime(t.Used)}
	}
	heads := []string{"name", "role", "state", "begins with", "created", "expires", "last used"}
	switch format {
	case formatJSON:
		return writeJSON(c.OutOrStdout(), all, "  ")
	case formatYAML:
		return writeYAML(c.OutOrStdout(), all)
	case formatCSV:
		return writeCSVRows(c.OutOrStdout(), heads, rows)
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(c.ErrOrStderr(), "no tokens yet; \"rollcall token create NAME\" makes one")
		return writing(err)
	}
	return writeTable(c.OutOrStdout(), heads, rows, 3)
}

// keepToken puts into the log of who did what that somebody at this machine made or ended a token,
// or tried to.
func keepToken(ctx context.Context, s store.Access, action, name, result string, failed error) error {
	if failed != nil {
		result = failed.Error()
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	a := store.Audit{At: time.Now().UTC(), Who: clean.Line(localUser()), Via: "command", From: clean.Line(host), Action: action, Object: clean.Line(name), Result: clean.Line(result)}
	if err := s.PutAudit(ctx, a); err != nil {
		return fmt.Errorf("the log of who did what does not have that you did %s %s: %w", action, name, err)
	}
	return nil
}

// localUser is who runs the command, by the name that the system has.
func localUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}

func tokenState(t store.Token, now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked"
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return "expired"
	}
	return "good"
}

func tokenRevoke(open opener) *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "End a token and the sessions that began with it, at once", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			s, err := open(c.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			err = s.RevokeToken(c.Context(), args[0], time.Now())
			kept := keepToken(c.Context(), s, "revoke token", args[0], "revoked", err)
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("there is no token %q; rollcall token list shows them: %w", args[0], err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "token %s is revoked\n", args[0])
			return errors.Join(writing(err), kept)
		},
	}
}
