"""The smallest integer gradients of a period P on which a rule is wrong-signed: all other directions are excluded.

    y = g/g_1,  g_1 = M = max |g_i|,  e = G/g_1 = y_1 + ... + y_P:         wrong-signed iff D(y) e > 0             (*)

for rules with D(c g) of the sign of D(g) for all c > 0 and D(-g) = -D(g). Directions are covered by boxes in the
coordinates (y_2, ..., y_(P-1), e). A box is dropped where an enclosure of D (simlab.affine, from the rule's own source)
contradicts (*), and where |e| < 1/M for the smallest M found so far, since |G| >= 1. What is left is split until it
holds few integer vectors, and these are decided one by one.

Boxes of the largest |e| come first: at any time, nothing with M < 1/max |e| over the boxes left is wrong-signed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from simlab import affine
from simlab.affine import Affine
from simlab.errors import Undecided
from simlab.orbit import Verdict, orbit, verdict
from simlab.rule import UpdateRule

BATCH = 4096  # boxes enclosed together
FEW = 400  # integer vectors in a box that is not split further
MOST = 10**7  # the largest M: beyond, doubles cannot tell D from 0


class Search(NamedTuple):
    """best: the smallest vector found, G > 0, or None.    excluded: none with M < excluded is wrong-signed.

    boxes: how many were looked at.
    """

    best: tuple[int, ...] | None
    excluded: int
    boxes: int

    @property
    def minimal(self) -> bool:
        """Whether nothing smaller than best is wrong-signed."""
        return self.best is not None and size(self.best) <= self.excluded


def size(gradients: tuple[int, ...]) -> int:
    """M."""
    return max(map(abs, gradients))


def smallest(
    rule: UpdateRule,
    hyper: dict[str, Any],
    period: int,
    largest: int = MOST,
    budget: int = 1 << 22,
    progress: Callable[[str], None] = lambda text: None,
) -> Search:
    """The smallest wrong-signed integer gradients with M <= largest <= MOST, period >= 2; at most `budget` boxes."""
    k = period - 1
    mid, half = np.zeros((k, 2)), np.ones((k, 2))
    mid[-1], half[-1] = (period / 2, -period / 2), period / 2
    few: list[np.ndarray] = []  # boxes with few integer vectors, mid over half
    best: tuple[int, ...] | None = None
    boxes = 0
    while True:
        most = size(best) if best else largest
        reach = np.abs(mid[-1]) + half[-1]
        left = np.argsort(-reach, kind="stable")
        left = left[reach[left] * most * (1 + 1e-9) >= 1]
        if not len(left) or boxes >= budget:
            break
        progress(f"period {period}: {boxes:,} boxes of directions, {len(left):,} left, M >= {1 / reach[left[0]]:.0f}")
        now, later = left[:BATCH], left[BATCH:]
        boxes += len(now)
        m, h, influence = _suspects(rule, hyper, mid[:, now], half[:, now])
        best = _best(rule, hyper, _nearest(m, most), best)
        counted = _count(m, h, most) <= FEW
        few.append(np.vstack([m, h])[:, counted])
        m, h = _split(m[:, ~counted], h[:, ~counted], influence[:, ~counted])
        mid, half = np.hstack([mid[:, later], m]), np.hstack([half[:, later], h])
    vectors: list[np.ndarray] = []
    undecided: list[int] = []
    for box in np.hstack([np.zeros((2 * k, 0)), *few]).T:
        vectors.append(_inside(box[:k], box[k:], size(best) if best else largest))
        if len(vectors) == BATCH:
            best, vectors = _best(rule, hyper, np.hstack(vectors), best, undecided), []
    best = _best(rule, hyper, np.hstack([np.zeros((period, 0)), *vectors]), best, undecided)
    most = size(best) if best else largest + 1
    excluded = min(most, math.ceil(1 / reach[left[0]])) if len(left) else most
    return Search(best, min([excluded, *undecided]), boxes)


def wrong(rule: UpdateRule, hyper: dict[str, Any], gradients: Iterable[Any]) -> Verdict | None:
    """The verdict on integer gradients in balls, if D G > 0 is decided and D finite; else None."""
    found = _verdict(rule, hyper, gradients)
    return found if found.word == "wrong" else None


def _verdict(rule: UpdateRule, hyper: dict[str, Any], gradients: Iterable[Any]) -> Verdict:
    return verdict(rule, [Fraction(int(v)) for v in gradients], hyper)


def enclosures(rule: UpdateRule, hyper: dict[str, Any], gradients: list[Any]) -> Affine:
    """D on affine forms or arrays of numbers, one entry a vector; of nothing known where the boxes are too wide."""
    try:
        return orbit(rule, [affine.number(g) for g in gradients], hyper, affine).drift
    except Undecided:
        return Affine(np.zeros(1), np.zeros((1, 1)), np.full(1, np.inf))


def _suspects(rule: UpdateRule, hyper: dict[str, Any], mid: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, ...]:
    """The boxes on which (*) is not excluded, and what each coordinate adds to the width of D."""
    *y, e = affine.coordinates(mid, half)
    last = sum((-v for v in y), e - 1)
    D = enclosures(rule, hyper, [1, *y, last])
    right = np.where(mid[-1] > 0, D.high <= 0, D.low >= 0)  # false of nan, which excludes nothing
    kept = ~right & (last.low <= 1) & (last.high >= -1)
    mid, half = mid[:, kept], half[:, kept]
    lin, rad = (np.broadcast_to(v, (len(v), len(kept)))[:, kept] for v in (D.lin, D.rad[None]))
    share = half**2 / (half**2).sum(axis=0)  # what is not linear, in proportion
    return mid, half, np.abs(lin) + np.where(np.isfinite(rad), rad, 1.0) * share


def _split(mid: np.ndarray, half: np.ndarray, influence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every box halved across the coordinate of the largest influence."""
    cut = np.zeros_like(half)
    where = np.argmax(influence, axis=0), np.arange(half.shape[1])
    cut[where] = half[where] / 2
    return np.hstack([mid - cut, mid + cut]), np.hstack([half - cut, half - cut])


def _nearest(mid: np.ndarray, most: int) -> np.ndarray:
    """Integer vectors with |G| = 1 near the middles of boxes, M <= most."""
    M, side = np.ceil(1 / np.abs(mid[-1])), np.sign(mid[-1])
    rest = np.rint(mid[:-1] * M)
    last = side - M - rest.sum(axis=0)
    return np.vstack([M, rest, last])[:, (most >= M) & (np.abs(last) <= M)]


def _count(mid: np.ndarray, half: np.ndarray, most: int) -> np.ndarray:
    """At most how many integer vectors with M <= most each box holds, about."""
    with np.errstate(all="ignore"):
        high, low = np.abs(mid[-1]) + half[-1], np.abs(mid[-1]) - half[-1]
        G = np.floor(most * high)
        pairs = G + np.where(low > 0, np.minimum(most * G, G * (G + 1) / 2 / low), most * G) - G * (G + 1) / 2 / high
    return np.maximum(pairs, G) * np.prod(2 * half[:-1] * most + 1, axis=0)


def _inside(mid: np.ndarray, half: np.ndarray, most: int) -> np.ndarray:
    """The integer vectors with M <= most in a box, one a column; rounding may add a few."""
    side, e, near = int(np.sign(mid[-1])), abs(mid[-1]), 1e-6
    columns = []
    for G in range(1, math.floor(most * (e + half[-1]) + near) + 1):
        least = math.ceil(G / (e + half[-1]) - near)
        last = min(most, math.floor(G / (e - half[-1]) + near)) if e > half[-1] else most
        for M in range(least, last + 1):
            low, high = np.ceil(M * (mid[:-1] - half[:-1]) - near), np.floor(M * (mid[:-1] + half[:-1]) + near)
            for rest in itertools.product(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True))):
                end = side * G - M - sum(rest)
                if abs(end) <= M:
                    columns.append((M, *rest, end))
    return np.array(columns, dtype=float).reshape(-1, len(mid) + 1).T


def _best(
    rule: UpdateRule,
    hyper: dict[str, Any],
    vectors: np.ndarray,
    best: tuple[int, ...] | None,
    undecided: list[int] | None = None,
) -> tuple[int, ...] | None:
    """The best wrong-signed one of `best` and integer vectors (one a column): smallest M, then largest |D|.

    undecided: if given, what the enclosure leaves open is decided by simlab.orbit.verdict, and it gets M of those whose
    D is finite and may be 0 even then. Where a rate is infinite, nothing is wrong-signed.
    """
    if best:
        vectors = np.hstack([vectors, np.array(best, dtype=float)[:, None]])
    if not vectors.shape[1]:
        return best
    D, side = enclosures(rule, hyper, list(vectors)), np.sign(vectors.sum(axis=0))
    low = np.where(side > 0, D.low, -D.high)
    fails = low > 0
    if undecided is not None:
        for i in np.flatnonzero(~fails & (np.where(side > 0, D.high, -D.low) > 0) & (side != 0)):
            found = _verdict(rule, hyper, vectors[:, i])
            fails[i] = found.word == "wrong"
            if found.word == "undecided" and found.orbit.drift.is_finite():
                undecided.append(int(np.abs(vectors[:, i]).max()))
    if not fails.any():
        return best
    M, low = np.abs(vectors[:, fails]).max(axis=0), low[fails]
    first = vectors[:, fails][:, np.lexsort((-low, M))[0]]
    return tuple(int(v) for v in first * np.sign(first.sum()))
