package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/enroll"
)

// withAuthority opens an authority for as long as do takes.
func withAuthority(dir string, do func(*enroll.Authority) error) error {
	a, err := enroll.Open(dir)
	if err != nil {
		return err
	}
	defer a.Close()
	return do(a)
}

// authorityList is what an authority holds of one kind, as a command shows it.
type authorityList[T any] struct {
	use, short string
	read       func(*enroll.Authority) ([]T, error)
	heading    string
	rows       func(w io.Writer, one T)
}

// command lists as a table, or with a line of JSON for each.
func (l authorityList[T]) command(dir *string) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   l.use,
		Short: l.short,
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withAuthority(*dir, func(a *enroll.Authority) error {
				all, err := l.read(a)
				if err != nil {
					return err
				}
				return writing(l.write(c.OutOrStdout(), all, output))
			})
		},
	}
	addOutput(c, &output, formatTable, formatJSON)
	return c
}

func (l authorityList[T]) write(w io.Writer, all []T, output string) error {
	if output == formatJSON {
		e := json.NewEncoder(w)
		for _, one := range all {
			if err := e.Encode(one); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, l.heading)
	for _, one := range all {
		l.rows(t, one)
	}
	return t.Flush()
}
