"""Exact sums of square roots: q_1 sqrt(n_1) + ... + q_k sqrt(n_k), q_i rational and n_i positive integers.

Enough of algebra to decide whether a drift is exactly 0: square roots of integers of different square classes are
linearly independent over Q (Besicovitch 1940), and n, m are of one class iff n m is a perfect square. No factoring.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from flint import arb, fmpq


class Inexact(ArithmeticError):
    """The result is not a sum of square roots that this file can write down."""


class Surd:
    """A sum of rational multiples of square roots of integers, one term a square class; zero has none."""

    def __init__(self, terms: tuple[tuple[Fraction, int], ...] = ()) -> None:
        self.terms = terms

    def __add__(self, other: Any) -> Surd:
        out = list(self.terms)
        for q, n in surd(other).terms:
            for i, (p, m) in enumerate(out):
                root = math.isqrt(n * m)
                if root * root == n * m:  # sqrt(n) = root/m sqrt(m)
                    out[i] = (p + q * Fraction(root, m), m)
                    break
            else:
                out.append((q, n))
        return Surd(tuple((q, n) for q, n in out if q))

    __radd__ = __add__

    def __neg__(self) -> Surd:
        return Surd(tuple((-q, n) for q, n in self.terms))

    def __sub__(self, other: Any) -> Surd:
        return self + (-surd(other))

    def __rsub__(self, other: Any) -> Surd:
        return surd(other) - self

    def __mul__(self, other: Any) -> Surd:
        out = Surd()
        for q, n in self.terms:
            for p, m in surd(other).terms:
                out = out + Surd(((q * p, n * m),))
        return out

    __rmul__ = __mul__

    @property
    def rational(self) -> Fraction:
        """The value, where it is rational; raises Inexact otherwise."""
        total = Fraction(0)
        for q, n in self.terms:
            root = math.isqrt(n)
            if root * root != n:
                raise Inexact("not a rational number")
            total += q * root
        return total

    def inverse(self) -> Surd:
        """1/x for a number of one or two terms."""
        if len(self.terms) == 1:
            (q, n) = self.terms[0]
            return Surd(((1 / (q * n), n),))
        if len(self.terms) == 2:
            a, b = (Surd((t,)) for t in self.terms)
            return (a - b) * Surd(((1 / (a * a - b * b).rational, 1),))
        raise Inexact("a quotient by a sum of more than two square roots")

    def __eq__(self, other: object) -> bool:
        return not (self - surd(other)).terms

    def __lt__(self, other: Any) -> bool:
        return self.rational < surd(other).rational

    def __ge__(self, other: Any) -> bool:
        return not self < other

    __hash__ = None  # type: ignore[assignment]


def surd(x: Any) -> Surd:
    """The exact number as a Surd."""
    if isinstance(x, Surd):
        return x
    return Surd(((Fraction(x), 1),)) if x else Surd()


def sqrt(x: Any) -> Surd:
    """The square root of a nonnegative rational; raises Inexact of anything else."""
    q = surd(x).rational
    if q < 0:
        raise Inexact("a square root of a negative number")
    return Surd(((Fraction(1, q.denominator), q.numerator * q.denominator),)) if q else Surd()


def ball(x: Any) -> arb:
    """The exact number in a ball, at the precision that is set."""
    return sum((arb(fmpq(q.numerator, q.denominator)) * arb(n).sqrt() for q, n in surd(x).terms), arb(0))


# --- the operations of rules, on rationals and sums of square roots; what is not exact raises Inexact ---------------


def number(x: Any) -> Any:
    """An exact number as it is."""
    return x if isinstance(x, Surd) else Fraction(x)


def divide(a: Any, b: Any) -> Any:
    if b == 0:
        raise Inexact("a division by 0")
    return a / b if isinstance(a, (int, Fraction)) and isinstance(b, (int, Fraction)) else a * surd(b).inverse()


def maximum(a: Any, b: Any) -> Fraction:
    return max(surd(a).rational, surd(b).rational)


def minimum(a: Any, b: Any) -> Fraction:
    return min(surd(a).rational, surd(b).rational)


def absolute(x: Any) -> Fraction:
    return abs(surd(x).rational)


def sign(x: Any) -> Fraction:
    q = surd(x).rational
    return Fraction((q > 0) - (q < 0))


def less(a: Any, b: Any) -> bool:
    return surd(a).rational < surd(b).rational


def where(condition: bool, a: Any, b: Any) -> Any:
    return a if condition else b


def scale(rate: Any, direction: Any) -> Any:
    return Fraction(0) if direction == 0 else rate * direction
