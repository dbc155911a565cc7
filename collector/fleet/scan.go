package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Scanner asks a gateway to look at its modules now. The report comes later, as any other.
type Scanner interface {
	Scan(ctx context.Context, gateway string) error
}

// ErrAway: the gateway takes no requests now.
var ErrAway = errors.New("the gateway is not connected, or its agent takes no requests; it reports by itself when it is back")

// BusyError: the gateway has looked just now.
type BusyError struct{ Wait time.Duration }

func (e *BusyError) Error() string {
	return fmt.Sprintf("the gateway was asked just now; ask again in %s", e.Wait.Round(time.Second))
}
