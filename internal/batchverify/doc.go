// Package batchverify says of many Ed25519 signatures at once which are good, at about half
// the cost of one after the other, and a third of it where there are hundreds.
//
//	claims ─► decode ─► Σ zᵢ·(equation i) = 0 ? ─yes─► all good
//	                          │ no
//	                          └► smaller batches ─► one by one
//
// A batch is the random linear combination of its equations, with coefficients of 128 bits
// that nobody can know beforehand: a bad signature passes with a chance of 2⁻¹²⁸.
//
// It promises that a claim is judged the same alone and in any company. That is not so for
// every verifier: RFC 8032, section 5.1.7, leaves open whether the equation is multiplied by
// the cofactor 8, a batch has to be, and a signer can make signatures that pass one form and
// not the other (Chalkias, Garillot, Nikolaenko: "Taming the Many EdDSAs", 2020). So here
// single claims are held against the equation with the cofactor too, as ZIP-215 does:
//
//	8·S·B = 8·R + 8·k·A,  k = SHA-512(R ‖ A ‖ message)
//
// Unlike ZIP-215, what RFC 8032, section 5.1.3, does not decode is refused: A and R have
// one encoding only, and S is below the group's order. Keys of small order are refused as
// well: under them one signature fits every message, so it would bind nobody to anything.
// What crypto/ed25519 accepts under any other key is accepted here.
//
// Its time depends on what it verifies, all of which is public. It never signs, and never
// sees a private key.
package batchverify
