// Package web serves the pages on which an operator sees the fleet.
//
// They are made on the server from embedded templates: no script is needed to read them, no
// other host is asked, and a strict content security policy lets neither inline code nor
// inline style run. Filters, sort and page stand in the URL, with the same names as in the API.
//
// It promises that whatever a module or gateway says is shown as text: it is escaped by
// html/template, and every rune that is not printable leaves visibly escaped (internal/clean).
// A spreadsheet takes no cell of an export for a formula. It never changes anything.
package web
