// Package policytest makes a list for the tests of whoever judges by lists: complete, confirmed
// and in force, but about nobody. It never stands in for a list of an authority.
package policytest
