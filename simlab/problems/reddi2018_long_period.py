"""The long-period counterexample to Adam, for every beta1 < sqrt(beta2).

    f_t(x) = C x if t mod C = 1,   -x otherwise;   F = [-1, 1]

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Theorem 2.
"""

from fractions import Fraction as Q

from simlab.feasible import Box
from simlab.ops import where
from simlab.problem import linear
from simlab.rule import at_least


def coefficient(t, C):
    """g_t for the phase t = 1..C."""
    return where(t == 1, C, -1)


def reddi2018_long_period(*, C: at_least(3, integer=True) = 10):
    """Reddi et al.'s period-C problem: C once in C rounds, -1 else; the gradients of a period add up to 1.

        f_t(x) = C x if t mod C = 1,  -x otherwise,   F = [-1, 1],   x* = -1

    C >= 3 is an integer, the period in rounds and the large gradient.

    Reference: Reddi, Kale and Kumar 2018, Theorem 2.
    """
    return linear(coefficient, feasible=Box(Q(-1), Q(1)), data=(C,), period=int(C))
