package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
)

//go:embed templates/*.html
var templates embed.FS

// parse makes one set of templates for each page: the layout, the parts, and its own.
func (s *site) parse() map[string]*template.Template {
	funcs := s.funcs()
	shared := template.Must(template.New("").Funcs(funcs).ParseFS(templates, "templates/layout.html", "templates/parts.html"))
	out := map[string]*template.Template{}
	for _, name := range []string{"overview", "modules", "module", "gateways", "gateway", "changes", "rejected", "report", "findings", "policy", "problem", "gone"} {
		out[name] = template.Must(template.Must(shared.Clone()).ParseFS(templates, path.Join("templates", name+".html")))
	}
	return out
}

func (s *site) funcs() template.FuncMap {
	return template.FuncMap{
		"count": count, "share": share, "percent": percent, "certainty": certainty,
		"country": country, "origin": originOf, "originKey": originKey, "stateWords": stateWords, "kindWords": kindWords, "kindTone": kindTone,
		"sentence": sentence, "inShort": inShort, "briefly": briefly, "stamp": stamp, "iso": iso,
		"ago": func(t time.Time) string { return ago(s.fleet.Time(), t) },
		"moduleLink": func(gateway, id string) string {
			return api.ModulePath("/modules", store.ModuleKey{Gateway: gateway, ID: id})
		},
		"gatewayLink":  func(id string) string { return "/gateways/" + url.PathEscape(id) },
		"modulesLink":  modulesLink,
		"findingsLink": func(pairs ...string) string { return with("/findings", nil, pairs...) },
		"changesLink": func(gateway, module string) string {
			return with("/changes", url.Values{}, "gateway", gateway, "module", module)
		},
		"hex":   func(b []byte) string { return spaced(hex.EncodeToString(b)) },
		"b64":   func(b []byte) string { return hex.EncodeToString(b) },
		"first": func(n int, s string) string { return s[:min(n, len(s))] },
		"tidy":  func(s string) string { return strings.TrimRight(s, " .") },
		"key":   func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:6]) },
		"dict":  dict, "asset": s.assets.path, "plural": plural, "outside": outside, "host": host, "dayOf": dayOf,
		"more":     func(shown, all int) int { return all - shown },
		"minute":   func(t time.Time) string { return t.UTC().Truncate(time.Minute).Format(time.RFC3339) },
		"date":     func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"known":    func(t time.Time) bool { return t.Unix() > 0 },
		"sections": sections,
		"day":      func(t time.Time) string { return t.UTC().Format("2 January 2006") },
	}
}

// modulesLink gives the list of modules for pairs of filter and value; an empty value is
// one that is not known.
func modulesLink(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		x := pairs[i+1]
		if x == "" {
			x = store.None
		}
		v.Add(pairs[i], x)
	}
	return with("/modules", v)
}

// dict hands several values to a part.
func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// spaced sets hex digits in pairs.
func spaced(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 2 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s[i:min(i+2, len(s))])
	}
	return b.String()
}

// section is a part of the navigation.
type section struct{ Section, Label, To string }

func sections() []section {
	return []section{{"overview", "Fleet", "/"}, {"modules", "Modules", "/modules"}, {"gateways", "Gateways", "/gateways"}, {"findings", "Findings", "/findings"}, {"changes", "Changes", "/changes"}, {"policy", "Policy", "/policy"}}
}
