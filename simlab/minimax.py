"""What no algorithm can beat: the minimax regret of linear losses on a box.

    min over algorithms, max over |g_{t,i}| <= G of R_T  =  d R G E|S_T|          F a box of sides 2 R in d dimensions

with S_T the sum of T fair signs:

    E|S_T| = 2 ceil(T/2) binom(T, ceil(T/2))/2^T = 1, 1, 3/2, 3/2, 15/8, ...  ~  sqrt(2 T/pi)

x_t is chosen before g_t is seen. So over all 2^T sequences of gradients G s_t, s_t = -1 or 1, the mean of sum g_t x_t
is 0, and that of R_T = sum g_t x_t + R G |S_T| is R G E|S_T|, for every deterministic algorithm; some sequence is at
least as bad. That is the worst sequence: along one run the regret may be below it, or negative.

Cesa-Bianchi and Lugosi (2006), "Prediction, learning, and games", section 8.4 (fair signs); each coordinate by itself.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from simlab.errors import BadInput
from simlab.feasible import Box
from simlab.history import History
from simlab.ops import divide


def mean_distance(rounds: int) -> Fraction:
    """E|S_T| exactly, for T >= 0."""
    half = (rounds + 1) // 2
    return Fraction(2 * half * comb(rounds, half), 2**rounds)


def mean_distances(t: np.ndarray) -> Any:
    """E|S_1|, ..., E|S_T| for t = 1..T, floats or balls: at an odd t > 1 it grows by t/(t-1), at an even one it rests.

    In floats the relative error is at most T 2^-53: two roundings in every other round.
    """
    growth = 1 + 0 * t
    growth[2::2] = divide(t[2::2], t[2::2] - 1)
    return np.cumprod(growth)


def minimax(h: History) -> Any:
    """d R G E|S_T| for every T, with the box of a run (R = D_inf/2) and the G = G_inf that its gradients show.

    Raises BadInput where F is no box of equal sides.
    """
    box = h.plan.problem.feasible
    if not isinstance(box, Box) or len({high - low for low, high in box._pairs(h.dimension)}) > 1:
        raise BadInput(f"the minimax regret here is that of a box of equal sides, and F = {box}")
    return h.dimension * h.d_inf * h.g_inf * mean_distances(h.t) / 2
