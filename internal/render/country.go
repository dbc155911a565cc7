package render

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed countries.tsv
var countriesTSV string

var countries = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for line := range strings.Lines(countriesTSV) {
		if code, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && line[0] != '#' {
			names[code] = name
		}
	}
	return names
})

// Country gives the English name for an ISO 3166-1 alpha-2 code, or the code itself.
func Country(code string) string {
	if name := countries()[code]; name != "" {
		return name
	}
	return field(code)
}
