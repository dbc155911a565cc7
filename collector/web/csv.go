package web

import (
	"cmp"
	"encoding/csv"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/hbom/sheet"
)

// modulesCSV exports all that a list of modules shows, on all of its pages.
func (s *site) modulesCSV(w http.ResponseWriter, r *http.Request) {
	q, err := api.ParseModules(r.URL.Query())
	var f store.ModuleFilter
	if err == nil {
		f, err = q.ModuleFilter()
	}
	if err != nil {
		s.send(w, r, s.trouble(r, err))
		return
	}
	s.table(w, r, "modules", csvHead(), q.Page(), func(p store.Page) (rows [][]string, next string, err error) {
		list, err := s.fleet.Store.Modules(r.Context(), f, p)
		for i := range list.Items {
			rows = append(rows, csvRow(&list.Items[i]))
		}
		return rows, list.Next, err
	})
}

// findingsCSV does the same of a list of findings.
func (s *site) findingsCSV(w http.ResponseWriter, r *http.Request) {
	q, err := api.ParseFindings(r.URL.Query())
	var f store.FindingFilter
	if err == nil {
		f, err = q.FindingFilter()
	}
	if err != nil {
		s.send(w, r, s.trouble(r, err))
		return
	}
	head := []string{"severity", "rule", "list", "edition", "gateway", "place", "text", "source", "named_since", "found", "exception", "owner", "until"}
	s.table(w, r, "findings", head, q.Page(), func(p store.Page) (rows [][]string, next string, err error) {
		p.Sort = cmp.Or(p.Sort, worstFirst)
		list, err := s.fleet.Store.Findings(r.Context(), f, p)
		for _, x := range list.Items {
			rows = append(rows, []string{x.Severity, x.Rule, x.List, x.Edition, x.Gateway, x.Module, x.Text, x.Source, dayOf(x.Since), iso(x.Opened), x.Exception, x.Owner, dayOf(x.Until)})
		}
		return rows, list.Next, err
	})
}

// table writes all pages of a list as they are read.
func (s *site) table(w http.ResponseWriter, r *http.Request, name string, head []string, p store.Page, read func(store.Page) ([][]string, string, error)) {
	p.Limit, p.Cursor = 1000, ""
	control := http.NewResponseController(w)
	out := csv.NewWriter(w)
	for first := true; first || p.Cursor != ""; first = false {
		_ = control.SetWriteDeadline(time.Now().Add(time.Minute)) // for each page anew: a million rows take longer
		rows, next, err := read(p)
		switch {
		case err != nil && first:
			s.send(w, r, s.trouble(r, err))
			return
		case err != nil: // the head said that all is well: only a broken transfer tells otherwise
			s.log.Error("cannot go on exporting", "list", name, "error", err)
			panic(http.ErrAbortHandler)
		case first:
			w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
			w.Header().Set("Cache-Control", "private, no-cache")
			w.Header().Set("Content-Disposition", `attachment; filename="`+name+"-"+s.fleet.Time().Format("2006-01-02")+`.csv"`)
			_ = out.Write(head)
		}
		for _, row := range rows {
			for i := range row {
				row[i] = sheet.Cell(row[i])
			}
			_ = out.Write(row)
		}
		if out.Flush(); out.Error() != nil {
			return // who asked has left
		}
		p.Cursor = next
	}
}

func csvHead() []string {
	return []string{"gateway", "place", "state", "maker", "maker_slug", "badge", "model", "variant", "firmware", "hardware", "imei", "chipset", "technology",
		"origin", "origin_parent", "confidence", "evidence_disagrees", "first_seen", "changed"}
}

func csvRow(m *store.Module) []string {
	i := m.Identity
	return []string{m.Gateway, m.ID, string(m.State), i.MakerName, i.Maker, i.Badge, i.Model, i.Variant, i.Firmware, i.Hardware, i.IMEI, i.Chipset, i.Technology,
		m.Origin.Country, m.Origin.ParentCountry, strconv.FormatFloat(m.Confidence, 'f', 2, 64), strconv.FormatBool(m.Conflicted), iso(m.First), iso(m.Changed)}
}
