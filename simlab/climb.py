"""A local search for small periodic gradients on which a rule is wrong-signed: it proves nothing about what it misses.

    z: gradients of sum 0 and max |z_i| = 1;        g = M z + G/P is wrong-signed up to about G/M = tolerance of z

so that the best z needs M = 1/tolerance at G = 1. z is improved by random changes, seeded; then integers near M z are
tried for M = 1/tolerance upwards. D is in floats; what is returned has been decided in balls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator

from simlab.backends import reference as floats
from simlab.directions import wrong
from simlab.orbit import Verdict, orbit
from simlab.rule import UpdateRule

GENERATIONS, MUTANTS = 300, 48


def drifts(rule: UpdateRule, hyper: dict[str, Any], rows: np.ndarray) -> np.ndarray:
    """D of every row, in floats."""
    with np.errstate(all="ignore"):  # 0/0 where all of a normalizer is 0
        found = orbit(rule, list(rows.T.copy()), hyper, floats).drift
    return np.nan_to_num(np.broadcast_to(found, len(rows)), nan=-np.inf)


def _ramp(period: int) -> np.ndarray:
    """A burst, then ever smaller gradients of the other sign: the shape of what defeats moving averages."""
    up = max(1, period // 4)
    down = np.linspace(-0.5, -1, period - up)
    return np.concatenate([np.ones(up), down * up / -down.sum()])


def _tolerance(rule: UpdateRule, hyper: dict[str, Any], rows: np.ndarray) -> np.ndarray:
    """About which G/max |g_i| each row, of sum 0, bears before D is 0; at G = 1 it needs 1/that as max |g_i|."""
    tilt = 1e-6
    flat, tilted = drifts(rule, hyper, rows), drifts(rule, hyper, rows + tilt / rows.shape[1])
    with np.errstate(all="ignore"):
        return np.where(flat > 0, np.minimum(1.0, tilt * flat / np.maximum(flat - tilted, tilt * tilt)), flat)


def _balanced(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.abs(rows).max(axis=1, keepdims=True)


def climb(
    rule: UpdateRule,
    hyper: dict[str, Any],
    period: int,
    start: Sequence[Any] | None,
    most: int,
    report: Callable[[str], None],
) -> Verdict | None:
    """The smallest that a seeded local search finds: the direction z of sum 0 that bears most, then integers, G = 1."""
    random = Generator(PCG64(0))
    z = _balanced(np.array([_ramp(period) if start is None else start], dtype=float))
    best, step = _tolerance(rule, hyper, z)[0], 0.3
    for turn in range(GENERATIONS):
        report(f"period {period}: local search, {turn} of {GENERATIONS} generations")
        size = step * 4.0 ** random.uniform(-2, 1, (MUTANTS, 1))
        chosen = random.random((MUTANTS, period)) < np.maximum(random.random((MUTANTS, 1)), 1.5 / period)
        mutants = _balanced(z + size * chosen * random.standard_normal((MUTANTS, period)))
        score = _tolerance(rule, hyper, mutants)
        if score.max() > best:
            z, best = mutants[[score.argmax()]], score.max()
        else:
            step = max(0.9 * step, 1e-6)
    if best * most < 1:
        return None
    M = math.ceil(1 / best)
    while min(most, 4 / best + 4) >= M:
        rows = _rounded(z * M + np.linspace(0, 0.5, MUTANTS)[:, None] * random.standard_normal((MUTANTS, period)))
        rows = rows[np.abs(rows).max(axis=1) <= M]
        D = drifts(rule, hyper, rows) if len(rows) else np.zeros(0)
        for i in np.argsort(-D)[: np.count_nonzero(D > 0)]:
            if sure := wrong(rule, hyper, rows[i]):
                return sure
        M += 1 + M // 1000
    return None


def _rounded(rows: np.ndarray) -> np.ndarray:
    """Integers near the rows, each row's sum 1: rounded down, then the largest remainders up."""
    low = np.floor(rows)
    rank = np.argsort(np.argsort(low - rows, axis=1, kind="stable"), axis=1)
    return low + (rank < 1 - low.sum(axis=1, keepdims=True))
