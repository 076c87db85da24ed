"""Seeded data sets as exact dyadic rationals, so that balls and floats see the very same numbers."""

from __future__ import annotations

from fractions import Fraction

from simlab.noise import draw


def uniform(seed: int, index: int, stream: int) -> Fraction:
    """A multiple of 2^-20 in [-1, 1), a pure function of its arguments."""
    return Fraction(draw(seed, index, stream) >> 42, 2**20) - 1


def _features(n: int, d: int, seed: int) -> tuple:
    return tuple(tuple(uniform(seed, i * d + j, 1) for j in range(d)) for i in range(n))


def regression(n: int, d: int, seed: int) -> tuple[tuple, tuple]:
    """(features n x d, targets n): targets are half the row's sum plus noise in [-1/2, 1/2)."""
    a = _features(n, d, seed)
    return a, tuple(sum(row) / 2 + uniform(seed, i, 2) / 2 for i, row in enumerate(a))


def classification(n: int, d: int, seed: int) -> tuple[tuple, tuple]:
    """(features n x d, labels n in {-1, 1}): the sign of the row's sum plus noise in [-1, 1)."""
    a = _features(n, d, seed)
    return a, tuple(Fraction(1 if sum(row) + uniform(seed, i, 3) >= 0 else -1) for i, row in enumerate(a))
