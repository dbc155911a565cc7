package web

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// historyDays is how far back the overview looks.
const historyDays = 60

// day is one point of the fleet's history.
type day struct {
	At    time.Time
	Known bool
	store.Figures
}

// Unix is the day's beginning, for a chart.
func (d day) Unix() int64 { return d.At.Unix() }

// history keeps the figures of days past, which do not change any more.
type history struct {
	mu    sync.Mutex
	until time.Time
	days  []day
}

// of gives the figures of each day up to today, whose are now's. Days before the first that
// is known are left out; of a day on which nobody counted, none are known.
func (h *history) of(ctx context.Context, s store.Reader, now time.Time, figures store.Figures) ([]day, error) {
	today := now.UTC().Truncate(24 * time.Hour)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.until.Equal(today) {
		days, err := past(ctx, s, today)
		if err != nil {
			return nil, err
		}
		h.until, h.days = today, days
	}
	return append(append([]day(nil), h.days...), day{today, true, figures}), nil
}

func past(ctx context.Context, s store.Reader, today time.Time) ([]day, error) {
	var days []day
	for n := historyDays; n > 0; n-- {
		at := today.AddDate(0, 0, -n)
		f, err := s.FiguresOn(ctx, at)
		known := err == nil
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if known || len(days) > 0 {
			days = append(days, day{at, known, f})
		}
	}
	return days, nil
}
