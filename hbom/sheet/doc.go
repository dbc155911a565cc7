// Package sheet writes modules as tables for auditors: CSV and XLSX.
//
// It takes the rows of package hbom as they come, so that a fleet need not be held in memory,
// and encodes every cell for where it will be opened. It stands apart from package hbom so
// that the spreadsheet library is linked only where it is wanted.
//
// It promises that no cell is a formula, whatever a module has said: in CSV a cell that a
// spreadsheet would compute begins with an apostrophe, in XLSX every cell is typed as text;
// and that runes which a terminal would act on, or a reader's eye would be misled by, stand
// visibly escaped.
// A text that is longer than a cell of a spreadsheet takes ends with an ellipsis.
//
// It never does I/O of its own, except that the spreadsheet library keeps a large XLSX in a
// temporary file while it is made, and never reads a clock.
package sheet
