package sqlite

import (
	"context"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// OpenNarrow opens a store that looks through few rows at once, as one of a million does.
func OpenNarrow(ctx context.Context, path string) (store.Store, error) {
	d := dialect()
	d.Search.Few, d.Search.Sample, d.Search.Walk = 5, 8, 40
	return openAs(ctx, path, func() error { return nil }, d)
}
