// Package version holds the version of the programs, set by the linker.
//
// It never computes or looks anything up.
package version

// Version is what `git describe` said when the program was built, or "dev".
var Version = "dev"
