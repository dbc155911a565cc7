package collector

import (
	"context"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
)

// OpenAccess opens what belongs to access of the store at sqlite:PATH or postgres://…, also
// while a collector uses it.
func OpenAccess(ctx context.Context, address string) (store.AccessCloser, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok && path != "" {
		return sqlite.OpenAccess(ctx, path)
	}
	return OpenStore(ctx, address)
}
