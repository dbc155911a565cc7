package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/hbom/sheet"
	"github.com/rollcall-iot/rollcall/internal/version"
)

// exportTime bounds the making of one bill of materials; a million modules take minutes.
const exportTime = 20 * time.Minute

// heldModules is the most that a format may hold in memory which cannot be written as it comes.
const heldModules = 5000

// format is one form in which a bill of materials can be taken away.
type format struct {
	Name, Label, Extension, Kind string
	// held: all modules are in memory before the first byte leaves.
	held  bool
	write func(io.Writer, iter.Seq2[hbom.Item, error], sheet.Settings) error
}

func formats() []format {
	const kind = "application/vnd.cyclonedx+json"
	return []format{
		{"cyclonedx-1.7", "CycloneDX 1.7", ".cdx.json", kind + "; version=1.7", false, cycloneDX(hbom.CycloneDX17)},
		{"cyclonedx-1.6", "CycloneDX 1.6", ".cdx.json", kind + "; version=1.6", false, cycloneDX(hbom.CycloneDX16)},
		{"spdx", "SPDX 3.0.1", ".spdx.json", "application/spdx+json", true, spdx},
		{"xlsx", "Excel", ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", true, sheet.XLSX},
	}
}

// inMemory is how many modules are held before a document is written as they come. A small
// document can say more of itself: which gateway it is about.
const inMemory = 2000

func cycloneDX(spec hbom.Spec) func(io.Writer, iter.Seq2[hbom.Item, error], sheet.Settings) error {
	return func(w io.Writer, items iter.Seq2[hbom.Item, error], s sheet.Settings) error {
		s.Spec = spec
		next, stop := iter.Pull2(items)
		defer stop()
		var head []hbom.Item
		for len(head) < inMemory {
			it, err, ok := next()
			if err != nil {
				return err
			}
			if !ok {
				return hbom.CycloneDX(w, head, s.Settings)
			}
			head = append(head, it)
		}
		return hbom.StreamCycloneDX(w, continued(head, next), s.Settings)
	}
}

// continued gives what was read, and then the rest.
func continued(head []hbom.Item, next func() (hbom.Item, error, bool)) iter.Seq2[hbom.Item, error] {
	return func(yield func(hbom.Item, error) bool) {
		for _, it := range head {
			if !yield(it, nil) {
				return
			}
		}
		for {
			it, err, ok := next()
			if !ok || !yield(it, err) {
				return
			}
		}
	}
}

func spdx(w io.Writer, items iter.Seq2[hbom.Item, error], s sheet.Settings) error {
	var all []hbom.Item
	for it, err := range items {
		if err != nil {
			return err
		}
		all = append(all, it)
	}
	return hbom.SPDX(w, all, s.Settings)
}

// selection is what a bill of materials is about.
type selection struct {
	filter store.ModuleFilter
	module string // one place of filter.Gateway, or ""
	name   string
}

func selected(v url.Values) (selection, error) {
	q := url.Values{}
	for k, xs := range v {
		if k != "module" && k != "sort" && k != "cursor" && k != "limit" {
			q[k] = xs
		}
	}
	parsed, err := api.ParseModules(q)
	if err != nil {
		return selection{}, err
	}
	f, err := parsed.ModuleFilter()
	sel := selection{filter: f, module: v.Get("module"), name: "fleet"}
	switch {
	case err != nil:
	case sel.module != "" && f.Gateway == "":
		err = &api.UsageError{Parameter: "module", Text: "needs gateway, too"}
	case sel.module != "":
		sel.name = "module " + sel.module + " of gateway " + f.Gateway
	case len(q) == 1 && f.Gateway != "":
		sel.name = "gateway " + f.Gateway
	case len(q) > 0:
		sel.name = "selection " + q.Encode()
	}
	return sel, err
}

// hbom writes a bill of materials of a module, a gateway, a selection or the fleet.
func (s *site) hbom(w http.ResponseWriter, r *http.Request) {
	var f *format
	for _, x := range formats() {
		if x.Name == r.PathValue("format") {
			f = &x
		}
	}
	if f == nil {
		s.send(w, r, s.trouble(r, store.ErrNotFound))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), exportTime)
	defer cancel()
	sel, err := selected(r.URL.Query())
	if err == nil {
		err = s.checkSize(ctx, sel, f)
	}
	if err != nil {
		s.send(w, r, s.trouble(r, err))
		return
	}
	s.export(ctx, w, f, sel)
}

// checkSize refuses what is empty, or too much for the format.
func (s *site) checkSize(ctx context.Context, sel selection, f *format) error {
	if sel.module != "" {
		_, err := s.fleet.Store.Module(ctx, store.ModuleKey{Gateway: sel.filter.Gateway, ID: sel.module})
		return err
	}
	l, err := s.fleet.Store.Modules(ctx, sel.filter, store.Page{Limit: 1})
	switch {
	case err != nil:
		return err
	case len(l.Items) == 0 && l.Next == "":
		return store.ErrNotFound
	case f.held && (l.AtLeast || l.Total > heldModules):
		return &api.UsageError{Parameter: "format", Text: fmt.Sprintf("%s takes %s modules at most, and this is %s: narrow it down with a filter, or take CycloneDX or CSV", f.Label, count(heldModules), count(l.Total))}
	}
	return nil
}

func (s *site) export(ctx context.Context, w http.ResponseWriter, f *format, sel selection) {
	set := sheet.Settings{Settings: hbom.Settings{Time: s.fleet.Time(), Name: sel.name, Version: version.Version}}
	if k, ok := s.knower(); ok {
		set.Companies = companies{k}
	}
	set.Notes = []sheet.Note{{Name: "Knowledge", Text: s.fleet.Base.Version()}}
	if p := s.fleet.Policy(); p != nil {
		set.Notes = append(set.Notes, sheet.Note{Name: "Rules and lists", Text: p.Version()})
	}
	h := w.Header()
	h.Set("Content-Type", f.Kind)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="rollcall-hbom-`+s.fleet.Time().Format("2006-01-02")+f.Extension+`"`)
	out := &patient{w: w, control: http.NewResponseController(w)}
	err := f.write(out, sel.only(s.items(ctx, sel.filter)), set)
	switch {
	case err == nil || ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
	case !out.begun:
		s.log.Error("cannot make a bill of materials", "error", err)
		h.Del("Content-Disposition")
		http.Error(w, "The bill of materials could not be made; the collector's log says why.", http.StatusInternalServerError)
	default: // the head said that all is well: only a broken transfer tells otherwise
		s.log.Error("cannot go on writing a bill of materials", "error", err)
		panic(http.ErrAbortHandler)
	}
}

// only leaves one module over, where one is meant.
func (sel selection) only(items iter.Seq2[hbom.Item, error]) iter.Seq2[hbom.Item, error] {
	if sel.module == "" {
		return items
	}
	return func(yield func(hbom.Item, error) bool) {
		for it, err := range items {
			if (err != nil || it.Module.ID == sel.module) && !yield(it, err) {
				return
			}
		}
	}
}

// patient is a response that gives a reader a minute for each part of it, as long as it takes
// in all; the server's own limit is for pages.
type patient struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
	next    time.Time
}

func (p *patient) Write(b []byte) (int, error) {
	p.begun = true
	if now := time.Now(); now.After(p.next) { // not for each of a million small writes
		p.next = now.Add(10 * time.Second)
		_ = p.control.SetWriteDeadline(now.Add(time.Minute))
	}
	return p.w.Write(b)
}

// exports are the addresses under which what is shown can be taken away.
type exports struct {
	CSV   string
	Forms []link
}

type link struct{ Label, To string }

// exportsOf gives those for a list of modules, or one gateway or module of it.
func exportsOf(v url.Values) exports {
	var e exports
	if v.Get("module") == "" {
		e.CSV = with("/modules.csv", v, "cursor", "", "limit", "")
	}
	for _, f := range formats() {
		e.Forms = append(e.Forms, link{f.Label, with("/hbom/"+f.Name, v, "cursor", "", "limit", "", "sort", "")})
	}
	return e
}
