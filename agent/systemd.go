package agent

import (
	"errors"
	"net"
	"strconv"
	"time"
)

// ErrRestart, as the cause for which Run's context ends, says that another agent follows in
// this process: the service manager is not told that it stops, or it would end it.
var ErrRestart = errors.New("another agent follows in this process")

// Systemd is how a service manager is told that the agent is ready and goes on
// (sd_notify(3)). The zero value tells nobody.
type Systemd struct {
	// Socket is the path of the notification socket, "@" first for an abstract one.
	Socket string
	// Watchdog is how often the manager wants to hear, at the least. Zero: never.
	Watchdog time.Duration
}

// SystemdFrom reads what the service manager put into the environment.
func SystemdFrom(getenv func(string) string) Systemd {
	s := Systemd{Socket: getenv("NOTIFY_SOCKET")}
	if us, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
		s.Watchdog = time.Duration(us) * time.Microsecond
	}
	return s
}

// notifyTime bounds what a manager that does not read costs the loop.
const notifyTime = time.Second

// notify says state. A manager that does not listen is no concern of ours.
func (s Systemd) notify(state string) {
	if s.Socket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.Socket, Net: "unixgram"})
	if err != nil {
		return
	}
	_ = c.SetWriteDeadline(time.Now().Add(notifyTime))
	_, _ = c.Write([]byte(state))
	_ = c.Close()
}

// Ready says that the agent works, at its start and after a reload.
func (s Systemd) Ready() { s.notify("READY=1") }

// Reloading says that the configuration is read again; Ready follows. Units of Type=notify-reload (systemd 253)
// wait for both, and want the time by which they tell one reload from the next.
func (s Systemd) Reloading() {
	s.notify("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(Uptime().Microseconds(), 10))
}

// ticks come twice as often as the watchdog wants. They are taken by the loop itself, so
// that a loop which hangs is noticed.
func (s Systemd) ticks() (c <-chan time.Time, stop func()) {
	if s.Socket == "" || s.Watchdog <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(s.Watchdog / 2)
	return t.C, t.Stop
}
