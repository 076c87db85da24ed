"""Backends, one number system a file; what is here is found, never listed.

A backend defines every operation of simlab.ops for its numbers, `number` to enter, and
`run(plan, *, device, bits, progress) -> Records`. It says what its numbers are worth (GRADE), what a round takes on
one coordinate, about (NANOSECONDS), and which packages they come from (PACKAGES).
"""
