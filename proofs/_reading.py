"""Polynomials as a number system: a rule executed on letters, so that a proof is about the very code that runs.

`+ - *` stay polynomials. Each root, quotient, minimum and maximum becomes a new letter with the facts that define it:

    r = sqrt(x)      r >= 0,  r^2 = x                         where x >= 0
    q = a/b          q b = a                                  where b is not 0
    z = min(a, b)    z <= a,  z <= b,  (a - z)(b - z) = 0
    z = max(a, b)    z >= a,  z >= b,  (z - a)(z - b) = 0

A proof assumes these facts and shows x >= 0, and b > 0 where it divides by b. The same expression is the same letter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from simlab.checker import Fact, Polynomial, Proof, Refused, letter, polynomial
from simlab.claims import Step
from simlab.lemma import Point, lemma


class Reading:
    """The operations of simlab.ops on polynomials; `facts` are the definitions of the letters made so far, by name."""

    number = staticmethod(polynomial)

    def __init__(self) -> None:
        self.facts: dict[str, tuple[Fact, ...]] = {}
        self._names: dict[str, str] = {}  # by the expression that a letter stands for
        self._values: dict[str, Callable[[Mapping[str, Any]], Fraction]] = {}

    def _define(self, kind: str, facts: Callable, value: Callable, *args: Any) -> Polynomial:
        args = tuple(map(polynomial, args))
        name = self._names.setdefault(f"{kind}{args}", f"{kind}{len(self._names) + 1}")
        if name not in self.facts:
            self.facts[name] = facts(letter(name), *args)
            self._values[name] = lambda point: value(*(a.value(point) for a in args))
        return letter(name)

    def sqrt(self, x: Any) -> Polynomial:
        return self._define("sqrt", lambda r, x: (r >= 0, r * r == x), _root, x)

    def divide(self, a: Any, b: Any) -> Polynomial:
        return self._define("ratio", lambda q, a, b: (q * b == a,), lambda a, b: a / b, a, b)

    def minimum(self, a: Any, b: Any) -> Polynomial:
        return self._define("min", lambda z, a, b: (z <= a, z <= b, (a - z) * (b - z) == 0), min, a, b)

    def maximum(self, a: Any, b: Any) -> Polynomial:
        return self._define("max", lambda z, a, b: (z >= a, z >= b, (z - a) * (z - b) == 0), max, a, b)

    def scale(self, rate: Any, direction: Any) -> Polynomial:
        return polynomial(rate) * direction

    def where(self, condition: bool, a: Any, b: Any) -> Any:
        if not isinstance(condition, bool):
            raise TypeError("a condition on letters has no answer; choose the case before reading")
        return a if condition else b

    def flush(self, state: tuple) -> tuple[tuple, bool]:
        return state, False

    @property
    def defined(self) -> tuple[Fact, ...]:
        """The facts that define all the letters made so far."""
        return tuple(f for facts in self.facts.values() for f in facts)

    def about(self, x: Polynomial) -> tuple[Fact, ...]:
        """The facts that define a letter."""
        ((name,),) = x.terms
        return self.facts[name]

    def point(self, **values: Any) -> Mapping[str, Any]:
        """The values given, and exactly those of the letters defined from them that are defined and rational."""
        point = {x: Fraction(v) for x, v in values.items()}
        for name, value in self._values.items():
            try:
                point[name] = value(point)
            except (Refused, ZeroDivisionError):  # a fact about a letter without a value is refused where it is used
                continue
        return point


def positive_root(
    claim: Fact, about: tuple[Fact, ...], *radicand: tuple, modulo: tuple[tuple[Any, Fact], ...] = ()
) -> Proof:
    """The proof of r > 0 for a root r, from products that add up to r^2 > 0: (1 + r) r = r + r^2."""
    low, square = about
    return Proof(claim, times=((1,), (low,)), by=((low,), *radicand), modulo=((1, square), *modulo))


def root(
    name: str,
    statement: str,
    claim: Fact,
    about: tuple[Fact, ...],
    radicand: Fact,
    here: Point,
    r: str,
    other: tuple[str, Point],
) -> Step:
    """The step that a root, shown as `r`, is positive as its radicand is; `other`: without that, false at a point."""
    ((symbol,),), (low, square) = claim.polynomial.terms, about
    given = (radicand, low, square)
    without, nowhere = other
    return lemma(
        name,
        statement,
        (positive_root(claim, about, (radicand,)),),
        given,
        here,
        false=(
            (f"{r} > 1", claim.polynomial > 1, given, here),
            ("the other root", claim, (radicand, square), {**here, symbol: -here[symbol]}),
            (without, claim, (low, square), nowhere),
        ),
    )


def _root(x: Fraction) -> Fraction:
    root = Fraction(math.isqrt(abs(x.numerator)), math.isqrt(x.denominator))
    if root * root != x:
        raise Refused(f"{x} has no rational root")
    return root
