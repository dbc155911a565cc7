package cli

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/hbom/sheet"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
)

// csvHead names the columns. They are part of the contract: new ones go to the end.
var csvHead = [...]string{
	"id", "state", "maker", "maker_name", "badge", "model", "variant", "firmware", "hardware", "imei",
	"chipset", "technology", "country", "parent_country", "confidence", "certainty", "possible", "conflicts",
	"seems", "reason", "bus", "path", "vid", "pid", "port", "data", "findings",
}

// csvModules writes one module a row.
type csvModules struct {
	w     *csv.Writer
	begun bool
}

func newCSV(w io.Writer) *csvModules { return &csvModules{w: csv.NewWriter(w)} }

func (c *csvModules) module(it render.Item) error {
	if err := c.head(); err != nil {
		return err
	}
	return c.write(csvRow(it))
}

func (c *csvModules) close() error {
	if err := c.head(); err != nil {
		return err
	}
	c.w.Flush()
	return writing(c.w.Error())
}

func (c *csvModules) head() error {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.write(csvHead[:])
}

func (c *csvModules) write(row []string) error {
	for i, cell := range row {
		row[i] = sheet.Cell(cell)
	}
	if err := c.w.Write(row); err != nil {
		return writing(err)
	}
	c.w.Flush()
	return writing(c.w.Error())
}

func csvRow(it render.Item) []string {
	m, id := it.Module, it.Module.Identity
	var d inventory.Device
	if m.Device != nil {
		d = *m.Device
	}
	var conflicts, findings, ports []string
	for _, x := range m.Conflicts {
		conflicts = append(conflicts, x.Why)
	}
	for _, f := range it.Findings {
		findings = append(findings, f.Text)
	}
	for _, p := range m.Ports {
		if p.State != "" {
			ports = append(ports, p.Path)
		}
	}
	confidence := strconv.FormatFloat(m.Confidence, 'g', 3, 64)
	return []string{
		m.ID, string(m.State), id.Maker, id.MakerName, id.Badge, id.Model, id.Variant, id.Firmware, id.Hardware, id.IMEI,
		id.Chipset, id.Technology, m.Origin.Country, m.Origin.ParentCountry, confidence, render.Certainty(m),
		strings.Join(m.Possible, " "), strings.Join(conflicts, "; "),
		m.Seems, m.Reason, d.Bus, d.Path, d.VID, d.PID, strings.Join(ports, " "), m.Data, strings.Join(findings, "; "),
	}
}
