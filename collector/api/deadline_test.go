package api_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// bounded is a store that counts what would wait for it for ever.
type bounded struct {
	store.Reader
	asked, forever atomic.Int32
}

func (b *bounded) note(ctx context.Context) {
	b.asked.Add(1)
	if _, ends := ctx.Deadline(); !ends {
		b.forever.Add(1)
	}
}

func (b *bounded) Modules(ctx context.Context, f store.ModuleFilter, p store.Page) (store.ModuleList, error) {
	b.note(ctx)
	return b.Reader.Modules(ctx, f, p)
}

func (b *bounded) Gateway(ctx context.Context, id string) (store.Gateway, error) {
	b.note(ctx)
	return b.Reader.Gateway(ctx, id)
}

func (b *bounded) Whole(ctx context.Context, after string, limit int, evidence bool) ([]store.Whole, error) {
	b.note(ctx)
	return b.Reader.Whole(ctx, after, limit, evidence)
}

// A store that does not answer keeps no question waiting for ever, and nobody who asks whether
// the collector works.
func TestEveryQuestionEnds(t *testing.T) {
	_, s := server(t)
	set, b := settings(t, s), &bounded{Reader: s}
	set.Fleet = collectortest.Fleet(s)
	set.Fleet.Store = b
	set.Ready = func(ctx context.Context) error {
		b.note(ctx)
		return nil
	}
	h := api.New(set)
	for _, path := range []string{"/readyz", "/api/v1/modules", "/api/v1/gateways/gw-01", "/api/v1/export/modules", "/api/v1/export/modules?evidence=true",
		"/api/v1/export/modules?evidence=true&sort=gateway"} {
		b.asked.Store(0)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+path, strings.NewReader("")))
		if w.Code != 200 || b.asked.Load() == 0 || b.forever.Swap(0) > 0 {
			t.Errorf("%s: %d, asked %d times, and would wait for ever", path, w.Code, b.asked.Load())
		}
	}
}
