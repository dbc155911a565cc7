package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

// record is one line of JSON Lines. Other keys are ignored. A module object of a
// report is read as well: its transcript and device stand under other names; and so is what `mmcli -J` prints.
type record struct {
	ID         string               `json:"id"`
	Exchange   []inventory.Exchange `json:"exchange"`
	Transcript []inventory.Exchange `json:"transcript"`
	Banner     []string             `json:"banner"`
	USB        *inventory.Device    `json:"usb"`
	PCI        *inventory.Device    `json:"pci"`
	Device     *inventory.Device    `json:"device"`
	Managed    *inventory.Managed   `json:"managed"`
	// Modem is what `mmcli -J` prints.
	Modem *mmcliModem `json:"modem"`
}

// ReadJSONLines reads one case a line, in order, without holding more than one. A
// line that cannot be read gives an error that names it; the lines after it go on.
func ReadJSONLines(r io.Reader) iter.Seq2[Case, error] {
	return func(yield func(Case, error) bool) {
		lines := bufio.NewReaderSize(r, 64<<10)
		for n := 1; ; n++ {
			line, tooLong, err := readLine(lines)
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Case{}, fmt.Errorf("cannot read line %d: %w", n, err))
				return
			}
			if !yieldLine(yield, n, line, tooLong) || err != nil {
				return
			}
		}
	}
}

func yieldLine(yield func(Case, error) bool, n int, line []byte, tooLong bool) bool {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
	switch {
	case tooLong:
		return yield(Case{}, fmt.Errorf("cannot read line %d: longer than %d bytes: %w", n, MaxLine, ErrTooLarge))
	case len(line) == 0:
		return true
	}
	var rec record
	if err := json.Unmarshal(line, &rec); err != nil {
		return yield(Case{}, fmt.Errorf("cannot read line %d: not a case in JSON: %w", n, err))
	}
	return yield(rec.toCase(), nil)
}

// readLine returns the next line without its end. What goes beyond MaxLine is read
// and dropped, so that the lines after it can still be read.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			tooLong, line = true, nil
		}
		if !tooLong {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

func (rec *record) toCase() Case {
	o := fingerprint.Observation{Transcript: rec.Exchange, Banner: rec.Banner, USB: rec.USB, PCI: rec.PCI, Managed: rec.Managed}
	if rec.Modem != nil {
		m := rec.Modem.managed()
		o.Managed = &m
	}
	if o.Transcript == nil {
		o.Transcript = rec.Transcript
	}
	if d := rec.Device; d != nil && o.USB == nil && o.PCI == nil {
		if d.Bus == "pci" {
			o.PCI = d
		} else {
			o.USB = d
		}
	}
	normalDevice(o.USB, "usb")
	normalDevice(o.PCI, "pci")
	return Case{ID: rec.ID, Observation: o}
}

// normalDevice fills in the bus and writes ids as everywhere: lower-case hex, 4 digits.
func normalDevice(d *inventory.Device, bus string) {
	if d == nil {
		return
	}
	if d.Bus == "" {
		d.Bus = bus
	}
	for _, id := range []*string{&d.VID, &d.PID, &d.SubVID, &d.SubPID} {
		*id = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(*id)), "0x")
		if n := len(*id); n > 0 && n < 4 {
			*id = strings.Repeat("0", 4-n) + *id
		}
	}
}

// ReadReport reads the modules of one report, as scan prints it, as cases.
func ReadReport(r io.Reader) ([]Case, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, err
	}
	var report struct {
		Modules []record `json:"modules"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("cannot read report: %w", err)
	}
	cases := make([]Case, 0, len(report.Modules))
	for i := range report.Modules {
		cases = append(cases, report.Modules[i].toCase())
	}
	return cases, nil
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read capture: %w", err)
	}
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("cannot read capture of more than %d bytes: %w", MaxBytes, ErrTooLarge)
	}
	return text, nil
}
