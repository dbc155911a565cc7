package serialport

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// place says where in the machine a node sits.
type place struct {
	bus string // "usb", "pci", "platform", or "" if sysfs does not say
	// dir is the directory in sysfs of the USB device, PCI function or platform device.
	dir string
	// iface is the directory of the USB interface, "" elsewhere.
	iface string
}

var (
	usbInterfaceName = regexp.MustCompile(`^\d+-\d+(\.\d+)*:\d+\.\d+$`)
	usbDeviceName    = regexp.MustCompile(`^\d+-\d+(\.\d+)*$`)
	pciFunctionName  = regexp.MustCompile(`^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)
)

// platformBuses are the buses of sysfs whose devices are part of the machine itself.
const platformBuses = " platform pnp amba sdio mmc acpi "

// locate finds the place of a node from its directory in sysfs. It counts no levels: it walks
// upwards until a directory is a USB device or a PCI function, since how many levels lie
// between depends on the driver and on the version of the kernel. The kernel's names decide as
// well as its files, so that a device whose files cannot be read is not taken for its hub.
func (t tree) locate(dir string) place {
	var p place
	top := t.path("sys/devices")
	for d := dir; d != top && len(d) > len(top); d = filepath.Dir(d) {
		base := filepath.Base(d)
		switch {
		case p.iface != "", usbDeviceName.MatchString(base):
			return place{bus: "usb", dir: d, iface: p.iface}
		case usbInterfaceName.MatchString(base), exists(filepath.Join(d, "bInterfaceNumber")):
			p.iface = d
		case pciFunctionName.MatchString(base):
			return place{bus: "pci", dir: d}
		case p.bus == "" && isPlatform(d):
			p.bus, p.dir = "platform", d
		}
	}
	return p
}

func isPlatform(dir string) bool {
	bus := linkBase(filepath.Join(dir, "subsystem"))
	return bus != "" && strings.Contains(platformBuses, " "+bus+" ")
}

// classDir resolves the directory in sysfs of the device that a node belongs to. virtual says
// that the node has no device. An error means that sysfs is broken here.
func (t tree) classDir(class, name string) (dir string, virtual bool, err error) {
	entry := t.path("sys/class", class, name)
	link := filepath.Join(entry, "device")
	if _, err := os.Lstat(link); err == nil {
		dir, err = filepath.EvalSymlinks(link)
		return dir, false, err
	}
	if dir, err = filepath.EvalSymlinks(entry); err != nil {
		return "", false, err
	}
	virtual = strings.HasPrefix(dir, t.path("sys/devices/virtual")) || filepath.Dir(dir) == t.path("sys/class", class)
	return dir, virtual, nil
}

// usbInterface reads what sysfs says of a USB interface.
func usbInterface(dir string) Interface {
	i := Interface{Number: hex(filepath.Join(dir, "bInterfaceNumber")), Driver: linkBase(filepath.Join(dir, "driver"))}
	class := hex(filepath.Join(dir, "bInterfaceClass"))
	sub, proto := hex(filepath.Join(dir, "bInterfaceSubClass")), hex(filepath.Join(dir, "bInterfaceProtocol"))
	if class != "" && sub != "" && proto != "" {
		i.Class = class + "/" + sub + "/" + proto
	}
	for _, c := range hex(filepath.Join(dir, "bNumEndpoints")) {
		i.Endpoints = i.Endpoints*16 + strings.IndexRune("0123456789abcdef", c)
	}
	return i
}
