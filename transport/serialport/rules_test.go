package serialport_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// What is denied is not opened for a person who names it either, under whatever name.
func TestDenyHoldsForNamedPorts(t *testing.T) {
	tree, pair := attached(t)
	link := filepath.Join(t.TempDir(), "module")
	node := filepath.Join(t.TempDir(), "same")
	if err := os.Symlink(pair.Slave, link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		root, path string
		deny       serialport.Match
	}{
		{tree.Root, "/dev/ttyUSB2", serialport.Match{Path: "/dev/ttyUSB2"}},
		{tree.Root, "/dev/ttyUSB2", serialport.Match{ID: "2c7c:*"}},
		{tree.Root, "/dev/ttyUSB2", serialport.Match{Path: "usb:1-1.2"}},
		{"", link, serialport.Match{Path: pair.Slave}},
		{"", pair.Slave, serialport.Match{Path: link}},
		{"", node, serialport.Match{Path: pair.Slave}},
		{"", "tcp://127.0.0.1:4000", serialport.Match{Path: "tcp://127.0.0.1:4000"}},
	} {
		if tt.path == node && !bound(t, pair.Slave, node) {
			continue // only root may make another name for a device
		}
		f := &serialport.Finder{Root: tt.root}
		if d, err := f.Named(t.Context(), tt.path); err != nil || len(d.Candidates()) != 1 {
			t.Errorf("%s without rules: %v, %d ports to ask", tt.path, err, len(d.Candidates()))
		}
		f.Rules.Deny = []serialport.Match{tt.deny}
		d, err := f.Named(t.Context(), tt.path)
		if err != nil || len(d.Candidates()) != 0 || d.State != inventory.StateDenied || !strings.Contains(d.Reason, "the configuration says not to ask it") {
			t.Errorf("%s with %+v: %v %s", tt.path, tt.deny, err, show([]serialport.Device{d}))
		}
	}
}

// bound makes another node of the same device.
func bound(t *testing.T, of, node string) bool {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(of, &st); err != nil {
		t.Fatal(err)
	}
	return unix.Mknod(node, unix.S_IFCHR|0o600, int(st.Rdev)) == nil
}

func TestRules(t *testing.T) {
	type match = serialport.Match
	tests := []struct {
		name, layout string
		allow, deny  []match
		want         []string // ports to be asked, with their roles
	}{
		{name: "none", layout: "adapters"},
		{name: "empty match", layout: "adapters", allow: []match{{}, {Interface: "00"}, {Role: inventory.RoleAT}}},
		{name: "path", layout: "adapters", allow: []match{{Path: "/dev/ttyUSB1"}}, want: []string{"/dev/ttyUSB1 at"}},
		{name: "symlink", layout: "adapters", allow: []match{{Path: "/dev/serial/by-path/meter"}}, want: []string{"/dev/ttyUSB1 at"}},
		{name: "place", layout: "adapters", allow: []match{{Path: "usb:1-4.3"}}, want: []string{"/dev/ttyUSB2 at"}},
		{name: "id", layout: "adapters", allow: []match{{ID: "10C4:EA60"}}, want: []string{"/dev/ttyUSB1 at"}},
		{name: "vendor", layout: "adapters", allow: []match{{ID: "10c4:*", Role: inventory.RoleATSecond}}, want: []string{"/dev/ttyUSB1 at-secondary"}},
		{name: "driver", layout: "adapters", allow: []match{{Driver: "ftdi_sio"}}, want: []string{"/dev/ttyUSB0 at"}},
		{name: "all must fit", layout: "adapters", allow: []match{{Driver: "ftdi_sio", ID: "10c4:ea60"}}},
		{name: "deny beats allow", layout: "adapters", allow: []match{{Path: "/dev/ttyUSB1"}}, deny: []match{{Driver: "cp210x"}}},
		{name: "deny a module", layout: "quectel-ec25", deny: []match{{ID: "2c7c:*"}}},
		{name: "deny one port", layout: "quectel-ec25", deny: []match{{Path: "/dev/ttyUSB2"}}, want: []string{"/dev/ttyUSB3 at-secondary"}},
		{
			name: "an id means ports that may carry AT", layout: "quectel-ec25", allow: []match{{ID: "2c7c:0125"}},
			want: []string{"/dev/ttyUSB2 at", "/dev/ttyUSB3 at"},
		},
		{
			name: "an interface is meant as it is", layout: "quectel-ec25", allow: []match{{ID: "2c7c:0125", Interface: "01"}},
			want: []string{"/dev/ttyUSB1 at", "/dev/ttyUSB2 at", "/dev/ttyUSB3 at-secondary"},
		},
		{name: "a loader never", layout: "edl-9008", allow: []match{{Path: "/dev/ttyUSB0"}, {ID: "05c6:9008"}, {Driver: "qcserial"}}},
		{name: "another protocol never", layout: "mbim-only", allow: []match{{Path: "/dev/cdc-wdm0"}, {Driver: "cdc_mbim"}}},
		{name: "a board with a modem behind it", layout: "nrf9160-dk", allow: []match{{ID: "1366:*", Interface: "01"}}, want: []string{"/dev/ttyACM0 at"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := layout(t, tt.layout)
			tree.Link("dev/serial/by-path/meter", "../../ttyUSB1")
			f := &serialport.Finder{Root: tree.Root, Rules: serialport.Rules{Allow: tt.allow, Deny: tt.deny}}
			var got []string
			for _, d := range devices(t, f) {
				for _, p := range d.Candidates() {
					got = append(got, fmt.Sprint(p.Path, " ", p.Role))
				}
			}
			for _, d := range devices(t, f) {
				if d.Cellular && len(tt.deny) > 0 && len(tt.want) == 0 && (d.State != inventory.StateDenied || !strings.Contains(d.Reason, "configuration")) {
					t.Errorf("%s is %s: %s", d.ID, d.State, d.Reason)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
