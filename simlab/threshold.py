"""Where the drift of a rule changes sign as one hyperparameter moves: critical values, enclosed between rationals.

    D(q) < 0 on one side, D(q) > 0 on the other:        q* in [low, high],        high - low <= 10^-digits |q*|

The interval is looked at on a grid of rationals q = a + (b - a) u/(1 + u), with u a geometric sequence, so that the
distances to both ends a and b are on a logarithmic scale (critical beta2 are close to 1). Where the signs of two
neighbours differ, bisection at rationals closes in. Every sign used is decided by balls or by exact arithmetic
(simlab.orbit.verdict), so each bracket holds a change of sign: a root, where D is finite and the rule has none of the
operations `sign`, `less` and `where`, by which D may jump.

A grid says nothing about what lies between its points: two roots in one cell, or one that D only touches, are missed.
`unexcluded` does say: it evaluates D over whole cells as balls, and returns the cells where these balls still hold 0.
All roots between the ends of the grid lie there; how many lie in one cell is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

from flint import arb

from simlab.backends.arb import number
from simlab.errors import BadInput, Undecided, nearest
from simlab.orbit import orbit, verdict
from simlab.rule import UpdateRule
from simlab.trajectory import precision

REACH = 20  # the grid ends a part 2^-REACH, about 1e-6, of the interval away from its ends
BITS = 192  # what signs are decided with at first; verdict doubles them where they do not do
WHOLE = 128  # bits for balls that are as wide as a cell
POINTS = 160  # of the grid on which changes of sign are looked for


@dataclass(frozen=True)
class Crossing:
    """A change of sign of D between two rationals.

    below, above: the sign of D (-1 or 1) at low and high; where low = high, D is 0 there, and they are those around.
    grade: enclosed (balls decided both signs), proved (low = high, and D = 0 in exact arithmetic), or observed (the
    rule has a component that grows: see simlab.orbit.Verdict).
    """

    name: str
    low: Fraction
    high: Fraction
    below: int
    above: int
    grade: str

    @property
    def ball(self) -> arb:
        """The ball from low to high, at the precision that is set."""
        return number(self.low).union(number(self.high))

    def __str__(self) -> str:
        with precision(BITS):
            value = str(self.low) if self.low == self.high else self.ball.str(40)
        signs = {-1: "D < 0", 1: "D > 0"}
        return f"{self.name} = {value} ({signs[self.below]} below, {signs[self.above]} above; {self.grade})"


def thresholds(
    rule: UpdateRule,
    gradients: Sequence[Fraction],
    hyper: Mapping[str, Any],
    name: str,
    low: Fraction = Fraction(0),
    high: Fraction = Fraction(1),
    *,
    points: int = POINTS,
    digits: int = 25,
) -> list[Crossing]:
    """The changes of sign of D in the hyperparameter `name` over (low, high) that a grid of `points` shows, increasing.

    hyper: exact values of the others (a value under `name` is not looked at). An empty list means that D has one sign
    at all points of the grid where it has one, not that it has one in between.
    Raises BadInput for an unknown name or an interval outside its range, and where D is 0 or undecided everywhere.
    """
    if name not in rule.hyper or name == "alpha":
        known = [n for n in rule.hyper if n != "alpha"]
        may = (
            f"it may be one of {', '.join(known)}{nearest(name, known)}"
            if known
            else "it has no hyperparameter but alpha"
        )
        raise BadInput(f"rule {rule.name} has no threshold in {name!r}; {may}")
    sign = partial(_sign, rule, gradients, dict(hyper), name)
    seen = [(q, *sign(q)) for q in map(rule.hyper[name].check, grid(low, high, points))]
    signed = [row for row in seen if row[1]]
    if not signed:
        raise BadInput(f"the drift is 0 or undecided for every {name} on the grid of {points} points")
    found = []
    for (a, below, grade), (b, above, other) in pairwise(signed):
        if below != above:
            a, b = _bisect(sign, a, b, below, digits)
            worse = "observed" if "observed" in (grade, other) else "enclosed"
            found.append(Crossing(name, a, b, below, above, "proved" if a == b else worse))
    return found


def grid(low: Fraction, high: Fraction, points: int) -> list[Fraction]:
    """Rationals inside (low, high), increasing, with the distances to both ends on a logarithmic scale."""
    if low >= high or points < 2:
        raise BadInput(f"a grid needs low < high and at least 2 points; got {low}, {high} and {points}")
    us = [Fraction(2.0 ** (REACH * (2 * i / (points - 1) - 1))) for i in range(points)]
    return [low + (high - low) * u / (1 + u) for u in us]


def unexcluded(
    rule: UpdateRule,
    gradients: Sequence[Fraction],
    hyper: Mapping[str, Any],
    name: str,
    low: Fraction = Fraction(0),
    high: Fraction = Fraction(1),
    *,
    points: int = POINTS,
    halvings: int = 8,
) -> list[tuple[Fraction, Fraction]]:
    """Where D may be 0 between the ends of the grid: cells, halved while the ball of D over a whole cell holds 0.

    Elsewhere between the ends D is not 0 (enclosed). Neighbouring cells are merged.
    """
    todo = [(a, b, halvings) for a, b in pairwise(grid(low, high, points))][::-1]
    left: list[tuple[Fraction, Fraction]] = []
    while todo:
        a, b, more = todo.pop()
        if _leaves_out_zero(rule, gradients, dict(hyper), name, a, b):
            continue
        if more:
            middle = (a + b) / 2
            todo += [(middle, b, more - 1), (a, middle, more - 1)]
        elif left and left[-1][1] == a:
            left[-1] = (left[-1][0], b)
        else:
            left.append((a, b))
    return left


def _leaves_out_zero(
    rule: UpdateRule, gradients: Sequence[Fraction], hyper: dict[str, Any], name: str, a: Fraction, b: Fraction
) -> bool:
    with precision(WHOLE):
        try:
            drift = orbit(rule, gradients, {**hyper, name: number(a).union(number(b))}).drift
        except (
            BadInput,
            Undecided,
        ):  # over a cell as wide as that, no limit of a component or no comparison is certain
            return False
        return bool(drift > 0 or drift < 0)


def _sign(
    rule: UpdateRule, gradients: Sequence[Fraction], hyper: dict[str, Any], name: str, q: Fraction
) -> tuple[int, str]:
    """(sign of D at q, grade); the sign is 0 where D is 0 (proved) and where it is undecided."""
    found = verdict(rule, gradients, {**hyper, name: q}, BITS)
    drift = found.orbit.drift
    return (1 if drift > 0 else -1 if drift < 0 else 0), found.grade


def _bisect(
    sign: Callable[[Fraction], tuple[int, str]], a: Fraction, b: Fraction, below: int, digits: int
) -> tuple[Fraction, Fraction]:
    """The bracket, halved until it is narrow or a sign is undecided; both ends are the root where an exact one is met.

    Narrow: to 10^-digits of itself or, if that is more, to 10^-2digits of the first bracket. At last the simplest
    rational of the bracket is tried, since exact roots tend to be simple.
    """
    least = (b - a) / 10**digits  # for a root at or near 0: no bracket around 0 is relatively narrow
    while (b - a) * 10**digits > max(min(abs(a), abs(b)), least):
        middle = (a + b) / 2
        side, grade = sign(middle)
        if side == 0:
            return (middle, middle) if grade == "proved" else (a, b)
        a, b = (middle, b) if side == below else (a, middle)
    simple = ((a + b) / 2).limit_denominator(10 ** (digits // 3))
    return (simple, simple) if a < simple < b and sign(simple)[1] == "proved" else (a, b)
