"""Why a rule is never wrong-signed, from its own source: it is run on descriptions of values in place of numbers.

    rate = c >= 0 in every phase of the steady state,   directions of a period add up to k G,  k >= 0:   D = -c k G

whatever the gradients and the period. Gradients, and moving averages of what adds up to a multiple of G, add up to a
multiple of G; running maxima have come to rest; hyperparameters are exact rationals; of all else a lower bound is kept,
so that a corridor that closes (AdaBound, t = infinity) is seen to close. "Not shown" is all that a failure means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from simlab.ops import PRIMITIVES, rebind
from simlab.orbit import OPAQUE, Form, Opaque, Tracer
from simlab.protocol import bound_hyper
from simlab.rule import UpdateRule


@dataclass(frozen=True)
class Value:
    """A value in the steady state.

    steady: the same in every phase.    share: its sum over a period is share * G, where that is known.
    low: what it is not below, where that is known.
    """

    steady: bool = False
    share: Fraction | None = None
    low: Any = None

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, (Value, int, Fraction)):
            return NotImplemented
        b = _value(other)
        share = None if self.share is None or b.share is None else self.share + b.share
        low = None if self.low is None or b.low is None else self.low + b.low
        return Value(self.steady and b.steady, share, low)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return Value(self.steady, None if self.share is None else -self.share)

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, (Value, int, Fraction)):
            return NotImplemented
        b = _value(other)
        positive = self is other or (_least(self) >= 0 and _least(b) >= 0)
        share = self.share * other if isinstance(other, (int, Fraction)) and self.share is not None else None
        return Value(self.steady and b.steady, share, 0 if positive else None)

    __rmul__ = __mul__


def _value(x: Any) -> Value:
    if isinstance(x, (int, Fraction)):
        return Value(True, Fraction(0) if x == 0 else None, x)
    return x if isinstance(x, Value) else Value()  # of a float, which is infinite, nothing is known


def _least(x: Any) -> Any:
    low = _value(x).low
    return -math.inf if low is None else low


class Peak(Value):
    """A running maximum, at its limit: as large as all that it is compared with."""


class Grown:
    """What has grown without end, by what is not negative: a round adds too little to count. A difference can count."""

    def __add__(self, other: Any) -> Any:
        return self if not isinstance(other, Grown) and _least(other) >= 0 else NotImplemented

    __radd__ = __add__


class Falling(Value):
    """A number over what has grown without end, or over its root."""


class Steady:
    """The number system of Values; `compared` counts what running maxima are compared with. Floats are infinite."""

    def __init__(self) -> None:
        self.compared = 0

    def __getattr__(self, name: str) -> Any:
        if name not in PRIMITIVES.values():
            raise AttributeError(name)
        return lambda *args: Value(all(_value(a).steady for a in args))  # nothing is known of what Grown goes into

    def number(self, x: Any) -> Any:
        return x if isinstance(x, (Value, Grown, Form, Opaque, float)) else Fraction(x)

    def sqrt(self, x: Any) -> Any:
        if isinstance(x, Grown):
            return x
        if isinstance(x, (int, Fraction)) and x >= 0:
            top, below = (math.isqrt(n) for n in Fraction(x).as_integer_ratio())
            if Fraction(top * top, below * below) == x:
                return Fraction(top, below)
        return Value(_value(x).steady, None, 0)

    def divide(self, a: Any, b: Any) -> Any:
        if isinstance(b, Grown) and isinstance(a, (int, Fraction)) and a >= 0:
            return Falling(True, None, 0)
        if b in (math.inf, -math.inf) and isinstance(a, (int, Fraction)):
            return Fraction(0)
        if isinstance(b, (int, Fraction)) and b != 0:
            return Fraction(a) / Fraction(b) if isinstance(a, (int, Fraction)) else _value(a) * (1 / Fraction(b))
        return Value(_value(a).steady and _value(b).steady, None, 0 if _least(a) >= 0 <= _least(b) else None)

    def maximum(self, a: Any, b: Any) -> Any:
        if isinstance(a, (int, Fraction)) and isinstance(b, (int, Fraction)):
            return max(a, b)
        for one in (a, b):
            if isinstance(one, Peak):
                self.compared += 1
                return one
        return Value(_value(a).steady and _value(b).steady, None, max(_least(a), _least(b)))

    def minimum(self, a: Any, b: Any) -> Any:
        if isinstance(a, (int, Fraction)) and isinstance(b, (int, Fraction)):
            return min(a, b)
        for one, other in ((a, b), (b, a)):
            if isinstance(other, (int, Fraction)) and _least(one) >= other:
                return other
        return Value(_value(a).steady and _value(b).steady, None, min(_least(a), _least(b)))

    def absolute(self, x: Any) -> Any:
        return abs(x) if isinstance(x, (int, Fraction)) else Value(_value(x).steady, None, 0)


def never_wrong(rule: UpdateRule, hyper: dict[str, Any], growing: tuple[str, ...] = ()) -> str | None:
    """Why no periodic linear problem at all is wrong-signed for the rule, in a sentence, or None: not shown.

    hyper: exact values.    growing: the components of its state that grow without end (see simlab.orbit).
    """
    system, one = Steady(), Fraction(1)
    traced, plain = rebind(rule.function, Tracer(system)), rebind(rule.function, system)
    values = bound_hyper(rule, hyper, Fraction)
    g = Value(share=one)
    states: list[Any] = []
    try:
        for k, (name, initial) in enumerate(rule.state.items()):
            probe = (*states, Form(one, Fraction(0)), *[OPAQUE] * (len(rule.state) - k - 1))
            new = traced(OPAQUE, one, g, *probe, *values)[1][k]
            if isinstance(new, Opaque) or (isinstance(new, Form) and isinstance(new.d, Opaque)):
                return None
            f = new if isinstance(new, Form) else Form(Fraction(0), new)
            alone = traced(OPAQUE, one, g, *[OPAQUE] * k, *probe[k:], *values)[1][k]  # not by others that come to rest
            still = isinstance(alone, Form) and alone.a == 1 and isinstance(alone.c, (int, Fraction)) and alone.c == 0
            if still and f.d is not None:
                states.append(Peak(True, None, max(Fraction(initial), _least(f.d))))
            elif name in growing and f.a == 1 and f.d is None and _least(f.c) >= 0:
                states.append(Grown())
            elif still:
                states.append(Fraction(initial))
            elif f.a < 1 and f.d is None:
                states.append(system.divide(f.c, 1 - f.a))
            else:
                states.append(Value())
        system.compared = 0
        step, after = plain(math.inf, one, g, *states, *values)
    except (TypeError, ArithmeticError):  # an operation that descriptions do not have
        return None
    rate, direction = _value(step.rate), _value(step.direction)
    peaks = [(z, new) for z, new in zip(states, after, strict=True) if isinstance(z, Peak)]
    if system.compared > len(peaks) or any(new is not z for z, new in peaks):
        return None  # a running maximum is compared with more than what it is the maximum of
    if growing and not isinstance(rate, Falling):
        return None  # what has grown is equal in all phases up to factors that tend to 1, and a difference is not
    if not (rate.steady and _least(rate) >= 0 and direction.share is not None and direction.share >= 0):
        return None
    times = "G" if direction.share == 1 else f"{direction.share} G"
    most = (
        f"{growing[0]} grows without end, so rates become equal" if growing else "the rate is the same in every phase"
    )
    return f"in the steady state {most}, and the directions of a period add up to {times}, so D never has the sign of G"
