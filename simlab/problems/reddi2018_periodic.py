"""The three-round counterexample to Adam.

    f_t(x) = C x if t mod 3 = 1,   -x otherwise;   F = [-1, 1]

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Theorem 1 (with beta2 = 1/(1 + C^2)).
"""

from fractions import Fraction as Q

from simlab.feasible import Box
from simlab.ops import where
from simlab.problem import linear
from simlab.rule import at_least


def coefficient(t, C):
    """g_t for the phase t = 1, 2, 3."""
    return where(t == 1, C, -1)


def reddi2018_periodic(*, C: at_least(2) = 3):
    """Reddi et al.'s period-3 problem: C once, then -1 twice.

        f_t(x) = C x if t mod 3 = 1,  -x otherwise,   F = [-1, 1],   x* = -1 for C > 2

    C >= 2 is a rational number (dimensionless).

    Reference: Reddi, Kale and Kumar 2018, Theorem 1.
    """
    return linear(coefficient, feasible=Box(Q(-1), Q(1)), data=(C,), period=3)
