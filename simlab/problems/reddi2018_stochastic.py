"""The stochastic counterexample to Adam.

    f_t(x) = C x with probability p = (1 + delta)/(C + 1),   -x otherwise, independently;   F = [-1, 1]

E f_t(x) = delta x, so the best decision in expectation is -1.
Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Theorem 3.
"""

import math
from fractions import Fraction as Q

from simlab.errors import BadInput
from simlab.feasible import Box
from simlab.noise import draw
from simlab.ops import where
from simlab.problem import linear
from simlab.rule import Positive, Seed, at_least


def coefficient(t, C, threshold, seed):
    """g_t, a pure function of the seed and the round."""
    return where(draw(seed, t) < threshold, C, -1)


def reddi2018_stochastic(*, C: at_least(2) = 10, delta: Positive = 1, seed: Seed = 0):
    """Reddi et al.'s i.i.d. problem: a rare large gradient, often a small one the other way.

        f_t(x) = C x with probability p = (1 + delta)/(C + 1),  -x otherwise,   F = [-1, 1]

    C >= 2 rational, 0 < delta <= C (so that p <= 1), seed an integer in [0, 2^63). p is met to within 2^-63. Regret is
    against the best decision for the losses that were drawn.

    Reference: Reddi, Kale and Kumar 2018, Theorem 3.
    """
    if delta > C:
        raise BadInput(f"delta must be <= C = {C}, since (1 + delta)/(C + 1) is a probability; got {delta}")
    threshold = min(math.ceil((1 + delta) / (C + 1) * 2**63), 2**63 - 1)
    return linear(coefficient, feasible=Box(Q(-1), Q(1)), data=(C, threshold, int(seed)))
