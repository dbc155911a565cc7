package serialport_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// deviceServer accepts one connection on loopback and hands it to serve.
func deviceServer(t *testing.T, scheme string, serve func(net.Conn)) serialport.Port {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err == nil {
			defer c.Close()
			serve(c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return named(t, scheme+"://"+l.Addr().String())
}

func TestRawServer(t *testing.T) {
	p := deviceServer(t, "tcp", func(c net.Conn) { io.Copy(c, c) })
	c := open(t, p)
	if _, err := c.Write([]byte("AT\r\xff")); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, c, 4)); got != "AT\r\xff" {
		t.Errorf("read %q", got)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestServerThatHangsUpIsLost(t *testing.T) {
	p := deviceServer(t, "tcp", func(net.Conn) {})
	c := open(t, p)
	within(t, "a read from a server that hung up", func() {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, serialport.ErrLost) {
			t.Errorf("read gave %v", err)
		}
	})
}

func TestServerNames(t *testing.T) {
	for _, bad := range []string{"tcp://", "tcp://host", "tcp://host:1/path", "rfc2217://:4001", "tcp://u@host:1", "tcp://host:1?x=y"} {
		if _, err := new(serialport.Finder).Named(t.Context(), bad); !errors.Is(err, serialport.ErrNotSerial) {
			t.Errorf("%q gave %v", bad, err)
		}
	}
	d, err := new(serialport.Finder).Named(t.Context(), "rfc2217://[::1]:4001")
	if err != nil || d.ID != "rfc2217:[::1]:4001" || d.Candidates()[0].Kind != serialport.KindRFC2217 {
		t.Errorf("got %+v, %v", d, err)
	}
}

// rfc2217 is the far end of the protocol: a line at 9600 baud that echoes.
type rfc2217 struct {
	r      *bufio.Reader
	c      net.Conn
	refuse bool
	speeds chan []byte // the arguments of every command for the speed
}

func (s *rfc2217) serve(c net.Conn) {
	defer close(s.speeds)
	s.c, s.r = c, bufio.NewReader(c)
	for {
		b, err := s.r.ReadByte()
		if err != nil {
			return
		}
		if b != 255 {
			s.c.Write([]byte{b})
			continue
		}
		if b, err = s.r.ReadByte(); err != nil {
			return
		}
		s.command(b)
	}
}

func (s *rfc2217) command(b byte) {
	switch b {
	case 255:
		s.c.Write([]byte{255, 255})
	case 251: // WILL
		opt, _ := s.r.ReadByte()
		switch {
		case opt != 44:
		case s.refuse:
			s.c.Write([]byte{255, 254, 44})
		default: // some noise, an option of our own, and the answer
			s.c.Write([]byte{'o', 'l', 'd', 255, 253, 24, 255, 251, 1, 255, 241, 255, 253, 44})
		}
	case 250:
		s.sub()
	default:
		s.r.ReadByte()
	}
}

func (s *rfc2217) sub() {
	var sub []byte
	for {
		b, err := s.r.ReadByte()
		if err != nil {
			return
		}
		if b == 255 {
			if b, _ = s.r.ReadByte(); b != 255 {
				break
			}
		}
		sub = append(sub, b)
	}
	if len(sub) != 6 || sub[1] != 1 {
		return
	}
	s.speeds <- sub[2:]
	if sub[2]|sub[3]|sub[4]|sub[5] == 0 {
		s.c.Write([]byte{255, 250, 44, 101, 0, 0, 0x25, 0x80, 255, 240})
	}
}

func TestRFC2217(t *testing.T) {
	s := &rfc2217{speeds: make(chan []byte, 9)}
	p := deviceServer(t, "rfc2217", s.serve)
	c, err := serialport.Open(soon(t), p, serialport.Settings{Baud: 65280}) // 0x0000ff00: a byte to escape
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("A\xffT")); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, c, 3)); got != "A\xffT" {
		t.Errorf("read %q", got)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	want := []string{"\x00\x00\x00\x00", "\x00\x00\xff\x00", "\x00\x00\x25\x80"} // asked, set, restored
	for _, w := range want {
		if got := <-s.speeds; string(got) != w {
			t.Errorf("speed command %x, want %x", got, w)
		}
	}
}

func TestRFC2217LeavesTheSpeedAlone(t *testing.T) {
	s := &rfc2217{speeds: make(chan []byte, 9)}
	c := open(t, deviceServer(t, "rfc2217", s.serve))
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got, more := <-s.speeds; more {
		t.Errorf("sent a speed command %x", got)
	}
}

func TestRFC2217Refused(t *testing.T) {
	p := deviceServer(t, "rfc2217", (&rfc2217{refuse: true, speeds: make(chan []byte, 9)}).serve)
	if c, err := serialport.Open(soon(t), p, serialport.Settings{}); err == nil {
		c.Close()
		t.Error("agreed with a server that refuses the option")
	}
}

func TestNetworkWriteDeadline(t *testing.T) {
	stop := make(chan struct{})
	p := deviceServer(t, "tcp", func(net.Conn) { <-stop })
	t.Cleanup(func() { close(stop) })
	c := open(t, p)
	if err := c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	within(t, "a write that nobody takes", func() {
		for {
			if _, err := c.Write(make([]byte, 1<<20)); err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("write gave %v", err)
				}
				return
			}
		}
	})
}
