package render

// Columns lets tests measure lines.
var Columns = columns
