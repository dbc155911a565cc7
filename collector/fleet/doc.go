// Package fleet answers questions about the fleet, for pages and API alike.
//
// Lists come from the store as they are. One module is shown from its proof: the signed
// report is read again and judged by the same function as at intake, so that what is
// quoted is what was sent, and the verdict is that of the knowledge in use.
//
// It never changes anything.
package fleet
