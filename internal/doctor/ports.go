package doctor

import (
	"context"
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// devices says of each cellular device whether it can be asked, and if not, why.
func devices(ctx context.Context, s Settings) []Check {
	found, err := s.Finder.Find(ctx)
	var checks []Check
	if err != nil {
		checks = append(checks, Check{"devices", Fail, err.Error(), "check that /sys is mounted and readable"})
	}
	for _, d := range found {
		if d.Cellular || len(d.Candidates()) > 0 {
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
