"""Which machinery plays a batch of cells on torch, and what happens where the memory of a device is too small for it.

    triton     the time loop in one kernel: on CUDA, or in Triton's interpreter where that is asked for
    compile    blocks of rounds through torch.compile, where the run is long enough to be worth a compilation
    eager      one call of torch an operation: everything else, and all vectors

The path of the records says which of them it was, and why not a faster one. No device is taken in another's place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from simlab.backends import _columns
from simlab.backends._round import CannotCompileError
from simlab.cells import SHOWN, CellRecords, Cells, play_cells
from simlab.errors import BadInput, NotHere, nearest

PATHS = ("triton", "compile", "eager")
CALL, EACH = 5e-4, 4e-8  # seconds of an eager round, and of each of its cells
WORTH = 120  # seconds of eager rounds from which a compilation pays
_FULL = (torch.OutOfMemoryError, MemoryError)


def run_cells(cells: Cells, device: torch.device, progress: Callable[[int], None], how: str | None) -> CellRecords:
    """The runs of cells on one device; where its memory does not hold them, halves of them, which have the same bits.

    Raises NotHere where it does not hold one cell, or where the path that was asked for does not serve.
    """
    if how not in (None, *PATHS):
        raise BadInput(f"unknown path {how!r}; it is one of {', '.join(PATHS)}{nearest(str(how), PATHS)}")
    try:
        return _play(cells, device, progress, how)
    except _FULL as error:
        if len(cells) == 1:
            raise NotHere(f"the memory of {device} does not hold one cell; {_room(cells, device)}") from error
    if device.type == "cuda":
        torch.cuda.empty_cache()
    n, half = cells.plan.rounds, len(cells) // 2
    first = run_cells(cells[:half], device, lambda t: progress(t // 2), how)
    second = run_cells(cells[half:], device, lambda t: progress((n + t) // 2), how)
    return _joined(first, second, f"at most {len(cells) - half} cells at a time: {_room(cells, device)}")


def _play(cells: Cells, device: torch.device, progress: Callable[[int], None], how: str | None) -> CellRecords:
    notes = []
    if how in (None, "triton"):
        from simlab.backends import _triton

        reason = _triton.unavailable(device)
        try:
            if not reason:
                return _triton.run_cells(cells, device, progress)
        except CannotCompileError as error:
            reason = str(error)
        if how:
            raise NotHere(f"Triton cannot play these cells on {device}: {reason}")
        notes += [f"no kernel: {reason}"] * (device.type == "cuda")
    plan = cells.plan
    long = plan.rounds * (CALL + EACH * len(cells)) > WORTH
    if how == "compile" or (how is None and long):
        from simlab.backends import _compiled

        try:
            return _compiled.run_cells(cells, device, progress)
        except CannotCompileError as error:
            if how:
                raise NotHere(f"torch.compile cannot play these cells on {device}: {error}") from error
            notes.append(f"not compiled: {error}")
    path = f"torch eager on {device}" + (f" ({'; '.join(notes)})" if notes else "")
    return play_cells(cells, _columns.system(cells.single, device), path, progress)


def _room(cells: Cells, device: torch.device) -> str:
    """What the device has and what a cell's records take, in words."""
    width = cells.plan.problem.dimension or 1
    size = cells.x0.dtype.itemsize
    kept = (3 * width + 3) * len(cells.plan.recorded) * size
    words = f"a cell's {len(cells.plan.recorded)} recorded rounds take {kept / 1e6:.3g} MB"
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        words += f", and {free / 1e6:.3g} of {total / 1e6:.3g} MB are free"
    return words


def _joined(a: CellRecords, b: CellRecords, note: str) -> CellRecords:
    """The records of the cells of a, then of those of b."""
    n = len(a.stopped)

    def both(name: str) -> Any:
        p, q = getattr(a, name), getattr(b, name)
        if name == "reason":
            return p | {n + i: text for i, text in q.items()}
        if name == "path":
            return p if "cells at a time" in p else f"{p}, {note}"
        return np.concatenate([p, q], axis=1 if name in SHOWN else 0)

    return CellRecords(**{f.name: both(f.name) for f in fields(CellRecords)})
