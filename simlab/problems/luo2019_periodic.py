"""The C-periodic counterexample of the AdaBound paper, in its linear form.

    f_t(x) = -x if t mod C = 1,   2x if t mod C = 2,   0 otherwise;   F = [-2, 2]

The sum over a period is x, so the best decision is -2; Adam with beta1 = 0 goes to +2 when 16 beta2^(C-2) < 1.
Luo, Xiong, Liu and Sun (2019), Theorem 1.
"""

from fractions import Fraction as Q

from simlab.feasible import Box
from simlab.ops import where
from simlab.problem import linear
from simlab.rule import at_least


def coefficient(t):
    """g_t for the phase t = 1..C."""
    return where(t == 1, -1, where(t == 2, 2, 0))


def luo2019_periodic(*, C: at_least(3, integer=True) = 3):
    """Luo et al.'s C-periodic linear problem, which defeats Adam.

        f_t(x) = -x if t mod C = 1,  2x if t mod C = 2,  0 otherwise,   F = [-2, 2],   x* = -2

    C >= 3 is an integer, the period in rounds. Losses and gradients are dimensionless.

    Reference: Luo et al. 2019, Theorem 1 (the linear, convex version of its proof).
    """
    return linear(coefficient, feasible=Box(Q(-2), Q(2)), period=int(C))
