"""A sweep from its specification to its files: say what it costs, hold the lock, compute what is missing, export."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simlab import catalog
from simlab.batch import CURVES, jumped, nanoseconds
from simlab.errors import BadInput
from simlab.files import check_writable
from simlab.grid import Axes, columns, left
from simlab.jump import SAID
from simlab.online import duration
from simlab.sweeps.exports import check_formats, export
from simlab.sweeps.result import dataset
from simlab.sweeps.specification import Sweep, planned, read
from simlab.sweeps.store import Store, StoreTrouble, full, locked, reader
from simlab.sweeps.workers import Crew, Outcome, carry_out

OVERHEAD = 2e-4  # seconds that a cell costs beside its rounds, about (scripts/scaling.py)
PATIENCE = 3600  # seconds that are spent without asking
ROOM = 10 << 30  # bytes of disk that are filled without asking
SLICE = 1 << 17  # cells whose jumps are looked at together


def run(
    sweep: Sweep,
    folder: Path,
    workers: int | None = None,
    executor: str = "processes",
    address: str | None = None,
    formats: Sequence[str] = (),
    yes: bool = False,
    tell: Callable[[str], None] = print,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Compute every cell that the folder does not have, and write result.nc, result.csv and other formats there.

    workers: how many; as many as the executor has unless given. executor, address: see simlab.sweeps.executors.
    formats: exports beside these two. yes: go ahead although it takes long. tell: messages for a person. Raises
    BadInput for an unwritable folder, a cost that nobody agreed to, or cells that have no jump; NotHere for a missing
    extra, or where no worker answers; StoreTrouble where the store is in use, full, foreign or at odds with itself, and
    where cells were left out (a worker died on them, or a defect).
    """
    check_formats(formats)
    module = catalog.lookup("simlab.sweeps.executors", executor, "executor")
    with module.start(folder, workers, address) as crew:
        if not yes:
            _ask(sweep, crew.capacity())
        if sweep.jump:
            _check_jumps(sweep)
        check_writable(folder / "lock")
        with locked(folder / "lock") as free:
            if not free:
                raise StoreTrouble(f"another sweep is running in {str(folder)!r}; wait for it, or choose another --out")
            try:
                return _run(sweep, folder, crew, formats, tell, report)
            except sqlite3.Error as error:
                raise StoreTrouble(full(folder, error)) from error
            except KeyboardInterrupt:
                tell("stopped; what is finished is kept, and the same command goes on from there")
                raise


def _run(
    sweep: Sweep,
    folder: Path,
    crew: Crew,
    formats: Sequence[str],
    tell: Callable[[str], None],
    report: Callable[[Outcome], None],
) -> Outcome:
    with contextlib.closing(Store(folder, crew.shards, tell)) as store:
        done = carry_out(sweep, store, crew, report)
        if done.left:
            cells = [f"left out: {reason}: {cell}" for cell, reason in list(done.left.items())[:5]]
            raise StoreTrouble(*cells, f"{len(done.left):,} cells were left out; the same command tries them again")
        done.digest, done.files, done.failed = export(sweep, store.get, folder, formats)
        if strange := store.size() - len(sweep):
            tell(f"the store also holds {strange:,} cells of other sweeps, sources or versions")
        return done


def results(spec: str | os.PathLike, folder: str | os.PathLike) -> Any:
    """The Dataset of what a folder holds of a sweep, while it runs too: nan where a cell is not there yet."""
    with reader(Path(folder)) as get:
        return dataset(read(spec), get)


def _axes(sweep: Sweep) -> Axes:
    return [(axis.name, axis.columns) for axis in sweep.axes]


def _check_jumps(sweep: Sweep) -> None:
    """Raise BadInput where a cell has no jump."""
    for start in range(0, len(sweep), SLICE):
        cells = np.arange(start, min(start + SLICE, len(sweep)))
        jumped(columns(sweep.fixed, _axes(sweep), cells), len(cells), sweep.backend)


def _ask(sweep: Sweep, workers: int) -> None:
    """Refuse a sweep that would take long or much room, and say what it would cost."""
    dimension = None
    with contextlib.suppress(BadInput):  # the settings of the first cell may not go together
        dimension = planned(sweep, 0).problem.dimension
    width = dimension or 1
    horizons = [int(r) for axis in sweep.axes for r in axis.columns.get("rounds", ())] or [int(sweep.fixed["rounds"])]
    rounds = sum(horizons) / len(horizons)
    share, said = 1.0, ""
    if sweep.jump:
        share = left(sweep.fixed, _axes(sweep), len(sweep), sweep.backend)
        said = f", {SAID},"
    seconds = len(sweep) * (OVERHEAD + rounds * share * nanoseconds(sweep.backend, dimension) * 1e-9) / workers
    room = len(sweep) * (2 * len(sweep.cell(0)) + 8 * width * len(CURVES) * min(sweep.record, max(horizons)))
    if seconds > PATIENCE or room > ROOM:
        raise BadInput(
            f"{len(sweep):,} cells of {rounds:,.0f} rounds{said} take about {duration(seconds)} with {workers} "
            f"workers and {room / 1e6:.3g} MB of disk; --yes goes ahead"
        )
