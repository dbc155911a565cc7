// Package serialport finds the ports of cellular modules, judges which of them may be
// asked, and opens one of those so that nothing is disturbed and nothing stays changed.
//
//	/sys ── Finder.Find ──► []Device ──► Port (role, verdict, reason)
//	a path that a person named ── Finder.Named ──► Device      │ Verdict == Ask
//	                                                          Open ──► Conn
//	kernel events ── Watcher.Watch ──► "something changed"
//
// [Finder] reads sysfs and udev's database and opens no port. It groups all nodes of one
// USB device or PCI function into one [Device], so that one module is one module however
// many ports it has, and gives every port a role, a [Verdict] and a reason in words. What
// may be asked is data: the tables in the directory rules, each line with its source, and the
// caller's own [Rules]. What no rule allows is skipped.
//
// [Open] looks before it touches: it opens the node without blocking, compares its device
// number and its place in sysfs with what was found, and leaves at once if another program
// holds the port. Then it takes every lock that others respect (UUCP lock file, flock,
// exclusive access), saves the terminal settings, and restores them byte for byte when the
// [Conn] is closed.
//
// It promises that every cellular device the kernel shows is in the result of Find, that one
// broken entry of sysfs hides no other, that reads and writes end with the port or at their
// deadline, and that an error says what to do.
//
// It never opens a port to learn what it is, never writes a byte of its own to one, never
// asks a console, a firmware loader or a stranger's serial adapter, never takes away another
// program's exclusive access, and knows no maker: ids in its tables say what may be asked, not
// who made it.
package serialport
