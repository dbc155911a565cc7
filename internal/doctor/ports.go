package doctor

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// found is what there is to ask: what the configuration names, else what the kernel shows.
type found struct {
	devices []serialport.Device
	// refused are ports that are named and are none.
	refused []Check
	named   bool
	err     error
}

func look(ctx context.Context, s Settings) (f found) {
	if s.Config == nil || len(s.Config.Scan.Ports) == 0 {
		f.devices, f.err = s.Finder.Find(ctx)
		return f
	}
	f.named = true
	for _, path := range s.Config.Scan.Ports {
		d, err := s.Finder.Named(ctx, path)
		if err != nil {
			f.refused = append(f.refused, Check{path, Fail, err.Error(), "mend scan.ports"})
			continue
		}
		f.devices = append(f.devices, d)
	}
	return f
}

// devices says of each device that is to be asked whether it can be, and if not, why.
func devices(f found) []Check {
	checks := f.refused
	if f.err != nil {
		checks = append(checks, Check{"devices", Fail, f.err.Error(), "check that /sys is mounted and readable"})
	}
	for _, d := range f.devices {
		if f.named || d.Cellular || len(d.Candidates()) > 0 {
			checks = append(checks, device(d)...)
		}
	}
	if len(checks) == 0 {
		checks = append(checks, Check{"devices", Warn, "the kernel shows no cellular device",
			"check power and cabling; a module on a bare UART is asked when named: rollcall scan --port /dev/ttyS1"})
	}
	return checks
}

func device(d serialport.Device) []Check {
	var checks []Check
	for _, i := range d.Unbound {
		checks = append(checks, unbound(d, i))
	}
	ports := d.Candidates()
	if len(ports) == 0 {
		return append(checks, Check{d.ID, Warn, title(d) + " has no port that may be asked: " + d.Reason,
			"see rollcall ports; what the descriptor tells is reported all the same"})
	}
	for _, p := range ports {
		if c := port(d, p); c.Level != OK {
			checks = append(checks, c)
			continue
		}
		return append(checks, Check{d.ID, OK, fmt.Sprintf("%s can be asked on %s", title(d), p.Path), ""})
	}
	return checks
}

// port looks at the node from outside: its permissions, and who else has it open.
func port(d serialport.Device, p serialport.Port) Check {
	if holders := serialport.Holders(p); len(holders) > 0 {
		names := make([]string, len(holders))
		for i, h := range holders {
			names[i] = h.String()
		}
		return Check{d.ID, Warn, fmt.Sprintf("%s is held by %s", p.Path, strings.Join(names, ", ")),
			"it is left alone; stop that program to have the module asked"}
	}
	if p.Kind == serialport.KindTCP || p.Kind == serialport.KindRFC2217 {
		return Check{d.ID, OK, p.Path, ""} // only a connection could tell more, and it would be a visit
	}
	if err := unix.Faccessat(unix.AT_FDCWD, p.Path, unix.R_OK|unix.W_OK, unix.AT_EACCESS); err != nil {
		return Check{d.ID, Fail, fmt.Sprintf("%s may not be opened: %v", p.Path, err), joinGroup(p.Path)}
	}
	return Check{d.ID, OK, p.Path, ""}
}

func joinGroup(path string) string {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil || st.Mode&0o060 != 0o060 || st.Gid == 0 {
		return "install packaging/udev/*.rules and plug the device in again"
	}
	groups, _ := os.Getgroups()
	if os.Geteuid() == 0 || os.Getegid() == int(st.Gid) || slices.Contains(groups, int(st.Gid)) {
		return "its owner and mode allow it, so a security module such as SELinux or AppArmor, or a container, forbids it: see its log"
	}
	name := strconv.Itoa(int(st.Gid))
	if g, err := user.LookupGroupId(name); err == nil {
		name = g.Name
	}
	return fmt.Sprintf("join the group %s: usermod -aG %s USER, and log in again", name, name)
}

func unbound(d serialport.Device, i serialport.Interface) Check {
	c := Check{Name: d.ID, Level: Note, Text: fmt.Sprintf("interface %s (%s) of %s has no driver", i.Number, i.Class, title(d))}
	if d.Info.Bus == "usb" && len(d.Candidates()) == 0 {
		c.Level = Warn
		c.Advice = fmt.Sprintf("modprobe option; echo %s %s > /sys/bus/usb-serial/drivers/option1/new_id", d.Info.VID, d.Info.PID)
	}
	return c
}

func title(d serialport.Device) string {
	i := d.Info
	name := strings.TrimSpace(i.Manufacturer + " " + i.Product)
	if name == "" {
		name = "the device"
	}
	if i == (inventory.Device{}) || i.VID == "" {
		return name
	}
	return fmt.Sprintf("%s (%s %s:%s)", name, i.Bus, i.VID, i.PID)
}
