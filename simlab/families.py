"""Families of periodic gradients that defeat adaptive methods from some size on.

A family is a function size -> the patterns of that size, all of one period, as rows of integers; or none of that size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

FAMILIES: dict[str, Callable[[int], np.ndarray]] = {}
WIDTH = 128  # patterns of one size


def family(patterns: Callable[[int], np.ndarray]) -> Callable[[int], np.ndarray]:
    """Declare a family under the name of its function."""
    FAMILIES[patterns.__name__] = patterns
    return patterns


def rows(period: int, *runs: tuple[np.ndarray | int, np.ndarray | int]) -> np.ndarray:
    """Patterns made of runs (value, how often); a value or count may be an array with one entry a pattern."""
    count = max(np.size(x) for run in runs for x in run)
    out, phase, start = np.zeros((count, period)), np.arange(period), np.zeros((count, 1))
    for value, times in runs:
        end = start + np.reshape(times, (-1, 1))
        out += np.reshape(value, (-1, 1)) * ((start <= phase) & (phase < end))
        start = end
    return out


def counts(most: int) -> np.ndarray:
    """The counts 1..most; thinned to a geometric sequence where there are more than WIDTH."""
    if most <= WIDTH:
        return np.arange(1, most + 1)
    return np.unique(np.rint(np.geomspace(1, most, WIDTH))).astype(int)


NONE = np.zeros((0, 1))


@family
def reddi(size: int) -> np.ndarray:
    """(C, -1, ..., -1), period C = size; G = 1. Reddi, Kale and Kumar 2018, Theorem 2."""
    return rows(size, (size, 1), (-1, size - 1)) if size > 1 else NONE


@family
def universal(size: int) -> np.ndarray:
    """(2N+1, -N, -N), period 3, N = size; G = 1. Reddi, Kale and Kumar 2018, Theorem 1, with C = 2 + 1/N."""
    return rows(3, (2 * size + 1, 1), (-size, 2))


@family
def luo(size: int) -> np.ndarray:
    """(-1, 2, 0, ..., 0), period C = size; G = 1. Luo et al. 2019, Theorem 1."""
    return rows(size, (-1, 1), (2, 1)) if size > 1 else NONE


@family
def luo_block(size: int) -> np.ndarray:
    """(-1)^L 2^L 0^(C-2L), period C = size, any L; G = L."""
    L = counts(size // 2)
    return rows(size, (-1, L), (2, L)) if len(L) else NONE


@family
def burst(size: int) -> np.ndarray:
    """(+1)^(n+1) 0^z (-1)^n, period 2n + 1 + z = size, any n; G = 1."""
    n = counts((size - 1) // 2)
    return rows(size, (1, n + 1), (0, size - 1 - 2 * n), (-1, n)) if len(n) else NONE


@family
def adopt(size: int) -> np.ndarray:
    """(-2N, N+1, N), period 3, N = size; G = 1: for normalizers that do not know the gradient of their round."""
    return rows(3, (-2 * size, 1), (size + 1, 1), (size, 1))
