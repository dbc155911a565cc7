// Package hbomtest holds bills of materials against the official schemas, for tests.
//
// It never fetches anything: the schemas are embedded; schema/README.md says where they are from.
package hbomtest
