"""How a printed number is met, and the steady state that long runs on periodic linear problems settle into.

With gradients g_1, ..., g_P repeated for ever, and indices mod P,

    m*_i = (1 - beta1)/(1 - beta1^P) sum_{0<=j<P} beta1^j g_{i-j},      v*_i the same of g^2 and beta2
    u*_i = m*_i/sqrt(v*_i),     D = -sum_i u*_i   (what a period adds to x, in units of alpha_t)

and m_t - m*_t, v_t - v*_t fall like beta1^t, beta2^t. Against the wall that D points to, x rests before phase i at the
distance alpha_t max(0, sum of the last k directions away from the wall, k = 1..P), up to alpha_t (P/t) sum_i |u*_i|.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, ctx, fmpq

BITS = 200  # of the balls: 60 digits, where 25 are printed


@pytest.fixture(autouse=True)
def fine_balls() -> Iterator[None]:
    """Ball arithmetic in a test is at BITS bits, as its runs are; a test file imports this."""
    with ctx.workprec(BITS):
        yield


def ball(x: Any) -> arb:
    """The ball of an exact number."""
    x = Fraction(x)
    return arb(fmpq(x.numerator, x.denominator))


def met(value: Any, printed: str) -> bool:
    """Whether a number is the printed one: a ball to half a unit of the last digit, a float to 1e-12, relatively."""
    exact = Fraction(printed)
    if not isinstance(value, arb):
        return abs(Fraction(float(value)) - exact) <= Fraction(1, 10**12) * abs(exact)
    places = len(printed.partition(".")[2])
    return bool(abs(value - ball(exact)) <= ball(Fraction(1, 2 * 10**places)))


def average(values: list[Fraction], beta: Fraction) -> list[Fraction]:
    """The moving average of a sequence repeated for ever, at every phase of the steady state, exactly."""
    period = len(values)
    scale = (1 - beta) / (1 - beta**period)
    return [scale * sum(beta**j * values[i - j] for j in range(period)) for i in range(period)]


def directions(gradients: list, beta1: Any, beta2: Any, *, longest: bool = False) -> list[arb]:
    """u*_1, ..., u*_P; with `longest` the second moment is its running maximum, as in AMSGrad."""
    g = [Fraction(v) for v in gradients]
    m, v = average(g, Fraction(beta1)), average([x * x for x in g], Fraction(beta2))
    v = [max(v)] * len(v) if longest else v
    return [ball(a) / ball(b).sqrt() for a, b in zip(m, v, strict=True)]


def resting(u: list[arb], wall: int) -> list[arb]:
    """The distances from the wall (-1 the lower, 1 the upper) before phases 1..P, in units of alpha_t."""
    distances = []
    for i in range(len(u)):
        furthest = away = arb(0)
        for k in range(1, len(u) + 1):
            away = away + wall * u[i - k]
            furthest = furthest.max(away)
        distances.append(furthest)
    return distances


def root_sums(period: int, first: int, last: int | None = None) -> list[arb]:
    """sum over first <= k < last of 1/sqrt(k P + i), for i = 1..P; with no last, the regularised tail zeta(1/2)."""

    def tail(k: int, i: int) -> arb:
        return (arb(1) / 2).zeta(ball(k + Fraction(i, period))) / arb(period).sqrt()

    return [tail(first, i) - (tail(last, i) if last is not None else 0) for i in range(1, period + 1)]
