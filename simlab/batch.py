"""Many runs at once: cells played side by side, each the run of its own settings to the last bit.

    gather the settings into columns (simlab.gather)  ->  a backend's run_cells(cells, *, device, threads, progress)
    ->  regret R_t = sum_{s<=t} f_s(x_s) - min_u sum_{s<=t} f_s(u), rounded once

What a backend cannot play in columns is played run by run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from simlab import catalog
from simlab.backends import reference
from simlab.cells import CellRecords, Cells
from simlab.errors import BadInput
from simlab.exact import to_float
from simlab.feasible import Box, Space
from simlab.gather import Column, gather
from simlab.jump import jumps, paces
from simlab.online import run
from simlab.problem import comparators

CURVES = ("x", "rate", "direction", "loss", "regret_curve")
VALUES = ("x_last", "regret", "average_regret", "comparator_gap")


class Played(NamedTuple):
    """What n cells leave behind, whatever played them; nan where a cell has no result.

    values: x_last, regret, average_regret, comparator_gap, each (n,) or (n, d), and with record > 1 the curves x, rate,
    direction, loss, regret_curve, each (n, rounds) or (n, rounds, d).    stopped: (n,), the round of a stop, or 0.
    reason: why a cell stopped or has no result, by cell.    paths: the machineries that ran.
    """

    values: dict[str, np.ndarray]
    stopped: np.ndarray
    reason: dict[int, str]
    paths: set[str]


def play(
    settings: dict[str, Column],
    n: int,
    *,
    record: int = 1,
    backend: str = "numba",
    device: str | None = None,
    single: bool = False,
    threads: int = 0,
    jump: bool = False,
    progress: Callable[[int], None] = lambda t: None,
) -> Played:
    """Play n cells.

    settings: by name, rule, problem and rounds among them.    record: log-spaced rounds kept, 1 for the last alone.
    backend: numba, reference or torch, on `device`.    single: in float32.    threads: 0 for all cores.
    jump: jump stretches of rounds without gradient, by numba; BadInput says where that is not possible.
    progress: is told how many cells are done.
    Each distinct loop is played as one batch, in columns where its backend can, else run by run, to the same bits.
    """
    module = catalog.backend(backend)
    batches, alone = gather(settings, n, record, single)
    jumping = [{"jump": _jumping(cells, backend, jumps)} if jump else {} for cells in batches]
    played, done = Played({}, np.zeros(n, dtype=np.int64), {}, set()), 0
    for cells, how in zip(batches, jumping, strict=True):
        few = not single and not jump and len(cells) < getattr(module, "LEAST", 0)
        if few or not _in_columns(cells, module):
            if single:
                raise BadInput(f"float32 is for scalar problems on an interval; {backend} plays this one in doubles")
            alone = np.append(alone, cells.where)
            continue

        def report(t: int, before: int = done, cells: Cells = cells) -> None:
            progress(before + len(cells) * t // cells.plan.rounds)

        records: CellRecords = module.run_cells(cells, device=device, threads=threads, progress=report, **how)
        done += len(cells)
        played.paths.add(records.path)
        played.stopped[cells.where] = records.stopped
        played.reason.update({int(cells.where[i]): text for i, text in records.reason.items()})
        found = {"x_last": records.x_last, **regrets(cells, records)}
        for name in VALUES:
            put(played.values, n, name, cells.where, found[name])
        if record > 1:
            for name in CURVES:
                curve = found[name] if name in found else getattr(records, name)
                put(played.values, n, name, cells.where, np.moveaxis(curve, 0, 1))
    for i in alone.tolist():
        _alone({name: c.values[c.at[i]] for name, c in settings.items()}, i, played, n, record, backend, device)
    return played


def nanoseconds(backend: str, dimension: int | None = None) -> float:
    """About what a round of one cell among many takes."""
    module = catalog.backend(backend)
    return float(module.NANOSECONDS * dimension if dimension else module.CELL_NANOSECONDS)


def in_lanes(settings: dict[str, Column], backend: str) -> bool:
    """Whether the backend has lanes, and plays cells with the settings of the first in them."""
    module = catalog.backend(backend)
    first = {name: Column(c.values, c.at[:1]) for name, c in settings.items()}
    return hasattr(module, "LEAST") and any(_in_columns(cells, module) for cells in gather(first, 1, 1)[0])


def _in_columns(cells: Cells, module: Any) -> bool:
    """Whether the backend plays these cells side by side."""
    problem = cells.plan.problem
    scalar = problem.dimension is None and isinstance(problem.feasible, (Box, Space))
    return scalar or getattr(module, "VECTORS", False)


def jumped(settings: dict[str, Column], n: int, backend: str) -> np.ndarray:
    """(n,): about how many rounds of a cell are the work of one, where idle ones are jumped.

    1 for cells that no run allows. Raises the BadInput of `play` with jump, but plays nothing.
    """
    found = np.ones(n)
    for cells in gather(settings, n, 1)[0]:
        found[cells.where] = _jumping(cells, backend, paces)
    return found


def _jumping(cells: Cells, backend: str, read: Callable[[Cells], Any]) -> Any:
    """What simlab.jump reads off the cells; raises BadInput where this backend has no jumps for them."""
    module = catalog.backend(backend)
    if not getattr(module, "JUMPS", False):
        raise BadInput(f"rounds without gradient are jumped by numba alone; got {backend}")
    if not _in_columns(cells, module):
        raise BadInput("no jump: rounds without gradient are jumped in scalar problems on an interval")
    return read(cells)


def _alone(
    given: dict[str, Any], i: int, played: Played, n: int, record: int, backend: str, device: str | None
) -> None:
    """Cell i by a single run. That no run allows its settings is a result too: the reason."""
    rule, problem, rounds = given.pop("rule"), given.pop("problem"), given.pop("rounds")
    x0 = given.pop("x0", None)
    try:
        one = run(
            rule, problem, hyper=given, x0=x0, rounds=rounds, record=record, backend=backend, device=device, yes=True
        )
    except (BadInput, ArithmeticError) as error:
        played.reason[i] = str(error)
        return
    played.paths.add("run by run")
    if one.stopped:
        played.stopped[i], played.reason[i] = one.stopped["round"], one.stopped["reason"]
    where = np.array([i])
    for name in VALUES:
        put(played.values, n, name, where, np.asarray(getattr(one, name), dtype=np.float64)[None])
    if record > 1:
        due = np.isin(one.plan.recorded, one.t)  # after a stop, whose own round need not be one of them, all is nan
        for name in CURVES:
            curve = getattr(one, name)
            whole = np.full((1, len(due), *curve.shape[1:]), np.nan)
            whole[0, due] = curve[np.isin(one.t, one.plan.recorded)]
            put(played.values, n, name, where, whole)


def put(values: dict[str, np.ndarray], n: int, name: str, where: np.ndarray | slice, part: np.ndarray) -> None:
    """Write some rows of the column of that name, n rows that are nan at first; raises BadInput for another width."""
    column = values.setdefault(name, np.full((n, *part.shape[1:]), np.nan))
    if column.shape[1:] != part.shape[1:]:
        raise BadInput("the decisions of the cells have different dimensions; play them apart")
    column[where] = part


# --- regret ---------------------------------------------------------------------------------------------------------


def regrets(cells: Cells, records: CellRecords) -> dict[str, np.ndarray]:
    """R_t at the recorded rounds (k, n), R_T and R_T / T, and by how much at most R_T is under-reported (n,).

    For a cell that stopped, T is the round of the stop. Rounded as the regret of a single run is: once.
    """
    plan, n, due = cells.plan, len(cells), cells.plan.recorded
    curve, last, gap = np.full(records.total.shape, math.nan), np.empty(n), np.zeros(n)
    ended = np.where(records.stopped > 0, records.stopped, plan.rounds)
    order = np.argsort(cells.problem_at, kind="stable")
    ends = np.flatnonzero(np.diff(cells.problem_at[order])) + 1
    for some in np.split(order, ends):
        problem = cells.problems[cells.problem_at[some[0]]]
        rounds = np.unique(np.concatenate([due, ended[some]]))
        best = comparators(problem, rounds.tolist())
        for j, b in enumerate(np.searchsorted(rounds, due)):
            curve[j, some] = subtract(records.total[j, some], records.error[j, some], best[b].value)
        at = np.searchsorted(rounds, ended[some])
        for b in np.unique(at):
            these = some[at == b]
            last[these] = subtract(records.total_last[these], records.error_last[these], best[b].value)
            gap[these] = best[b].gap
    curve[np.isnan(records.total)] = math.nan
    return {"regret_curve": curve, "regret": last, "average_regret": last / ended, "comparator_gap": gap}


def subtract(total: np.ndarray, error: np.ndarray, best: Any) -> np.ndarray:
    """total + error - best, rounded once, for an exact or double `best`; where it is infinite, minus it."""
    if isinstance(best, float) and not math.isfinite(best):
        return np.full(total.shape, -best)
    with np.errstate(invalid="ignore", over="ignore"):
        high = to_float(best)
        low = to_float(Fraction(best) - Fraction(high)) if math.isfinite(high) else 0.0
        s, rest = reference.add(total, error, -high)  # total - high, exactly, and the error beside it
        s, e = reference.add(s, 0.0, rest)
        s, e = reference.add(s, e, -low)
        found = s + e
        # `rest` and `e` were rounded: where that could turn the last rounding, the sum is done in rationals
        doubt = 2.0**-50 * (np.abs(error) + np.spacing(np.abs(total) + abs(high)))
        left, half = np.abs((s - found) + e), np.spacing(np.abs(found)) / 2
        near = np.minimum(np.abs(left - half), np.abs(left - half / 2)) <= doubt
        unsure = np.isfinite(found) & near & ((error != 0) | (low != 0))
    for i in np.flatnonzero(unsure):
        found[i] = to_float(Fraction(total[i]) + Fraction(error[i]) - Fraction(best))
    return np.where(np.isfinite(total) & np.isfinite(error), found, total + error)
