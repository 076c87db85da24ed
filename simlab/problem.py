"""What an online convex problem is: losses, gradients, the feasible set, and the best fixed decision.

A problem is a function of its constants, whose signature is its declaration as a rule's is:

    def luo2019_periodic(*, C: at_least(3, integer=True) = 3) -> Problem: ...

`loss(t, x, *data)` and `grad(t, x, *data)` are straight-line functions in the language of simlab.ops. A problem of
period P is shown the phase 1..P in place of t: f_t = f_phase, and no remainder is taken in the loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from simlab.errors import BadInput
from simlab.feasible import entries
from simlab.rule import Parameter, parameters, read_doc


class Best(NamedTuple):
    """The best fixed decision u of t rounds, sum_{s<=t} f_s(u), and by how much at most that misses the minimum."""

    u: Any
    value: Any
    gap: float = 0.0


@dataclass(frozen=True)
class Problem:
    """One problem with its constants settled; everything exact (Fractions, nested tuples of them)."""

    loss: Callable
    grad: Callable
    feasible: Any
    data: tuple = ()
    period: int | None = None
    dimension: int | None = None  # None: a scalar problem
    coefficient: Callable | None = None  # of a linear problem: g_t(t, *data)
    best: Callable[[int], Best] | None = None
    convex: bool = True

    def phase(self, t: int) -> int:
        """The round as the losses see it."""
        return t if self.period is None else (t - 1) % self.period + 1

    def start(self) -> Any:
        """The default first decision: the point of F nearest to 0."""
        zero = Fraction(0)
        return self.feasible.nearest(zero if self.dimension is None else (zero,) * self.dimension)


def linear(coefficient: Callable, *, feasible: Any, data: tuple = (), period: int | None = None) -> Problem:
    """The scalar problem f_t(x) = g_t x with g_t = coefficient(t, *data)."""

    def loss(t: Any, x: Any, *data: Any) -> Any:
        return coefficient(t, *data) * x

    def grad(t: Any, x: Any, *data: Any) -> Any:
        return coefficient(t, *data)

    return Problem(loss, grad, feasible, data, period, coefficient=coefficient)


def comparators(problem: Problem, rounds: list[int]) -> list[Best]:
    """The best fixed decision of the first t rounds, for each t in `rounds` (increasing)."""
    if problem.coefficient is not None:
        return [_least(problem.feasible, total) for total in _totals(problem, rounds)]
    if problem.best is None:
        return [Best(None, math.nan) for _ in rounds]
    return [problem.best(t) for t in rounds]


def _least(feasible: Any, total: Fraction) -> Best:
    """The best decision for the loss total x. What a set knows in floats only (a ball) gets a gap for the rounding."""
    u, value = feasible.least(total)
    if not isinstance(value, float) or math.isinf(value):
        return Best(u, value)
    slack = Fraction(abs(value)) / 2**50  # more than the three roundings of the value
    return Best(u, Fraction(value) + slack, float(2 * slack))


_BLOCK = 1 << 16  # rounds summed at a time


def _totals(problem: Problem, rounds: list[int]) -> list[Fraction]:
    """sum_{s<=t} g_s exactly, from the problem's own coefficient; one period is enough for a periodic problem."""
    horizon = rounds[-1] if rounds else 0
    length = horizon if problem.period is None else min(problem.period, horizon)
    wanted = sorted({t if problem.period is None else t % length for t in rounds} | {length})
    sums, total, at = {0: Fraction(0)}, Fraction(0), 0
    for stop in wanted:
        while at < stop:
            upto = min(at + _BLOCK, stop)
            total += _sum(problem, np.arange(at + 1, upto + 1))
            at = upto
        sums[stop] = total
    if problem.period is None:
        return [sums[t] for t in rounds]
    return [t // length * sums[length] + sums[t % length] for t in rounds]


def _sum(problem: Problem, t: np.ndarray) -> Fraction:
    assert problem.coefficient is not None
    data = tuple(np.array(d, dtype=object) if isinstance(d, tuple) else _plain(d) for d in problem.data)
    g = np.broadcast_to(np.asarray(problem.coefficient(t, *data)), t.shape)
    values, counts = np.unique(g, return_counts=True)
    return sum((Fraction(v) * int(n) for v, n in zip(values.tolist(), counts.tolist(), strict=True)), Fraction(0))


def _plain(x: Any) -> Any:
    """An integral Fraction as an int, on which NumPy is fast and still exact."""
    return int(x) if isinstance(x, Fraction) and x.denominator == 1 and abs(x) < 2**31 else x


@dataclass(frozen=True)
class ProblemFamily:
    """A problem before its constants are settled, read from its function."""

    name: str
    function: Callable
    constants: dict[str, Parameter]
    summary: str
    statement: str
    reference: str


def read_problem(function: Callable) -> ProblemFamily:
    """The ProblemFamily that a plain function declares."""
    summary, statement, reference = read_doc(function)
    return ProblemFamily(function.__name__, function, parameters(function), summary, statement, reference)


def check_start(problem: Problem, x0: Any, project: bool) -> Any:
    """x0 with the problem's shape and inside F, or projected onto it where asked; raises BadInput otherwise."""
    want, have = problem.dimension, len(x0) if isinstance(x0, tuple) else None
    if want != have:
        shape = "a number" if want is None else f"a vector of {want} numbers"
        raise BadInput(f"x0 must be {shape}; got {'a number' if have is None else f'{have} numbers'}")
    if problem.feasible.contains(x0):
        return x0
    if project:
        return problem.feasible.nearest(x0)
    shown = ", ".join(str(v) for v in entries(x0)[:5])
    raise BadInput(f"x0 = {shown} is outside F = {problem.feasible}; --project-x0 starts from the nearest point of F")
