package hbomtest

import (
	"bytes"
	"embed"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed schema/*.json
var files embed.FS

// The schemas.
const (
	CycloneDX16 = "bom-1.6"
	CycloneDX17 = "bom-1.7"
	SPDX        = "spdx-3.0.1"
)

// Validate says what a schema has against a document.
func Validate(schema string, doc []byte) error {
	all, err := schemas()
	if err != nil {
		return err
	}
	s, ok := all[schema]
	if !ok {
		return fmt.Errorf("there is no schema %q", schema)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// schemas compiles them once.
var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(compilePattern)
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "iri-reference", Validate: iriReference})
	for _, name := range []string{CycloneDX16, CycloneDX17, SPDX, "spdx", "jsf-0.82", "cryptography-defs"} {
		b, err := files.ReadFile("schema/" + name + ".schema.json")
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+name+".schema.json", doc); err != nil {
			return nil, err
		}
	}
	all := map[string]*jsonschema.Schema{}
	for _, name := range []string{CycloneDX16, CycloneDX17, SPDX} {
		s, err := c.Compile("http://cyclonedx.org/schema/" + name + ".schema.json")
		if err != nil {
			return nil, err
		}
		all[name] = s
	}
	return all, nil
})

// pattern is a regular expression of a schema. SPDX uses one that RE2 cannot: not a blank node.
type pattern struct {
	*regexp.Regexp
	not string
}

func (p pattern) MatchString(s string) bool {
	return (p.not == "" || !strings.HasPrefix(s, p.not)) && p.Regexp.MatchString(s)
}

func compilePattern(s string) (jsonschema.Regexp, error) {
	p := pattern{}
	if rest, ok := strings.CutPrefix(s, "^(?!_:)"); ok {
		s, p.not = "^"+rest, "_:"
	}
	re, err := regexp.Compile(s)
	p.Regexp = re
	return p, err
}

// iriReference holds a text against the grammar of RFC 3986, with the letters that RFC 3987 adds.
// Of an address net/url takes more than that, and so does the library's own format; others that
// read our documents do not.
func iriReference(v any) error {
	if s, ok := v.(string); ok && !grammar().MatchString(s) {
		return fmt.Errorf("not by RFC 3987: %q", s)
	}
	return nil
}

var grammar = sync.OnceValue(func() *regexp.Regexp {
	const (
		escaped  = `%[0-9A-Fa-f]{2}`
		ordinary = `A-Za-z0-9._~!$&'()*+,;=\x{A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}\x{10000}-\x{EFFFD}-`
		host     = `(?:\[[0-9A-Fa-f:.]+\]|(?:[` + ordinary + `]|` + escaped + `)*)`
		part     = `(?:[` + ordinary + `:@/]|` + escaped + `)*`
		query    = `(?:[` + ordinary + `:@/?]|` + escaped + `)*`
	)
	return regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://(?:(?:[` + ordinary + `:]|` + escaped + `)*@)?` + host + `(?::[0-9]*)?(?:/` + part + `)?|` + part + `)(?:\?` + query + `)?(?:#` + query + `)?$`)
})
