package serialporttest

import (
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"syscall"
)

// words reads lines "key value".
func words(data string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(data) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), " ")
		if k != "" && k[0] != '#' {
			m[k] = strings.TrimSpace(v)
		}
	}
	return m
}

// pci makes a PCI function from lines "id 17cb:0308", "subsystem 1eac:5001", "revision 00",
// "driver mhi-pci-generic", "controller mhi0" and "ports AT MBIM QCDM", "net wwan".
func (t *Tree) pci(path, data string) {
	t.tb.Helper()
	w := words(data)
	dev := "sys/devices/pci0000:00/0000:00:1c.0/" + path
	vendor, device, _ := strings.Cut(w["id"], ":")
	subvendor, subdevice, _ := strings.Cut(w["subsystem"], ":")
	t.attrs(dev, "vendor", "0x"+vendor, "device", "0x"+device, "class", "0x"+or(w["class"], "0d4000"),
		"revision", "0x"+or(w["revision"], "00"))
	if subvendor != "" {
		t.attrs(dev, "subsystem_vendor", "0x"+subvendor, "subsystem_device", "0x"+subdevice)
	}
	t.subsystem(dev, "pci")
	t.driver(dev, "pci", w["driver"])
	t.relative("sys/bus/pci/devices/"+path, dev)
	t.wwan(dev, w)
	for _, name := range strings.Fields(w["tty"]) {
		t.node("tty", name, dev, majorTTY)
	}
}

// platform makes a part of the machine that has WWAN ports, from the same lines.
func (t *Tree) platform(name, data string) {
	t.tb.Helper()
	w := words(data)
	dev := "sys/devices/platform/soc@0/" + name
	t.mkdir(dev)
	t.subsystem(dev, "platform")
	t.driver(dev, "platform", w["driver"])
	t.wwan(dev, w)
}

// wwan makes the ports of a WWAN device below the controller of its bus.
func (t *Tree) wwan(dev string, w map[string]string) {
	t.tb.Helper()
	if w["ports"] == "" {
		return
	}
	if w["controller"] != "" {
		dev += "/" + w["controller"]
	}
	name := t.next("wwan")
	parent := dev + "/wwan/" + name
	t.attrs(parent, "uevent", "DEVTYPE=wwan_dev")
	t.relative("sys/class/wwan/"+name, parent)
	for _, kind := range strings.Fields(w["ports"]) {
		port := t.next(name + strings.ToLower(kind))
		t.attrs(t.node("wwan", port, parent, majorWWAN, "DEVTYPE=wwan_port"), "type", kind)
	}
	if w["net"] != "" {
		t.node("net", name, parent, 0, "DEVTYPE=wwan")
	}
}

// uart makes a UART from lines "bus pnp", "device 00:05", "driver serial", "type 4". With
// "serial-base yes" its device link goes through two levels more, as since Linux 6.5.
func (t *Tree) uart(name, data string) {
	t.tb.Helper()
	w := words(data)
	bus := or(w["bus"], "platform")
	dev := "sys/devices/" + map[string]string{"pnp": "pnp0", "platform": "platform"}[bus] + "/" + or(w["device"], "serial8250")
	t.mkdir(dev)
	t.subsystem(dev, bus)
	t.driver(dev, bus, or(w["driver"], "serial8250"))
	device := dev
	if w["serial-base"] != "" {
		device = dev + "/" + w["serial-base"] + "/" + w["serial-base"] + ".0"
		t.mkdir(device)
		t.subsystem(dev+"/"+w["serial-base"], "serial-base")
		t.subsystem(device, "serial-base")
		t.driver(device, "serial-base", "port")
	}
	t.attrs(t.node("tty", name, device, majorTTY), "type", or(w["type"], "4"))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func deviceNumber(fi fs.FileInfo) string {
	rdev := uint64(fi.Sys().(*syscall.Stat_t).Rdev)
	return fmt.Sprintf("%d:%d", unix.Major(rdev), unix.Minor(rdev))
}
