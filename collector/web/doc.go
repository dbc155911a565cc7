// Package web serves the pages on which an operator sees the fleet.
//
// They are made on the server from embedded templates and can be read without a script; where
// scripts run, pages become new by themselves, times are the reader's, figures are drawn, and
// views can be kept. No other host is asked, and a strict content security policy lets neither
// inline code nor inline style run. Filters, sort and page stand in the URL, with the same names
// as in the API.
//
//	fleet.Fleet ──► page (data) ──► template ──► printable text ──► ETag ──► browser
//	            ├─► CSV and bills of materials, as they are read
//	access.Guard ─► who asks, and which forms they are shown
//
// It promises that whatever a module or gateway says is shown as text: it is escaped by
// html/template, and every rune that is not printable leaves visibly escaped (internal/clean).
// A spreadsheet takes no cell of an export for a formula. The first page weighs 150 kB at most
// with all that it loads, whatever is in the fleet.
//
// What it changes it changes for a person with the role operate only, by a form that no other
// site can send, and the guard keeps who did it: it asks a gateway to look, and settles a
// conflict. Without a guard it never changes anything.
package web
