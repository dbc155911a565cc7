package serialporttest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Majors of the kernel's devices.txt.
const (
	majorUSBSerial = 188
	majorACM       = 166
	majorUSBMisc   = 180
	majorTTY       = 4
	majorWWAN      = 511 // dynamic; this is what the first one gets
	majorHSO       = 243 // dynamic
)

// field finds "Name=value" and "Name= value" in a line of usb-devices.
func field(line, name string) string {
	m := regexp.MustCompile(regexp.QuoteMeta(name) + `=\s*([^\s(]+)`).FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return m[1]
}

// usb makes a USB device at a bus path from the output of usb-devices. Lines "X: If#=0 key=value"
// add what that output lacks: hsotype of a tty, DEVTYPE of a network interface.
func (t *Tree) usb(path, dump string) {
	t.tb.Helper()
	dev := t.usbDir(path)
	t.subsystem(dev, "usb")
	t.relative("sys/bus/usb/devices/"+path, dev)
	extra := map[string]string{}
	for line := range strings.Lines(dump) {
		if strings.HasPrefix(line, "X:") {
			f := strings.SplitN(strings.TrimSpace(line), " ", 3)
			extra[strings.TrimPrefix(f[1], "If#=")] += f[2] + "\n"
		}
	}
	for line := range strings.Lines(dump) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "P:"):
			t.attrs(dev, "idVendor", field(line, "Vendor"), "idProduct", field(line, "ProdID"),
				"bcdDevice", fmt.Sprintf("%04s", strings.Replace(field(line, "Rev"), ".", "", 1)))
		case strings.HasPrefix(line, "S:"):
			t.usbString(dev, line)
		case strings.HasPrefix(line, "I:*"): // the active alternate setting
			t.usbInterface(dev, path, line, extra)
		}
	}
}

// usbDir gives the directory of a USB device: below its hubs, below the host controller.
func (t *Tree) usbDir(path string) string {
	bus, ports, _ := strings.Cut(path, "-")
	dir := "sys/devices/pci0000:00/0000:00:14.0/usb" + bus
	t.attrs("sys/devices/pci0000:00/0000:00:14.0", "vendor", "0x8086", "device", "0x9d2f", "class", "0x0c0330")
	t.attrs(dir, "idVendor", "1d6b", "idProduct", "0002", "product", "xHCI Host Controller")
	part := strings.Split(ports, ".")
	for i := range part {
		dir += "/" + bus + "-" + strings.Join(part[:i+1], ".")
	}
	t.mkdir(dir)
	return dir
}

func (t *Tree) usbString(dev, line string) {
	k, v, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "S:")), "=")
	name := map[string]string{"Manufacturer": "manufacturer", "Product": "product", "SerialNumber": "serial"}[k]
	if ok && name != "" {
		t.attrs(dev, name, v)
	}
}

func (t *Tree) usbInterface(dev, path, line string, extra map[string]string) {
	t.tb.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(field(line, "If#"), "0x"), 16, 8)
	t.must(err)
	config := field(line, "Cfg#")
	if config == "" {
		config = "1"
	}
	dir := fmt.Sprintf("%s/%s:%s.%d", dev, path, config, n)
	eps, _ := strconv.Atoi(field(line, "#EPs"))
	t.attrs(dir, "bInterfaceNumber", fmt.Sprintf("%02x", n), "bInterfaceClass", field(line, "Cls"),
		"bInterfaceSubClass", field(line, "Sub"), "bInterfaceProtocol", field(line, "Prot"),
		"bNumEndpoints", fmt.Sprintf("%02x", eps))
	t.subsystem(dir, "usb")
	driver := field(line, "Driver")
	t.driver(dir, "usb", driver)
	t.usbNodes(dir, field(line, "Cls"), driver, extra[fmt.Sprint(n)])
}

// usbNodes makes the nodes that a driver makes for an interface.
func (t *Tree) usbNodes(dir, class, driver, extra string) {
	t.tb.Helper()
	devtype := regexp.MustCompile(`DEVTYPE=\w+`).FindString(extra)
	switch driver {
	case "", "(none)", "usb-storage", "usbhid", "usbfs", "hub", "snd-usb-audio", "usblp", "uas":
	case "cdc_acm":
		if class != "0a" { // the data interface belongs to the control interface
			t.node("tty", t.next("ttyACM"), dir, majorACM)
		}
	case "hso":
		if hso := regexp.MustCompile(`hsotype=([^\n]+)`).FindStringSubmatch(extra); hso != nil {
			t.attrs(t.node("tty", t.next("ttyHS"), dir, majorHSO), "hsotype", hso[1])
		} else {
			t.node("net", t.next("hso"), dir, 0)
		}
	case "qmi_wwan", "cdc_mbim", "huawei_cdc_ncm":
		if class != "0a" {
			t.node("usbmisc", t.next("cdc-wdm"), dir, majorUSBMisc)
			t.node("net", t.next("wwan"), dir, 0, "DEVTYPE=wwan")
		}
	case "cdc_wdm":
		t.node("usbmisc", t.next("cdc-wdm"), dir, majorUSBMisc)
	case "cdc_ether", "cdc_ncm", "rndis_host", "sierra_net":
		if class != "0a" {
			t.node("net", t.next("usb"), dir, 0, devtype)
		}
	default:
		t.usbSerial(dir, driver)
	}
}

// usbSerial makes the tty of a usb-serial driver, which has a port between it and the interface.
func (t *Tree) usbSerial(dir, driver string) {
	t.tb.Helper()
	name := t.next("ttyUSB")
	port := dir + "/" + name
	t.mkdir(port)
	t.subsystem(port, "usb-serial")
	t.driver(port, "usb-serial", map[string]string{"option": "option1", "ch341": "ch341-uart"}[driver])
	t.node("tty", name, port, majorUSBSerial)
}
