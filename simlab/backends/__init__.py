"""Backends, one number system a file; what is here is found, never listed.

A backend defines every operation of simlab.ops for its numbers, `number` to enter, and
`run(plan, *, device, bits, progress) -> Records`. It says what its numbers are worth (GRADE), what a round takes on
one coordinate, about (NANOSECONDS), and which packages they come from (PACKAGES).
A backend of floats also plays many runs side by side: `run_cells(cells, *, device, threads, progress) -> CellRecords`
(simlab.cells), where a round of one cell among many takes about CELL_NANOSECONDS. VECTORS: it does so for vectors too.
Fewer cells than LEAST, which a backend with lanes has, are quicker run by run. JUMPS: it jumps stretches of idle rounds
(simlab.jump).
"""
