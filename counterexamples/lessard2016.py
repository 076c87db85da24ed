"""Heavy ball with Polyak's tuning cycles on a smooth and strongly convex function of one variable.

    f'(x) = 25 x for x < 1,   x + 24 for 1 <= x < 2,   25 x - 24 for x >= 2         (m = 1, L = 25)
    x_{t+1} = x_t - alpha f'(x_t) + beta (x_t - x_{t-1}),   alpha = 1/9,   beta = 4/9

    alpha = 4/(sqrt(L) + sqrt(m))^2 and beta = ((sqrt(L) - sqrt(m))/(sqrt(L) + sqrt(m)))^2 are best on quadratics

Lessard, Recht and Packard (2016), "Analysis and design of optimization algorithms via integral quadratic constraints".
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from counterexamples._exact import exactly, play, together
from counterexamples._heavy_ball import attracted
from simlab.claims import Certificate, Claim
from simlab.feasible import Space
from simlab.online import make_plan
from simlab.ops import divide, less, where
from simlab.problem import Best, Problem

START, ALPHA, BETA = Q("3.3"), Q(1, 9), Q(4, 9)
CYCLE = Q(792, 1225), Q(-2208, 1225), Q(2592, 1225)
KINKS, ROOT = (Q(1), Q(2)), -Q(2, 3)
HYPER = {"alpha": ALPHA, "beta1": BETA, "dampening": 0, "schedule": "constant"}
GD_ALPHA, GD_ROUNDS, GD_END = Q(2, 26), 300, Q(1, 10**9)  # alpha = 2/(L + m), the best for gradient descent


def loss(t: Any, x: Any) -> Any:
    """f(x), with f(0) = 0."""
    right = where(less(x, 2), (x + 48) * x - 24, (25 * x - 48) * x + 72)
    return divide(where(less(x, 1), 25 * x * x, right), 2)


def grad(t: Any, x: Any) -> Any:
    """f'(x)."""
    return where(less(x, 1), 25 * x, where(less(x, 2), x + 24, 25 * x - 24))


def lessard2016_problem() -> Problem:
    """The function, repeated; F is the line and the minimum is f(0) = 0."""
    return Problem(loss, grad, Space(), period=1, best=lambda t: Best(Q(0), Q(0)))


def check() -> Certificate:
    """The cycle, that the run goes to it, and gradient descent, all in fractions."""
    ball = make_plan("momentum", lessard2016_problem, dict(HYPER), START, 1, 1)[0]
    descent = make_plan("sgd", lessard2016_problem, {"alpha": GD_ALPHA, "schedule": "constant"}, START, 1, 1)[0]
    end = play(descent, START, (), GD_ROUNDS)[0]
    nearby = {f"|x| < {GD_END} after {GD_ROUNDS} rounds": GD_END - abs(end)}
    return together({"the cycle": exactly(attracted(ball, CYCLE, ROOT, KINKS)), "gradient descent": exactly(nearby)})


lessard2016 = Claim(
    "lessard2016",
    "Heavy ball with the tuning that is best on quadratics cycles on a strongly convex function.\n\n"
    "f is 1-strongly convex with a 25-Lipschitz gradient and minimum 0; momentum has alpha = 1/9 and beta1 = 4/9 at "
    "every round, and x_1 = x_0 = 3.3. The cycle 792/1225, -2208/1225, 2592/1225 is one of three exact rounds, the run "
    "converges to it, for all T, and gradient descent with alpha = 2/(L + m) = 1/13 is within 10^-9 of the minimum "
    f"after {GD_ROUNDS} rounds.\n\n"
    "Over the reals, in exact rationals. At the cycle f' has the slope 25, where deviations shrink like k (2/3)^k: "
    "once they are small enough that no kink is crossed, they stay so.",
    "Lessard, Recht and Packard 2016, the section on the heavy-ball method (the one-dimensional example)",
    check,
    remarks="The example needs no noise and no projection: it is the tuning for quadratics that fails. The rule is "
    "Polyak's with m_0 = 0, which is x_0 = x_1.",
)
