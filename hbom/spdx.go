package hbom

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/rollcall-iot/rollcall/inventory"
)

// The elements of SPDX 3.0.1 that are written, with their names in JSON-LD
// (https://spdx.github.io/spdx-spec/v3.0.1/serializations/).
type (
	element struct {
		Type         string `json:"type"`
		ID           string `json:"spdxId"`
		CreationInfo string `json:"creationInfo"`
		Name         string `json:"name,omitempty"`
		Description  string `json:"description,omitempty"`
		Comment      string `json:"comment,omitempty"`

		ExternalRefs []externalRef `json:"externalRef,omitempty"`
		Extensions   []extension   `json:"extension,omitempty"`

		// of a package
		OriginatedBy []string `json:"originatedBy,omitempty"`
		SuppliedBy   string   `json:"suppliedBy,omitempty"`
		Version      string   `json:"software_packageVersion,omitempty"`
		Purpose      string   `json:"software_primaryPurpose,omitempty"`

		// of a relationship
		From         string   `json:"from,omitempty"`
		To           []string `json:"to,omitempty"`
		Relation     string   `json:"relationshipType,omitempty"`
		Completeness string   `json:"completeness,omitempty"`

		// of an annotation
		Subject    string `json:"subject,omitempty"`
		Annotation string `json:"annotationType,omitempty"`
		Statement  string `json:"statement,omitempty"`

		// of a collection
		Profiles []string `json:"profileConformance,omitempty"`
		Roots    []string `json:"rootElement,omitempty"`
		Elements []string `json:"element,omitempty"`
		SbomType []string `json:"software_sbomType,omitempty"`
	}
	creationInfo struct {
		Type         string   `json:"type"`
		ID           string   `json:"@id"`
		SpecVersion  string   `json:"specVersion"`
		Created      string   `json:"created"`
		CreatedBy    []string `json:"createdBy"`
		CreatedUsing []string `json:"createdUsing"`
	}
	externalRef struct {
		Type     string   `json:"type"`
		RefType  string   `json:"externalRefType"`
		Locators []string `json:"locator"`
		Comment  string   `json:"comment,omitempty"`
	}
	extension struct {
		Type       string          `json:"type"`
		Properties []propertyEntry `json:"extension_cdxProperty"`
	}
	propertyEntry struct {
		Type  string `json:"type"`
		Name  string `json:"extension_cdxPropName"`
		Value string `json:"extension_cdxPropValue"`
	}
)

const creation = "_:creation"

// SPDX writes the items as one SPDX 3.0.1 JSON-LD document: gateways, modules, chipsets and
// firmware as software packages of purpose device and firmware, since SPDX 3.0.1 has no words
// for hardware. The profiles claimed are core, software and extension; the properties are
// those of the CycloneDX document.
func SPDX(w io.Writer, items []Item, s Settings) error {
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return fmt.Errorf("cannot write SPDX: %w", err)
	}
	items = sorted(items)
	draft, err := s.spdx(items, urn(nil))
	if err != nil {
		return fmt.Errorf("cannot write SPDX: %w", err)
	}
	doc, err := s.spdx(items, serial(draft))
	if err != nil {
		return fmt.Errorf("cannot write SPDX: %w", err)
	}
	_, err = w.Write(doc)
	return err
}

func (s Settings) spdx(items []Item, base string) ([]byte, error) {
	g := &graph{s: s, base: base, agents: map[string]string{}}
	g.document(items)
	doc := struct {
		Context string `json:"@context"`
		Graph   []any  `json:"@graph"`
	}{"https://spdx.org/rdf/3.0.1/spdx-context.jsonld", g.all}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, escapeRunes(b), "", " "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// graph collects the elements of one document.
type graph struct {
	s      Settings
	base   string
	all    []any
	ids    []string
	agents map[string]string // the id of a company, by slug
}

// id makes an IRI of the document's own from a reference.
func (g *graph) id(ref string) string { return g.base + "#" + url.PathEscape(ref) }

func (g *graph) add(e element) string {
	e.CreationInfo = creation
	g.all = append(g.all, e)
	g.ids = append(g.ids, e.ID)
	return e.ID
}

func (g *graph) document(items []Item) {
	made, tool := g.id("agent/rollcall"), g.id("tool/rollcall")
	g.all = append(g.all, creationInfo{Type: "CreationInfo", ID: creation, SpecVersion: "3.0.1", Created: g.s.stamp(),
		CreatedBy: []string{made}, CreatedUsing: []string{tool}})
	g.add(element{Type: "SoftwareAgent", ID: made, Name: "rollcall"})
	g.add(element{Type: "Tool", ID: tool, Name: "rollcall", Description: g.s.Version})
	var roots []string
	for i := 0; i < len(items); {
		n := i + 1
		for n < len(items) && items[n].Gateway.ID == items[i].Gateway.ID {
			n++
		}
		roots = append(roots, g.gateway(items[i:n])...)
		i = n
	}
	profiles := []string{"core", "software", "extension"}
	bom := element{Type: "software_Sbom", ID: g.id("bom"), Name: g.name(items), Profiles: profiles, Roots: roots, Elements: g.ids,
		SbomType: []string{"deployed"}, Comment: "countries are seats of companies, not places of production; the parts of a module are those that are known"}
	bom.CreationInfo = creation
	doc := element{Type: "SpdxDocument", ID: g.id("document"), Name: g.name(items), Profiles: profiles, Roots: []string{bom.ID}}
	doc.CreationInfo = creation
	g.all = append(g.all, bom, doc)
}

func (g *graph) name(items []Item) string {
	if oneGateway(items) {
		return "hardware of gateway " + items[0].Gateway.ID
	}
	return "hardware of " + g.s.Name
}

// gateway adds one gateway with its modules and gives its id; of modules of which it is not
// known where they sit, theirs.
func (g *graph) gateway(items []Item) []string {
	if items[0].Gateway.ID == "" {
		return g.modules(items)
	}
	c := gatewayComponent(&items[0].Gateway)
	var props []property
	for _, p := range deref(c.Properties) {
		props = append(props, property{p.Name, p.Value})
	}
	id := g.add(element{Type: "software_Package", ID: g.id(c.BOMRef), Name: c.Name, Description: c.Description, Purpose: "device",
		Extensions: extensions(props)})
	g.contains(c.BOMRef, id, g.modules(items))
	return []string{id}
}

func (g *graph) modules(items []Item) []string {
	refs := newRefs(items[0].Gateway.ID)
	var ids []string
	for i := range items {
		ids = append(ids, g.module(refs.module(items[i].Module.ID), &items[i]))
	}
	return ids
}

func (g *graph) module(ref string, it *Item) string {
	m, s := &it.Module, g.s
	e := element{Type: "software_Package", ID: g.id(ref), Name: s.maskName(moduleName(m)), Description: m.Identity.Technology, Purpose: "device",
		Version: s.maskName(m.Identity.Hardware), Extensions: extensions(s.properties(it)), ExternalRefs: spdxRefs(it.Findings)}
	if maker, ok := s.maker(m); ok {
		e.OriginatedBy = []string{g.agent(m.Identity.Maker, maker)}
	}
	if badge, ok := s.company(m.Identity.Badge, "", ""); ok {
		e.SuppliedBy = g.agent(m.Identity.Badge, badge)
	}
	id := g.add(e)
	var parts []string
	if m.Identity.Chipset != "" {
		parts = append(parts, g.chipset(ref, m))
	}
	if m.Identity.Firmware != "" {
		parts = append(parts, g.add(element{Type: "software_Package", ID: g.id(ref + firmwareRef), Purpose: "firmware",
			Name: e.Name + " firmware", Version: s.maskName(m.Identity.Firmware), OriginatedBy: e.OriginatedBy}))
	}
	g.contains(ref, id, parts)
	g.annotate(ref, id, it.Findings)
	return id
}

func (g *graph) chipset(ref string, m *inventory.Module) string {
	maker, known, name := g.s.chipset(m.Identity.Chipset)
	e := element{Type: "software_Package", ID: g.id(ref + chipsetRef), Name: g.s.maskName(name), Purpose: "device"}
	if known {
		e.OriginatedBy = []string{g.agent("chip/"+maker.Name, maker)}
	}
	return g.add(e)
}

// agent adds a company once and gives its id. SPDX has no field for its seat.
func (g *graph) agent(key string, c Company) string {
	if id, ok := g.agents[key]; ok {
		return id
	}
	e := element{Type: "Organization", ID: g.id("organization/" + key), Name: c.Name}
	if c.Country != "" {
		e.Extensions = extensions([]property{{"rollcall:company:country", c.Country}})
	}
	if u := address(c.URL); u != "" {
		e.ExternalRefs = []externalRef{{Type: "ExternalRef", RefType: "altWebPage", Locators: []string{u}}}
	}
	g.agents[key] = g.add(e)
	return g.agents[key]
}

func (g *graph) contains(ref, from string, to []string) {
	if len(to) == 0 {
		return
	}
	g.add(element{Type: "Relationship", ID: g.id("contains/" + ref), From: from, To: to, Relation: "contains", Completeness: "incomplete"})
}

func (g *graph) annotate(ref, subject string, findings []Finding) {
	for i, f := range findings {
		g.add(element{Type: "Annotation", ID: g.id(fmt.Sprintf("finding/%d/%s", i+1, ref)), Subject: subject, Annotation: "other",
			Name: f.Rule, Statement: g.s.statement(f)})
	}
}

func spdxRefs(findings []Finding) []externalRef {
	var out []externalRef
	seen := map[string]bool{}
	for _, f := range findings {
		u := address(f.Source)
		if u == "" || seen[u] {
			continue
		}
		seen[u] = true
		out = append(out, externalRef{Type: "ExternalRef", RefType: "other", Locators: []string{u}, Comment: cmp.Or(listComment(f), f.Rule)})
	}
	return out
}

func extensions(props []property) []extension {
	if len(props) == 0 {
		return nil
	}
	e := extension{Type: "extension_CdxPropertiesExtension"}
	for _, p := range props {
		e.Properties = append(e.Properties, propertyEntry{"extension_CdxPropertyEntry", p.name, p.value})
	}
	return []extension{e}
}
