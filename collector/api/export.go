package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

const (
	// exportRows is how many modules are read at once, exportTime what writing them to a
	// client may take.
	exportRows = 500
	exportTime = 30 * time.Second
)

// ExportEnd is the last line of an export. One without it was cut off.
type ExportEnd struct {
	// Next is the cursor of what follows; "" where that was all.
	Next string `json:"next"`
	// Modules is how many lines stand before.
	Modules int `json:"modules"`
	// Problem says why it ended early.
	Problem string `json:"error,omitempty"`
}

// exportModules streams modules as lines of JSON: all that match, unless limit says how many.
// Lists stay pages; this is for those who want the fleet.
func (s *server) exportModules(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	limit, evidence := 0, v.Get("evidence") == "true"
	if n, err := strconv.Atoi(v.Get("limit")); err == nil && n > 0 {
		limit = n
	} else if v.Has("limit") {
		s.problem(w, r, &UsageError{"limit", "takes a number of modules, or is left out for all"})
		return
	}
	v.Del("limit")
	if x := v.Get("evidence"); x != "" && !evidence {
		s.problem(w, r, &UsageError{"evidence", "takes true, or is left out"})
		return
	}
	q, err := parse(v, append(ModuleParameters(), "evidence")...)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	f, err := q.ModuleFilter()
	if err != nil {
		s.problem(w, r, err)
		return
	}
	e := &export{s: s, w: w, r: r, filter: f, page: q.Page(), evidence: evidence, left: limit, whole: evidence && limit == 0 && unfiltered(v)}
	e.run()
}

// unfiltered says that the whole fleet is wanted, in the order in which it is kept.
func unfiltered(v url.Values) bool {
	for name := range v {
		if name != "evidence" && name != "sort" && name != "cursor" {
			return false
		}
	}
	return v.Get("sort") == "gateway"
}

// export is one that is running.
type export struct {
	s        *server
	w        http.ResponseWriter
	r        *http.Request
	filter   store.ModuleFilter
	page     store.Page
	evidence bool
	whole    bool // the fleet, gateway by gateway: more than twice as quick
	left     int  // 0: no end
	lines    int
}

func (e *export) run() {
	for begun := false; ; begun = true {
		e.page.Limit = exportRows
		if e.left > 0 {
			e.page.Limit = min(exportRows, e.left-e.lines)
		}
		items, next, err := e.read()
		switch {
		case err != nil && !begun:
			e.s.problem(e.w, e.r, err)
			return
		case err != nil:
			e.s.log.Error("an export ended early", "error", err)
			_ = e.write(ExportEnd{Modules: e.lines, Next: e.page.Cursor, Problem: "the collector could not go on; ask again with this cursor"})
			return
		case !begun:
			h := e.w.Header()
			h.Set("Content-Type", "application/jsonl")
			h.Set("Cache-Control", "private, no-cache")
			h.Set("X-Content-Type-Options", "nosniff")
		}
		if err := e.send(items); err != nil {
			return // who asked has left
		}
		e.page.Cursor = next
		if next == "" || e.left > 0 && e.lines >= e.left {
			_ = e.write(ExportEnd{Modules: e.lines, Next: next})
			return
		}
	}
}

// read gives one page, each module as it will be written.
func (e *export) read() ([]any, string, error) {
	ctx, cancel := context.WithTimeout(e.r.Context(), questionTime)
	defer cancel()
	if e.whole {
		return e.readWhole(ctx)
	}
	l, err := e.s.fleet.Store.Modules(ctx, e.filter, e.page)
	if err != nil {
		return nil, "", err
	}
	items := make([]any, len(l.Items))
	if !e.evidence {
		for i := range l.Items {
			items[i] = &l.Items[i]
		}
		return items, l.Next, nil
	}
	details, err := e.s.fleet.Prove(ctx, l.Items)
	for i, d := range details {
		items[i] = exported(d)
	}
	return items, l.Next, err
}

func (e *export) readWhole(ctx context.Context) ([]any, string, error) {
	at, err := store.DecodeCursor("whole", e.page.Cursor, 1)
	if err != nil {
		return nil, "", err
	}
	modules, next, err := e.s.fleet.Whole(ctx, strings.Join(at, ""), exportRows)
	items := make([]any, len(modules))
	for i, m := range modules {
		items[i] = exported(m)
	}
	if next != "" {
		next = store.EncodeCursor("whole", next)
	}
	return items, next, err
}

// ExportModule is a module with its evidence, as an export has it: without history, and
// without the signature, which the module itself has.
type ExportModule struct {
	*fleet.Module
	Proof    json.RawMessage `json:"proof,omitempty"`
	SameIMEI json.RawMessage `json:"same_imei,omitempty"`
	History  json.RawMessage `json:"history,omitempty"`
}

func exported(m *fleet.Module) ExportModule { return ExportModule{Module: newModule(m)} }

func (e *export) send(items []any) error {
	for _, item := range items {
		if err := e.write(item); err != nil {
			return err
		}
		e.lines++
	}
	control := http.NewResponseController(e.w)
	_ = control.SetWriteDeadline(time.Now().Add(exportTime)) // as long as the client reads, it goes on
	return control.Flush()
}

func (e *export) write(v any) error {
	b, err := Encode(v)
	if err != nil {
		return err
	}
	_, err = e.w.Write(b)
	return err
}
