package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// machine is a root directory with what tells it from others; an empty text removes a file.
func machine(t *testing.T, root string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const (
	machineID = "etc/machine-id"
	dmi       = "sys/class/dmi/id/product_uuid"
	emmc      = "sys/block/mmcblk0/device/cid"
	card      = "sys/class/net/eth0/address"
)

func whole(t *testing.T, n string) string {
	t.Helper()
	root := machine(t, t.TempDir(), map[string]string{
		machineID: "0123456789abcdef0123456789abcdef", dmi: "4c4c4544-0000-0000-0000-00000000000" + n, emmc: "15010038474e4433520" + n,
		card: "02:00:5e:00:53:0" + n, "sys/class/net/eth0/addr_assign_type": "0", "sys/class/net/eth0/device/vendor": "0x1",
		"sys/class/net/wwan0/address": "02:00:5e:00:53:ff", "sys/class/net/wwan0/addr_assign_type": "3",
	})
	return root
}

func identify(t *testing.T, root, state, configured string) Identity {
	t.Helper()
	i, err := Identify(root, state, configured)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestIdentity: the id stays that of the first start, whoever runs the agent later and whatever part is replaced.
func TestIdentity(t *testing.T) {
	root, state := whole(t, "1"), t.TempDir()
	user := machine(t, whole(t, "1"), map[string]string{dmi: ""}) // who is not root cannot read it
	first := identify(t, user, state, "")
	if asRoot, _ := MachineID(root); asRoot == first.ID {
		t.Fatal("the test's machine has the same id for everybody")
	}
	path := filepath.Join(state, identityFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Fatal(info, err)
	}
	for what, i := range map[string]Identity{
		"run by root":     identify(t, root, state, ""),
		"another card":    identify(t, machine(t, whole(t, "1"), map[string]string{card: "02:00:5e:00:53:99"}), state, ""),
		"another disk":    identify(t, machine(t, whole(t, "1"), map[string]string{emmc: "ff"}), state, ""),
		"a new machineid": identify(t, machine(t, whole(t, "1"), map[string]string{machineID: "ffffffffffffffffffffffffffffffff"}), state, ""),
	} {
		if i.ID != first.ID || len(i.Warnings) != 0 {
			t.Errorf("%s: %+v, want id %s", what, i, first.ID)
		}
	}
	identify(t, root, state, "")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	identify(t, root, state, "")
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("written though nothing changed: %v", err)
	}
	if i := identify(t, root, state, "north-1"); i.ID != "north-1" || len(i.Warnings) != 0 {
		t.Errorf("configured: %+v", i)
	}
	if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), "4c4c4544") || strings.Contains(string(b), "5e:00:53") {
		t.Errorf("the file tells what the machine is: %s, %v", b, err)
	}
}

// TestF10ClonedImage: a state directory of another machine is noticed; this one does not speak as the other, nor
// with its keys, and says so until a person took note.
func TestF10ClonedImage(t *testing.T) {
	state := t.TempDir()
	first := identify(t, whole(t, "1"), state, "")
	for _, name := range []string{keyFile, credsFile, "spool/x"} {
		machine(t, state, map[string]string{name: "of the first"})
	}
	second := identify(t, whole(t, "2"), state, "")
	if second.ID == first.ID || inventory.CheckGatewayID(second.ID) != nil || second.ClonedFrom != first.ID || !strings.Contains(second.Warnings["cloned-image"], first.ID) {
		t.Errorf("the clone is %+v, the first was %+v", second, first)
	}
	for _, name := range []string{keyFile, credsFile, "spool"} {
		if _, err := os.Stat(filepath.Join(state, name)); err == nil {
			t.Errorf("the clone has the first one's %s", name)
		}
		if _, err := os.Stat(filepath.Join(state, "of-"+first.ID, name)); err != nil {
			t.Error(err)
		}
	}
	if again := identify(t, whole(t, "2"), state, ""); again.ID != second.ID || again.Warnings["cloned-image"] == "" {
		t.Errorf("at the next start: %+v", again)
	}
	// A person says who it is.
	state = t.TempDir()
	identify(t, whole(t, "1"), state, "gw1")
	machine(t, state, map[string]string{keyFile: "of the first"})
	if i := identify(t, whole(t, "2"), state, "gw1"); i.ID != "gw1" || i.Warnings["cloned-image"] == "" {
		t.Errorf("configured: %+v", i)
	}
	if _, err := os.Stat(filepath.Join(state, keyFile)); err != nil {
		t.Error(err)
	}
}

// TestF10ClonedImageNotKept: a clone that cannot keep its id sets aside at the next start what it made itself
// meanwhile, but not in the place of what is the other's.
func TestF10ClonedImageNotKept(t *testing.T) {
	state := t.TempDir()
	first := identify(t, whole(t, "1"), state, "")
	machine(t, state, map[string]string{keyFile: "of the first", "." + identityFile + ".tmp/x": "in the way"})
	for range 2 {
		if i := identify(t, whole(t, "2"), state, ""); i.ID == first.ID || i.Warnings["identity-not-kept"] == "" {
			t.Errorf("%+v", i)
		}
		machine(t, state, map[string]string{keyFile: "of the second"})
	}
	for path, want := range map[string]string{filepath.Join("of-"+first.ID, keyFile): "of the first", keyFile: "of the second"} {
		if b, err := os.ReadFile(filepath.Join(state, path)); err != nil || strings.TrimSpace(string(b)) != want {
			t.Errorf("%s is %q, %v; want the key %s", path, b, err, want)
		}
	}
}

// TestIdentityNotKept: where the id cannot be kept or read, the agent runs and says so.
func TestIdentityNotKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	machine(t, filepath.Dir(file), map[string]string{"file": "x"})
	if i := identify(t, whole(t, "1"), filepath.Join(file, "state"), ""); i.ID == "" || i.Warnings["identity-not-kept"] == "" {
		t.Errorf("%+v", i)
	}
	for _, text := range []string{"{", `{"schema":"rollcall.identity/9","id":"x"}`, `{"schema":"rollcall.identity/1","id":"a.b"}`} {
		state := machine(t, t.TempDir(), map[string]string{identityFile: text})
		want, _ := MachineID(whole(t, "1"))
		if i := identify(t, whole(t, "1"), state, ""); i.ID != want || i.Warnings["identity-not-kept"] == "" {
			t.Errorf("%s: %+v", text, i)
		}
	}
}
