package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/logging"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// joinCommands are those by which gateways enrol themselves.
func joinCommands(dir *string) []*cobra.Command {
	return []*cobra.Command{enrollServeCommand(dir), enrollPendingCommand(dir), enrollApproveCommand(dir), enrollRefuseCommand(dir)}
}

func enrollServeCommand(dir *string) *cobra.Command {
	var p pushTo
	var list, keys string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Answer gateways that ask for credentials with a join token",
		Long: `Answers gateways that ask for credentials with a join token, until it is ended. Those on the list
get them at once, all others when "rollcall enroll approve" has said so. It needs the authority's directory, a broker
of the kind jwt, and no credentials: it makes its own.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s := enroll.ServeSettings{
				Dir: *dir, Link: natslink.Settings{URLs: p.urls, CAFile: p.ca}, KeysFile: keys,
				Log:   logging.New(c.ErrOrStderr(), "info", "text"),
				Ready: func() { fmt.Fprintln(c.OutOrStdout(), "answering those who ask to join") },
			}
			if list != "" {
				f, err := os.Open(list)
				if err != nil {
					return fmt.Errorf("cannot read the list of who joins: %w", err)
				}
				defer f.Close()
				if s.List, err = enroll.ReadList(f); err != nil {
					return err
				}
			}
			return enroll.Serve(c.Context(), s)
		},
	}
	p.flags(c)
	c.Flags().StringVar(&list, "list", "", "`file` of the names that join at once, one a line, each with its report key after it where that is known")
	c.Flags().StringVar(&keys, "keys-file", "", "keep this `file` current with the recorded report keys; a collector reads it (keys_file)")
	if err := c.MarkFlagRequired("nats-url"); err != nil {
		panic(err) // the flag was defined in the line above
	}
	return c
}

func enrollPendingCommand(dir *string) *cobra.Command {
	return authorityList[*enroll.Pending]{
		use: "pending", short: "List who asks for credentials", read: (*enroll.Authority).Pending,
		heading: "NAME\tSTATE\tSINCE\tREPORT KEY\tHOSTNAME\tLABELS", rows: writePending,
	}.command(dir)
}

func writePending(w io.Writer, p *enroll.Pending) {
	for _, x := range p.Asking {
		state := "asks"
		if x.Refused {
			state = "refused"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", clean.Line(p.Name), state, x.First.Format(time.DateOnly),
			clean.Line(x.ReportKey), clean.Line(x.Hostname), clean.Line(labels(x.Labels)))
	}
}

func labels(m map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, name+"="+m[name])
	}
	return strings.Join(all, " ")
}

func enrollApproveCommand(dir *string) *cobra.Command {
	var key string
	c := &cobra.Command{
		Use:   "approve GATEWAY…",
		Short: "Give credentials to gateways that ask for them",
		Long: `Gives credentials to gateways that ask for them; they get them when they ask next, within five minutes.
Compare the report key with what the gateway's agent says of itself ("rollcall agent status"): whoever holds the
join token can ask under any name.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, names []string) error {
			return withAuthority(*dir, func(a *enroll.Authority) (failed error) {
				for _, name := range names {
					if _, err := a.Approve(name, key); err != nil {
						failed = errors.Join(failed, err)
						continue
					}
					if _, err := fmt.Fprintf(c.OutOrStdout(), "%s is enrolled as gateway\n", name); err != nil {
						return writing(err)
					}
				}
				return failed
			})
		},
	}
	c.Flags().StringVar(&key, "report-key", "", "the public `key`, or its beginning, of the one that is meant, where several ask for the name")
	return c
}

func enrollRefuseCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "refuse GATEWAY…",
		Short: "Refuse those who ask for the credentials of a gateway",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, names []string) error {
			return withAuthority(*dir, func(a *enroll.Authority) error {
				for _, name := range names {
					n, err := a.Refuse(name)
					if err != nil {
						return err
					}
					if _, err := fmt.Fprintf(c.OutOrStdout(), "%d who asked for %s are refused\n", n, name); err != nil {
						return writing(err)
					}
				}
				return nil
			})
		},
	}
}
