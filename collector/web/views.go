package web

import "github.com/rollcall-iot/rollcall/collector/store"

// views are ways to look at a list that most people need. Those that a reader names are kept
// by the browser, and stand beside them where scripts run.
type views struct {
	// Of is the path of the list.
	Of    string
	Links []view
}

type view struct {
	link
	On bool
}

func viewsOf(path, address string, links ...link) views {
	v := views{Of: path}
	for _, l := range links {
		v.Links = append(v.Links, view{l, l.To == address})
	}
	return v
}

func moduleViews(address string) views {
	return viewsOf("/modules", address,
		link{"All", "/modules"},
		link{"Evidence disagrees", "/modules?conflict=true"},
		link{"Maker or model open", "/modules?state=partial&state=unknown"},
		link{"Not asked or no answer", "/modules?state=denied&state=held&state=unanswered"},
		link{"Firmware not known", "/modules?firmware=" + store.None + "&state=identified"})
}
