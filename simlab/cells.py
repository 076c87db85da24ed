"""Cells: many runs of one loop, side by side, and the loop over their rounds for systems whose numbers are arrays.

    cell i is the run of its own settings, to the last bit: what differs between cells stands in columns

In single precision the numbers of a run (x, state, gradients, hyperparameters) are float32. The round is counted in
integers and the schedules s(t), beta1_t are taken in doubles; what they give is rounded once where it meets the run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from simlab.backends import reference
from simlab.ops import Weight, add, rebind
from simlab.problem import Problem
from simlab.protocol import Plan, online_round, why

SHOWN = ("x", "rate", "direction", "loss", "total", "error")  # what a recorded round leaves of every cell
SCALAR = {"dot": operator.mul, "matvec": operator.mul}  # a column of numbers is no vector


@dataclass(frozen=True)
class Cells:
    """n runs with one loop. Numbers are doubles or float32 (64-bit integers where the problem has integers).

    plan: of the first cell; functions, schedules, horizon, recorded rounds, state and shapes are those of all cells.
    number: the run's rounding of an exact number.    where: (n,) the cells' positions in what they were gathered from.
    alpha: (n,).    decay: (n,), always double.    hyper, data, region: as simlab.protocol.bound has them, each entry
    of shape (n, ...), a weight a pair of columns.    x0: (n,) or (n, d).    period: (n,) integers, 0 for none.
    What all cells share has stride 0 along the cells.
    problems: the distinct problems; problem_at: (n,) which of them each cell plays.
    """

    plan: Plan
    number: Callable[[Any], Any]
    where: np.ndarray
    alpha: np.ndarray
    decay: np.ndarray
    hyper: tuple
    data: tuple
    region: tuple
    x0: np.ndarray
    period: np.ndarray
    problems: list[Problem]
    problem_at: np.ndarray

    def __len__(self) -> int:
        return len(self.where)

    def __getitem__(self, some: slice | np.ndarray) -> Cells:
        """Some of the cells."""

        def cut(v: Any) -> Any:
            if isinstance(v, Weight):
                return Weight(cut(v.beta), cut(v.rest))
            return tuple(map(cut, v)) if isinstance(v, tuple) else v[some]

        columns = ("where", "alpha", "decay", "hyper", "data", "region", "x0", "period", "problem_at")
        return replace(self, **{name: cut(getattr(self, name)) for name in columns})

    @property
    def single(self) -> bool:
        return self.x0.dtype == np.float32


@dataclass
class CellRecords:
    """What n cells leave behind at k recorded rounds; nan in the rounds after a stop.

    x, rate, direction: (k, n), or (k, n, d) for vectors.    loss, total, error: (k, n); total + error is the exact
    cumulative loss of what was added.    x_last: (n,) or (n, d).    total_last, error_last: (n,), at the last round.
    stopped: (n,), the round whose proposal was not finite, or 0; reason: why, by cell, of those that stopped.
    underflow: (n,), whether state was ever flushed to 0.    path: the machinery that ran.
    """

    x: np.ndarray
    rate: np.ndarray
    direction: np.ndarray
    loss: np.ndarray
    total: np.ndarray
    error: np.ndarray
    x_last: np.ndarray
    total_last: np.ndarray
    error_last: np.ndarray
    stopped: np.ndarray
    underflow: np.ndarray
    reason: dict[int, str]
    path: str


class Rows:
    """A vector for each cell, (n, m): `rows[i]` takes entry i_k of the vector of cell k."""

    def __init__(self, values: Any, each: Any) -> None:
        self.values, self.each = values, each

    def __getitem__(self, i: Any) -> Any:
        return self.values[self.each, i]


def play_cells(cells: Cells, system: Any, path: str, progress: Callable[[int], None] = lambda t: None) -> CellRecords:
    """The runs of cells by a plain loop over the rounds, every operation on a whole column at once.

    system: a number system whose numbers are arrays, with `column(array)` to enter and `array(column)` to leave.
    Vectors have their cells last, (d, n), so that y[0] is a coordinate and a number of each cell, (n,), meets them all;
    the cells of a vector problem have one period.
    """
    plan, n = cells.plan, len(cells)
    vector = plan.problem.dimension is not None
    memo: dict = {}
    system = SimpleNamespace(**{**vars(system), **_products(system, vector)})
    play, plus = rebind(online_round(plan), system, memo=memo), rebind(add, system, memo=memo)
    k = len(plan.recorded)
    start = np.moveaxis(cells.x0, 0, -1)
    shapes = dict(zip(SHOWN, [start.shape] * 3 + [(n,)] * 3, strict=True))
    kept = {name: np.full((k, *shape), np.nan) for name, shape in shapes.items()}
    stopped, reason = np.zeros(n, dtype=np.int64), dict[int, str]()
    enter, leave = system.column, system.array
    each = enter(np.arange(n))

    def columns(values: tuple) -> tuple:
        return tuple(
            Weight(enter(v.beta), enter(v.rest))
            if isinstance(v, Weight)
            else Rows(enter(v), each)
            if v.ndim > 1 and not vector
            else enter(np.moveaxis(v, 0, -1))
            for v in values
        )

    alpha, decay, x = enter(cells.alpha), enter(cells.decay), enter(start)
    hyper, data, region = columns(cells.hyper), columns(cells.data), columns(cells.region)
    power, zero = 0 * decay + 1, enter(np.zeros(n, dtype=cells.x0.dtype))
    total = error = zero
    zeros = {name: 0 * x if shape == start.shape else zero for name, shape in shapes.items()}
    state = tuple(0 * x + s for s in plan.rule.state.values())
    period, phase, alive = enter(cells.period), enter(np.ones(n, dtype=np.int64)), enter(np.ones(n, dtype=bool))
    underflow = ~alive
    periodic, due = plan.problem.period is not None, {int(t): i for i, t in enumerate(plan.recorded)}
    everyone = True
    for t in range(1, plan.rounds + 1):
        seen = plan.problem.phase(t) if vector else phase if periodic else t
        now = play(t, seen, x, state, power, alpha, decay, hyper, data, region)
        fine, lost = system.each_finite(now.proposal) & system.each_finite(now.x), now.underflow
        if vector:
            fine, lost = fine.all(0), lost is not False and lost.any(0)
        total, error = _where(system, everyone, alive, plus(total, error, now.loss), (total, error))
        underflow = underflow | (alive & lost)
        if t in due:
            runs = leave(alive)
            for name, value in zip(kept, (x, now.rate, now.direction, now.loss, total, error), strict=True):
                kept[name][due[t]] = np.where(runs, leave(value + zeros[name]), np.nan)
        if not bool((fine | ~alive).all()):
            for i in np.flatnonzero(leave(alive & ~fine)).tolist():
                stopped[i] = t
                rate, direction = (leave(v + zeros["x"])[..., i] for v in (now.rate, now.direction))
                reason[i] = why(rate, direction, reference)
            alive, everyone = alive & fine, False
            if not bool(alive.any()):
                break
        x, power = _where(system, everyone, alive, (now.x, now.power), (x, power))
        state = _where(system, everyone, alive, now.state, state)
        if periodic:
            phase = system.where(phase == period, 1, phase + 1)
        if t % 64 == 0:
            progress(t)
    x, total, error = (leave(v).astype(np.float64) for v in (x, total, error))
    return CellRecords(
        **{name: np.moveaxis(rows, -1, 1) for name, rows in kept.items()},
        x_last=np.moveaxis(x, -1, 0),
        total_last=total,
        error_last=error,
        stopped=stopped,
        underflow=leave(underflow),
        reason=reason,
        path=path,
    )


def _where(system: Any, everyone: bool, alive: Any, new: tuple, old: tuple) -> tuple:
    return new if everyone else tuple(system.where(alive, a, b) for a, b in zip(new, old, strict=True))


def _products(system: Any, vector: bool) -> dict[str, Callable]:
    """dot, matvec and bisect of cells, each cell's as simlab.backends.reference has them: sums in index order."""
    if not vector:
        return SCALAR

    def dot(a: Any, b: Any) -> Any:
        total: Any = 0.0
        for i in range(len(a) if a.ndim > 1 else 0):
            total = total + a[i] * b[i]
        return total if a.ndim > 1 else a * b

    def matvec(h: Any, x: Any) -> Any:
        total: Any = 0.0
        for j in range(len(x) if h.ndim > 2 else 0):
            total = total + h[:, j] * x[j]
        return total if h.ndim > 2 else h * x

    def bisect(f: Callable, low: Any, *args: Any) -> Any:
        first = f(low, *args)
        inside = ~(first > 0)
        low = system.where(system.each_finite(first), 0 * first, 0) + low  # one for each cell
        step = 0 * low + 1
        while bool((growing := ~inside & (f(low + step, *args) > 0)).any()):
            step = system.where(growing, 2 * step, step)
        high, searching = low + step, ~inside
        while True:
            middle = low + (high - low) / 2
            searching = searching & (low < middle) & (middle < high)
            if not bool(searching.any()):
                return system.where(inside, low, high)
            above = f(middle, *args) > 0
            low, high = (system.where(searching & c, middle, end) for c, end in ((above, low), (~above, high)))

    return {"dot": dot, "matvec": matvec, "bisect": bisect}
