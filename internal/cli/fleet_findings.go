package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/policy"
)

// fleetFindings shows what a collector found, by the policy that it has in force.
func fleetFindings() *cobra.Command {
	c, a := newQuestion(findingsList())
	var failOn string
	c.Long = `Shows the open findings of a collector, by the lists and rules that it has in force. To judge its
fleet by others, take rollcall policy check --server.

With --fail-on the exit status is 3 if there is a finding of that severity or higher that no
exception covers, among those that the filters let pass.`
	c.Example = `  rollcall fleet findings --severity critical --severity high
  rollcall fleet findings --list dod-1260h -o csv
  rollcall fleet findings --fail-on high`
	c.Flags().StringVar(&failOn, "fail-on", "", "exit with status 3 for a finding of this `severity` or higher: info, low, medium, high, critical")
	c.RunE = func(c *cobra.Command, _ []string) error {
		least := policy.Severity(0)
		if failOn != "" {
			var err error
			if least, err = policy.ParseSeverity(failOn); err != nil {
				return exit.Usagef("--fail-on: %w", err)
			}
			if a.watch.on {
				return exit.Usagef("--fail-on and --watch exclude each other")
			}
		}
		if err := a.run(c); err != nil || failOn == "" {
			return err
		}
		return a.gate(c.Context(), least)
	}
	return c
}

// gate is the error where a finding of a severity or higher is open that no exception covers.
func (a *question) gate(ctx context.Context, least policy.Severity) error {
	from, err := a.client()
	if err != nil {
		return err
	}
	q := a.query()
	wanted := q["severity"]
	q["severity"] = nil
	for _, name := range store.Severities() {
		s, err := policy.ParseSeverity(name)
		if err == nil && s >= least && (len(wanted) == 0 || slices.Contains(wanted, name)) {
			q.Add("severity", name)
		}
	}
	if len(q["severity"]) == 0 || q.Get("covered") == "yes" {
		return nil // the filters leave nothing that counts
	}
	q.Del("sort")
	q.Set("covered", "no")
	q.Set("limit", "1")
	var l api.List[store.Finding]
	if err := from.get(ctx, "findings", q, &l); err != nil {
		return err
	}
	if len(l.Items) == 0 {
		return nil
	}
	n := len(l.Items)
	if l.Total != nil {
		n = max(n, *l.Total)
	}
	what := least.String()
	if least < policy.Critical {
		what += " or higher"
	}
	return exit.Findingf("%s of severity %s", render.Count(n, "finding"), what)
}

// fleetScan asks gateways to look at their modules now.
func fleetScan() *cobra.Command {
	var at server
	c := &cobra.Command{
		Use:   "scan GATEWAY…",
		Short: "Ask gateways to look at their modules now",
		Long: `Asks gateways, through the collector, to look at their modules now. They answer that they will;
the reports come later, as any others. It needs a token with the role operate.`,
		Example: "  rollcall fleet scan gw-0017 && rollcall fleet events --gateway gw-0017 --watch",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			from, err := at.client()
			if err != nil {
				return err
			}
			var errs []error
			for _, id := range args {
				var answer api.Asked
				if err := from.do(c.Context(), http.MethodPost, "gateways/"+url.PathEscape(id)+"/scan", nil, &answer); err != nil {
					errs = append(errs, err)
					continue
				}
				if _, err := fmt.Fprintf(c.OutOrStdout(), "%s was asked\n", answer.Gateway); err != nil {
					return writing(err)
				}
			}
			return errors.Join(errs...)
		},
	}
	at.addFlags(c.Flags())
	return c
}
