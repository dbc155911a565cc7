package fingerprint

import "strings"

// named joins companies for people, who know them by their names and not by their slugs.
func (b *Base) named(slugs []string) string {
	names := make([]string, len(slugs))
	for i, slug := range slugs {
		names[i] = slug
		if m, ok := b.Maker(slug); ok {
			names[i] = m.Name
		}
	}
	return strings.Join(names, " or ")
}
