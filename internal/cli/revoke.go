package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/internal/exit"
)

func revokeCommand() *cobra.Command {
	var dir, url string
	var p pushTo
	c := &cobra.Command{
		Use:   "revoke GATEWAY",
		Short: "Take back the credentials of one gateway",
		Long: `Takes back all credentials of one name, and the keys that sign its reports. With --nats-url,
brokers that keep accounts themselves (jwt.conf) are told, and end its connections at once.
With --store, a collector no longer believes what its report keys sign.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			name := args[0]
			if err := enroll.CheckName(name); err != nil {
				return exit.With(exit.Usage, err)
			}
			a, err := enroll.Open(dir)
			if err != nil {
				return err
			}
			defer a.Close()
			var keys store.Store
			if url != "" {
				if keys, err = openKeys(c.Context(), url); err != nil {
					return err
				}
				defer func() { err = errors.Join(err, keys.Close()) }()
			}
			if _, err := a.Revoke(name); err != nil {
				return err
			}
			return revoked(c, a, name, &p, keys)
		},
	}
	c.Flags().StringVar(&dir, "dir", defaultAuthority, "`directory` of the authority")
	c.Flags().StringVar(&url, "store", "", "tell this collector's store: `sqlite:PATH` (with the collector stopped) or postgres://…")
	p.flags(c)
	return c
}

// revoked tells brokers and a collector, where they were named, and the person what is left.
func revoked(c *cobra.Command, a *enroll.Authority, name string, p *pushTo, keys enroll.Keys) error {
	next := fmt.Sprintf("brokers still take them: copy %s/%s to each and run nats-server --signal reload", a.BrokerDir(), enroll.UsersFile)
	if a.Kind() == enroll.JWT {
		next += ", or say --nats-url URL"
	}
	if len(p.urls) > 0 {
		if err := p.push(c.Context(), a); err != nil {
			return fmt.Errorf("%s is revoked here, but the broker does not know: %w", name, err)
		}
		next = "the broker knows"
	}
	if keys != nil {
		n, err := enroll.Forget(c.Context(), keys, name)
		if err != nil {
			return fmt.Errorf("%s is revoked here, but the collector's store does not know: %w", name, err)
		}
		next += fmt.Sprintf("\n%d report keys are no longer believed", n)
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "the credentials of %s are revoked\n%s\n", name, next)
	return writing(err)
}
