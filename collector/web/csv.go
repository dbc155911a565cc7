package web

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/clean"
)

// cell makes a text safe for a spreadsheet: printable, and never a formula. Those begin
// with = + - @, a tab or a carriage return (OWASP, CSV injection); an apostrophe before them
// makes them text.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		s = "'" + s
	}
	return clean.Line(s)
}

// modulesCSV exports all that a list of modules shows, on all of its pages.
func (s *site) modulesCSV(w http.ResponseWriter, r *http.Request) {
	q, err := api.ParseModules(r.URL.Query())
	var f store.ModuleFilter
	if err == nil {
		f, err = q.ModuleFilter()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p := q.Page()
	p.Limit, p.Cursor = 1000, ""
	control := http.NewResponseController(w)
	out := csv.NewWriter(w)
	for first := true; first || p.Cursor != ""; first = false {
		_ = control.SetWriteDeadline(time.Now().Add(time.Minute)) // for each page anew: a million rows take longer
		list, err := s.fleet.Store.Modules(r.Context(), f, p)
		switch {
		case err != nil && first:
			http.Error(w, "The list could not be exported; the collector's log says why.", http.StatusInternalServerError)
			s.log.Error("cannot export modules", "error", err)
			return
		case err != nil: // the head said that all is well: only a broken transfer tells otherwise
			s.log.Error("cannot go on exporting modules", "error", err)
			panic(http.ErrAbortHandler)
		case first:
			w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
			w.Header().Set("Content-Disposition", `attachment; filename="modules-`+s.fleet.Time().Format("2006-01-02")+`.csv"`)
			_ = out.Write(csvHead())
		}
		for i := range list.Items {
			_ = out.Write(csvRow(&list.Items[i]))
		}
		if out.Flush(); out.Error() != nil {
			return // who asked has left
		}
		p.Cursor = list.Next
	}
}

func csvHead() []string {
	return []string{"gateway", "place", "state", "maker", "maker_slug", "badge", "model", "variant", "firmware", "hardware", "imei", "chipset", "technology",
		"origin", "origin_parent", "confidence", "evidence_disagrees", "first_seen", "changed"}
}

func csvRow(m *store.Module) []string {
	i := m.Identity
	row := []string{m.Gateway, m.ID, string(m.State), i.MakerName, i.Maker, i.Badge, i.Model, i.Variant, i.Firmware, i.Hardware, i.IMEI, i.Chipset, i.Technology,
		m.Origin.Country, m.Origin.ParentCountry, strconv.FormatFloat(m.Confidence, 'f', 2, 64), strconv.FormatBool(m.Conflicted), iso(m.First), iso(m.Changed)}
	for n := range row {
		row[n] = cell(row[n])
	}
	return row
}
