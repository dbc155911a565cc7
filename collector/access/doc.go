// Package access says who asks, what they may, and keeps who did what.
//
//	request ─► address ─► who: token (Authorization: Bearer) │ session (cookie) │ this machine's own person
//	              │        │
//	            limit    Require(role): 401 or the login page │ 403 │ forged form │ 429 │ the handler
//
// A token is 256 random bits. It is shown once and kept as its SHA-256: a slow hash is for
// secrets that can be guessed, and no speed of guessing finds 256 bits; a fast one lets each
// request be checked. Sessions are made by a login with a token or with an OpenID Connect
// provider, and end with the token that they began with.
//
// Where neither token nor provider is configured, whoever reaches a listener of this machine
// alone is its local person and may do everything. From the first token on, also a revoked
// one, everybody must show one.
//
// It promises that no secret of its own is written anywhere but to the one who gets it, that
// a request that changes something was meant by a page of ours or by a program, and that a
// store that cannot be asked lets nobody in. It never decides what a role may do: the
// handlers say which one they need.
package access
