package hbom

import (
	"bytes"
	"encoding/json"
	"io"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/rollcall-iot/rollcall/inventory"
)

// writer writes the parts of a CycloneDX document in turn, so that a fleet need not be held.
// The library writes whole documents only; its types give the form of every part.
type writer struct {
	w    io.Writer
	s    Settings
	err  error
	host *inventory.Gateway // the only gateway, or nil

	gateway *inventory.Gateway // the one whose modules are being collected
	refs    *refs
	modules []cdx.Component
	any     bool // a component was written

	incomplete list             // references of all modules
	notes      map[string]*note // by text and exception
	texts      []string         // their order
}

// note is one statement about many modules.
type note struct {
	finding  Finding
	subjects list
	last     string // the subject added last: two rules may say the same of one module
}

// maxNotes bounds the statements that are collected; the properties of modules have them all.
const maxNotes = 10_000

// list is the inside of a JSON array that grows: a million references in some 60 MB.
type list struct{ bytes.Buffer }

func (l *list) add(s string) {
	if l.Len() > 0 {
		l.WriteByte(',')
	}
	b, _ := json.Marshal(s) // a string cannot fail
	l.Write(b)
}

func newWriter(w io.Writer, s Settings) *writer {
	return &writer{w: w, s: s, notes: map[string]*note{}}
}

func (d *writer) raw(parts ...string) {
	for _, p := range parts {
		if d.err == nil {
			_, d.err = io.WriteString(d.w, p)
		}
	}
}

func (d *writer) json(v any) {
	if d.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		d.err = err
		return
	}
	_, d.err = d.w.Write(escapeRunes(b))
}

func (d *writer) open(serial string) {
	d.raw(`{"$schema":"http://cyclonedx.org/schema/bom-`, string(d.s.Spec), `.schema.json","bomFormat":"CycloneDX","specVersion":"`, string(d.s.Spec), `",`)
	if serial != "" {
		d.raw(`"serialNumber":"`, serial, `",`)
	}
	d.raw(`"version":1,"metadata":`)
	d.json(d.metadata())
	d.raw(`,"components":[`)
}

func (d *writer) item(it *Item) {
	if d.gateway == nil || d.gateway.ID != it.Gateway.ID {
		d.flush()
		g := it.Gateway
		d.gateway, d.refs, d.modules = &g, newRefs(g.ID), nil
	}
	ref := d.refs.module(it.Module.ID)
	d.modules = append(d.modules, d.s.moduleComponent(ref, it))
	d.incomplete.add(ref)
	for _, f := range it.Findings {
		d.note(ref, f)
	}
}

// note collects what lists say. Only they have few texts for many modules.
func (d *writer) note(ref string, f Finding) {
	if f.List == "" || f.Text == "" {
		return
	}
	key := f.Text + "\x00" + f.Excepted // a finding that is excepted somewhere is open elsewhere
	n, ok := d.notes[key]
	if !ok {
		if len(d.notes) == maxNotes {
			return
		}
		n = &note{finding: f}
		d.notes[key] = n
		d.texts = append(d.texts, key)
	}
	if n.last != ref {
		n.last = ref
		n.subjects.add(ref)
	}
}

// flush writes the gateway whose modules are complete.
func (d *writer) flush() {
	if d.gateway == nil || d.host != nil {
		return
	}
	if d.gateway.ID == "" {
		d.loose()
		return
	}
	c := gatewayComponent(d.gateway)
	c.Components = orNil(d.modules)
	d.component(c)
}

// loose writes modules that stand in no gateway's component.
func (d *writer) loose() {
	for _, c := range d.modules {
		d.component(c)
	}
}

func (d *writer) component(c cdx.Component) {
	if d.any {
		d.raw(",")
	}
	d.any = true
	d.json(c)
}

// close writes what stands after the components. serial, if given, is asked last.
func (d *writer) close(serial func() string) error {
	d.flush()
	if d.host != nil {
		d.loose()
	}
	d.raw(`]`)
	if deps := d.dependencies(); deps != nil {
		d.raw(`,"dependencies":`)
		d.json(deps)
	}
	if d.incomplete.Len() > 0 {
		d.raw(`,"compositions":[{"aggregate":"incomplete","assemblies":[`)
		d.bytes(d.incomplete.Bytes())
		d.raw(`]}]`)
	}
	d.annotations()
	if serial != nil && d.err == nil {
		d.raw(`,"serialNumber":"`, serial(), `"`)
	}
	d.raw("}\n")
	return d.err
}

func (d *writer) annotations() {
	if len(d.texts) == 0 {
		return
	}
	d.raw(`,"annotations":[`)
	for i, key := range d.texts {
		if i > 0 {
			d.raw(",")
		}
		d.raw(`{"subjects":[`)
		d.bytes(d.notes[key].subjects.Bytes())
		d.raw(`],"annotator":`)
		d.json(cdx.Annotator{Component: ptr(d.s.tool())})
		d.raw(`,"timestamp":"`, d.s.stamp(), `","text":`)
		d.json(d.s.statement(d.notes[key].finding))
		d.raw(`}`)
	}
	d.raw(`]`)
}

// statement is the text of a finding with its source, and with the exception that covers it.
func (s Settings) statement(f Finding) string {
	text := s.mask(f.Text)
	if u := address(f.Source); u != "" {
		text += " (" + u + ")"
	}
	if f.Excepted != "" {
		text += "; an exception covers this: " + s.mask(f.Excepted)
	}
	return text
}

func (d *writer) bytes(b []byte) {
	if d.err == nil {
		_, d.err = d.w.Write(escapeRunes(b))
	}
}

func ptr[T any](v T) *T { return &v }
