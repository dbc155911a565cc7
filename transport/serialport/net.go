package serialport

import (
	"context"
	"errors"
)

func dial(ctx context.Context, p Port, s Settings) (*Conn, error) { return nil, errors.ErrUnsupported }
