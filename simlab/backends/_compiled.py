"""K rounds at a time through torch.compile: one pass over the cells a block of rounds, on any device of torch.

K copies of the round make one graph. It has no truth values, which cost vectors dear: whether a cell stops or flushes
state is found afterwards, from one sum of each, and a block in which one stops is played again, a round at a time. So
are the rounds up to a recorded one that are fewer than K. Contraction and approximate functions are off in torch's own
settings for the CPU.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from simlab.backends import _columns
from simlab.backends._round import REFUSED, CannotCompileError, Carry, Given, begin, finish, stepper
from simlab.cells import SCALAR, SHOWN, CellRecords, Cells, Rows
from simlab.ops import add, rebind
from simlab.protocol import online_round

TOGETHER = 8  # rounds in one graph


def system(single: bool, device: torch.device) -> SimpleNamespace:
    """The columns' number system, whose graphs have square roots of their own: compiled ones are rounded to nearest."""

    def flush(state: tuple) -> tuple:
        small = [torch.abs(s) < torch.finfo(s.dtype).tiny for s in state]
        kept = tuple(columns.where(c, 0.0, s) for c, s in zip(small, state, strict=True))
        lost: Any = 0.0  # how much was flushed, not whether
        for c, s in zip(small, state, strict=True):
            lost = lost + columns.where(c, torch.abs(s), 0.0)
        return kept, lost

    columns = _columns.system(single, device, torch.sqrt)
    return SimpleNamespace(**{**vars(columns), **REFUSED, **SCALAR, "flush": flush})


def run_cells(cells: Cells, device: torch.device, progress: Callable[[int], None]) -> CellRecords:
    """The runs of scalar cells in blocks of rounds. Raises CannotCompileError where torch.compile cannot serve."""
    plan, numbers = cells.plan, system(cells.single, device)
    memo: dict = {}
    play, plus = rebind(online_round(plan), numbers, memo=memo), rebind(add, numbers, memo=memo)
    periodic = plan.problem.period is not None
    each = numbers.column(np.arange(len(cells)))

    carry, given = tree_map(numbers.column, begin(cells))
    carry = tree_map(torch.Tensor.contiguous, carry)

    def rows(given: Given) -> Given:
        return given._replace(data=tuple(Rows(d, each) if d.ndim > 1 else d for d in given.data))

    def block(t: torch.Tensor, carry: Carry, given: Given) -> tuple[Carry, Any, Any]:
        alpha, decay, hyper, data, region, period = rows(given)
        phase, x, state, power, total, error, stopped, lost = carry
        sound, flushed = 0 * x, 0 * x
        for j in range(TOGETHER):
            now = play(t + j, phase if periodic else t + j, x, state, power, alpha, decay, hyper, data, region)
            total, error = plus(total, error, now.loss)
            sound = sound + ((now.proposal - now.proposal) + (now.x - now.x))  # 0, or not a number for ever
            flushed = flushed + now.underflow
            x, state, power = now.x, now.state, now.power
            phase = numbers.where(phase == period, 1, phase + 1) if periodic else phase
        return Carry(phase, x, state, power, total, error, stopped, lost), sound, flushed

    first = torch.full((), 1, dtype=torch.int64, device=device)
    many, one = _graph(block, first, carry, given), stepper(plan, _columns.system(cells.single, device))
    kept = np.full((len(SHOWN), len(plan.recorded), len(cells)), np.nan)
    t, row, told, replayed = 1, 0, 0, 0  # rounds before `replayed` are played one at a time
    while t <= plan.rounds:
        due = int(plan.recorded[row]) if row < len(plan.recorded) else plan.rounds + 1
        if t + TOGETHER <= due and t >= replayed:
            after, sound, flushed = many(first * t, carry, given)
            stopped = carry.stopped > 0
            if not bool((torch.isfinite(sound) | stopped).all()):
                replayed = t + TOGETHER
                continue
            after = after._replace(lost=carry.lost | (flushed > 0))
            carry = tree_map(partial(torch.where, stopped), carry, after) if bool(stopped.any()) else after
            t += TOGETHER
        else:
            carry, (*shown, alive) = one(t, carry, rows(given))
            if t == due:
                kept[:, row] = [numbers.array(torch.where(alive, v + 0 * carry.x, torch.nan)) for v in shown]
                row += 1
            t += 1
        if t - told > 1024:
            told = t
            progress(t - 1)
            if bool((carry.stopped > 0).all()):
                break
    return finish(cells, kept, tree_map(numbers.array, carry), f"torch.compile, {TOGETHER} rounds a graph, on {device}")


def _graph(f: Callable, *arguments: Any) -> Callable:
    """f as one graph: its operations on tensors are taken down first, so that the compiler sees no Python of a rule."""
    leaves, form = tree_flatten(arguments)
    forms: list[Any] = []

    def flat(*leaves: torch.Tensor) -> list[torch.Tensor]:
        found, made = tree_flatten(f(*tree_unflatten(leaves, form)))
        forms.append(made)
        return found

    # on CUDA torch contracts and divides approximately unless it is told not to
    options: Any = {"emulate_precision_casts": True, "eager_numerics.division_rounding": True}
    on_cuda = leaves[0].device.type == "cuda"
    graph = torch.compile(make_fx(flat)(*leaves), fullgraph=True, dynamic=False, options=options if on_cuda else None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, about itself
            graph(*leaves)  # compiles, and changes nothing
    except Exception as error:  # what a missing or failing C++ compiler raises is not torch's interface
        cause = getattr(error, "inner_exception", error)  # dynamo wraps what the compiler raised
        raise CannotCompileError(f"{type(cause).__name__}: {str(cause).strip().splitlines()[0]}") from error
    return lambda *arguments: tree_unflatten(graph(*tree_flatten(arguments)[0]), forms[0])
