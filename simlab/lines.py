"""Numbers of which it is known how they depend on a letter: the largest of some lines

    letter * (product of factors) + constant

What a rule or a problem makes of such numbers shows what it does whatever x and the state are. Factors and constants
are arrays, one entry a cell (or a round), and what has no letter is computed as the run computes it. What is no line is
OPAQUE: nothing is claimed about it, not even that 0 times it is 0.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from simlab.backends import reference


class Line(NamedTuple):
    """letter * (product of the factors) + constant; a known number has no letter."""

    letter: int | str | None
    factors: tuple[Any, ...]
    constant: Any


def _comparing(name: str) -> Callable[..., Number]:
    return lambda a, b: compared(getattr(operator, name), a, b)


class Number:
    """The largest of some lines; of none where nothing is known.

    touched: the letters that met a factor 0, so that it is what it is while they are finite.
    """

    __array_ufunc__ = None  # an array on the left leaves the operation to this class
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, lines: tuple[Line, ...], touched: frozenset = frozenset()) -> None:
        self.lines, self.touched = lines, touched

    @property
    def line(self) -> Line | None:
        """The line that it is, where it is one."""
        return self.lines[0] if len(self.lines) == 1 else None

    @property
    def known(self) -> bool:
        return self.line is not None and self.line.letter is None

    def settled(self) -> Number:
        """The same as a known number, if its letter has a factor 0 everywhere."""
        if self.line is None or not any(np.all(k == 0) for k in self.line.factors):
            return self
        return Number((Line(None, (), self.line.constant),), self.touched | {self.line.letter})

    def is_letter(self, name: str) -> bool:
        return self.line is not None and self.line[:2] == (name, ()) and bool(np.all(self.line.constant == 0))

    def zero(self) -> Any:
        """Where it is 0 whatever the letter is."""
        if self.line is None:
            return False
        none: Any = self.known
        for k in self.line.factors:
            none = none | (k == 0)
        return none & (self.line.constant == 0)

    def __add__(self, other: Any) -> Number:
        x, y = _apart(self, other)
        a, b = x.line, y.line
        if a is None or b is None or (a.letter is not None and b.letter is not None):
            return OPAQUE
        letter = b.letter if a.letter is None else a.letter
        return Number((Line(letter, a.factors + b.factors, a.constant + b.constant),), x.touched | y.touched)

    def __mul__(self, other: Any) -> Number:
        x, y = _apart(self, other)
        a, b = (y.line, x.line) if x.known else (x.line, y.line)
        if a is None or b is None or b.letter is not None:
            return OPAQUE
        k, touched = b.constant, x.touched | y.touched
        same = a.letter is None or np.all(k == 1)
        return Number((Line(a.letter, a.factors if same else (*a.factors, k), a.constant * k),), touched)

    def __neg__(self) -> Number:
        return self * -1

    def __sub__(self, other: Any) -> Number:
        return self + -number(other)

    def __rsub__(self, other: Any) -> Number:
        return number(other) + -self

    def __bool__(self) -> bool:
        raise TypeError("a branch depends on a number of the run")

    __radd__, __rmul__ = __add__, __mul__
    __lt__, __le__, __gt__, __ge__ = map(_comparing, ("lt", "le", "gt", "ge"))
    __eq__, __ne__ = map(_comparing, ("eq", "ne"))  # type: ignore[assignment]


OPAQUE = Number(())


def number(x: Any) -> Number:
    """A Number; of an array or one of Python's own a known one."""
    return x if isinstance(x, Number) else Number((Line(None, (), x),))


def _apart(x: Number, other: Any) -> tuple[Number, Number]:
    """Both, settled where each has a letter."""
    y = number(other)
    return (x, y) if x.known or y.known else (x.settled(), y.settled())


def letter(name: int | str) -> Number:
    """The letter itself: x, or a part of the state by its index."""
    return Number((Line(name, (), 0),))


def plain(operation: Callable, *args: Any) -> Number:
    """What an operation makes of known numbers."""
    given = [number(a).settled() for a in args]
    if not all(a.known for a in given):
        return OPAQUE
    value = operation(*(a.line.constant for a in given if a.line))
    return Number((Line(None, (), value),), frozenset().union(*(a.touched for a in given)))


def compared(operation: Callable, *args: Any) -> Number:
    """The same for one that may pass over what is not a number, as 0 times an infinite letter is not."""
    return OPAQUE if any(number(a).settled().touched for a in args) else plain(operation, *args)


class System:
    """The number system of Numbers.    exact: the run's rounding of an exact number."""

    def __init__(self, exact: Callable) -> None:
        self._exact = exact

    def __getattr__(self, name: str) -> Callable:
        operation = getattr(reference, name)
        return lambda *args: plain(operation, *args)

    def number(self, x: Any) -> Any:
        return self._exact(x) if isinstance(x, Fraction) else x

    def flush(self, state: tuple) -> tuple:
        return state, False

    def scale(self, rate: Any, direction: Any) -> Number:
        """0 where the direction is, whatever the rate."""
        return number(direction) if np.all(number(direction).zero()) else OPAQUE

    def divide(self, a: Any, b: Any) -> Number:
        a, b = number(a), number(b).settled()
        if b.known and b.line and np.all(b.line.constant == 1):
            return Number(a.lines, a.touched | b.touched)
        return plain(reference.divide, a, b)

    def less(self, a: Any, b: Any) -> Number:
        return compared(reference.less, a, b)

    def minimum(self, a: Any, b: Any) -> Number:
        return compared(reference.minimum, a, b)

    def maximum(self, a: Any, b: Any) -> Number:
        a, b = number(a), number(b)
        if not a.lines or not b.lines or a.touched or b.touched or (a.known and b.known):
            return compared(reference.maximum, a, b)
        return Number(a.lines + b.lines)

    def where(self, condition: Any, a: Any, b: Any) -> Number:
        c, a, b = number(condition).settled(), number(a), number(b)
        if c.known and c.line:
            holds = np.asarray(c.line.constant)
            if holds.all() or not holds.any():
                chosen = a if holds.all() else b
                return Number(chosen.lines, chosen.touched | c.touched)
        return compared(lambda *v: reference.where(np.asarray(v[0]), *v[1:]), c, a, b)
