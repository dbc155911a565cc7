// Package api answers over HTTP with JSON, under /api/v1.
//
// openapi.json says all that it does, and a test holds each answer against it. Lists come
// in pages: next is the cursor of the following one. What is read has an ETag.
//
// It promises that names and shapes of /api/v1 stay, that an error is a JSON object that
// says what to do, and that its bytes hold no terminal escape or direction mark, whatever a
// module said: such characters stand as \u escapes. What it changes it changes for
// a person with the role operate only: it asks a gateway to look, and settles a conflict. It never changes anything else.
package api
