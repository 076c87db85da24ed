"""What no algorithm can beat: the minimax regret of linear losses on a box, or on a ball.

    min over algorithms, max over |g_{t,i}| <= G of R_T  =  d R G E|S_T|          F a box of sides 2 R in d dimensions

with S_T the sum of T fair signs:

    E|S_T| = 2 ceil(T/2) binom(T, ceil(T/2))/2^T = 1, 1, 3/2, 3/2, 15/8, ...  ~  sqrt(2 T/pi)

x_t is chosen before g_t is seen. So over all 2^T sequences of gradients G s_t, s_t = -1 or 1, the mean of sum g_t x_t
is 0, and that of R_T = sum g_t x_t + R G |S_T| is R G E|S_T|, for every deterministic algorithm; some sequence is at
least as bad. That is the worst sequence: along one run the regret may be below it, or negative.

On a ball of radius R in d >= 2 dimensions, with ||g_t||_2 <= G,

    max over g_1, ..., g_T of R_T  >=  R G sqrt(T)                              for every deterministic algorithm

since g_t with ||g_t||_2 = G, <g_t, g_1 + ... + g_{t-1}> = 0 and <g_t, x_t> >= 0 can be chosen after x_t is seen: then
||g_1 + ... + g_T||_2 = G sqrt(T), and R_T = sum <g_t, x_t> + R ||g_1 + ... + g_T||_2.

Cesa-Bianchi and Lugosi (2006), "Prediction, learning, and games", section 8.4 (fair signs); each coordinate by itself.
Abernethy, Bartlett, Rakhlin and Tewari (2008), "Optimal strategies and minimax lower bounds for online convex games".
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np

from simlab.errors import BadInput
from simlab.feasible import Ball, Box
from simlab.history import History
from simlab.ops import divide, sqrt


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


def _sides(box: Box, d: int) -> set:
    return {high - low for low, high in box._pairs(d)}


def minimax(h: History) -> Any:
    """What the worst gradients of the run's size cost, for every T: d R G E|S_T| on a box, R G sqrt(T) on a ball.

    R = D_inf/2, and G is what the gradients of the run show: G_inf on a box, G_2 on a ball of d >= 2 dimensions. Raises
    BadInput where F is neither a ball nor a box of equal sides.
    """
    space = h.plan.problem.feasible
    if isinstance(space, Ball) and h.dimension > 1:
        return h.d_inf * h.g_2 * sqrt(h.t) / 2
    if not isinstance(space, Ball | Box) or (isinstance(space, Box) and len(_sides(space, h.dimension)) > 1):
        raise BadInput(f"the minimax regret is known here on a ball and on a box of equal sides, and F = {space}")
    return h.dimension * h.d_inf * h.g_inf * mean_distances(h.t) / 2
