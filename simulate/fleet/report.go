package fleet

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
)

// kind is a module of which there are many, told apart by their IMEI.
type kind struct {
	firmwares []firmware
}

// firmware is a kind of module with one of its firmwares: encoded once, with an IMEI that
// each copy gets replaced by its own. An agent would identify each; the verdicts differ in
// nothing else.
type firmware struct {
	c       capture.Case
	module  inventory.Module
	encoded []byte
	imei    string // the one to be replaced; empty where the module tells none
}

// firmwares of each kind: its own and those that a change in the field brings.
const firmwares = 4

func (f *Fleet) makeKinds() error {
	for _, c := range f.s.Cases {
		own, err := f.firmware(c)
		if err != nil {
			return err
		}
		if own.module.State == inventory.StateNotCellular || own.module.State == inventory.StateUnknown {
			continue // a fleet is of cellular modules
		}
		k := kind{firmwares: []firmware{own}}
		for n := 1; n < firmwares && own.module.Identity.Firmware != ""; n++ {
			v, err := f.firmware(otherFirmware(c, own.module.Identity.Firmware, n))
			if err != nil {
				return err
			}
			if v.module.Identity.Firmware != own.module.Identity.Firmware {
				k.firmwares = append(k.firmwares, v)
			}
		}
		f.kinds = append(f.kinds, k)
	}
	if len(f.kinds) == 0 {
		return fmt.Errorf("cannot make a fleet: none of %d transcripts is of a cellular module", len(f.s.Cases))
	}
	return nil
}

// otherFirmware gives what the module would answer with another revision: its last run of
// digits counted on.
func otherFirmware(c capture.Case, revision string, n int) capture.Case {
	end := strings.LastIndexAny(revision, "0123456789") + 1
	if end == 0 {
		return c
	}
	start := end - 1
	for start > 0 && end-start < 2 && revision[start-1] >= '0' && revision[start-1] <= '9' {
		start--
	}
	number := 0
	for _, d := range revision[start:end] {
		number = 10*number + int(d-'0')
	}
	bound := 10
	if end-start == 2 {
		bound = 100
	}
	other := fmt.Sprintf("%s%0*d%s", revision[:start], end-start, (number+n)%bound, revision[end:])
	c.Transcript = slices.Clone(c.Transcript)
	for i := range c.Transcript {
		lines := slices.Clone(c.Transcript[i].Lines)
		for j := range lines {
			lines[j] = strings.ReplaceAll(lines[j], revision, other)
		}
		c.Transcript[i].Lines = lines
	}
	return c
}

// firmware identifies c and encodes the module that an agent would report.
func (f *Fleet) firmware(c capture.Case) (firmware, error) {
	c = simulate.Numbered(c, 0)
	v := f.s.Base.Identify(c.Observation)
	m := inventory.Module{ID: "usb:1-1.2", Transcript: c.Transcript, Banner: c.Banner, Device: device(c), Ports: []inventory.Port{
		{Path: "/dev/ttyUSB0", Role: inventory.RoleDiag, Reason: "not asked: it is no AT port"},
		{Path: "/dev/ttyUSB2", Role: inventory.RoleAT, State: v.State},
	}}
	v.Apply(&m)
	fw := firmware{c: c, module: m, imei: m.Identity.IMEI}
	r := inventory.Report{Modules: []inventory.Module{m}}
	b, err := r.Encode()
	if err != nil {
		return fw, err
	}
	_, rest, _ := bytes.Cut(b, []byte(`"modules":[`))
	fw.encoded = bytes.TrimSuffix(rest, []byte("]}"))
	return fw, nil
}

func device(c capture.Case) *inventory.Device {
	if c.USB == nil {
		return &inventory.Device{Bus: "usb", Path: "1-1.2", Driver: "option"}
	}
	d := *c.USB
	d.Bus, d.Path, d.Driver = "usb", "1-1.2", "option"
	return &d
}

// report makes and signs a full report.
func (f *Fleet) report(i int, reason inventory.Reason) (*inventory.Envelope, error) {
	g := &f.gateways[i]
	k := &f.kinds[g.module]
	fw := &k.firmwares[int(g.fw)%len(k.firmwares)]
	r := inventory.Report{ID: f.id(i), Gateway: f.place(i), Order: f.order(g), Time: f.s.Now().UTC(), ClockSynced: true, Reason: reason}
	module := fw.encoded
	if fw.imei != "" {
		module = bytes.ReplaceAll(module, []byte(fw.imei), []byte(simulate.IMEI(fw.imei[:8], int(g.serial))))
	}
	body, err := r.Encode()
	if err != nil {
		return nil, err
	}
	e := f.seal(i, r.ID, r.Order, with(body, module))
	if f.s.Heartbeats {
		return e, g.remember(e)
	}
	return e, nil
}

// with puts a module into the bytes of a report that has none.
func with(report, module []byte) []byte {
	none := []byte(`"modules":[`)
	at := bytes.LastIndex(report, none) + len(none)
	return slices.Concat(report[:at], module, report[at:])
}

func (f *Fleet) seal(i int, id string, o inventory.Order, body []byte) *inventory.Envelope {
	key := f.key(i)
	return &inventory.Envelope{Kind: inventory.KindReport, ID: id, Gateway: ID(i), Order: o, Body: body, Key: key.Public().(ed25519.PublicKey),
		Signature: ed25519.Sign(key, append(inventory.KindReport.Purpose(), body...))}
}

// remember keeps the digest for heartbeats.
func (g *gateway) remember(e *inventory.Envelope) error {
	r, err := inventory.DecodeReport(e.Body)
	if err != nil {
		return err
	}
	digest, err := r.Digest()
	if err != nil {
		return err
	}
	_, err = hex.Decode(g.digest[:], []byte(digest))
	return err
}
