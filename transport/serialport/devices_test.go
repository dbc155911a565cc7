package serialport_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

var update = flag.Bool("update", false, "write the golden verdicts anew")

// TestDevices compares what is found in every recorded layout with its golden verdicts.
func TestDevices(t *testing.T) {
	files, err := filepath.Glob("testdata/devices/*.txtar")
	if err != nil || len(files) < 25 {
		t.Fatalf("found %d layouts, want at least 25 (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { checkLayout(t, file) })
	}
}

func checkLayout(t *testing.T, file string) {
	t.Parallel()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f := serialport.Finder{Root: serialporttest.Build(t, b).Root}
	devices, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, a := show(devices), txtar.Parse(b)
	if *update {
		setFile(a, "want", got)
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(getFile(a, "want"), got); diff != "" {
		t.Errorf("verdicts differ (-want +got):\n%s", diff)
	}
}

func getFile(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func setFile(a *txtar.Archive, name, data string) {
	for i := range a.Files {
		if a.Files[i].Name == name {
			a.Files[i].Data = []byte(data)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(data)})
}

// show writes devices as the golden files hold them.
func show(devices []serialport.Device) string {
	var b strings.Builder
	for _, d := range devices {
		fmt.Fprintf(&b, "%s %s:%s", d.ID, d.Info.VID, d.Info.PID)
		if d.Info.SubVID != "" {
			fmt.Fprintf(&b, " sub %s:%s", d.Info.SubVID, d.Info.SubPID)
		}
		fmt.Fprintf(&b, " rev %q driver %q %q %q\n", d.Info.Revision, d.Info.Driver, d.Info.Manufacturer, d.Info.Product)
		fmt.Fprintf(&b, "\tcellular %v state %q: %s\n", d.Cellular, d.State, d.Reason)
		for _, u := range d.Unbound {
			fmt.Fprintf(&b, "\tunbound %s %s\n", u.Number, u.Class)
		}
		for _, p := range d.Ports {
			fmt.Fprintf(&b, "\t%s %s %s %s", p.Verdict, p.Path, p.Role, p.Kind)
			if p.Claim != "" {
				fmt.Fprintf(&b, " claimed by %s", p.Claim)
			}
			fmt.Fprintf(&b, "\n\t\t%s\n", p.Reason)
		}
	}
	return b.String()
}
