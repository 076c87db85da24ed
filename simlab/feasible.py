"""Feasible sets F and the projection onto them in the metric of the rate.

    Pi(y) = argmin over x in F of sum_i (x_i - y_i)^2 / rate_i           (Reddi, Kale and Kumar 2018, Algorithm 1)

    box       clip(y_i, lower_i, upper_i), whatever the rate
    l2 ball   y_i / (1 + z rate_i), z >= 0 the root of sum_i x_i^2 = radius^2        (0 inside)
    simplex   max(0, y_i - z rate_i), z the root of sum_i x_i = total
    space     y

On the ball and the simplex the Euclidean projection (rate = 1) is another point, and with it regret proofs fail.
A coordinate whose rate is infinite weighs nothing: on the ball it is the first to give way, and goes to 0 where the
ball binds. On the simplex it has no such formula; what comes out is not finite, and stops the run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from simlab.errors import BadInput
from simlab.ops import bisect, clip, divide, dot, maximum, scale


def _clip(y: Any, rate: Any, lower: Any, upper: Any) -> Any:
    return clip(y, lower, upper)


def _stay(y: Any, rate: Any) -> Any:
    return y


def _shrunk(z: Any, y: Any, rate: Any) -> Any:
    return divide(y, 1 + scale(rate, z))


def _excess(z: Any, y: Any, rate: Any, radius: Any) -> Any:
    x = _shrunk(z, y, rate)
    return dot(x, x) - radius * radius


def _onto_ball(y: Any, rate: Any, radius: Any) -> Any:
    rate = rate + 0 * y  # one rate a coordinate, also where the rule has one for all
    return _shrunk(bisect(_excess, 0, y, rate, radius), y, rate)


def _lowered(z: Any, y: Any, rate: Any) -> Any:
    return maximum(y - z * rate, 0)


def _surplus(z: Any, y: Any, rate: Any, total: Any) -> Any:
    x = _lowered(z, y, rate)
    return dot(x, 0 * x + 1) - total


def _onto_simplex(y: Any, rate: Any, total: Any) -> Any:
    rate = rate + 0 * y
    # at this z the first coordinate alone is `total`, so the root lies to the right of it
    return _lowered(bisect(_surplus, divide(y[0] - total, rate[0]), y, rate, total), y, rate)


def entries(x: Any) -> tuple:
    """The coordinates of an exact point: a number has one."""
    return x if isinstance(x, tuple) else (x,)


@dataclass(frozen=True)
class Box:
    """{x : lower <= x <= upper}, coordinate by coordinate; scalar bounds hold for every coordinate."""

    lower: Any
    upper: Any
    project: ClassVar[Callable] = staticmethod(_clip)

    def __post_init__(self) -> None:
        lower, upper = len(entries(self.lower)), len(entries(self.upper))
        if 1 != lower != upper != 1:
            raise BadInput(f"lower and upper are numbers or vectors of one length; got {lower} and {upper} numbers")
        for lo, hi in self._pairs(max(lower, upper)):
            if lo > hi:
                raise BadInput(f"the feasible set is empty: lower = {lo} > upper = {hi}")

    def _pairs(self, d: int) -> list[tuple]:
        lower, upper = (b * d if len(b) == 1 else b for b in (entries(self.lower), entries(self.upper)))
        return list(zip(lower, upper, strict=True))

    @property
    def parameters(self) -> tuple:
        return (self.lower, self.upper)

    def __str__(self) -> str:
        return f"[{self.lower}, {self.upper}]" if not isinstance(self.lower, tuple) else "a box"

    def contains(self, x: Any) -> bool:
        return all(lo <= v <= hi for v, (lo, hi) in zip(entries(x), self._pairs(len(entries(x))), strict=True))

    def nearest(self, x: Any) -> Any:
        """The Euclidean projection of an exact point, exactly."""
        ends = self._pairs(len(entries(x)))
        found = tuple(min(max(v, lo), hi) for v, (lo, hi) in zip(entries(x), ends, strict=True))
        return found if isinstance(x, tuple) else found[0]

    def least(self, g: Any) -> tuple[Any, Any]:
        """(u, <g, u>) where the linear function <g, .> is least; exact for exact g."""
        if not isinstance(g, tuple) and not isinstance(self.lower, tuple) and not isinstance(self.upper, tuple):
            u = self.lower if g >= 0 else self.upper
            return u, g * u
        ends = self._pairs(len(entries(g)))
        u = tuple(lo if c >= 0 else hi for c, (lo, hi) in zip(entries(g), ends, strict=True))
        value = sum((c * v for c, v in zip(entries(g), u, strict=True)), Fraction(0))
        return (u if isinstance(g, tuple) else u[0]), value

    def diameter(self, d: int = 1) -> Any:
        """D_inf, the largest side."""
        return max(hi - lo for lo, hi in self._pairs(d))


@dataclass(frozen=True)
class Ball:
    """{x : ||x||_2 <= radius}."""

    radius: Any
    project: ClassVar[Callable] = staticmethod(_onto_ball)

    @property
    def parameters(self) -> tuple:
        return (self.radius,)

    def __str__(self) -> str:
        return f"the l2 ball of radius {self.radius}"

    def contains(self, x: Any) -> bool:
        return sum(v * v for v in entries(x)) <= self.radius**2

    def nearest(self, x: Any) -> Any:
        if self.contains(x):
            return x
        largest = max(map(abs, entries(x)))
        ray = [v / largest for v in entries(x)]
        size = Fraction(math.hypot(*map(float, ray)) * (1 + 2**-50))  # a hair inside, so that it is a member
        return tuple(v * self.radius / size for v in ray)

    def least(self, g: Any) -> tuple[Any, Any]:
        """(u, <g, u>) where the linear function <g, .> is least, in floats, rounded: see simlab.problem.comparators."""
        size = math.sqrt(sum((c * c for c in entries(g)), 0))
        u = tuple(-float(self.radius) * float(c) / size if size else 0.0 for c in entries(g))
        return u, -float(self.radius) * size

    def diameter(self, d: int = 1) -> Any:
        return 2 * self.radius


@dataclass(frozen=True)
class Simplex:
    """{x : x >= 0, sum_i x_i = total}."""

    total: Any = Fraction(1)
    project: ClassVar[Callable] = staticmethod(_onto_simplex)

    @property
    def parameters(self) -> tuple:
        return (self.total,)

    def __str__(self) -> str:
        return f"the simplex of total {self.total}"

    def contains(self, x: Any) -> bool:
        return all(v >= 0 for v in entries(x)) and sum(entries(x)) == self.total

    def nearest(self, x: Any) -> Any:
        """The Euclidean projection of an exact point, exactly (by sorting)."""
        spread = sorted(entries(x), reverse=True)
        for k in range(len(spread), 0, -1):
            z = (sum(spread[:k]) - self.total) / k
            if spread[k - 1] > z:
                return tuple(max(v - z, Fraction(0)) for v in entries(x))
        raise AssertionError("the largest coordinate always qualifies")

    def least(self, g: Any) -> tuple[Any, Any]:
        best = min(range(len(g)), key=lambda i: g[i])
        return tuple(self.total if i == best else Fraction(0) for i in range(len(g))), self.total * g[best]

    def diameter(self, d: int = 1) -> Any:
        return self.total


@dataclass(frozen=True)
class Space:
    """The whole space: nothing is projected; a linear loss has no best decision."""

    project: ClassVar[Callable] = staticmethod(_stay)
    parameters: ClassVar[tuple] = ()

    def __str__(self) -> str:
        return "the whole space"

    def contains(self, x: Any) -> bool:
        return True

    def nearest(self, x: Any) -> Any:
        return x

    def least(self, g: Any) -> tuple[Any, Any]:
        if any(entries(g)):
            return g, -math.inf
        return g, Fraction(0)

    def diameter(self, d: int = 1) -> Any:
        return math.inf
