"""Numbers that depend on a box, enclosed to first order: affine forms, for many boxes at once.

    x = mid + lin_1 e_1 + ... + lin_k e_k + rad e,    every e in [-1, 1];    e_1, ..., e_k: the coordinates of the box

Linear parts cancel as in exact arithmetic, so an enclosure is too wide by the square of the box's width only (interval
arithmetic: by the width). rad >= 0 takes up what is not linear and every rounding: doubles, yet enclosures. mid and rad
have one entry a box, lin one row a coordinate; without a box these are floats with a bound of their error.

de Figueiredo and Stolfi (2004), "Affine arithmetic: concepts and applications".
"""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import numpy as np

from simlab.exact import to_float
from simlab.ops import join

_ROUNDING, _TINY = 2.0**-53, 2.0**-1060  # of an operation: the relative error; more than underflow may lose
_SLACK = 1 + 2.0**-48  # covers the roundings of a radius: of up to 32 positive numbers, so of up to 20 coordinates


class Affine:
    """An affine form for each of n boxes: mid (n), lin (k, n), rad (n); one column may stand for all boxes."""

    def __init__(self, mid: Any, lin: Any, rad: Any) -> None:
        self.mid, self.lin, self.rad = mid, lin, rad

    @property
    def width(self) -> Any:
        """How far the value is from mid at most."""
        return _up(np.abs(self.lin).sum(axis=0) * _SLACK, self.rad)

    @property
    def low(self) -> Any:
        return -_up(-self.mid, self.width)

    @property
    def high(self) -> Any:
        return _up(self.mid, self.width)

    def __neg__(self) -> Affine:
        return Affine(-self.mid, -self.lin, self.rad)

    def __add__(self, other: Any) -> Affine:
        if not isinstance(other, _NUMBERS):
            return NotImplemented
        b = number(other)
        mid, lin = self.mid + b.mid, self.lin + b.lin
        rad = _up(_up(self.rad, b.rad), np.abs(_lost(self.mid, b.mid, mid)))
        return Affine(mid, lin, _up(rad, 2 * _ROUNDING * np.abs(lin).sum(axis=0)))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Affine:
        return self + (-number(other)) if isinstance(other, _NUMBERS) else NotImplemented

    def __rsub__(self, other: Any) -> Affine:
        return -self + other

    def __mul__(self, other: Any) -> Affine:
        if not isinstance(other, _NUMBERS):
            return NotImplemented
        b = number(other)
        if _is_one(b):
            return self
        if _is_one(self):
            return b
        with np.errstate(all="ignore"):
            mid, one, two = self.mid * b.mid, self.mid * b.lin, b.mid * self.lin
            rad = np.abs(self.mid) * b.rad + np.abs(b.mid) * self.rad + self.width * b.width
            rad = rad + 2 * _ROUNDING * (_size(mid, one) + np.abs(two).sum(axis=0)) + _TINY
            return _known(mid, one + two, rad * _SLACK)

    __rmul__ = __mul__

    # what simlab.orbit asks of a rule's own weights: true where it is true in every box
    def __lt__(self, other: Any) -> bool:
        return bool(np.all(self.high < number(other).low))

    def __gt__(self, other: Any) -> bool:
        return number(other) < self

    def __ge__(self, other: Any) -> bool:
        return self > other or self == other

    def __eq__(self, other: object) -> bool:
        b = number(other)
        return bool(np.all(self.width + b.width == 0) and np.all(self.mid == b.mid))

    __hash__ = None  # type: ignore[assignment]


_NUMBERS = (Affine, int, float, Fraction, np.ndarray)
_NO_LIN = np.zeros((1, 1))


def _lost(a: Any, b: Any, total: Any) -> Any:
    """a + b - total for the rounded sum, exactly (Knuth's TwoSum)."""
    back = total - a
    return (a - (total - back)) + (b - back)


def _up(a: Any, b: Any) -> Any:
    """a + b rounded upwards: the sum itself where it is exact."""
    total = a + b
    with np.errstate(invalid="ignore"):
        return np.where(_lost(a, b, total) == 0, total, np.nextafter(total, np.inf))


def _size(mid: Any, lin: Any) -> Any:
    return np.abs(mid) + np.abs(lin).sum(axis=0)


def _is_one(x: Affine) -> bool:
    return x.lin is _NO_LIN and x.mid.size == x.rad.size == 1 and x.rad[0] == 0 and x.mid[0] == 1


def _known(mid: Any, lin: Any, rad: Any) -> Affine:
    """The form, or the whole line where an operation had no finite answer."""
    lost = ~np.isfinite(mid + lin.sum(axis=0) + rad)
    if not lost.any():
        return Affine(mid, lin, rad)
    return Affine(np.where(lost, 0.0, mid), np.where(lost, 0.0, lin), np.where(lost, np.inf, rad))


def _between(low: Any, high: Any) -> Affine:
    """The form that knows two bounds alone."""
    with np.errstate(invalid="ignore"):
        mid = low / 2 + high / 2
        return _known(mid, _NO_LIN, np.maximum(_up(high, -mid), _up(mid, -low)))


def _choose(condition: Any, a: Affine, b: Affine) -> Affine:
    return Affine(*(np.where(condition, x, y) for x, y in ((a.mid, b.mid), (a.lin, b.lin), (a.rad, b.rad))))


def coordinates(mid: Any, half: Any) -> list[Affine]:
    """The coordinates of boxes: mid and half of shape (k, n), row i the interval mid[i] +- half[i]."""
    k = len(mid)
    return [Affine(mid[i], np.eye(k)[i][:, None] * half[i], np.zeros(1)) for i in range(k)]


# --- the operations of rules ----------------------------------------------------------------------------------------


def number(x: Any) -> Affine:
    """The exact number, or array of doubles, as a form that depends on no box."""
    if isinstance(x, Affine):
        return x
    if isinstance(x, np.ndarray):
        return Affine(x, _NO_LIN, np.zeros(1))
    mid = to_float(x) if isinstance(x, (int, Fraction)) else float(x)
    exact = isinstance(x, float) or x == mid
    return Affine(np.array([mid]), _NO_LIN, np.array([0.0 if exact else 2 * _ROUNDING * abs(mid) + _TINY]))


def sqrt(x: Any) -> Affine:
    """The square root of what is not negative in truth, whatever its enclosure says."""
    x = number(x)
    with np.errstate(all="ignore"):
        low, high = np.maximum(x.low, 0.0), np.maximum(x.high, 0.0)
        mid = np.sqrt(x.mid)
        # Taylor with remainder -(x - mid)^2/(8 z^(3/2)) for some z between
        part = x.width / low  # as a ratio, since squares of small widths underflow
        rad = (x.rad / (2 * mid) + part * part * np.sqrt(low) / 8 + 8 * _ROUNDING * mid) * _SLACK + _TINY
        lin = x.lin / (2 * mid)
        rad = rad + 4 * _ROUNDING * np.abs(lin).sum(axis=0)
        whole = _between(np.nextafter(np.sqrt(low), -1.0), np.nextafter(np.sqrt(high), np.inf))
    return _choose(low > 0, Affine(mid, lin, rad), whole)


def divide(a: Any, b: Any) -> Affine:
    """a / b; the whole line where b may be 0."""
    b = number(b)
    with np.errstate(all="ignore"):
        least = np.where(b.low > 0, b.low, np.where(b.high < 0, -b.high, 0.0))
        mid = 1 / b.mid
        lin = -b.lin * mid * mid
        # 1/b = 1/mid - (b - mid)/mid^2 + (b - mid)^2/(mid^2 b)
        size, part = np.abs(mid), np.abs(mid) * b.width
        rad = size * (size * b.rad) + part * part / least + 4 * _ROUNDING * _size(mid, lin) + _TINY
        inverse = _known(mid, lin, np.where(least > 0, rad * _SLACK, np.inf))
    return number(a) * inverse


def absolute(x: Any) -> Affine:
    x = number(x)
    return _choose(x.low >= 0, x, _choose(x.high <= 0, -x, _between(0 * x.mid, np.maximum(x.high, -x.low))))


def maximum(a: Any, b: Any) -> Affine:
    a, b = number(a), number(b)
    either = number(0.5) * (a + b + absolute(a - b))
    return _choose(a.low >= b.high, a, _choose(b.low >= a.high, b, either))


def minimum(a: Any, b: Any) -> Affine:
    return -maximum(-number(a), -number(b))


def less(a: Any, b: Any) -> tuple[Any, Any]:
    """(where a < b surely, where a >= b surely)."""
    a, b = number(a), number(b)
    same = (a.width + b.width == 0) & (a.mid == b.mid)
    return a.high < b.low, (a.low > b.high) | same


def where(condition: tuple[Any, Any], a: Any, b: Any) -> Affine:
    """`a` or `b`, and what holds both where the condition is open."""
    a, b = number(a), number(b)
    both = _between(np.minimum(a.low, b.low), np.maximum(a.high, b.high))
    return _choose(condition[0], a, _choose(condition[1], b, both))


def sign(x: Any) -> Affine:
    return where(less(0, x), 1, where(less(x, 0), -1, 0))


def scale(rate: Any, direction: Any) -> Affine:
    """rate * direction, and 0 where the direction is exactly 0."""
    direction = number(direction)
    none = (direction.mid == 0) & (direction.width == 0)
    return _choose(none, number(0), number(rate) * direction)


join(sys.modules[__name__], Affine)
