package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// figure is one of the large numbers of the overview.
type figure struct {
	Label, Value, Note, Link string
	Alert                    bool
}

// segment is one part of the stacked bar of origins.
type segment struct {
	fleet.Share
	Index          int
	X, Width       string
	Name, Of, Link string
}

type overviewData struct {
	Empty    bool
	Summary  *fleet.Summary
	Figures  []figure
	Origins  []segment
	Cellular int // modules that are cellular, of which shares are shown
	Changes  []store.Event
	Makers   []branch
	Largest  int // maker's modules
	More     int // makers that are not shown
	// Days are the fleet's history, for a chart; fewer than two make none.
	Days []day
	// Grades and Tallies are the findings by severity and by rule; Judged says that there is
	// a policy to find any by.
	Judged  bool
	Grades  []grade
	Tallies []tally
}

const (
	mostMakers   = 25
	mostModels   = 12 // of one maker
	mostFirmware = 10 // of one model
	mostLeaves   = 90
	mostSegments = 8
	mostChanges  = 30 // on the overview
)

// branch is a maker with as many of its models, and of their firmware, as a page can hold;
// the rest is a list away.
type branch struct {
	fleet.Maker
	Models []twig
	More   int // models that are not shown
}

type twig struct {
	fleet.Model
	Firmware []fleet.Firmware
	All      int // revisions there are
}

// branches cuts the drill-down to what a page can hold, however much there is in the fleet:
// the makers with most modules come first, and take first.
func branches(makers []fleet.Maker) (out []branch, more int) {
	shown, leaves := min(len(makers), mostMakers), mostLeaves
	for _, m := range makers[:shown] {
		b := branch{Maker: m}
		n := min(len(m.Models), mostModels, leaves)
		for _, x := range m.Models[:n] {
			k := min(len(x.Firmware), mostFirmware, leaves)
			leaves -= max(k, 1)
			b.Models = append(b.Models, twig{x, x.Firmware[:k], len(x.Firmware)})
			if leaves <= 0 {
				break
			}
		}
		b.More = len(m.Models) - len(b.Models)
		out = append(out, b)
	}
	return out, len(makers) - shown
}

func (s *site) overview(r *http.Request) (*page, error) {
	sum, err := s.fleet.Summary(r.Context())
	if err != nil {
		return nil, err
	}
	events, err := s.fleet.Store.Events(r.Context(), store.EventFilter{}, store.Page{Limit: mostChanges})
	if err != nil {
		return nil, err
	}
	d := &overviewData{Empty: sum.Now.Gateways == 0, Summary: sum, Changes: events.Items}
	counts, err := s.fleet.Store.FindingCounts(r.Context())
	if err != nil {
		return nil, err
	}
	d.Judged, d.Grades, d.Tallies = s.fleet.Policy() != nil, grades(counts), s.tallies(counts)
	d.Figures = figures(sum, d.Judged, d.Grades)
	for _, o := range sum.Origins {
		d.Cellular += o.Modules
	}
	d.Origins = segments(sum.Origins, d.Cellular)
	d.Makers, d.More = branches(sum.Makers)
	for i := range d.Makers {
		d.Largest = max(d.Largest, d.Makers[i].Modules)
	}
	if d.Days, err = s.history.of(r.Context(), s.fleet.Store, s.fleet.Time(), sum.Now); err != nil {
		return nil, err
	}
	return &page{Template: "overview", Title: "Fleet", Section: "overview", Live: true, Chart: len(d.Days) > 1, Data: d}, nil
}

func figures(s *fleet.Summary, judged bool, grades []grade) []figure {
	week := func(now int, of func(*store.Figures) int) string { return change(now, s.WeekAgo, of) }
	n := s.Now
	gateways := figure{"gateways", count(n.Gateways), week(n.Gateways, func(f *store.Figures) int { return f.Gateways }), "/gateways", false}
	fs := []figure{
		{"modules", count(n.Modules), week(n.Modules, func(f *store.Figures) int { return f.Modules }), "/modules", false},
		{"identified", count(n.Identified), share(n.Identified, n.Modules) + " of all; " + week(n.Identified, func(f *store.Figures) int { return f.Identified }), "/modules?state=identified", false},
		gateways,
		{"silent gateways", count(n.Silent), week(n.Silent, func(f *store.Figures) int { return f.Silent }), "/gateways?state=silent", n.Silent > 0},
	}
	if judged {
		fs[0].Note = "in " + plural(n.Gateways, "gateway", "gateways") + "; " + fs[0].Note
		fs[2] = findingsFigure(grades)
	}
	return fs
}

func findingsFigure(grades []grade) figure {
	f := figure{Label: "findings", Link: "/findings?covered=no", Note: "none open"}
	open, covered := 0, 0
	var words []string
	for _, g := range grades {
		open, covered = open+g.Findings, covered+g.Covered
		if g.Findings > 0 && len(words) < 2 {
			words = append(words, count(g.Findings)+" "+g.Severity)
		}
		f.Alert = f.Alert || g.Findings > 0 && store.SeverityRank(g.Severity) >= store.SeverityRank("high")
	}
	f.Value = count(open)
	if len(words) > 0 {
		f.Note = strings.Join(words, ", ")
	}
	if covered > 0 {
		f.Note += "; " + count(covered) + " accepted"
	}
	return f
}

// segments lays the shares side by side. What is beyond the most that can be told apart is
// one part; what is not known stays a part of its own, at the end.
func segments(shares []fleet.Share, total int) []segment {
	var out []segment
	var rest, open fleet.Share
	at := 0
	add := func(s fleet.Share, index int, name, link string) {
		if s.Modules > 0 {
			out = append(out, segment{Share: s, Index: index, X: percent(at, total), Width: percent(s.Modules, total), Of: share(s.Modules, total), Name: name, Link: link})
			at += s.Modules
		}
	}
	for i, s := range shares {
		switch {
		case s.Value == "":
			open = s
		case i >= mostSegments-1 && len(shares) > mostSegments:
			rest.Modules += s.Modules
		default:
			add(s, i, originKey(s.Value), "/modules?"+url.Values{"origin": {s.Value}}.Encode())
		}
	}
	add(rest, mostSegments-1, "others", "/modules?sort=origin")
	add(open, mostSegments, originKey(""), "/modules?origin=-")
	return out
}
