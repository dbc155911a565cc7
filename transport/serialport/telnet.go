package serialport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Telnet (RFC 854) and its COM-PORT-OPTION (RFC 2217).
const (
	telnetSE   = 240
	telnetSB   = 250
	telnetWILL = 251
	telnetWONT = 252
	telnetDO   = 253
	telnetDONT = 254
	telnetIAC  = 255

	optBinary  = 0
	optSGA     = 3
	optComPort = 44

	comSetBaud   = 1
	comPurge     = 12
	comFromPeer  = 100 // added to a command in its answer
	purgeReceive = 1
)

// maxSub bounds a sub-negotiation: those of RFC 2217 are short.
const maxSub = 256

// telnet is a connection that carries bytes of a serial line among commands of Telnet.
type telnet struct {
	net.Conn

	in    telnetReader // of Read only
	raw   []byte
	data  []byte // decoded, not yet given out
	write sync.Mutex

	// What the peer said. Guarded by mu.
	mu      sync.Mutex
	agreed  bool // it takes COM-PORT-OPTION
	refused bool // or it does not
	baud    uint32
	found   uint32 // the speed before the visit, to be restored
}

func newTelnet(c net.Conn) *telnet { return &telnet{Conn: c, raw: make([]byte, 4096)} }

// negotiate offers the options and waits for an answer to the one that counts.
func (t *telnet) negotiate(ctx context.Context, baud int) error {
	if d, ok := ctx.Deadline(); ok {
		_ = t.SetDeadline(d)
		defer t.SetDeadline(time.Time{})
	}
	hello := []byte{
		telnetIAC, telnetWILL, optBinary, telnetIAC, telnetDO, optBinary,
		telnetIAC, telnetDO, optSGA, telnetIAC, telnetWILL, optComPort,
	}
	if _, err := t.Conn.Write(hello); err != nil {
		return err
	}
	if err := t.await(func() bool { return t.agreed || t.refused }); err != nil {
		return err
	}
	if t.refused {
		return errors.New("it refuses the option; name it as tcp:// if it passes bytes on as they are")
	}
	if err := t.com(comPurge, purgeReceive); err != nil {
		return err
	}
	if baud != 0 {
		if err := t.com(comSetBaud, 0, 0, 0, 0); err != nil { // 0 asks for the speed
			return err
		}
		if err := t.await(func() bool { return t.baud != 0 }); err != nil {
			return err
		}
		t.mu.Lock()
		t.found = t.baud
		t.mu.Unlock()
		return t.setBaud(baud)
	}
	return nil
}

// await reads until the peer's answers fulfil a condition. What comes from the line meanwhile is
// older than the visit, and dropped.
func (t *telnet) await(fulfilled func() bool) error {
	for {
		t.mu.Lock()
		ok := fulfilled()
		t.mu.Unlock()
		if ok {
			return nil
		}
		if err := t.fill(); err != nil {
			return err
		}
		t.data = nil
	}
}

// setBaud asks for a speed; the answer is read with the bytes of the line.
func (t *telnet) setBaud(baud int) error {
	if baud <= 0 || int64(baud) > 1<<31 {
		return fmt.Errorf("%d baud: %w", baud, os.ErrInvalid)
	}
	return t.com(comSetBaud, binary.BigEndian.AppendUint32(nil, uint32(baud))...)
}

// com sends a command of RFC 2217.
func (t *telnet) com(command byte, args ...byte) error {
	b := []byte{telnetIAC, telnetSB, optComPort, command}
	b = append(appendEscaped(b, args), telnetIAC, telnetSE)
	t.write.Lock()
	defer t.write.Unlock()
	_, err := t.Conn.Write(b)
	return err
}

// appendEscaped doubles the bytes that would start a command.
func appendEscaped(dst, b []byte) []byte {
	for _, c := range b {
		if c == telnetIAC {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return dst
}

// Write sends bytes to the line.
func (t *telnet) Write(b []byte) (int, error) {
	t.write.Lock()
	defer t.write.Unlock()
	if _, err := t.Conn.Write(appendEscaped(nil, b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Read gives bytes of the line.
func (t *telnet) Read(b []byte) (int, error) {
	for len(t.data) == 0 {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(b, t.data)
	t.data = t.data[n:]
	return n, nil
}

// fill reads from the network once, keeps the bytes of the line and answers commands.
func (t *telnet) fill() error {
	n, err := t.Conn.Read(t.raw)
	var answers []byte
	for _, c := range t.raw[:n] {
		switch ev := t.in.next(c); ev.kind {
		case telnetData:
			t.data = append(t.data, c)
		case telnetOption:
			answers = append(answers, t.option(ev.command, ev.option)...)
		case telnetSub:
			t.answer(ev.sub)
		}
	}
	if len(answers) > 0 {
		t.write.Lock()
		defer t.write.Unlock()
		if _, werr := t.Conn.Write(answers); werr != nil && err == nil {
			err = werr
		}
	}
	if n > 0 {
		return nil
	}
	return err
}

// option takes note of an offer or request and gives the answer to it: no to all that was not
// offered by negotiate, silence to what agrees with it, as RFC 854 wants it to end loops.
func (t *telnet) option(command, option byte) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	ours := option == optBinary || option == optComPort
	theirs := option == optBinary || option == optSGA
	switch command {
	case telnetDO:
		t.agreed = t.agreed || option == optComPort
		if !ours {
			return []byte{telnetIAC, telnetWONT, option}
		}
	case telnetDONT:
		t.refused = t.refused || option == optComPort
	case telnetWILL:
		if !theirs {
			return []byte{telnetIAC, telnetDONT, option}
		}
	}
	return nil
}

// answer takes note of an answer of RFC 2217.
func (t *telnet) answer(sub []byte) {
	if len(sub) == 6 && sub[0] == optComPort && sub[1] == comSetBaud+comFromPeer {
		t.mu.Lock()
		t.baud = binary.BigEndian.Uint32(sub[2:])
		t.mu.Unlock()
	}
}

// close restores the speed and ends the connection.
func (t *telnet) close(wait time.Duration) error {
	t.mu.Lock()
	found := t.found
	t.mu.Unlock()
	if found != 0 {
		_ = t.Conn.SetWriteDeadline(time.Now().Add(wait))
		_ = t.setBaud(int(found))
	}
	return t.Conn.Close()
}

// telnetReader tells bytes of the line from commands, one byte at a time.
type telnetReader struct {
	state   telnetState
	command byte
	sub     []byte
}

type telnetState uint8

const (
	inData telnetState = iota
	inCommand
	inOption
	inSub
	inSubCommand
)

type telnetKind uint8

const (
	telnetNothing telnetKind = iota
	telnetData
	telnetOption
	telnetSub
)

type telnetEvent struct {
	kind            telnetKind
	command, option byte
	sub             []byte
}

func (r *telnetReader) next(c byte) telnetEvent {
	switch r.state {
	case inData:
		if c != telnetIAC {
			return telnetEvent{kind: telnetData}
		}
		r.state = inCommand
	case inCommand:
		return r.commandByte(c)
	case inOption:
		r.state = inData
		return telnetEvent{kind: telnetOption, command: r.command, option: c}
	case inSub:
		if c == telnetIAC {
			r.state = inSubCommand
		} else if len(r.sub) < maxSub {
			r.sub = append(r.sub, c)
		}
	case inSubCommand:
		return r.subCommandByte(c)
	}
	return telnetEvent{}
}

func (r *telnetReader) commandByte(c byte) telnetEvent {
	switch {
	case c == telnetIAC: // an escaped byte of the line
		r.state = inData
		return telnetEvent{kind: telnetData}
	case c == telnetSB:
		r.state, r.sub = inSub, nil
	case c >= telnetWILL && c <= telnetDONT:
		r.state, r.command = inOption, c
	default:
		r.state = inData
	}
	return telnetEvent{}
}

func (r *telnetReader) subCommandByte(c byte) telnetEvent {
	if c == telnetIAC {
		r.state = inSub
		if len(r.sub) < maxSub {
			r.sub = append(r.sub, c)
		}
		return telnetEvent{}
	}
	r.state = inData
	return telnetEvent{kind: telnetSub, sub: r.sub}
}
