package serialport

import (
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Device is one physical device with all the nodes that the kernel made for it.
type Device struct {
	// ID is stable across replug: "usb:1-1.2", "pci:0000:01:00.0", "platform:4080000.remoteproc";
	// "tty:/dev/ttyS1" for a port without a bus of its own, "tcp:host:port" for one on the network.
	ID   string
	Info inventory.Device
	// Cellular says that ids, driver or device class mark it as a cellular module. Such a
	// device belongs in the report whether it can be asked or not.
	Cellular bool
	// Ports are sorted: those to be asked first, the best of them first.
	Ports []Port
	// State is empty where some port may be asked. Otherwise it is what a report says if
	// nothing better becomes known: StateDenied where a rule forbids it, StateUnanswered where
	// there is no port that speaks AT, StateUnknown where the kernel does not say what it is.
	State inventory.State
	// Reason says why it is in that state, and what to do; or what marks it as cellular.
	Reason string
	// Unbound lists interfaces of a cellular device that no driver has claimed.
	Unbound []Interface
}

// Interface is one interface of a USB device.
type Interface struct {
	// Number is bInterfaceNumber, two hex digits.
	Number string
	// Class is class/subclass/protocol in hex: "ff/ff/40".
	Class string
	// Endpoints is bNumEndpoints without endpoint 0.
	Endpoints int
	Driver    string
}

// Port is one node of a device.
type Port struct {
	// Path is the node ("/dev/ttyUSB2"), the name of a network interface ("wwan0") or the
	// address of a serial device server ("tcp://10.0.0.5:4001").
	Path    string
	Kind    Kind
	Role    inventory.Role
	Verdict Verdict
	// Reason says why the port has this verdict.
	Reason string
	// Rule names what gave the role ("interfaces.tsv: 2c7c:0125 interface 02"). Empty if nothing did.
	Rule string
	// Interface is empty where the port does not sit on USB.
	Interface Interface
	// Claim names a program that is configured to use the port ("netifd interface wan").
	Claim string

	class  string // of sysfs: "tty", "wwan", "usbmisc", "net"
	name   string // in that class
	driver string // of the interface or the device
	rank   int    // of candidates, the lowest first
	claim  claim
	node   node
}

// Candidates are the ports that may be asked, the best first.
func (d Device) Candidates() []Port {
	for i, p := range d.Ports {
		if p.Verdict != Ask {
			return d.Ports[:i:i]
		}
	}
	return d.Ports
}

// Inventory gives p as a report shows it, without a state.
func (p Port) Inventory() inventory.Port {
	return inventory.Port{Path: p.Path, Role: p.Role, Reason: p.Reason}
}

// node pins down which device a port was found on, so that [Open] can tell whether it still is.
type node struct {
	root tree
	// path is what to open: below the root, symlinks not resolved.
	path string
	// sys is the directory of the port in sysfs, symlinks resolved; empty where it has none.
	sys   string
	major uint32
	minor uint32
}

// Verdict says whether a port may be asked.
type Verdict uint8

// The verdicts. The zero value is the safe one.
const (
	Skip Verdict = iota
	Ask
)

func (v Verdict) String() string {
	if v == Ask {
		return "ask"
	}
	return "skip"
}

// MarshalText gives "ask" or "skip".
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Kind says how a port is opened.
type Kind uint8

// The kinds of ports.
const (
	// KindNone: nothing that can be opened, such as a network interface.
	KindNone Kind = iota
	// KindTTY: a tty of the kernel.
	KindTTY
	// KindPTY: the slave side of a pseudo terminal, which only a person can name.
	KindPTY
	// KindChar: a character device that carries AT and is no tty (/dev/wwan0at0, /dev/cdc-wdm0).
	KindChar
	// KindTCP: a raw TCP connection to a serial device server.
	KindTCP
	// KindRFC2217: a serial device server that speaks Telnet with RFC 2217.
	KindRFC2217
)

func (k Kind) String() string {
	return [...]string{"none", "tty", "pty", "char", "tcp", "rfc2217"}[k]
}

// MarshalText gives the name of the kind.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Settings for [Open]. The zero value is good.
type Settings struct {
	// Baud is the speed of a line that has one. 0 means 115200. USB ignores it.
	Baud int
	// LockDir holds the UUCP lock files. "" means /var/lock below the Finder's root.
	LockDir string
	// WriteTimeout bounds a write for which no deadline was set: a module that no longer reads must
	// not hold its caller for ever. 0 means 10 s.
	WriteTimeout time.Duration
	// CloseWait bounds how long Close waits for the kernel. 0 means 2 s. After that the
	// descriptor is closed in the background.
	CloseWait time.Duration
}

func (s Settings) baud() int {
	if s.Baud == 0 {
		return 115200
	}
	return s.Baud
}

func (s Settings) closeWait() time.Duration { return orElse(s.CloseWait, 2*time.Second) }

func (s Settings) writeTimeout() time.Duration { return orElse(s.WriteTimeout, 10*time.Second) }
