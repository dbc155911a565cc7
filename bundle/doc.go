// Package bundle carries knowledge to collectors: fingerprints, lists, rules, exceptions and
// cases, in one signed file.
//
//	NAME-VERSION.tar            a tar archive (POSIX.1-1988 ustar), without compression
//	├── manifest.json           name, version, time, and each file with size and SHA-256
//	├── manifest.sig            Ed25519 over "rollcall.bundle/1", a line feed, and manifest.json
//	├── fingerprints/*.yaml     makers, badges, patterns: what fingerprints.d holds
//	├── lists/*.yaml            who is named where
//	└── rules/*.yaml            rules, sets, oldest firmware, exceptions, and cases that try them
//
// Any tool shows what is in one (tar, sha256sum, openssl), and the same contents make the same
// bytes. [Make] makes one, [Open] believes one, [Bundle.Load] makes knowledge of it.
//
// It promises that a file with anything unexpected in it is refused whole: there is exactly
// one way to write a bundle, and whatever is not written that way is none. Nothing but the
// archive's own frame is read before the signature holds. A bundle loads only if every file
// in it does and every case in it comes out as it says. Sizes are bounded before anything is
// kept.
//
// It never does I/O, never follows a path, and never takes the key in a file for one that is
// trusted.
package bundle
