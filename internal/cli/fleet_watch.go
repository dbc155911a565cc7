package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/rollcall-iot/rollcall/internal/exit"
)

// watching are the flags of a command that keeps looking.
type watching struct {
	on    bool
	every time.Duration
}

func (w *watching) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&w.on, "watch", false, "keep looking until Ctrl-C: a terminal shows the table anew; events become lines of JSON for a program")
	f.DurationVar(&w.every, "every", 5*time.Second, "`time` between two looks with --watch")
}

const shortestWatch = time.Second

// follow shows a list again and again. What goes to a file or another program is only ever
// added to, which events are made for and the other lists are not.
func (a *question) follow(c *cobra.Command, from client) error {
	if a.watch.every < shortestWatch {
		return exit.Usagef("--every takes %s or more, not %s", shortestWatch, a.watch.every)
	}
	fd, isTerminal := terminal(c.OutOrStdout())
	switch {
	case a.name == "events" && (a.format == formatJSON || !isTerminal && a.format == formatTable):
		return a.stream(c, from)
	case !animated(c.OutOrStdout()) || a.format != formatTable:
		return exit.Usagef("--watch shows a table on a terminal; for a program, take rollcall fleet events --watch -o json")
	}
	return a.each(c.Context(), func() error { return a.redraw(c, from, fd) })
}

// each runs show now and then until ctx ends, which is no error.
func (a *question) each(ctx context.Context, show func() error) error {
	t := time.NewTicker(a.watch.every)
	defer t.Stop()
	for {
		if err := show(); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// redraw shows as much of the table as the terminal is high. A collector that does not answer
// is said in the place of the table: the next look may find it.
func (a *question) redraw(c *cobra.Command, from client, fd int) error {
	height := 25
	if _, h, err := term.GetSize(fd); err == nil {
		height = h
	}
	from.limit = min(from.limit, max(1, height-4))
	var b strings.Builder
	items, more, err := from.all(c.Context(), a.name, a.query())
	if err != nil && exit.Code(err) == exit.Usage {
		return err
	}
	b.WriteString("\x1b[H\x1b[2J") // home, clear
	fmt.Fprintf(&b, "%s, %s, every %s; Ctrl-C ends\n\n", a.name, time.Now().Format("15:04:05"), a.watch.every)
	if err != nil {
		b.WriteString(screenOf(c.OutOrStdout(), nil).Message("rollcall", err.Error()))
	} else if err := a.table(c, &b, items, more, height-3); err != nil {
		return err
	}
	_, err = io.WriteString(c.OutOrStdout(), b.String())
	return writing(err)
}

func (a *question) table(c *cobra.Command, b *strings.Builder, items []json.RawMessage, more bool, height int) error {
	rows := make([][]string, len(items))
	for i, item := range items {
		row, err := a.row(item)
		if err != nil {
			return otherVersion(err)
		}
		rows[i] = row
	}
	lines := strings.SplitAfter(screenOf(c.OutOrStdout(), nil).Table(a.heads, rows, a.keep), "\n")
	if len(lines) > height {
		lines, more = lines[:max(1, height-1)], true
	}
	b.WriteString(strings.Join(lines, ""))
	if more {
		b.WriteString("… there are more: use filters\n")
	}
	return nil
}

// stream writes events as lines of JSON, from now on. A collector that does not answer for a while is
// said once, and what happened meanwhile comes when it is back.
func (a *question) stream(c *cobra.Command, from client) error {
	last, told := int64(-1), ""
	return a.each(c.Context(), func() error {
		fresh, newest, err := newEvents(c.Context(), from, a.query(), last)
		if err != nil {
			if last < 0 || !mayPass(err) || c.Context().Err() != nil {
				return err
			}
			if text := err.Error(); text != told {
				told = text
				remark(c.ErrOrStderr(), text+"; still looking")
			}
			return nil
		}
		told = ""
		first := last < 0
		if last = max(newest, last, 0); first {
			return nil // what was before, rollcall fleet events shows
		}
		for _, e := range slices.Backward(fresh) {
			if err := writeJSON(c.OutOrStdout(), e, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// mayPass says whether the same question may be answered another time.
func mayPass(err error) bool {
	var refused *refusedError
	return exit.Code(err) != exit.Usage && !errors.As(err, &refused)
}

// newEvents reads the events after a number, the newest first, and the number of the newest.
// Before there is a number, the newest alone tells it.
func newEvents(ctx context.Context, from client, q url.Values, last int64) (fresh []json.RawMessage, newest int64, err error) {
	newest = last
	for raw, err := range pages[json.RawMessage](ctx, from, "events", q) {
		var e struct{ No int64 }
		if err == nil {
			err = json.Unmarshal(raw, &e)
		}
		if err != nil {
			return nil, 0, err
		}
		if newest = max(newest, e.No); e.No <= last || last < 0 {
			break
		}
		fresh = append(fresh, raw)
	}
	return fresh, newest, nil
}
