// Package render draws modules, reasons and ports for a terminal.
//
//	inventory.Module ── Screen.Module ──► a card, stacked below 60 columns, a row from 140 on
//	                 ── Screen.Explain ──► each claim beside the lines that prove it
//
// It promises that the answer stands first and the doubt in words; that colour adds and
// never carries; that no line is wider than the screen, counting wide runes as two; and
// that whatever a module said goes through [clean] before it is drawn.
//
// It never writes anywhere, never asks the terminal anything, and knows no maker and no
// list: names come with the module or from the knowledge.
package render
