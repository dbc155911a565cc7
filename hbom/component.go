package hbom

import (
	"cmp"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/rollcall-iot/rollcall/inventory"
)

// gatewayComponent describes the host device, without its modules.
func gatewayComponent(g *inventory.Gateway) cdx.Component {
	props := []cdx.Property{}
	add := func(name, value string) {
		if value != "" {
			props = append(props, cdx.Property{Name: name, Value: value})
		}
	}
	add("rollcall:agent", g.Agent)
	add("rollcall:os", g.OS)
	add("rollcall:arch", g.Arch)
	for _, k := range sortedKeys(g.Labels) {
		add("rollcall:label", k+"="+g.Labels[k])
	}
	return cdx.Component{
		Type: cdx.ComponentTypeDevice, BOMRef: gatewayRef(g.ID), Name: g.ID, Description: g.Hostname, Properties: orNil(props),
	}
}

// moduleComponent describes a module with the parts that are known.
func (s Settings) moduleComponent(ref string, it *Item) cdx.Component {
	m := &it.Module
	c := cdx.Component{
		Type: cdx.ComponentTypeDevice, BOMRef: ref, Name: s.maskName(moduleName(m)), Version: s.version(m.Identity.Hardware),
		Description: m.Identity.Technology,
		Evidence:    s.evidence(m, map[string]cdx.EvidenceIdentityFieldType{"model": "name", "hardware": "version"}, m.Identity.Model, m.Identity.Hardware),
		Pedigree:    s.pedigree(m), ExternalReferences: externalReferences(it.Findings),
		Properties: orNil(cdxProperties(s.properties(it))),
	}
	if maker, ok := s.maker(m); ok {
		c.Manufacturer = entity(maker)
	}
	if badge, ok := s.company(m.Identity.Badge, "", ""); ok {
		c.Supplier = entity(badge)
	}
	var parts []cdx.Component
	if m.Identity.Chipset != "" {
		parts = append(parts, s.chipsetComponent(ref, m))
	}
	if m.Identity.Firmware != "" {
		parts = append(parts, s.firmwareComponent(ref, m, c.Manufacturer))
	}
	c.Components = orNil(parts)
	return c
}

func (s Settings) chipsetComponent(ref string, m *inventory.Module) cdx.Component {
	maker, known, name := s.chipset(m.Identity.Chipset)
	c := cdx.Component{Type: cdx.ComponentTypeDevice, BOMRef: ref + chipsetRef, Name: s.maskName(name),
		Properties: &[]cdx.Property{{Name: "cdx:device:function", Value: "cellular chipset"}}}
	if known {
		c.Manufacturer = entity(maker)
	}
	return c
}

// firmwareComponent: the specification wants a device with firmware as two components.
func (s Settings) firmwareComponent(ref string, m *inventory.Module, maker *cdx.OrganizationalEntity) cdx.Component {
	return cdx.Component{
		Type: cdx.ComponentTypeFirmware, BOMRef: ref + firmwareRef, Manufacturer: maker,
		Name: s.maskName(moduleName(m)) + " firmware", Version: s.version(m.Identity.Firmware),
		Evidence: s.evidence(m, map[string]cdx.EvidenceIdentityFieldType{"firmware": "version"}, "", m.Identity.Firmware),
	}
}

// evidence gives the proofs of a component's name and version, field by field.
func (s Settings) evidence(m *inventory.Module, fields map[string]cdx.EvidenceIdentityFieldType, name, version string) *cdx.Evidence {
	confidence := float32(within(m.Confidence))
	concluded := map[cdx.EvidenceIdentityFieldType]string{"name": s.maskName(name), "version": s.maskName(version)}
	var out []cdx.EvidenceIdentity
	for _, field := range []cdx.EvidenceIdentityFieldType{"name", "version"} {
		var methods []cdx.EvidenceIdentityMethod
		for _, e := range m.Evidence {
			if f, ok := fields[e.Claim]; ok && f == field {
				methods = append(methods, cdx.EvidenceIdentityMethod{Technique: technique(e.Source), Confidence: &confidence, Value: s.method(e)})
			}
		}
		if len(methods) > 0 && concluded[field] != "" {
			out = append(out, cdx.EvidenceIdentity{Field: field, Confidence: &confidence, ConcludedValue: concluded[field], Methods: &methods})
		}
	}
	if out == nil {
		return nil
	}
	return &cdx.Evidence{Identity: &cdx.EvidenceIdentityChoice{Identities: &out}}
}

// technique: what the running module said is dynamic analysis; for what the kernel or a table
// says of it the format has no better word than other.
func technique(source string) cdx.EvidenceIdentityTechnique {
	if strings.HasPrefix(source, "at:") || source == "banner" {
		return cdx.EvidenceIdentityTechniqueDynamicAnalysis
	}
	return cdx.EvidenceIdentityTechniqueOther
}

// pedigree tells of a module that is sold under another name than its maker's.
func (s Settings) pedigree(m *inventory.Module) *cdx.Pedigree {
	badge, ok := s.company(m.Identity.Badge, "", "")
	if !ok || m.Identity.Badge == m.Identity.Maker {
		return nil
	}
	maker, ok := s.maker(m)
	if !ok {
		return nil
	}
	return &cdx.Pedigree{Notes: "built by " + maker.Name + ", sold under the badge of " + badge.Name}
}

func entity(c Company) *cdx.OrganizationalEntity {
	e := &cdx.OrganizationalEntity{Name: c.Name}
	if c.Country != "" {
		e.Address = &cdx.PostalAddress{Country: c.Country}
	}
	if u := address(c.URL); u != "" {
		e.URL = &[]string{u}
	}
	return e
}

// externalReferences gives the texts that findings rely on, each once.
func externalReferences(findings []Finding) *[]cdx.ExternalReference {
	var out []cdx.ExternalReference
	seen := map[string]bool{}
	for _, f := range findings {
		u := address(f.Source)
		if u == "" || seen[u] {
			continue
		}
		seen[u] = true
		out = append(out, cdx.ExternalReference{Type: cdx.ERTypeEvidence, URL: u, Comment: cmp.Or(listComment(f), f.Rule)})
	}
	return orNil(out)
}

func listComment(f Finding) string {
	if f.List == "" {
		return ""
	}
	return listEntry(f)
}

func cdxProperties(props []property) []cdx.Property {
	out := make([]cdx.Property, len(props))
	for i, p := range props {
		out[i] = cdx.Property{Name: p.name, Value: p.value}
	}
	return out
}

func orNil[T any](s []T) *[]T {
	if len(s) == 0 {
		return nil
	}
	return &s
}
