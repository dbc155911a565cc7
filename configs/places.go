package configs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"go.yaml.in/yaml/v3"
)

// places says where options were given, as errors name it: "configuration a.yaml:7",
// "environment variable ROLLCALL_STORE", "flag --store".
type places map[string]string

// tell adds to an error about an option where it was given. Such errors begin with its key.
func (p places) tell(err error) error {
	if err == nil {
		return nil
	}
	text, found := err.Error(), ""
	for key := range p {
		rest, ok := strings.CutPrefix(text, key)
		if ok && len(key) > len(found) && strings.IndexAny(rest, ": [") == 0 {
			found = key
		}
	}
	if found == "" {
		return err
	}
	return fmt.Errorf("%s: %w", p[found], err)
}

// undecoded says of the first value that is of another kind than its option what is wanted.
func undecoded(err error, value func(key string) any, options []option) error {
	var d *mapstructure.DecodeError
	if !errors.As(err, &d) {
		return fmt.Errorf("cannot read configuration: %w", err)
	}
	key, _, _ := strings.Cut(strings.ToLower(d.Name()), "[")
	for _, o := range options {
		if o.key == key && wanted(o.def) != "" {
			return fmt.Errorf("%s: %q is not %s", key, fmt.Sprint(value(key)), wanted(o.def))
		}
	}
	return fmt.Errorf("%s: %w", d.Name(), d.Unwrap())
}

func wanted(def any) string {
	switch def.(type) {
	case time.Duration:
		return "a time such as 90s, 5m or 6h"
	case int, int64:
		return "a whole number"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case map[string]string:
		return "names with values, such as site: north"
	}
	return ""
}

// keyLines gives the line of each key of a YAML file, by its path in lower case, as viper names it.
func keyLines(text []byte) map[string]int {
	var doc yaml.Node
	lines := map[string]int{}
	if yaml.Unmarshal(text, &doc) == nil && len(doc.Content) > 0 {
		addLines(lines, doc.Content[0], "")
	}
	return lines
}

func addLines(lines map[string]int, n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := path + strings.ToLower(n.Content[i].Value)
		lines[key] = n.Content[i].Line
		addLines(lines, n.Content[i+1], key+".")
	}
}

// meant names the option that somebody who wrote key may have had in mind, or all, each as called.
func meant(key string, options []option, called func(key string) string) string {
	best, least := "", min(3, (len(key)+1)/2) // further apart it is another word
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = called(o.key)
		_, last, _ := strings.Cut(o.key, ".")
		if d := min(apart(key, o.key), apart(key, last)); d < least {
			best, least = names[i], d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	slices.Sort(names)
	return "known are " + strings.Join(names, ", ")
}

// apart counts the letters to be changed, added or left out between two words (Levenshtein).
func apart(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
