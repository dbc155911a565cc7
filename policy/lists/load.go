package lists

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/rollcall-iot/rollcall/policy/internal/yamldoc"
)

//go:embed *.yaml
var embedded embed.FS

// Overlay is one file of the user's own lists. Each YAML document in it is a list: one with
// the id of a known list replaces that list whole (a newer edition), one with "extend: ID"
// adds entries to it, any other one is added.
type Overlay struct {
	// Name stands in error messages and in [List.File].
	Name string
	Data []byte
}

// Embedded loads the lists that this version carries.
func Embedded() (*Set, error) { return Load() }

// Load loads the lists that this version carries and then the overlays, in order. It is all
// or nothing: on a fault no set is given, and the error names every fault with file and line.
func Load(overlays ...Overlay) (*Set, error) {
	own, err := files()
	if err != nil {
		return nil, err
	}
	return build(nil, append(own, overlays...))
}

// With gives a new set with the overlays added; s stays as it is.
func (s *Set) With(overlays ...Overlay) (*Set, error) {
	return build(slices.Clone(s.lists), overlays)
}

func files() ([]Overlay, error) {
	names, err := fs.Glob(embedded, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("cannot read the embedded lists: %w", err)
	}
	var all []Overlay
	for _, name := range names {
		b, err := embedded.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the embedded list: %w", err)
		}
		all = append(all, Overlay{Name: name, Data: b})
	}
	return all, nil
}

func build(lists []List, overlays []Overlay) (*Set, error) {
	var errs []error
	for _, o := range overlays {
		f := &yamldoc.Faults{File: o.Name}
		for _, d := range yamldoc.Documents(o.Data, f) {
			lists = merge(lists, d, o.Name, f)
		}
		errs = append(errs, f.Err())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("cannot load lists: %w", err)
	}
	return index(lists)
}

func merge(lists []List, d *yamldoc.Doc, file string, f *yamldoc.Faults) []List {
	at := func(id string) int { return slices.IndexFunc(lists, func(l List) bool { return l.ID == id }) }
	if id := d.String("extend"); id != "" {
		i := at(id)
		if i < 0 {
			d.Fault("extend", "there is no list %q", id)
			return lists
		}
		lists[i].Entries = append(slices.Clone(lists[i].Entries), parseEntries(d)...)
		d.Done()
		return lists
	}
	l := parseList(d)
	l.File = file
	i := at(l.ID)
	if i < 0 {
		return append(lists, l)
	}
	if lists[i].File == file {
		f.Add(d.LineOf("id"), "list %q stands twice", l.ID)
	}
	lists[i] = l
	return lists
}

func index(lists []List) (*Set, error) {
	slices.SortFunc(lists, func(a, b List) int { return cmp.Compare(a.ID, b.ID) })
	s := &Set{lists: lists, byID: map[string]int{}, byMaker: map[string][]place{}}
	var newest Date
	for i := range lists {
		l := &lists[i]
		s.byID[l.ID] = i
		for j := range l.Entries {
			if m := l.Entries[j].Maker; m != "" {
				s.byMaker[m] = append(s.byMaker[m], place{i, j})
			}
			s.older(l.Entries[j].Since)
		}
		for _, e := range l.Editions {
			s.older(e.Date)
		}
		if l.AsOf.After(newest.Time()) {
			newest = l.AsOf
		}
	}
	digest, err := digest(lists)
	if err != nil {
		return nil, err
	}
	s.version = newest.String() + "+" + digest
	return s, nil
}

func (s *Set) older(d Date) {
	if !d.IsZero() && (s.first.IsZero() || d.Time().Before(s.first)) {
		s.first = d.Time()
	}
}

func digest(lists []List) (string, error) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(lists); err != nil {
		return "", fmt.Errorf("cannot digest the lists: %w", err)
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:4]), nil
}
