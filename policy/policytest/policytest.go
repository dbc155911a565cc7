package policytest

import "fmt"

// List is the file of a list "utility" that names one maker.
func List(maker, name string) []byte {
	return fmt.Appendf(nil, `id: utility
name: Utility list
kind: list
concern: procurement
edition: 2026-01-15
edition_date: 2026-01-15
as_of: 2026-01-15
source: https://example.org/list
effect: none
status: in-force
confirmed: true
entries: [{maker: %s, name: %s, since: 2026-01-15, confirmed: true}]
`, maker, name)
}
