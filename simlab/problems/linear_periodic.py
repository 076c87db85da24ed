"""Any periodic linear problem.

f_t(x) = g_{phase(t)} x,   gradients g_1, ..., g_P repeated for ever;   F = [lower, upper]
"""

from fractions import Fraction as Q

from simlab.feasible import Box
from simlab.problem import linear
from simlab.rule import Real, Reals


def coefficient(t, gradients):
    """g_t for the phase t = 1..P."""
    return gradients[t - 1]


def linear_periodic(*, gradients: Reals = (Q(3), Q(-1), Q(-1)), lower: Real = -1, upper: Real = 1):
    """The linear problem with the given gradients, repeated.

        f_t(x) = g_{(t-1) mod P + 1} x,   F = [lower, upper]

    gradients: numbers separated by commas, v*n for n times v ("-1,2,0*48" is Luo et al.'s problem with C = 50).

    Reference: the common form of Reddi, Kale and Kumar 2018, Theorems 1-2, and Luo et al. 2019, Theorem 1.
    """
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    return linear(coefficient, feasible=Box(lower, upper), data=(gradients,), period=len(gradients))
