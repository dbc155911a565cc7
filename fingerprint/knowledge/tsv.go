package knowledge

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
)

var (
	usbHeading = []string{"vid", "pid", "makers", "badge", "model", "kind", "source", "as_of", "note"}
	pciHeading = []string{"vendor", "device", "subvendor", "subdevice", "makers", "badge", "model", "source", "as_of", "note"}
	tacHeading = []string{"tac", "makers", "model", "source", "as_of", "note"}
)

func readTables(folder fs.FS, s *Source) error {
	return errors.Join(
		readTable(folder, "ids/usb.tsv", usbHeading, func(w Where, f []string) {
			s.USB = append(s.USB, USBRow{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], w})
		}),
		readTable(folder, "ids/pci.tsv", pciHeading, func(w Where, f []string) {
			s.PCI = append(s.PCI, PCIRow{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], w})
		}),
		readTable(folder, "ids/tac.tsv", tacHeading, func(w Where, f []string) {
			s.TAC = append(s.TAC, TACRow{f[0], f[1], f[2], f[3], f[4], f[5], w})
		}),
	)
}

// readTable reads tab-separated lines. The first that is no comment is the heading.
func readTable(folder fs.FS, name string, heading []string, each func(Where, []string)) error {
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	seen := false
	var all []error
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		w := Where{File: name, Line: n}
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		for len(f) < len(heading) && seen {
			f = append(f, "")
		}
		switch {
		case !seen && !slices.Equal(f, heading):
			return w.errorf("the heading must be %q", strings.Join(heading, " "))
		case len(f) != len(heading):
			all = append(all, w.errorf("has %d columns, not %d", len(f), len(heading)))
		case seen:
			each(w, f)
		}
		seen = true
	}
	return errors.Join(all...)
}
