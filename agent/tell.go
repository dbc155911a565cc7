package agent

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// tellEvery is how often the log is told how the agent is. A link that comes and goes within
// that time is no line.
const tellEvery = 10 * time.Second

// tellHealth writes to the log what is wrong, when it begins and when it is over, until ctx ends:
// whoever reads the log alone must find it there, too.
func (d *Daemon) tellHealth(ctx context.Context) {
	t := time.NewTicker(tellEvery)
	defer t.Stop()
	told := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			d.tellChanges(told)
			return
		case <-t.C:
			d.tellChanges(told)
		}
	}
}

// tellChanges writes what differs from what was told, by the codes of the warnings.
func (d *Daemon) tellChanges(told map[string]bool) {
	now := map[string]bool{}
	for _, w := range append(d.health.list(), d.settings.Outbox.Health()...) {
		now[w.Code] = true
		if !told[w.Code] {
			d.settings.Log.Log(context.Background(), level(w.Severity), "health", "code", w.Code, "text", d.settings.Privacy.text(w.Text))
		}
	}
	for code := range told {
		if !now[code] {
			d.settings.Log.Info("health: over", "code", code)
			delete(told, code)
		}
	}
	for code := range now {
		told[code] = true
	}
}

func level(s inventory.Severity) slog.Level {
	if s == inventory.SeverityInfo {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
