// Package fleet answers questions about the fleet, for pages and API alike.
//
// Lists come from the store as they are. One module is shown from its proof: the signed
// report is read again and judged by the same function as at intake, so that what is
// quoted is what was sent, and the verdict is that of the knowledge in use.
//
// What another policy would find is judged from rows, by the same function as at intake. A
// question about the whole fleet is bounded in time, and says where it was cut short.
//
// It never changes anything but what a person decides: that a conflict is cleared.
package fleet
