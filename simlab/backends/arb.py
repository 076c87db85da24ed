"""Balls: Arb's real intervals through python-flint. What comes out encloses the exact run of the exact inputs.

A run of T rounds at a finite precision is enclosed, not approximated: the grade `enclosed` rests on this file and on
Arb (Johansson 2017). Comparisons that balls cannot decide raise Undecided.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from simlab.backends._exact import add, dot, entrywise, flush, matvec
from simlab.errors import Undecided
from simlab.ops import join
from simlab.protocol import Plan, Records, run_loop
from simlab.trajectory import precision

GRADE, NANOSECONDS, PACKAGES = "enclosed", 30_000, ("python-flint",)


def number(x: Any) -> Any:
    """The ball of an exact number: an integer, a Fraction, or nested tuples and arrays of them. Floats are refused."""
    if isinstance(x, (tuple, list, np.ndarray)):
        return np.array([number(v) for v in x], dtype=object)
    if isinstance(x, arb):
        return x
    if isinstance(x, Fraction):
        return arb(fmpq(x.numerator, x.denominator))
    if isinstance(x, (int, np.integer)) and not isinstance(x, bool):
        return arb(int(x))
    raise TypeError(f"a ball starts from an exact number, not {type(x).__name__}")


_each = entrywise(number)
sqrt = _each(lambda x: x.sqrt())
divide = _each(lambda a, b: _over_zero(a) if b == 0 else a / b)  # == holds only where it is certain
minimum = _each(lambda a, b: b.min(a) if not a.is_finite() else a.min(b))
maximum = _each(lambda a, b: b.max(a) if not a.is_finite() else a.max(b))
absolute = _each(lambda x: abs(x))
less = _each(lambda a, b: _less(a, b))
sign = _each(lambda x: arb(0) if x == 0 else arb(1) if _less(0, x) else arb(-1))
exp = _each(lambda x: x.exp())
log1p = _each(lambda x: x.log1p())
scale = _each(lambda rate, direction: arb(0) if direction == 0 else rate * direction)


def _over_zero(a: arb) -> arb:
    if a > 0:
        return arb("inf")
    return -arb("inf") if a < 0 else arb("nan")


def _less(a: arb, b: arb) -> bool:
    if a < b:
        return True
    if a >= b:
        return False
    raise Undecided(f"the balls {a} and {b} overlap, so which is smaller is not known; use more bits")


_choose = np.frompyfunc(lambda condition, a, b: a if condition else b, 3, 1)


def where(condition: Any, a: Any, b: Any) -> Any:
    return _choose(condition, a, b) if isinstance(condition, np.ndarray) else a if condition else b


def finite(x: Any) -> bool:
    return all(v.is_finite() for v in (x.ravel() if isinstance(x, np.ndarray) else [x]))


def bisect(f: Callable, low: Any, *args: Any) -> Any:
    """A ball around the root of a decreasing f in [low, inf); `low` itself if f is certainly not positive there."""
    low = number(low)
    start = f(low, *args)
    if start <= 0:
        return low
    if not start > 0:
        low = arb(low.lower())  # the root is at or beyond here
    step = arb(1)
    while not f(low + step, *args) < 0:
        step = 2 * step
        if step > arb(2) ** 1000:
            raise Undecided("the projection found no upper end for its multiplier")
    left, right = low, low + step
    for cut in (0.5, 0.25, 0.75):  # halve while signs are certain, then close in on the root from both sides
        for _ in range(ctx.prec):
            middle = arb((left + (right - left) * cut).mid())
            sign = f(middle, *args)
            if sign > 0:
                left = middle
            elif sign < 0:
                right = middle
            else:
                break
    return left.union(right)


def run(plan: Plan, *, bits: int = 128, progress: Callable = lambda t: None, **_: Any) -> Records:
    """The run in balls of `bits` bits; about 5-10 microseconds a round."""
    with precision(bits):
        return run_loop(plan, sys.modules[__name__], progress)


join(sys.modules[__name__], arb)
