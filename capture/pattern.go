package capture

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first used. The patterns of this
// package take a millisecond or two together, which every start of a program that has it linked
// would pay, and most programs never read a paste.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
