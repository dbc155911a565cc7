package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// request asks the running agent to look.
type request struct {
	accepted chan error   // at once: whether it will look
	answer   chan outcome // when it has
}

// BusyError says that a look on request was made a moment ago.
type BusyError struct{ Wait time.Duration }

func (e *BusyError) Error() string {
	return fmt.Sprintf("a look on request was made a moment ago: ask again in %v", e.Wait.Round(time.Second))
}

// Request has a running agent look now, and returns what it found.
func (a *Agent) Request(ctx context.Context) (*inventory.Report, error) {
	r, err := a.ask(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case o := <-r.answer:
		return o.report, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the look takes longer than this request may: %w", ctx.Err())
	}
}

// ask hands a request over and says whether it was taken.
func (a *Agent) ask(ctx context.Context) (request, error) {
	r := request{make(chan error, 1), make(chan outcome, 1)}
	select {
	case a.requests <- r:
	case <-ctx.Done():
		return r, fmt.Errorf("cannot look now: the agent does not run: %w", ctx.Err())
	}
	select {
	case err := <-r.accepted:
		return r, err
	case <-ctx.Done():
		return r, fmt.Errorf("cannot look now: %w", ctx.Err())
	}
}

// Repeat has a running agent send its last full report again, without looking.
func (a *Agent) Repeat() {
	select {
	case a.repeats <- struct{}{}:
	default:
	}
}
