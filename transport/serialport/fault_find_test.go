package serialport_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

func layout(t testing.TB, name string) *serialporttest.Tree {
	t.Helper()
	b, err := os.ReadFile("testdata/devices/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	return serialporttest.Build(t, b)
}

func devices(t testing.TB, f *serialport.Finder) []serialport.Device {
	t.Helper()
	d, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// onlySkips checks that no port of a layout may be asked, that each says why, that Open refuses it
// and that the kernel sees no attempt to open it.
func onlySkips(t *testing.T, name string, ports int) {
	t.Helper()
	tree, seen := layout(t, name), 0
	for _, d := range devices(t, &serialport.Finder{Root: tree.Root}) {
		for _, p := range d.Ports {
			if p.Kind == serialport.KindNone {
				continue
			}
			seen++
			if p.Verdict != serialport.Skip || p.Reason == "" {
				t.Errorf("%s: %s, reason %q", p.Path, p.Verdict, p.Reason)
			}
		}
	}
	if seen != ports {
		t.Errorf("saw %d ports, want %d", seen, ports)
	}
	if opened := nodesOpened(t, "open-skipped", tree.Root); len(opened) > 0 {
		t.Errorf("opened %q", opened)
	}
}

// nodesOpened runs a child under strace that looks at trees and, if told to, tries to open all
// that it found. It gives the nodes of the trees that the child opened.
func nodesOpened(t *testing.T, what string, roots ...string) []string {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	c := startChild(t, "look", append([]string{what}, roots...),
		"strace", "-f", "-qq", "-o", trace, "-e", "trace=open,openat,openat2,creat,write,writev,ioctl")
	if out := c.end(t); out != "" {
		t.Fatalf("the child says %s", out)
	}
	b, err := os.ReadFile(trace)
	if err != nil || !strings.Contains(string(b), "/sys/class/tty") {
		t.Fatalf("strace saw no look at sysfs: %v", err)
	}
	var opened []string
	call := regexp.MustCompile(`open(?:at2?)?\([^"]*"([^"]+)"`)
	for _, m := range call.FindAllStringSubmatch(string(b), -1) {
		for _, root := range roots {
			if rest, ok := strings.CutPrefix(m[1], root+"/dev/"); ok {
				opened = append(opened, rest)
			}
		}
	}
	return opened
}

func TestB02SerialAdaptersAreNotOpened(t *testing.T) { onlySkips(t, "adapters", 4) }

func TestB03LoneACMIsNotOpened(t *testing.T) {
	for name, ports := range map[string]int{
		"arduino": 1, "ups-and-printer": 2, "board-two-acm": 2, "gps-ublox": 1, "nrf9160-dk": 3, "linux-gadget": 1,
	} {
		t.Run(name, func(t *testing.T) { onlySkips(t, name, ports) })
	}
}

func TestB04UARTsAndConsolesAreNotOpened(t *testing.T) {
	onlySkips(t, "platform-uarts", 9)
	root := layout(t, "platform-uarts").Root
	allow := serialport.Rules{Allow: []serialport.Match{
		{Path: "/dev/ttyS1"}, {Path: "/dev/ttyS0"}, {Path: "/dev/ttymxc0"}, {Driver: "imx-uart", Path: "/dev/ttymxc0"},
	}}
	var asked []string
	for _, d := range devices(t, &serialport.Finder{Root: root, Rules: allow}) {
		for _, p := range d.Candidates() {
			asked = append(asked, p.Path)
		}
	}
	if fmt.Sprint(asked) != "[/dev/ttyS1]" {
		t.Errorf("the configuration allows consoles and /dev/ttyS1; asked are %q", asked)
	}
}

// TestStraceSeesAnOpen shows that the tests by strace can fail.
func TestStraceSeesAnOpen(t *testing.T) {
	tree, pair := attached(t)
	_ = pair
	if opened := nodesOpened(t, "open", tree.Root); fmt.Sprint(opened) != "[ttyUSB2]" {
		t.Errorf("the child opens the port that may be asked; strace saw %q", opened)
	}
}

// TestB14LookingOpensNothing looks at every layout at once, as a list or a dry run does.
func TestB14LookingOpensNothing(t *testing.T) {
	files, err := filepath.Glob("testdata/devices/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var roots []string
	for _, f := range files {
		roots = append(roots, layout(t, strings.TrimSuffix(filepath.Base(f), ".txtar")).Root)
	}
	// The nodes of these trees are regular files, so that even a port to be asked is only tried.
	trace := filepath.Join(t.TempDir(), "trace")
	c := startChild(t, "look", append([]string{"list"}, roots...), "strace", "-f", "-qq", "-o", trace, "-e", "trace=open,openat,openat2,write,writev,ioctl")
	if out := c.end(t); out != "" {
		t.Fatalf("the child says %s", out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "/dev/tty") || strings.Contains(line, "O_RDWR") || strings.Contains(line, "O_WRONLY") || strings.Contains(line, "ioctl(") {
			t.Errorf("the kernel saw %s", line)
		}
	}
}

func TestB13NotASerialPort(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	mkfifo(t, fifo)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file, fifo, link, "/dev/null", "/dev/tty", "/dev/ptmx", "/dev/tty1", "/dev/console", "tcp://nowhere"} {
		within(t, "naming "+path, func() {
			if d, err := new(serialport.Finder).Named(t.Context(), path); !errors.Is(err, serialport.ErrNotSerial) {
				t.Errorf("%q gave %+v, %v", path, d, err)
			}
		})
	}
	if _, err := new(serialport.Finder).Named(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a path that is not there gave %v", err)
	}
}

// TestNamedBeatsDiscovery: a person may name what discovery skips, but not a console, a firmware
// loader or a port of another protocol.
func TestNamedBeatsDiscovery(t *testing.T) {
	tests := []struct {
		layout, path string
		want         serialport.Verdict
	}{
		{"arduino", "/dev/ttyACM0", serialport.Ask},
		{"adapters", "/dev/ttyUSB1", serialport.Ask},
		{"quectel-ec25", "/dev/ttyUSB1", serialport.Ask},
		{"platform-uarts", "/dev/ttyS1", serialport.Ask},
		{"platform-uarts", "/dev/ttyS0", serialport.Skip},
		{"edl-9008", "/dev/ttyUSB0", serialport.Skip},
		{"mbim-only", "/dev/cdc-wdm0", serialport.Skip},
		{"fm350-fastboot", "/dev/wwan0fastboot0", serialport.Skip},
	}
	for _, tt := range tests {
		t.Run(tt.layout+tt.path, func(t *testing.T) {
			tree := layout(t, tt.layout)
			d := serialport.NamedInTree(t, &serialport.Finder{Root: tree.Root}, tt.path)
			asked := d.Candidates()
			if tt.want == serialport.Ask && (len(asked) != 1 || asked[0].Path != tt.path || d.State != "") {
				t.Errorf("got %s", show([]serialport.Device{d}))
			}
			if tt.want == serialport.Skip && (len(asked) != 0 || d.State != inventory.StateDenied || d.Reason == "") {
				t.Errorf("got %s", show([]serialport.Device{d}))
			}
		})
	}
}

func TestB15BrokenSysfs(t *testing.T) {
	const dev = "sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.1"
	breaks := map[string]func(*serialporttest.Tree){
		"no vendor":        func(t *serialporttest.Tree) { t.Remove(dev + "/idVendor") },
		"no product id":    func(t *serialporttest.Tree) { t.Remove(dev + "/idProduct") },
		"odd vendor":       func(t *serialporttest.Tree) { t.File(dev+"/idVendor", "zz\x00\xff\n") },
		"vendor directory": func(t *serialporttest.Tree) { t.Remove(dev + "/idVendor"); t.File(dev+"/idVendor/x", "") },
		"64 KiB product":   func(t *serialporttest.Tree) { t.File(dev+"/product", strings.Repeat("A", 64<<10)) },
		"binary product":   func(t *serialporttest.Tree) { t.File(dev+"/product", "\x00\x1b]0;x\x07\xff\xfe\x80") },
		"no interface":     func(t *serialporttest.Tree) { t.Remove(dev + "/1-1.1:1.2/bInterfaceNumber") },
		"no driver":        func(t *serialporttest.Tree) { t.Remove(dev + "/1-1.1:1.2/driver") },
		"no device number": func(t *serialporttest.Tree) { t.Remove(dev + "/1-1.1:1.2/ttyUSB2/tty/ttyUSB2/dev") },
		"loop":             func(t *serialporttest.Tree) { t.Link("sys/class/tty/ttyUSB0", "ttyUSB0") },
		"dangling":         func(t *serialporttest.Tree) { t.Link("sys/class/tty/ttyUSB0", "../../devices/gone") },
		"out of the tree":  func(t *serialporttest.Tree) { t.Link("sys/class/tty/ttyUSB0", "/") },
		"gone":             func(t *serialporttest.Tree) { t.Remove(dev) },
	}
	for name, damage := range breaks {
		t.Run(name, func(t *testing.T) {
			tree := layout(t, "two-equal-behind-hub")
			damage(tree)
			all := devices(t, &serialport.Finder{Root: tree.Root})
			checkText(t, all)
			if !asks(all, "usb:1-1.3", "/dev/ttyUSB6") {
				t.Errorf("the other module is not found:\n%s", show(all))
			}
			if name != "gone" && !mentions(all, "/dev/ttyUSB0") {
				t.Errorf("a port is missing:\n%s", show(all))
			}
		})
	}
}

// checkText checks that what devices wrote is bounded and valid text.
func checkText(t *testing.T, all []serialport.Device) {
	t.Helper()
	for _, d := range all {
		for _, s := range []string{d.ID, d.Info.Manufacturer, d.Info.Product, d.Info.VID, d.Info.PID, d.Reason} {
			if len(s) > 1024 || !utf8.ValidString(s) {
				t.Errorf("%s: text of %d bytes: %.60q", d.ID, len(s), s)
			}
		}
	}
}

func asks(all []serialport.Device, id, path string) bool {
	for _, d := range all {
		for _, p := range d.Candidates() {
			if d.ID == id && p.Path == path {
				return true
			}
		}
	}
	return false
}

func mentions(all []serialport.Device, path string) bool {
	for _, d := range all {
		for _, p := range d.Ports {
			if p.Path == path {
				return true
			}
		}
	}
	return false
}

// TestB15EntriesVanishWhileRead unplugs and plugs one module while another is looked for.
func TestB15EntriesVanishWhileRead(t *testing.T) {
	tree := layout(t, "two-equal-behind-hub")
	const dev = "sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.1"
	f := &serialport.Finder{Root: tree.Root}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = os.Rename(tree.Path(dev), tree.Path("away"))
				_ = os.Rename(tree.Path("away"), tree.Path(dev))
			}
		}
	})
	for range 100 {
		if all := devices(t, f); !asks(all, "usb:1-1.3", "/dev/ttyUSB6") {
			t.Errorf("the other module is not found:\n%s", show(all))
			break
		}
	}
	close(stop)
	wg.Wait()
}

// FuzzSysfs: whatever a device writes into sysfs, all is bounded text and the other module is found.
func FuzzSysfs(f *testing.F) {
	f.Add("2c7c", "0125", "EC25", "02", "ff", "188:2")
	f.Add("", "\x00", "\xff\x1b[2J", "zz", "999999999999", "-1:70000")
	f.Add("2C7C", "0x0125", strings.Repeat("x", 5000), "2", "0e", "188:2:3")
	tree := layout(f, "two-equal-behind-hub")
	const at = "sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.1/"
	f.Fuzz(func(t *testing.T, vid, pid, product, number, class, dev string) {
		for name, data := range map[string]string{
			"idVendor": vid, "idProduct": pid, "product": product,
			"1-1.1:1.2/bInterfaceNumber": number, "1-1.1:1.2/bInterfaceClass": class,
			"1-1.1:1.2/ttyUSB2/tty/ttyUSB2/dev": dev, "1-1.1:1.2/ttyUSB2/tty/ttyUSB2/uevent": "DEVNAME=" + product,
		} {
			write(t, tree.Path(at+name), data)
		}
		all := devices(t, &serialport.Finder{Root: tree.Root})
		checkText(t, all)
		if !asks(all, "usb:1-1.3", "/dev/ttyUSB6") || !mentions(all, "/dev/ttyUSB2") {
			t.Errorf("something is missing:\n%s", show(all))
		}
	})
}
