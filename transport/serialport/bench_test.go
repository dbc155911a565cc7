package serialport_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

// BenchmarkFind looks at one machine with three modules, its own UARTs and some adapters.
func BenchmarkFind(b *testing.B) {
	var all txtar.Archive
	for i, name := range []string{"quectel-ec25", "simcom-sim7600", "adapters", "platform-uarts", "quectel-rm520n-pci"} {
		data, err := os.ReadFile("testdata/devices/" + name + ".txtar")
		if err != nil {
			b.Fatal(err)
		}
		a := txtar.Parse(data)
		for _, f := range a.Files {
			f.Name = strings.Replace(f.Name, "usb 1-1.", "usb "+string(rune('1'+i))+"-1.", 1)
			all.Files = append(all.Files, f)
		}
	}
	f := &serialport.Finder{Root: serialporttest.Build(b, txtar.Format(&all)).Root}
	for b.Loop() {
		if d, err := f.Find(b.Context()); err != nil || len(d) < 10 {
			b.Fatalf("found %d devices, %v", len(d), err)
		}
	}
}

// BenchmarkLoadTables is the first use of a Finder: it reads the embedded rules.
func BenchmarkLoadTables(b *testing.B) {
	for b.Loop() {
		if err := serialport.LoadTables(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVisit opens and closes a port, with every look at other programs and every lock.
func BenchmarkVisit(b *testing.B) {
	pair := serialporttest.Pty(b)
	d, err := new(serialport.Finder).Named(b.Context(), pair.Slave)
	if err != nil {
		b.Fatal(err)
	}
	s := serialport.Settings{LockDir: b.TempDir()}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for b.Loop() {
		c, err := serialport.Open(b.Context(), d.Ports[0], s)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(processes)), "processes")
}

// BenchmarkRoundTrip writes a command and reads its echo through a pseudo terminal.
func BenchmarkRoundTrip(b *testing.B) {
	pair := serialporttest.Pty(b)
	d, err := new(serialport.Finder).Named(b.Context(), pair.Slave)
	if err != nil {
		b.Fatal(err)
	}
	c, err := serialport.Open(b.Context(), d.Ports[0], serialport.Settings{LockDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 64)
	for b.Loop() {
		if _, err := c.Write([]byte("AT\r")); err != nil {
			b.Fatal(err)
		}
		n, err := pair.Master.Read(buf)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := pair.Master.Write(buf[:n]); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}
