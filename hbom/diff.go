package hbom

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// MaxRead bounds a document that is read.
const MaxRead = 256 << 20

// ErrRead: not a CycloneDX document that can be read.
var ErrRead = errors.New("not a CycloneDX JSON document")

// Change is one difference between two documents.
type Change struct {
	// Ref is the component's reference.
	Ref string `json:"ref"`
	// Name is the component's name, in the newer document where it is in both.
	Name string `json:"name"`
	// Kind is "added", "removed" or "changed".
	Kind string `json:"kind"`
	// Field, Before and After are set for what changed; a property's field is its name.
	Field  string `json:"field,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Diff reads two CycloneDX documents of any version and says what differs between their
// components, sorted by reference and field. Serial numbers and times are not compared.
func Diff(before, after io.Reader) ([]Change, error) {
	a, err := readComponents(before)
	if err != nil {
		return nil, fmt.Errorf("cannot compare HBOMs: the first: %w", err)
	}
	b, err := readComponents(after)
	if err != nil {
		return nil, fmt.Errorf("cannot compare HBOMs: the second: %w", err)
	}
	var out []Change
	for _, ref := range slices.Sorted(maps.Keys(a)) {
		if _, ok := b[ref]; !ok {
			out = append(out, Change{Ref: ref, Name: a[ref].Name, Kind: "removed"})
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(b)) {
		was, ok := a[ref]
		if !ok {
			out = append(out, Change{Ref: ref, Name: b[ref].Name, Kind: "added"})
			continue
		}
		out = append(out, fieldChanges(ref, was, b[ref])...)
	}
	slices.SortStableFunc(out, func(x, y Change) int { return cmp.Or(cmp.Compare(x.Ref, y.Ref), cmp.Compare(x.Field, y.Field)) })
	return out, nil
}

func fieldChanges(ref string, a, b *cdx.Component) []Change {
	x, y := fields(a), fields(b)
	for k := range x {
		if _, ok := y[k]; !ok {
			y[k] = ""
		}
	}
	var out []Change
	for _, k := range slices.Sorted(maps.Keys(y)) {
		if x[k] != y[k] {
			out = append(out, Change{Ref: ref, Name: b.Name, Kind: "changed", Field: k, Before: x[k], After: y[k]})
		}
	}
	return out
}

// fields gives what of a component is compared. Of a property that stands more than once all
// values count, in any order.
func fields(c *cdx.Component) map[string]string {
	f := map[string]string{"name": c.Name, "version": c.Version, "type": string(c.Type), "description": c.Description}
	organisation := func(key string, e *cdx.OrganizationalEntity) {
		if e == nil {
			return
		}
		f[key] = e.Name
		if e.Address != nil {
			f[key+".country"] = e.Address.Country
		}
	}
	organisation("manufacturer", c.Manufacturer)
	organisation("supplier", c.Supplier)
	values := map[string][]string{}
	for _, p := range deref(c.Properties) {
		values[p.Name] = append(values[p.Name], p.Value)
	}
	for name, v := range values {
		if own(name) {
			name = "property " + name
		}
		slices.Sort(v)
		f[name] = strings.Join(v, " | ")
	}
	return f
}

// own says whether a field of a component is called so: a property of that name, which others
// may write, must not stand for it.
func own(name string) bool {
	return slices.Contains([]string{"name", "version", "type", "description", "manufacturer", "manufacturer.country", "supplier", "supplier.country"}, name)
}

func readComponents(r io.Reader) (map[string]*cdx.Component, error) {
	var bom cdx.BOM
	limited := &io.LimitedReader{R: r, N: MaxRead}
	if err := json.NewDecoder(limited).Decode(&bom); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("larger than %d bytes: %w", MaxRead, ErrRead)
		}
		return nil, fmt.Errorf("%w: %w", ErrRead, err)
	}
	if bom.BOMFormat != cdx.BOMFormat {
		return nil, fmt.Errorf("bomFormat is %q: %w", bom.BOMFormat, ErrRead)
	}
	f := flattener{out: map[string]*cdx.Component{}, again: map[string]int{}}
	all := deref(bom.Components)
	if bom.Metadata != nil && bom.Metadata.Component != nil {
		all = append([]cdx.Component{*bom.Metadata.Component}, all...)
	}
	if !f.add(all, "", deepest) {
		return nil, fmt.Errorf("components are nested more than %d deep: %w", deepest, ErrRead)
	}
	return f.out, nil
}

// flattener collects nested components by reference. One without a reference, as others may
// write, is known by its place, type and name, and by which of those it is.
type flattener struct {
	out   map[string]*cdx.Component
	again map[string]int // how many had this reference
}

// deepest bounds how deep components may be nested; names of places grow with it.
const deepest = 64

func (f *flattener) add(components []cdx.Component, place string, deep int) bool {
	for i := range components {
		c := &components[i]
		name := c.BOMRef
		if name == "" {
			name = place + "/" + string(c.Type) + "/" + c.Name
		}
		ref := name
		for f.out[ref] != nil {
			f.again[name]++
			ref = name + "#" + strconv.Itoa(f.again[name]+1)
		}
		f.out[ref] = c
		if parts := deref(c.Components); len(parts) > 0 && (deep == 1 || !f.add(parts, ref, deep-1)) {
			return false
		}
	}
	return true
}

func deref[T any](p *[]T) []T {
	if p == nil {
		return nil
	}
	return *p
}
