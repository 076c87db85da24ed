"""A sweep from its specification to its files: say what it costs, hold the lock, compute what is missing, export."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simlab import catalog
from simlab.errors import BadInput
from simlab.files import check_writable
from simlab.online import duration
from simlab.sweeps.result import dataset, export
from simlab.sweeps.specification import Sweep, planned, read
from simlab.sweeps.store import Store, StoreTrouble, locked, reader
from simlab.sweeps.workers import CURVES, Outcome, carry_out

OVERHEAD = 1e-3  # seconds that a cell costs beside its rounds (measured: 0.96 ms)
PATIENCE = 3600  # seconds that are spent without asking
ROOM = 10 << 30  # bytes of disk that are filled without asking


def run(
    sweep: Sweep,
    folder: Path,
    workers: int,
    threads: bool = False,
    yes: bool = False,
    tell: Callable[[str], None] = print,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Compute every cell that the folder does not have, and write result.nc and result.csv there.

    workers: processes, or threads. yes: go ahead although it takes long. tell: messages for a person. Raises BadInput
    for an unwritable folder or a cost that nobody agreed to, StoreTrouble where the store is in use, full, foreign or
    at odds with itself, and where cells were left out (a worker died on them, or a defect).
    """
    if not yes:
        _ask(sweep, workers)
    check_writable(folder / "lock")
    with locked(folder / "lock") as free:
        if not free:
            raise StoreTrouble(f"another sweep is running in {str(folder)!r}; wait for it, or choose another --out")
        try:
            with contextlib.closing(Store(folder, workers, tell)) as store:
                done = carry_out(sweep, store, folder, workers, threads, report)
                if done.left:
                    cells = [f"left out: {reason}: {cell}" for cell, reason in list(done.left.items())[:5]]
                    raise StoreTrouble(
                        *cells, f"{len(done.left):,} cells were left out; the same command tries them again"
                    )
                done.digest, done.files, done.failed = export(sweep, store.get, folder)
                if strange := store.size() - len(sweep):
                    tell(f"the store also holds {strange:,} cells of other sweeps, sources or versions")
                return done
        except sqlite3.Error as error:
            raise StoreTrouble(f"the store in {str(folder)!r}: {error}; what is finished is kept") from error
        except KeyboardInterrupt:
            tell("stopped; what is finished is kept, and the same command goes on from there")
            raise


def results(spec: str | os.PathLike, folder: str | os.PathLike) -> Any:
    """The Dataset of what a folder holds of a sweep, while it runs too: nan where a cell is not there yet."""
    with reader(Path(folder)) as get:
        return dataset(read(spec), get)


def _ask(sweep: Sweep, workers: int) -> None:
    """Refuse a sweep that would take long or much room, and say what it would cost."""
    width = 1
    with contextlib.suppress(BadInput):  # the settings of the first cell may not go together
        width = planned(sweep, 0).problem.dimension or 1
    horizons = [int(r) for axis in sweep.axes for r in axis.columns.get("rounds", ())] or [int(sweep.fixed["rounds"])]
    rounds = sum(horizons) / len(horizons)
    each = OVERHEAD + rounds * catalog.backend(sweep.backend).NANOSECONDS * width * 1e-9
    seconds = len(sweep) * each / workers
    room = len(sweep) * (2 * len(sweep.cell(0)) + 8 * width * len(CURVES) * sweep.record)
    if seconds > PATIENCE or room > ROOM:
        raise BadInput(
            f"{len(sweep):,} cells of {rounds:,.0f} rounds take about {duration(seconds)} with {workers} workers and "
            f"{room / 1e6:.3g} MB of disk; --yes goes ahead"
        )
