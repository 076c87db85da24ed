"""Derivatives of a rule's code: numbers with their slopes, one for each letter that varies.

    (a b)' = a' b + a b'        r = sqrt(a): r' = a'/(2 r)        q = a/b: q' = (a' - q b')/b

Values and slopes are polynomials of a reading; roots and quotients become its letters, with their facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proofs._reading import Reading
from simlab.checker import Polynomial, polynomial


@dataclass(frozen=True)
class Tangent:
    """A value and its slopes."""

    value: Polynomial
    slopes: tuple[Polynomial, ...]

    def _lift(self, other: Any) -> Tangent:
        return other if isinstance(other, Tangent) else Tangent(polynomial(other), tuple(0 * s for s in self.slopes))

    def __add__(self, other: Any) -> Tangent:
        o = self._lift(other)
        return Tangent(self.value + o.value, tuple(a + b for a, b in zip(self.slopes, o.slopes, strict=True)))

    def __mul__(self, other: Any) -> Tangent:
        o = self._lift(other)
        slopes = (a * o.value + self.value * b for a, b in zip(self.slopes, o.slopes, strict=True))
        return Tangent(self.value * o.value, tuple(slopes))

    def __neg__(self) -> Tangent:
        return self * -1

    def __sub__(self, other: Any) -> Tangent:
        return self + -self._lift(other)

    def __rsub__(self, other: Any) -> Tangent:
        return self._lift(other) - self

    __radd__, __rmul__ = __add__, __mul__


class Tangents:
    """The number system of tangents over a reading, with slopes along `count` letters."""

    def __init__(self, reading: Reading, count: int) -> None:
        self.reading, self.count = reading, count
        self.where, self.flush = reading.where, reading.flush

    def vary(self, letters: Sequence[Polynomial]) -> tuple[Tangent, ...]:
        """The letters that vary: the slope of each is 1 along itself."""
        return tuple(
            Tangent(x, tuple(polynomial(int(i == j)) for j in range(self.count))) for i, x in enumerate(letters)
        )

    def number(self, x: Any) -> Tangent:
        """A constant; tangents pass."""
        return x if isinstance(x, Tangent) else Tangent(polynomial(x), (polynomial(0),) * self.count)

    def scale(self, a: Any, b: Any) -> Tangent:
        """a b."""
        return self.number(a) * b

    dot = matvec = scale  # of numbers

    def divide(self, a: Any, b: Any) -> Tangent:
        """a/b."""
        a, b = self.number(a), self.number(b)
        q = self.reading.divide(a.value, b.value)
        return Tangent(q, tuple(self._slope(s - q * d, b.value) for s, d in zip(a.slopes, b.slopes, strict=True)))

    def sqrt(self, a: Any) -> Tangent:
        """The root."""
        a = self.number(a)
        r = self.reading.sqrt(a.value)
        return Tangent(r, tuple(self._slope(s, 2 * r) for s in a.slopes))

    def _slope(self, a: Polynomial, b: Polynomial) -> Polynomial:
        return self.reading.divide(a, b) if a.terms else a
