"""Plain Python floats, and NumPy arrays of them: slow, simple, and what all others are measured against.

Every operation is IEEE double with one rounding. Sums run in index order.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from simlab.exact import to_float
from simlab.ops import join
from simlab.protocol import Plan, Records, run_loop

GRADE, NANOSECONDS, PACKAGES = "observed", 10_000, ()
CELL_NANOSECONDS = 200  # of a round of a cell among many
TINY = 2.0**-1022  # the smallest normal double


def number(x: Any) -> Any:
    """The nearest double, or an array of them."""
    if isinstance(x, (tuple, list)):
        return np.array([number(v) for v in x])
    if isinstance(x, np.ndarray):
        return x.astype(np.float64)
    return to_float(x) if isinstance(x, (int, Fraction)) else float(x)


def sqrt(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        with np.errstate(invalid="ignore"):
            return np.sqrt(x)
    return math.sqrt(x) if x >= 0 else math.nan


def divide(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            return np.divide(a, b)
        return float(a) / float(b) if b else float(np.divide(float(a), float(b)))


def minimum(a: Any, b: Any) -> Any:
    return where(a < b, a, b)


def maximum(a: Any, b: Any) -> Any:
    return where(a > b, a, b)


def absolute(x: Any) -> Any:
    return abs(x)


def sign(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return np.sign(x)
    return 1.0 if x > 0 else -1.0 if x < 0 else 0.0 * x  # of nan nan


def less(a: Any, b: Any) -> Any:
    return a < b


def where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(condition, a, b) if isinstance(condition, np.ndarray) else (a if condition else b)


def _one_by_one(f: Callable, x: np.ndarray) -> np.ndarray:
    """The C library's values: NumPy's own differ in the last bit."""
    kind = x.dtype if x.dtype.kind == "f" else np.float64
    return np.array([f(v) for v in x.ravel().tolist()], dtype=kind).reshape(x.shape)


def exp(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return _one_by_one(exp, x)
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def log1p(x: Any) -> Any:
    return _one_by_one(math.log1p, x) if isinstance(x, np.ndarray) else math.log1p(x)


def dot(a: Any, b: Any) -> Any:
    if not isinstance(a, np.ndarray):
        return a * b
    total = 0.0
    for p, q in zip(a.tolist(), b.tolist(), strict=True):
        total = total + p * q
    return total


def matvec(h: Any, x: Any) -> Any:
    return np.array([dot(row, x) for row in h]) if isinstance(h, np.ndarray) and h.ndim == 2 else h * x


def scale(rate: Any, direction: Any) -> Any:
    if isinstance(direction, np.ndarray):
        with np.errstate(invalid="ignore"):
            return np.where(direction == 0, 0.0, rate * direction)
    return rate * direction if direction else 0.0


def flush(state: tuple) -> tuple:
    return flushed(state, where, tiny)


def flushed(state: tuple, where: Callable, tiny: Callable) -> tuple:
    """`flush` of a system with that `where`; tiny(s): the smallest normal number of the precision of s."""
    kept = tuple(where(abs(s) < tiny(s), 0.0, s) for s in state)
    lost: Any = False
    for k, s in zip(kept, state, strict=True):
        lost = lost | ((k == 0) & (s != 0))
    return kept, lost


def tiny(s: Any) -> float:
    """The smallest normal number of the precision of s."""
    return float(np.finfo(s.dtype).tiny) if isinstance(s, np.ndarray) else TINY


def finite(x: Any) -> bool:
    return bool(np.all(np.isfinite(x))) if isinstance(x, np.ndarray) else math.isfinite(x)


def add(total: Any, error: Any, x: Any) -> tuple:
    s = total + x
    back = s - total
    return s, error + ((total - (s - back)) + (x - back))


def bisect(f: Callable, low: Any, *args: Any) -> Any:
    """The root of a decreasing f in [low, inf), to the last bit; `low` itself if f is not positive there."""
    low = float(low)
    if not f(low, *args) > 0:
        return low
    step = 1.0
    while f(low + step, *args) > 0:
        step = 2 * step
    high = low + step
    while True:
        middle = low + (high - low) / 2
        if not low < middle < high:
            return high
        if f(middle, *args) > 0:
            low = middle
        else:
            high = middle


def column(x: np.ndarray) -> np.ndarray:
    """A column of cells as this system has it."""
    return x


array, each_finite = column, np.isfinite  # a column as NumPy has it; which of its numbers are finite


def run(plan: Plan, *, progress: Callable = lambda t: None, **_: Any) -> Records:
    """The run in plain Python; about 1-10 microseconds a round."""
    return run_loop(plan, sys.modules[__name__], progress)


def run_cells(cells: Any, *, progress: Callable = lambda t: None, **_: Any) -> Any:
    """Scalar cells by NumPy, a column at a time, in either precision; about 10 nanoseconds a cell and operation."""
    from simlab.backends import _single
    from simlab.cells import play_cells

    with np.errstate(all="ignore"):  # what is not finite stops a cell, and the records say so
        return play_cells(cells, _single.SYSTEM if cells.single else sys.modules[__name__], "numpy", progress)


join(sys.modules[__name__], float, np.ndarray, np.float64, np.bool_)
