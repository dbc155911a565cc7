package bundletest

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/policy/policytest"
)

// Key is the nth key.
func Key(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

// Public is its public half.
func Public(n byte) ed25519.PublicKey { return Key(n).Public().(ed25519.PublicKey) }

// Fingerprints is a file that knows model AM-<version> of a badge called Acme.
func Fingerprints(version int64) bundle.Content {
	return bundle.Content{Path: "fingerprints/acme.yaml", Data: fmt.Appendf(nil, `slug: acme
name: Acme Meters
role: badge
country: DE
parent_country: DE
names: [Acme]
families:
  - {name: AM-%d, maker: quectel, is: EC25, technology: LTE Cat 4, examples: [AM-%d]}
`, version, version)}
}

// List names the maker of that slug.
func List(maker string) bundle.Content {
	return bundle.Content{Path: "lists/utility.yaml", Data: policytest.List(maker, "A maker")}
}

// Rules finds models A1, and says so in a case.
func Rules() bundle.Content {
	return bundle.Content{Path: "rules/own.yaml", Data: []byte(`policy: own
rules:
  - {id: a1, when: 'module.identity.model == "A1"', severity: medium, message: an A1}
cases:
  - name: an A1 is found
    module: {identity: {maker: x, model: A1}}
    finds: [a1]
`)}
}

// Good gives contents of every kind.
func Good(version int64) []bundle.Content {
	return []bundle.Content{Fingerprints(version), List("acme"), Rules()}
}

// Make makes a bundle of that version, signed with the nth key.
func Make(t testing.TB, version int64, key byte, contents ...bundle.Content) []byte {
	t.Helper()
	m := bundle.Manifest{Name: "fleet", Version: version, Created: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	data, err := bundle.Make(m, contents, Key(key))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
