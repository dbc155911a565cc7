// Package storetest holds every implementation of the store to the same behaviour.
//
// An implementation's test calls [Run] with a function that opens an empty store. It never
// runs outside tests.
package storetest
