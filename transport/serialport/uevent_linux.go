package serialport

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// kernelGroup is the multicast group of the kernel's own events; udev sends its own on another.
const kernelGroup = 1

// KernelEvents gives one value for every event of the kernel that may concern a port, until ctx
// ends; then it closes the channel. It needs no rights, but a container may be cut off from them.
func KernelEvents(ctx context.Context) (<-chan struct{}, error) {
	conn, err := netlink.Dial(unix.NETLINK_KOBJECT_UEVENT, &netlink.Config{Groups: kernelGroup})
	if err != nil {
		return nil, fmt.Errorf("cannot listen to kernel events: %w", err)
	}
	events := make(chan struct{}, 1)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	go func() {
		defer close(events)
		defer conn.Close()
		defer stop()
		receive(ctx, conn, events)
	}()
	return events, nil
}

// receive reads the socket itself: events of the kernel are text, not netlink messages.
func receive(ctx context.Context, conn *netlink.Conn, events chan<- struct{}) {
	rc, err := conn.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 16<<10)
	for ctx.Err() == nil {
		var n int
		var rerr error
		err := rc.Read(func(fd uintptr) bool {
			n, _, rerr = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
			return rerr != unix.EAGAIN
		})
		if err != nil {
			return
		}
		// ENOBUFS says that events were lost, which is an event.
		if rerr == unix.ENOBUFS || rerr == nil && concernsPorts(buf[:n]) {
			select {
			case events <- struct{}{}:
			default: // one is waiting already
			}
		}
	}
}

// concernsPorts reads "ACTION@devpath\0KEY=VALUE\0…".
func concernsPorts(event []byte) bool {
	for field := range bytes.SplitSeq(event, []byte{0}) {
		if sub, ok := bytes.CutPrefix(field, []byte("SUBSYSTEM=")); ok {
			switch string(sub) {
			case "tty", "wwan", "usbmisc", "net", "usb", "usb-serial", "pci", "GobiQMI":
				return true
			}
		}
	}
	return false
}
