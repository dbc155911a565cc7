package natslinktest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP wire to a server, which fails when told to.
type Proxy struct {
	target   string
	listener net.Listener
	wg       sync.WaitGroup

	mu         sync.Mutex
	conns      map[net.Conn]bool
	swallowTo  bool // towards the server
	swallowFro bool // towards the client
	delay      time.Duration
}

// NewProxy listens on the loopback address and passes on to target until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: target, listener: l, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL is where NATS clients connect.
func (p *Proxy) URL() string { return "nats://" + p.Addr() }

// Cut ends all connections at once. New ones work.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// Swallow loses what goes to the server, what comes from it, or both (a black hole),
// while the connections stay open.
func (p *Proxy) Swallow(toServer, fromServer bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallowTo, p.swallowFro = toServer, fromServer
}

// Slow holds up each piece for so long.
func (p *Proxy) Slow(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.keep(client, server)
		p.wg.Go(func() { p.pass(server, client, true) })
		p.wg.Go(func() { p.pass(client, server, false) })
	}
}

func (p *Proxy) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
}

// pass copies until either side ends, then ends both.
func (p *Proxy) pass(to, from net.Conn, toServer bool) {
	defer p.drop(to, from)
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		lost, delay := p.treat(toServer)
		time.Sleep(delay)
		if lost {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) treat(toServer bool) (lost bool, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return toServer && p.swallowTo || !toServer && p.swallowFro, p.delay
}

func (p *Proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}
