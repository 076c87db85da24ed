"""Online logistic regression on seeded data.

f_t(x) = log(1 + exp(-b_t <a_t, x>)),   (a_t, b_t) the n samples in turn;   F = the l2 ball
"""

from simlab.comparator import logistic_best
from simlab.data import classification
from simlab.feasible import Ball
from simlab.ops import absolute, divide, dot, exp, log1p, maximum
from simlab.problem import Problem
from simlab.rule import Positive, Seed, at_least


def loss(t, x, features, labels):
    """f_t(x), without overflow."""
    z = -labels[t - 1] * dot(features[t - 1], x)
    return maximum(z, 0) + log1p(exp(-absolute(z)))


def grad(t, x, features, labels):
    """-b_t a_t/(1 + exp(b_t <a_t, x>))."""
    z = labels[t - 1] * dot(features[t - 1], x)
    return divide(-labels[t - 1], 1 + exp(z)) * features[t - 1]


def logistic_regression(
    *, n: at_least(1, integer=True) = 20, d: at_least(2, integer=True) = 3, seed: Seed = 0, radius: Positive = 2
):
    """Online logistic regression: n seeded samples of dimension d, shown in turn for ever.

        f_t(x) = log(1 + exp(-b_t <a_t, x>)),   F = {x : ||x||_2 <= radius}

    a_t is uniform in [-1, 1)^d, b_t = +-1 is the sign of <a_t, 1> + noise; exact dyadic rationals from the seed. exp
    and log are the C library's: equal bits on another machine need the same library.

    Reference: Hazan 2016, "Introduction to online convex optimization", section 1.2 (losses of regression).
    """
    features, labels = classification(int(n), int(d), int(seed))
    ball = Ball(radius)
    best = logistic_best(features, labels, ball)
    return Problem(loss, grad, ball, (features, labels), period=int(n), dimension=int(d), best=best)
