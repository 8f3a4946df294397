"""One step of a network calculated with whole arrays, rightly or with one mistake made everywhere.

`calculation` reads the formulas of the chapter, `elementwise` what they say of arrays, `figures`
the numbers of a problem as arrays; `mistaken` rewrites the formulas by the table of mistakes. For
gradients by the thousand, of which a reading number by number would take minutes.
"""
