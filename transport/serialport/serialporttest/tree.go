package serialporttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Tree is a built tree. Its Root is for serialport.Finder.
type Tree struct {
	Root string

	tb     testing.TB
	number map[string]int // how many nodes of each name there are
}

// Build makes the tree of an archive in a temporary directory.
func Build(tb testing.TB, archive []byte) *Tree {
	tb.Helper()
	t := &Tree{Root: tb.TempDir(), tb: tb, number: map[string]int{}}
	for _, dir := range []string{"sys/class/tty", "sys/bus/usb/devices", "sys/bus/pci/devices", "dev", "proc", "run/udev/data", "var/lock"} {
		t.mkdir(dir)
	}
	t.Link("dev/pts", "/dev/pts")
	for _, f := range txtar.Parse(archive).Files {
		t.section(f.Name, string(f.Data))
	}
	return t
}

func (t *Tree) section(name, data string) {
	t.tb.Helper()
	kind, arg, _ := strings.Cut(name, " ")
	from, to, link := strings.Cut(name, " -> ")
	switch {
	case link:
		t.Link(from, to)
	case kind == "usb" && arg != "":
		t.usb(arg, data)
	case kind == "pci" && arg != "":
		t.pci(arg, data)
	case kind == "platform" && arg != "":
		t.platform(arg, data)
	case kind == "uart" && arg != "":
		t.uart(arg, data)
	case strings.Contains(name, "/"):
		t.File(name, data)
	}
}

// Path gives the real path of one below the root.
func (t *Tree) Path(name string) string { return filepath.Join(t.Root, name) }

// File writes a file below the root.
func (t *Tree) File(name, data string) {
	t.tb.Helper()
	t.mkdir(filepath.Dir(name))
	t.must(os.WriteFile(t.Path(name), []byte(data), 0o644))
}

// Link makes a symlink below the root, in place of what is there.
func (t *Tree) Link(name, target string) {
	t.tb.Helper()
	t.mkdir(filepath.Dir(name))
	_ = os.Remove(t.Path(name))
	t.must(os.Symlink(target, t.Path(name)))
}

// Remove removes what is below the root.
func (t *Tree) Remove(name string) {
	t.tb.Helper()
	t.must(os.RemoveAll(t.Path(name)))
}

// Attach makes a node of the tree ("/dev/ttyUSB2", "/dev/wwan0at0") stand for a real terminal, so
// that it can be opened: the node becomes a symlink, and sysfs gives the terminal's device number.
func (t *Tree) Attach(node, terminal string) {
	t.tb.Helper()
	fi, err := os.Stat(terminal)
	t.must(err)
	t.Link(node, terminal)
	dev, err := filepath.Glob(t.Path("sys/class/*/" + filepath.Base(node) + "/dev"))
	if err != nil || len(dev) != 1 {
		t.tb.Fatalf("sysfs shows %q at %q (%v)", node, dev, err)
	}
	t.must(os.WriteFile(dev[0], []byte(deviceNumber(fi)+"\n"), 0o644))
}

func (t *Tree) mkdir(name string) {
	t.tb.Helper()
	t.must(os.MkdirAll(t.Path(name), 0o755))
}

func (t *Tree) must(err error) {
	t.tb.Helper()
	if err != nil {
		t.tb.Fatal(err)
	}
}

// attrs writes attributes of sysfs, each with a newline at its end.
func (t *Tree) attrs(dir string, kv ...string) {
	t.tb.Helper()
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			t.File(dir+"/"+kv[i], kv[i+1]+"\n")
		}
	}
}

// relative links name to target, both below the root, as sysfs does.
func (t *Tree) relative(name, target string) {
	t.tb.Helper()
	rel, err := filepath.Rel(filepath.Dir("/"+name), "/"+target)
	t.must(err)
	t.Link(name, rel)
}

// next numbers nodes of one name: ttyUSB0, ttyUSB1, …
func (t *Tree) next(prefix string) string {
	n := t.number[prefix]
	t.number[prefix]++
	return fmt.Sprint(prefix, n)
}

// node makes a node of a class below its device: directory, links, device number and /dev entry.
func (t *Tree) node(class, name, device string, major int, uevent ...string) string {
	t.tb.Helper()
	dir := device + "/" + class + "/" + name
	t.mkdir(dir)
	t.relative("sys/class/"+class+"/"+name, dir)
	t.relative(dir+"/device", device)
	t.relative(dir+"/subsystem", "sys/class/"+class)
	lines := uevent
	if major > 0 {
		minor := t.number["major "+fmt.Sprint(major)]
		t.number["major "+fmt.Sprint(major)]++
		t.attrs(dir, "dev", fmt.Sprintf("%d:%d", major, minor))
		lines = append([]string{fmt.Sprint("MAJOR=", major), fmt.Sprint("MINOR=", minor), "DEVNAME=" + name}, lines...)
		t.File("dev/"+name, "")
	}
	t.attrs(dir, "uevent", strings.Join(lines, "\n"))
	return dir
}

// driver links a device to the driver that is bound to it.
func (t *Tree) driver(device, bus, name string) {
	t.tb.Helper()
	if name == "" || name == "(none)" {
		return
	}
	t.mkdir("sys/bus/" + bus + "/drivers/" + name)
	t.relative(device+"/driver", "sys/bus/"+bus+"/drivers/"+name)
}

func (t *Tree) subsystem(device, bus string) {
	t.tb.Helper()
	t.mkdir("sys/bus/" + bus)
	t.relative(device+"/subsystem", "sys/bus/"+bus)
}
