package capture

import (
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// What the kernel and its tools print about devices on USB and PCI.
var (
	lsusb    = pattern(`^Bus \d{3} Device \d{3}: ID ([0-9a-fA-F]{4}):([0-9a-fA-F]{4})\b`)
	lsusbStr = pattern(`^i(Manufacturer|Product)\s+\d+ (.+)$`) // of lsusb -v
	dmesgNew = pattern(`\busb (\d+-[\d.]+): New USB device found, idVendor=([0-9a-fA-F]{4}), idProduct=([0-9a-fA-F]{4})`)
	dmesgStr = pattern(`\busb (\d+-[\d.]+): (Product|Manufacturer): (.*)$`)
	dmesgTTY = pattern(`\b(?:option|qcserial|sierra|qmi_wwan|cdc_mbim)\S* (\d+-[\d.]+):\d+\.\d+: `)
	usbfsID  = pattern(`^P:\s+Vendor=([0-9a-fA-F]{4}) ProdID=([0-9a-fA-F]{4})\b`)
	usbfsStr = pattern(`^S:\s+(Product|Manufacturer)=(.*)$`)
	usbfsDrv = pattern(`^I:.*\bDriver=(?:option|qcserial|sierra|qmi_wwan|cdc_mbim)\b`)
	lspci    = pattern(`^(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] .*\[([0-9a-f]{4}):([0-9a-f]{4})\]`)
)

// described is a device that a capture describes.
type described struct {
	inventory.Device
	modem bool // a driver of cellular modules holds it
	used  []Used
}

// descriptors finds what a capture shows of the device itself. A descriptor counts only
// where it can be no other device's: one device is shown, or one that a driver of
// cellular modules holds.
func descriptors(lines []logged) (usb, pci *inventory.Device, skip map[int]bool, used []Used) {
	found := describe(lines)
	skip = map[int]bool{}
	for _, d := range found {
		for _, u := range d.used {
			skip[u.Line] = true
		}
	}
	chosen := map[*described]bool{}
	usb, pci = choose(found, "usb", chosen), choose(found, "pci", chosen)
	for _, d := range found {
		for _, u := range d.used {
			if !chosen[d] {
				u.As, u.Why, u.Case = UseNone, "describes a device, but it is not shown to be the module", -1
			}
			used = append(used, u)
		}
	}
	return usb, pci, skip, used
}

func choose(found []*described, bus string, chosen map[*described]bool) *inventory.Device {
	var all, modems []*described
	for _, d := range found {
		if d.Bus == bus {
			all = append(all, d)
			if d.modem {
				modems = append(modems, d)
			}
		}
	}
	if len(all) != 1 {
		all = modems
	}
	if len(all) != 1 {
		return nil
	}
	chosen[all[0]] = true
	return &all[0].Device
}

// describe collects devices in the order in which they appear. Hubs of the kernel
// itself (1d6b) are no devices.
func describe(lines []logged) []*described {
	var t table
	for _, l := range lines {
		t.read(l)
	}
	return t.found
}

type table struct {
	found []*described
	last  *described // of usb-devices and lsusb -v
}

func (t *table) read(l logged) {
	s := strings.TrimSpace(l.rest)
	if m := lsusb().FindStringSubmatch(s); m != nil {
		t.last = t.device(l, "usb", "", m[1], m[2])
	} else if m := lsusbStr().FindStringSubmatch(s); m != nil {
		t.text(l, t.last, m[1], m[2])
	} else if m := dmesgNew().FindStringSubmatch(s); m != nil {
		t.device(l, "usb", m[1], m[2], m[3])
	} else if m := usbfsID().FindStringSubmatch(s); m != nil {
		t.last = t.device(l, "usb", "", m[1], m[2])
	} else if m := lspci().FindStringSubmatch(s); m != nil {
		t.device(l, "pci", "", m[1], m[2])
	} else if m := dmesgStr().FindStringSubmatch(s); m != nil {
		t.text(l, t.at(m[1]), m[2], m[3])
	} else if m := usbfsStr().FindStringSubmatch(s); m != nil {
		t.text(l, t.last, m[1], m[2])
	} else if m := dmesgTTY().FindStringSubmatch(s); m != nil {
		t.driver(l, t.at(m[1]))
	} else if usbfsDrv().MatchString(s) {
		t.driver(l, t.last)
	}
}

func (t *table) device(l logged, bus, path, vid, pid string) *described {
	vid, pid = strings.ToLower(vid), strings.ToLower(pid)
	if vid == "1d6b" {
		return nil
	}
	for _, d := range t.found {
		if d.Bus == bus && d.VID == vid && d.PID == pid && (d.Path == "" || path == "" || d.Path == path) {
			if path != "" {
				d.Path = path
			}
			d.use(l)
			return d
		}
	}
	d := &described{Device: inventory.Device{Bus: bus, VID: vid, PID: pid, Path: path}}
	d.use(l)
	t.found = append(t.found, d)
	return d
}

func (t *table) at(path string) *described {
	for _, d := range t.found {
		if d.Path == path {
			return d
		}
	}
	return nil
}

func (t *table) text(l logged, d *described, what, value string) {
	if d == nil {
		return
	}
	if value = tidy(value); what == "Product" {
		d.Product = value
	} else {
		d.Manufacturer = value
	}
	d.use(l)
}

func (t *table) driver(l logged, d *described) {
	if d != nil {
		d.modem = true
		d.use(l)
	}
}

func (d *described) use(l logged) {
	d.used = append(d.used, Used{Line: l.number, Text: strings.TrimSpace(l.rest), As: UseDescriptor})
}
