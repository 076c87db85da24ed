"""What conformance means: the same bits on every float backend, inside the ball of Arb, near to it in ulps."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

import simlab
from simlab.trajectory import Trajectory

FLOATS = ("numba", "torch")  # against the reference
ULPS = 16  # ulp(max(1, |x|)) that a float decision may be away from the ball after at most 40 rounds


def bits(a: object, b: object) -> bool:
    """Equal to the last bit; nan equals nan, and 0 equals -0."""
    return np.array_equal(np.asarray(a, dtype=float), np.asarray(b, dtype=float), equal_nan=True)


def agree(rule: object, problem: object, **options: object) -> dict[str, Trajectory]:
    """Run on every float backend and in balls; assert that they agree; return the runs by backend."""
    runs = {name: simlab.run(rule, problem, backend=name, **options) for name in ("reference", *FLOATS)}
    ref = runs["reference"]
    for name in FLOATS:
        other = runs[name]
        for what in ("t", "x", "rate", "direction", "loss", "x_last"):
            assert bits(getattr(ref, what), getattr(other, what)), f"{name} differs from the reference in {what}"
        assert bits(
            [t for pair in ref.records.total for t in pair], [float(t) for pair in other.records.total for t in pair]
        )
        assert ref.stopped == other.stopped
        assert ref.underflow == other.underflow
    runs["arb"] = simlab.run(rule, problem, backend="arb", bits=200, **options)
    return runs


def distance(runs: dict[str, Trajectory]) -> float:
    """The furthest a reference decision may be from the exact one in its ball, in ulps of max(1, |x|).

    It is nan or infinite where a ball is.
    """
    ball = np.atleast_1d(np.asarray(runs["arb"].x_last, dtype=object)).ravel()
    x = np.atleast_1d(np.asarray(runs["reference"].x_last, dtype=float)).ravel()
    gaps = [float(abs(b - v).upper()) / math.ulp(max(1.0, abs(v))) for b, v in zip(ball, x, strict=True)]
    return float(np.max(gaps))  # which keeps a nan; Python's max may lose it


def rationals(
    low: object, high: object, open_low: bool = False, open_high: bool = False
) -> st.SearchStrategy[Fraction]:
    """Rationals with small denominators between the ends."""
    inside = st.fractions(low, high, max_denominator=1000)  # type: ignore[arg-type]
    return inside.filter(lambda q: not (open_low and q == low) and not (open_high and q == high))


def values(parameter: object) -> st.SearchStrategy:
    """Exact values that a parameter may take, from its declared range."""
    r = parameter.range  # type: ignore[attr-defined]
    if r.integer:
        low = int(r.low or 0)
        return st.integers(low, min(low + 8, int(r.high or low + 8))).map(Fraction)
    low = r.low if r.low is not None else Fraction(-4)
    high = r.high if r.high is not None else max(low, 0) + 4
    return rationals(low, high, r.open_low, r.open_high)
