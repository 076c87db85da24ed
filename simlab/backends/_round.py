"""One round of scalar cells as a pure function of what the rounds carry on: the body of every loop that is compiled.

    (carry, shown) = step(t, carry, given)

The loop of simlab.cells.play_cells defines what it gives. A cell whose proposal is not finite keeps the numbers of that
round for ever, and `stopped` has the round; so why it stopped is found afterwards, by playing that round again.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from simlab.backends import _single, reference
from simlab.cells import SCALAR, SHOWN, CellRecords, Cells, Rows
from simlab.ops import add, rebind
from simlab.protocol import Plan, online_round, why


class CannotCompileError(Exception):
    """Why there is no compiled loop for these cells here, in words."""


def _refused(name: str) -> Callable:
    def operation(*_: Any) -> Any:
        raise CannotCompileError(f"{name} is not one correctly rounded operation")

    return operation


REFUSED = {name: _refused(name) for name in ("exp", "log1p", "bisect")}


class Carry(NamedTuple):
    """What a round hands to the next, one entry a cell; stopped: the round of a stop or 0; lost: was state flushed?"""

    phase: Any
    x: Any
    state: tuple
    power: Any
    total: Any
    error: Any
    stopped: Any
    lost: Any


class Given(NamedTuple):
    """What stays, one entry a cell; rows of `data` are indexed by integers."""

    alpha: Any
    decay: Any
    hyper: tuple
    data: tuple
    region: tuple
    period: Any


def begin(cells: Cells) -> tuple[Carry, Given]:
    """What is carried into round 1, and what stays, as NumPy arrays. Raises CannotCompileError for vectors."""
    if cells.plan.problem.dimension is not None:
        raise CannotCompileError("its decisions are vectors")
    n, x = len(cells), cells.x0
    state = tuple(np.full(n, s, dtype=x.dtype) for s in cells.plan.rule.state.values())
    zero, never = np.zeros(n, dtype=x.dtype), np.zeros(n, dtype=np.int64)
    carry = Carry(np.ones(n, dtype=np.int64), x, state, np.ones(n), zero, zero, never, np.zeros(n, dtype=bool))
    return carry, Given(cells.alpha, cells.decay, cells.hyper, cells.data, cells.region, cells.period)


def stepper(plan: Plan, system: Any) -> Callable:
    """step(t, carry, given) -> (carry, what the round shows as SHOWN has it and which cells it was played by)."""
    memo: dict = {}
    system = SimpleNamespace(**{**vars(system), **SCALAR})
    play, plus = rebind(online_round(plan), system, memo=memo), rebind(add, system, memo=memo)
    periodic = plan.problem.period is not None

    def either(condition: Any, new: Any, old: Any) -> Any:
        return old if new is old else system.where(condition, new, old)

    def step(t: Any, carry: Carry, given: Given) -> tuple[Carry, tuple]:
        phase, x, state, power, total, error, stopped, lost = carry
        alive = stopped == 0
        seen = phase if periodic else t
        now = play(t, seen, x, state, power, given.alpha, given.decay, given.hyper, given.data, given.region)
        sums = plus(total, error, now.loss)
        fine = system.each_finite(now.proposal) & system.each_finite(now.x)
        on = alive & fine
        after = Carry(
            system.where(phase == given.period, 1, phase + 1) if periodic else phase,
            either(on, now.x, x),
            tuple(either(on, new, old) for new, old in zip(now.state, state, strict=True)),
            either(on, now.power, power),
            either(alive, sums[0], total),
            either(alive, sums[1], error),
            system.where(on | (stopped > 0), stopped, t),
            lost if now.underflow is False else lost | (alive & now.underflow),
        )
        return after, (x, now.rate, now.direction, now.loss, *sums, alive)

    return step


def finish(cells: Cells, kept: np.ndarray, carry: Carry, path: str) -> CellRecords:
    """The records of cells; kept: (6, k, n), SHOWN at the recorded rounds; carry: after the last round, as arrays."""
    kept = kept.astype(np.float64, copy=False)
    x, total, error = (np.asarray(v, dtype=np.float64) for v in (carry.x, carry.total, carry.error))
    return CellRecords(
        **dict(zip(SHOWN, kept, strict=True)),
        x_last=x,
        total_last=total,
        error_last=error,
        stopped=carry.stopped,
        underflow=carry.lost,
        reason=_reasons(cells, carry),
        path=path,
    )


def _reasons(cells: Cells, carry: Carry) -> dict[int, str]:
    """Why each cell that stopped did: the round of its stop, played once more."""
    which = np.flatnonzero(carry.stopped)
    if not len(which):
        return {}
    some, t = cells[which], carry.stopped[which]
    period = some.period
    phase = t if some.plan.problem.period is None else (t - 1) % period + 1
    system = _single.SYSTEM if cells.single else reference
    rows = tuple(Rows(d, np.arange(len(d))) if d.ndim > 1 else d for d in some.data)
    again = Carry(phase, carry.x[which], tuple(s[which] for s in carry.state), carry.power[which], *([0 * t] * 4))
    with np.errstate(all="ignore"):
        _, shown = stepper(some.plan, system)(t, again, begin(some)[1]._replace(data=rows))
    rate, direction = (np.broadcast_to(v, len(which)) for v in shown[1:3])
    return {int(i): why(r, d, reference) for i, r, d in zip(which, rate[:, None], direction[:, None], strict=True)}
