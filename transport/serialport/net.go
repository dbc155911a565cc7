package serialport

import (
	"context"
	"fmt"
	"net"
	"time"
)

// dialTimeout bounds a connection to a serial device server where the caller's context does not.
const dialTimeout = 10 * time.Second

// dial connects to a serial device server. What the server is set to stays as it is, unless a
// speed is asked for, which only RFC 2217 can carry.
func dial(ctx context.Context, p Port, s Settings) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", p.name)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to serial device server %q (is it up, and is nobody else connected to it?): %w", p.Path, err)
	}
	if p.Kind == KindTCP {
		return &Conn{path: p.Path, line: nc, writeTimeout: s.writeTimeout(), release: nc.Close}, nil
	}
	t := newTelnet(nc)
	if err := t.negotiate(ctx, s.Baud); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("cannot agree with serial device server %q on RFC 2217: %w", p.Path, err)
	}
	return &Conn{
		path: p.Path, line: t, baud: t.setBaud, writeTimeout: s.writeTimeout(),
		release: func() error { return t.close(s.closeWait()) },
	}, nil
}
