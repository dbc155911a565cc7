package natslink_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// names is a name server of the test's own, which the Go resolver of this process asks.
type names struct {
	conn net.PacketConn
	mu   sync.Mutex
	gone bool
	at   []netip.Addr
}

// newNames takes the place of the machine's resolver until the test ends.
func newNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, before := &names{conn: conn}, net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	var wg sync.WaitGroup
	wg.Go(n.serve)
	t.Cleanup(func() { net.DefaultResolver = before; _ = conn.Close(); wg.Wait() })
	return n
}

func (n *names) set(gone bool, at ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gone, n.at = gone, nil
	for _, a := range at {
		n.at = append(n.at, netip.MustParseAddr(a))
	}
}

func (n *names) serve() {
	b := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(b)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		n.answer(&m)
		if out, err := m.Pack(); err == nil {
			_, _ = n.conn.WriteTo(out, from)
		}
	}
}

func (n *names) answer(m *dnsmessage.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if n.gone {
		m.RCode = dnsmessage.RCodeServerFailure
		return
	}
	if !strings.HasPrefix(q.Name.String(), "broker.") {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	for _, a := range n.at {
		r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}}
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			r.Body = &dnsmessage.AResource{A: a.As4()}
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			r.Body = &dnsmessage.AAAAResource{AAAA: a.As16()}
		default:
			continue
		}
		m.Answers = append(m.Answers, r)
	}
}

// door listens on one address and passes on to the server, until it is closed with all that went through it.
type door struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func newDoor(t *testing.T, address, server string) *door {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("this test needs %s: %v", address, err)
	}
	d := &door{Listener: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", server)
			if err != nil {
				_ = c.Close()
				continue
			}
			d.mu.Lock()
			d.conns = append(d.conns, c, s)
			d.mu.Unlock()
			go func() { _, _ = io.Copy(s, c); _ = s.Close() }()
			go func() { _, _ = io.Copy(c, s); _ = c.Close() }()
		}
	}()
	t.Cleanup(d.close)
	return d
}

func (d *door) close() {
	_ = d.Listener.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		_ = c.Close()
	}
}

// TestD19: at the start nobody knows the server's name. Then it is known; then it moves to another address, while the
// name server is away for a while; then it can be reached by IPv6 alone. The link follows.
func TestD19(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	natslinktest.MakeStream(t, sv.JetStream(natslinktest.User{}), 0)
	n := newNames(t)
	n.set(true)
	first := newDoor(t, "127.0.0.1:0", sv.Addr())
	_, port, err := net.SplitHostPort(first.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l := connect(t, natslink.Settings{URLs: []string{"nats://broker.rollcall.test.:" + port}, MaxWait: 50 * time.Millisecond, Timeout: 2 * time.Second})
	publishes := func(what string) {
		t.Helper()
		natslinktest.Eventually(t, what, func() bool {
			_, err := l.Publish(t.Context(), report("gw1", 1, 1))
			return err == nil
		})
	}
	natslinktest.Eventually(t, "the link says that it is down", func() bool { return len(l.Health()) > 0 })
	n.set(false, "127.0.0.1")
	publishes("the name is known")

	first.close()
	natslinktest.Eventually(t, "the link is down", func() bool { return !l.Connected() })
	n.set(true)
	second := newDoor(t, net.JoinHostPort("127.0.0.2", port), sv.Addr())
	n.set(false, "127.0.0.2")
	publishes("the server is at another address")

	second.close()
	natslinktest.Eventually(t, "the link is down", func() bool { return !l.Connected() })
	newDoor(t, net.JoinHostPort("::1", port), sv.Addr())
	n.set(false, "::1")
	publishes("the server is reached by IPv6 alone")
}
