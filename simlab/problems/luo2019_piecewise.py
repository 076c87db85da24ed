"""The main-text version of the AdaBound paper's counterexample, which is neither convex nor continuous.

    f_t(x) = -100 for x < 0,   0 for x > 1,   and on [0, 1]: -x if t mod C = 1,  2x if t mod C = 2,  0 otherwise

At x = 0 the loss jumps by 100. Outside [0, 1] the gradient is 0 and the iterate stays where it is.
Luo, Xiong, Liu and Sun (2019), section 3.
"""

from fractions import Fraction as Q

from simlab.feasible import Box
from simlab.ops import less, where
from simlab.problem import Best, Problem
from simlab.rule import at_least


def slope(t):
    """The slope on [0, 1] for the phase t = 1..C."""
    return where(t == 1, -1, where(t == 2, 2, 0))


def loss(t, x):
    """f_t(x)."""
    return where(less(x, 0), -100, where(less(1, x), 0, slope(t) * x))


def grad(t, x):
    """f_t'(x), and 0 outside [0, 1]."""
    return where(less(x, 0), 0, where(less(1, x), 0, slope(t)))


def luo2019_piecewise(*, C: at_least(3, integer=True) = 3):
    """Luo et al.'s main-text problem: not convex, not continuous, so no regret bound applies to it.

        f_t(x) = -100 (x < 0),  0 (x > 1),  else -x, 2x, 0 as t mod C = 1, 2, other;   F = [-2, 2],   x* any x < 0

    C >= 3 is an integer, the period in rounds.

    Reference: Luo et al. 2019, section 3, the displayed example before Theorem 1.
    """

    def best(t):
        return Best(Q(-2), Q(-100) * t)

    return Problem(loss, grad, Box(Q(-2), Q(2)), period=int(C), best=best, convex=False)
