package hbom_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

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

// schemas compiles the official schemas once for all tests.
var schemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(compilePattern)
	c.AssertFormat()
	for _, name := range []string{"bom-1.6", "bom-1.7", "spdx", "jsf-0.82", "cryptography-defs", "spdx-3.0.1"} {
		f, err := os.Open("testdata/schema/" + name + ".schema.json")
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		f.Close()
		if err != nil {
			return nil, err
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+name+".schema.json", doc); err != nil {
			return nil, err
		}
	}
	all := map[string]*jsonschema.Schema{}
	for _, name := range []string{"bom-1.6", "bom-1.7", "spdx-3.0.1"} {
		s, err := c.Compile("http://cyclonedx.org/schema/" + name + ".schema.json")
		if err != nil {
			return nil, err
		}
		all[name] = s
	}
	return all, nil
})

// validate says what the official schema has against the document.
func validate(t testing.TB, schema string, doc []byte) error {
	t.Helper()
	all, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	return all[schema].Validate(v)
}
