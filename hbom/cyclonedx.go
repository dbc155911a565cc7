package hbom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// CycloneDX writes the items as one indented CycloneDX document. If all are of one gateway,
// that gateway is the subject and its modules are the components; else gateways are the
// components, each with its modules.
func CycloneDX(w io.Writer, items []Item, s Settings) error {
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return fmt.Errorf("cannot write HBOM: %w", err)
	}
	items = sorted(items)
	d, err := s.document(items, "")
	if err != nil {
		return fmt.Errorf("cannot write HBOM: %w", err)
	}
	// The serial number comes from the document's own bytes, so it stands for all of them.
	if d, err = s.document(items, serial(d)); err != nil {
		return fmt.Errorf("cannot write HBOM: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, d, "", " "); err != nil {
		return fmt.Errorf("cannot write HBOM: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

func (s Settings) document(items []Item, serial string) ([]byte, error) {
	var buf bytes.Buffer
	d := newWriter(&buf, s)
	if oneGateway(items) {
		d.host = &items[0].Gateway
	}
	d.open(serial)
	for i := range items {
		d.item(&items[i])
	}
	err := d.close(nil)
	return buf.Bytes(), err
}

// StreamCycloneDX writes a fleet of any size as one compact CycloneDX document, gateway by
// gateway, holding in memory one gateway and the references of all modules. The items must be
// sorted by gateway id and module id. The serial number stands at the end of the document; it
// comes from all bytes before it.
//
// An error that the sequence gives ends the document; what was written is then no valid JSON.
func StreamCycloneDX(w io.Writer, items iter.Seq2[Item, error], s Settings) error {
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return fmt.Errorf("cannot write HBOM: %w", err)
	}
	sum := newSummer(w)
	d := newWriter(sum, s)
	d.open("")
	gateway, module, first := "", "", true
	for it, err := range items {
		if err != nil {
			return fmt.Errorf("cannot write HBOM: %w", err)
		}
		if !first && (it.Gateway.ID < gateway || it.Gateway.ID == gateway && it.Module.ID < module) {
			return fmt.Errorf("cannot write HBOM: gateway %q, module %q: %w", it.Gateway.ID, it.Module.ID, ErrOrder)
		}
		gateway, module, first = it.Gateway.ID, it.Module.ID, false
		d.item(&it)
		if d.err != nil {
			break
		}
	}
	if err := d.close(sum.serial); err != nil {
		return fmt.Errorf("cannot write HBOM: %w", err)
	}
	return nil
}

// metadata says when, by what and about what.
func (d *writer) metadata() *cdx.Metadata {
	s := d.s
	m := &cdx.Metadata{
		Timestamp:  s.stamp(),
		Lifecycles: &[]cdx.Lifecycle{{Phase: cdx.LifecyclePhaseOperations}, {Phase: cdx.LifecyclePhaseDiscovery}},
		Tools:      &cdx.ToolsChoice{Components: &[]cdx.Component{s.tool()}},
	}
	props := []cdx.Property{{Name: "rollcall:scope", Value: "gateway"}}
	if d.host != nil {
		c := gatewayComponent(d.host)
		m.Component = &c
	} else {
		props = []cdx.Property{{Name: "rollcall:scope", Value: "fleet"}, {Name: "rollcall:fleet", Value: s.Name}}
	}
	imei := "left out"
	if s.IMEI {
		imei = "written"
	}
	props = append(props, cdx.Property{Name: "rollcall:imeis", Value: imei},
		cdx.Property{Name: "rollcall:country", Value: "countries are seats of companies, not places of production"})
	m.Properties = &props
	return m
}

func (s Settings) tool() cdx.Component {
	return cdx.Component{Type: cdx.ComponentTypeApplication, Name: "rollcall", Version: s.version(s.Version)}
}

func (d *writer) dependencies() []cdx.Dependency {
	if d.host == nil {
		return nil // the nesting of a fleet says the same, and a million of them again say no more
	}
	root := cdx.Dependency{Ref: gatewayRef(d.host.ID)}
	var modules []string
	out := []cdx.Dependency{}
	for i := range d.modules {
		c := &d.modules[i]
		modules = append(modules, c.BOMRef)
		dep := cdx.Dependency{Ref: c.BOMRef}
		if c.Components != nil {
			var parts []string
			for _, p := range *c.Components {
				parts = append(parts, p.BOMRef)
			}
			dep.Dependencies = &parts
		}
		out = append(out, dep)
	}
	root.Dependencies = orNil(modules)
	return slices.Insert(out, 0, root)
}
