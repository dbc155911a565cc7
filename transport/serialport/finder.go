package serialport

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Finder finds ports. The zero value looks at this machine with the embedded rules. Do not
// copy one that has been used.
type Finder struct {
	// Root is the directory that stands for "/". "" means "/". Tests set a recorded tree.
	Root  string
	Rules Rules

	once   sync.Once
	tables *tables
	err    error
}

// Find returns all devices with serial ports and all cellular devices, sorted by ID.
// It reads sysfs and opens no port.
func (f *Finder) Find(ctx context.Context) ([]Device, error) {
	s, err := f.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot look for ports: %w", err)
	}
	devices := make([]Device, 0, len(s.found))
	for _, d := range s.found {
		if s.judge(d); d.reportable() {
			devices = append(devices, d.Device)
		}
	}
	slices.SortFunc(devices, func(a, b Device) int { return natural(a.ID, b.ID) })
	return devices, nil
}

// look reads sysfs without judging yet.
func (f *Finder) look(ctx context.Context) (*scan, error) {
	f.once.Do(func() { f.tables, f.err = loadTables() })
	if f.err != nil {
		return nil, f.err
	}
	root, err := filepath.EvalSymlinks(string(f.tree()))
	if err != nil {
		return nil, err
	}
	s := &scan{tree: tree(root), tables: f.tables, rules: f.Rules, found: map[string]*found{}}
	if !exists(s.path("sys/class/tty")) {
		return nil, fmt.Errorf("%q: %w: is sysfs mounted on /sys?", s.path("sys/class/tty"), os.ErrNotExist)
	}
	s.consoles = s.tree.consoles()
	s.claims = s.tree.claims(s.tables.claims)
	for _, class := range classes {
		if err := s.class(ctx, class); err != nil {
			return nil, err
		}
	}
	return s, s.buses(ctx)
}

// scan is one look at a machine.
type scan struct {
	tree
	tables   *tables
	rules    Rules
	consoles map[string]bool
	claims   map[string]claim
	found    map[string]*found // by ID
}

// found is a device with what judging needs beside it.
type found struct {
	Device
	place      place
	kind       deviceKind
	source     string // of kind
	interfaces []Interface
	why        string // what marks it as cellular
	broken     string // what of sysfs could not be read
}

// reportable: a device is worth a line if it is cellular or has a port that could be opened.
func (d *found) reportable() bool {
	return d.Cellular || slices.ContainsFunc(d.Ports, func(p Port) bool { return p.Kind != KindNone })
}

// classes are the classes of sysfs that hold nodes of modules.
var classes = []string{"tty", "wwan", "usbmisc", "GobiQMI", "net"}

var wwanDevice = regexp.MustCompile(`^wwan\d+$`)

// class adds all nodes of one class.
func (s *scan) class(ctx context.Context, class string) error {
	names, err := list(s.path("sys/class", class))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if class == "wwan" && wwanDevice.MatchString(name) {
			continue // the parent of the ports, no node
		}
		s.node(class, name)
	}
	return nil
}

// node adds one node to the device that it belongs to.
func (s *scan) node(class, name string) {
	dir, virtual, err := s.classDir(class, name)
	switch {
	case virtual && class == "tty":
		s.virtual(name)
		return
	case virtual, err != nil && class != "tty" && class != "wwan":
		return
	}
	p := s.port(class, name)
	if err != nil {
		d := s.lone(p, "")
		d.broken = "sysfs does not say what it belongs to: the link to its device leads nowhere"
		d.Ports = append(d.Ports, p)
		return
	}
	at := s.locate(dir)
	if at.dir != "" {
		p.driver = driverBetween(dir, at.dir)
	}
	if at.iface != "" {
		p.Interface = usbInterface(at.iface)
	}
	d := s.device(at, p)
	if d.Info.Driver == "" {
		d.Info.Driver = p.driver
	}
	d.Ports = append(d.Ports, p)
}

// port makes the port of a node, without a verdict.
func (s *scan) port(class, name string) Port {
	p := Port{Path: "/dev/" + name, Kind: KindTTY, class: class, name: name}
	switch class {
	case "net":
		p.Path, p.Kind = name, KindNone
	case "wwan", "usbmisc", "GobiQMI":
		p.Kind = KindChar
	}
	p.node = s.pin(class, name)
	return p
}

// pin notes the identity of a node.
func (s *scan) pin(class, name string) node {
	entry := s.path("sys/class", class, name)
	n := node{root: s.tree, path: s.path("dev", name)}
	n.sys, _ = filepath.EvalSymlinks(entry)
	if dev := property(attr(filepath.Join(entry, "uevent")), "DEVNAME"); dev != "" && filepath.IsLocal(dev) {
		n.path = s.path("dev", dev)
	}
	n.major, n.minor = deviceNumber(attr(filepath.Join(entry, "dev")))
	return n
}

// deviceNumber reads "188:2"; 0, 0 if it is anything else.
func deviceNumber(s string) (major, minor uint32) {
	if _, err := fmt.Sscanf(s, "%d:%d", &major, &minor); err != nil {
		return 0, 0
	}
	return major, minor
}

// driverBetween gives the driver bound at dir or at the nearest directory above it, up to the
// device. Those of usb-serial and serial-base only sit between a port and its real driver.
func driverBetween(dir, device string) string {
	for ; len(dir) >= len(device) && dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		bus := linkBase(filepath.Join(dir, "subsystem"))
		if d := linkBase(filepath.Join(dir, "driver")); d != "" && bus != "usb-serial" && bus != "serial-base" {
			return d
		}
	}
	return ""
}

// virtual adds a tty without a device, if its name is one that is listed.
func (s *scan) virtual(name string) {
	n, ok := s.tables.named("list", name)
	if !ok {
		return
	}
	p := s.port("tty", name)
	p.Reason = n.reason
	d := s.lone(p, "")
	d.Ports = append(d.Ports, p)
}

// device gives the device at a place, and makes it if need be.
func (s *scan) device(at place, p Port) *found {
	switch at.bus {
	case "usb":
		return s.usb(at)
	case "pci":
		return s.pci(at)
	case "platform":
		if p.class == "wwan" {
			return s.add("platform:"+filepath.Base(at.dir), at, inventory.Device{Bus: "platform", Path: filepath.Base(at.dir)})
		}
	}
	d := s.lone(p, at.dir)
	if at.bus == "" {
		d.broken = "sysfs does not say what it belongs to"
	}
	return d
}

// lone gives the device of a port that has no bus of its own.
func (s *scan) lone(p Port, dir string) *found {
	info := inventory.Device{Bus: "platform", Driver: p.driver}
	if dir != "" {
		info.Path = filepath.Base(dir)
	}
	return s.add("tty:"+p.Path, place{bus: "platform", dir: dir}, info)
}

func (s *scan) add(id string, at place, info inventory.Device) *found {
	if d, ok := s.found[id]; ok {
		return d
	}
	d := &found{Device: Device{ID: id, Info: info}, place: at}
	s.found[id] = d
	return d
}

func (s *scan) usb(at place) *found {
	id := "usb:" + filepath.Base(at.dir)
	if d, ok := s.found[id]; ok {
		return d
	}
	d := s.add(id, at, usbInfo(at.dir))
	if d.Info.VID == "" || d.Info.PID == "" {
		d.broken = "sysfs does not give its USB ids"
	}
	r := s.tables.device("usb", d.Info.VID, d.Info.PID)
	d.kind, d.source = r.kind, r.source
	d.interfaces = usbInterfaces(at.dir)
	return d
}

func usbInfo(dir string) inventory.Device {
	f := func(name string) string { return filepath.Join(dir, name) }
	return inventory.Device{
		Bus: "usb", Path: filepath.Base(dir),
		VID: id(f("idVendor")), PID: id(f("idProduct")), Revision: id(f("bcdDevice")),
		Manufacturer: text(f("manufacturer")), Product: text(f("product")),
	}
}

// usbInterfaces lists the interfaces of the active configuration.
func usbInterfaces(dir string) []Interface {
	names, _ := list(dir)
	var all []Interface
	for _, n := range names {
		if usbInterfaceName.MatchString(n) {
			all = append(all, usbInterface(filepath.Join(dir, n)))
		}
	}
	slices.SortFunc(all, func(a, b Interface) int { return cmp.Compare(a.Number, b.Number) })
	return all
}

func (s *scan) pci(at place) *found {
	id := "pci:" + filepath.Base(at.dir)
	if d, ok := s.found[id]; ok {
		return d
	}
	d := s.add(id, at, pciInfo(at.dir))
	r := s.tables.device("pci", d.Info.VID, d.Info.PID)
	d.kind, d.source = r.kind, r.source
	return d
}

func pciInfo(dir string) inventory.Device {
	f := func(name string) string { return filepath.Join(dir, name) }
	return inventory.Device{
		Bus: "pci", Path: filepath.Base(dir), Driver: linkBase(f("driver")),
		VID: id(f("vendor")), PID: id(f("device")), Revision: hex(f("revision")),
		SubVID: id(f("subsystem_vendor")), SubPID: id(f("subsystem_device")),
	}
}

// buses adds cellular devices that have no node yet: unbound, in storage or download mode.
func (s *scan) buses(ctx context.Context) error {
	for _, bus := range []string{"usb", "pci"} {
		names, err := list(s.path("sys/bus", bus, "devices"))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.busDevice(bus, name)
		}
	}
	return nil
}

func (s *scan) busDevice(bus, name string) {
	dir, err := filepath.EvalSymlinks(s.path("sys/bus", bus, "devices", name))
	if err != nil {
		return // went away while reading
	}
	switch {
	case bus == "usb" && usbDeviceName.MatchString(name):
		if s.tables.device("usb", id(filepath.Join(dir, "idVendor")), id(filepath.Join(dir, "idProduct"))).kind.cellular() {
			s.usb(place{bus: "usb", dir: dir})
		}
	case bus == "pci" && pciFunctionName.MatchString(name):
		if s.tables.device("pci", id(filepath.Join(dir, "vendor")), id(filepath.Join(dir, "device"))).kind.cellular() {
			s.pci(place{bus: "pci", dir: dir})
		}
	}
}

// natural compares names so that ttyUSB2 comes before ttyUSB10.
func natural(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
