package collector

import (
	"context"
	"fmt"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/postgres"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
)

// OpenStore opens the store at sqlite:PATH or postgres://….
func OpenStore(ctx context.Context, address string) (store.Store, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok && path != "" {
		return sqlite.Open(ctx, path)
	}
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		return postgres.Open(ctx, address)
	}
	return nil, fmt.Errorf("cannot open store %q: want sqlite:PATH or postgres://user@host/database", address)
}
