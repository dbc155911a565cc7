// Package sheet writes modules as tables for auditors: CSV and XLSX.
//
// It takes the rows of package hbom as they come, so that a fleet need not be held in memory,
// and encodes every cell for where it will be opened. The workbook is written here, since tables
// of text need little of the format and a library for all of it costs every start of the program
// three milliseconds; a library reads it again in the tests.
//
// It promises that no cell is a formula, whatever a module has said: in CSV a cell that a
// spreadsheet would compute begins with an apostrophe, in XLSX every cell is typed as text;
// and that runes which a terminal would act on, or a reader's eye would be misled by, stand
// visibly escaped.
//
// It never does I/O of its own, and never reads a clock.
package sheet
