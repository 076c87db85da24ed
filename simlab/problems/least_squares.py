"""Online least squares on seeded data.

f_t(x) = (<a_t, x> - b_t)^2/2,   (a_t, b_t) the rows of n samples in turn;   F = [-radius, radius]^d
"""

from simlab.comparator import least_squares_best
from simlab.data import regression
from simlab.feasible import Box
from simlab.ops import divide, dot
from simlab.problem import Problem
from simlab.rule import Positive, Seed, at_least


def loss(t, x, features, targets):
    """f_t(x)."""
    r = dot(features[t - 1], x) - targets[t - 1]
    return divide(r * r, 2)


def grad(t, x, features, targets):
    """(<a_t, x> - b_t) a_t."""
    return (dot(features[t - 1], x) - targets[t - 1]) * features[t - 1]


def least_squares(
    *, n: at_least(1, integer=True) = 20, d: at_least(1, integer=True) = 3, seed: Seed = 0, radius: Positive = 1
):
    """Online least squares: n seeded samples of dimension d, shown in turn for ever.

        f_t(x) = (<a_t, x> - b_t)^2/2,   F = [-radius, radius]^d

    a_t is uniform in [-1, 1)^d and b_t = <a_t, 1>/2 + noise in [-1/2, 1/2), all exact dyadic rationals from the seed.

    Reference: Cesa-Bianchi and Lugosi 2006, "Prediction, learning, and games", chapter 11 (online linear regression).
    """
    features, targets = regression(int(n), int(d), int(seed))
    box = Box(-radius, radius)
    best = least_squares_best(features, targets, box)
    return Problem(loss, grad, box, (features, targets), period=int(n), dimension=int(d), best=best)
