"""Whether only the direction of the gradients counts: D(c g) = c^d D(g) for all c > 0 and some d, and D(-g) = -D(g).

A rule is run on the kinds of values in place of numbers: by which power of c a value grows under g -> c g, and whether
it changes sign under g -> -g. Sums and comparisons are of one kind or of none; 0 is of every kind. What depends on the
round is of none.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from simlab.ops import PRIMITIVES, rebind
from simlab.orbit import Opaque
from simlab.protocol import bound_hyper
from simlab.rule import UpdateRule


@dataclass(frozen=True)
class Kind:
    """A value that becomes c^degree times itself under g -> c g, c > 0, and, if odd, its negative under g -> -g."""

    degree: Fraction
    odd: bool = False

    def _with(self, other: Any) -> Any:
        other = _kind(other)
        return self if other is None or other == self else MIXED

    __add__ = __radd__ = __sub__ = __rsub__ = _with

    def __neg__(self) -> Any:
        return self

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, (int, Fraction)) or other is MIXED:
            return other if other is MIXED or other == 0 else self
        return Kind(self.degree + other.degree, self.odd != other.odd)

    __rmul__ = __mul__


class _Mixed(Opaque):
    """A value of no kind."""

    __mul__ = __rmul__ = Opaque.__add__


MIXED = _Mixed()
PLAIN = Kind(Fraction(0))


def _kind(x: Any) -> Any:
    """The kind of a number, None for 0, which is of all kinds."""
    return (None if x == 0 else PLAIN) if isinstance(x, (int, Fraction)) else x


class Kinds:
    """The number system of Kinds. Comparisons keep the kind of even values; of odd ones only `sign` does."""

    def __getattr__(self, name: str) -> Any:
        if name not in PRIMITIVES.values():
            raise AttributeError(name)
        return lambda *args: MIXED

    def number(self, x: Any) -> Any:
        return x if isinstance(x, (Kind, Opaque)) else Fraction(x)

    def sqrt(self, x: Any) -> Any:
        x = _kind(x)
        return Fraction(0) if x is None else MIXED if x is MIXED or x.odd else Kind(x.degree / 2)

    def divide(self, a: Any, b: Any) -> Any:
        a, b = _kind(a), _kind(b)
        if MIXED in (a, b):
            return MIXED
        return Fraction(0) if a is None or b is None else a * Kind(-b.degree, b.odd)

    def maximum(self, a: Any, b: Any) -> Any:
        one, other = _kind(a), _kind(b)
        if MIXED in (one, other):
            return MIXED
        found = other if one is None else one if other is None else one + other
        return MIXED if isinstance(found, Kind) and found.odd else Fraction(0) if found is None else found

    minimum = maximum

    def less(self, a: Any, b: Any) -> Any:
        return MIXED if self.maximum(a, b) is MIXED else PLAIN

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        a, b = (Fraction(0) if x is None else x for x in (_kind(a), _kind(b)))
        return MIXED if condition is MIXED else b if a == 0 else a if b == 0 else a + b

    def sign(self, x: Any) -> Any:
        return Kind(Fraction(0), x.odd) if isinstance(x, Kind) else x

    def absolute(self, x: Any) -> Any:
        return Kind(x.degree) if isinstance(x, Kind) else x


def scale_free(rule: UpdateRule, hyper: dict[str, Any]) -> bool:
    """Whether it is shown that D(c g) = c^d D(g) for all c > 0 and some d, and D(-g) = -D(g)."""
    values = bound_hyper(rule, hyper, Fraction)
    function = rebind(rule.function, Kinds())
    g = Kind(Fraction(1), True)
    states = [_kind(s) for s in rule.state.values()]
    for _ in range(2 + len(states)):  # the first rounds: what starts at 0 takes the kind of what is added to it
        step, new = function(MIXED, PLAIN, g, *(Fraction(0) if s is None else s for s in states), *values)
        before, states = states, [_kind(s) for s in new]
        if states == before:  # and so in all later rounds
            rate, direction = _kind(step.rate), _kind(step.direction)
            move = None if rate is None or direction is None else rate * direction
            return isinstance(move, Kind) and move.odd
    return False
