// Package bundletest makes bundles for tests: good ones of small contents, with keys that are
// made from a number.
//
// It promises that the same arguments make the same bytes. It never runs outside of tests.
package bundletest
