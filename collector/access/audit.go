package access

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/clean"
)

// keepTime bounds how long writing what was done may take.
const keepTime = 5 * time.Second

// Log keeps that the one who asks did something: "scan", the gateway, "asked".
func (g *Guard) Log(ctx context.Context, action, object, result string) {
	a := store.Audit{Action: action, Object: object, Result: result}
	if v := visitOf(ctx); v != nil {
		a.Who, a.Via, a.From = v.person.Name, v.person.Via, v.from
	}
	g.record(ctx, a)
}

// record also keeps what somebody did who has left by now.
func (g *Guard) record(ctx context.Context, a store.Audit) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	a.At = g.s.Now().UTC()
	for _, text := range []*string{&a.Who, &a.Via, &a.From, &a.Action, &a.Object, &a.Result} {
		*text = bounded(*text)
	}
	if err := g.s.Store.PutAudit(ctx, a); err != nil {
		g.s.Log.Error("cannot keep who did what", "who", a.Who, "action", a.Action, "object", a.Object, "result", a.Result, "error", err)
	}
}

// Of what one caller was refused, refusalBurst are kept, and then one in refusalEvery: within
// the time that the log is kept for, nobody fills it with that, and what others did stays.
const (
	refusalEvery = 10 * time.Minute
	refusalBurst = 60
	// maxLeft bounds the callers whose refusals are counted.
	maxLeft = 1000
)

// refused keeps what somebody was refused, or counts it for the next one that is kept.
func (g *Guard) refused(ctx context.Context, who string, a store.Audit) {
	_, keep := g.recorded.take(who)
	g.mu.Lock()
	left := g.left[who]
	if keep {
		delete(g.left, who)
	} else if left > 0 || len(g.left) < maxLeft {
		g.left[who]++
	}
	g.mu.Unlock()
	if !keep {
		return
	}
	if left > 0 {
		a.Result += fmt.Sprintf(" (and %d more before, which are not kept)", left)
	}
	g.record(ctx, a)
}

// bounded is foreign text as it may stand in a log: one line of printable text, not too long.
func bounded(s string) string {
	const most = 300
	if r := []rune(clean.Line(s)); len(r) > most {
		return string(r[:most]) + "…"
	}
	return clean.Line(s)
}

func seconds(d time.Duration) string { return strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))) }

// problem answers as the API does.
func problem(w http.ResponseWriter, status int, text string) {
	b, _ := json.Marshal(map[string]any{"status": status, "error": clean.Line(text)}) // plain values
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

const (
	pruneEvery = 6 * time.Hour
	// keepAudits and keepAuditTime bound the log of who did what.
	keepAudits    = 100_000
	keepAuditTime = 400 * 24 * time.Hour
)

// Keep forgets, from time to time until ctx ends, sessions that are over and what was done long ago.
func (g *Guard) Keep(ctx context.Context) {
	t := time.NewTicker(pruneEvery)
	defer t.Stop()
	for {
		now := g.s.Now()
		if err := g.s.Store.PruneAccess(ctx, now, now.Add(-keepAuditTime), keepAudits); err != nil && ctx.Err() == nil {
			g.s.Log.Error("cannot forget old sessions", "error", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}
