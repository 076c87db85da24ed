"""signSGD stays on a line that does not meet the minimum: convex functions of two variables.

    (2)  f(x) = eps |x_1 + x_2| + |x_1 - x_2|, with the subgradient that has sign(0) = +1
    (3)  f_i(x) = <a_i, x>^2, i = 1, 2 in turn,   a_1 = (1, -1) + eps (1, 1),   a_2 = -(1, -1) + eps (1, 1)

For 0 < eps < 1 the signs of a gradient are (1, -1) or (-1, 1), so x_1 + x_2 keeps its value 2 from (1, 1). There
(2) has f >= 2 eps and (3) has f_1 + f_2 >= 8 eps^2; both are 0 at x = 0.

Karimireddy, Rebjock, Stich and Jaggi (2019), "Error feedback fixes SignSGD and other gradient compression schemes".
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import simlab
from counterexamples._design import enclosed, lowest
from simlab.backends.arb import number
from simlab.claims import Certificate, Claim
from simlab.feasible import Space
from simlab.ops import absolute, dot, less, where
from simlab.problem import Best, Problem
from simlab.rule import Positive, Real
from simlab.trajectory import precision

EPS, ALPHA, NEAR = Q(1, 10), Q(1, 10), Q(1, 10**15)
ROUNDS, FEWER = 5000, 1000  # of signsgd and of sgd
DIFFERENCE = Q(1), Q(-1)


def edge_loss(t: Any, x: Any, along: Any, across: Any, zero: Any) -> Any:
    """|<along, x>| + |<across, x>|."""
    return absolute(dot(along, x)) + absolute(dot(across, x))


def side(z: Any, zero: Any) -> Any:
    """A subgradient of |z|: its sign, and `zero` at 0."""
    return where(less(0, z), 1, where(less(z, 0), -1, zero))


def edge_grad(t: Any, x: Any, along: Any, across: Any, zero: Any) -> Any:
    """The subgradient of that choice."""
    return side(dot(along, x), zero) * along + side(dot(across, x), zero) * across


def edges(*, eps: Positive = EPS, zero: Real = 1) -> Problem:  # type: ignore[valid-type]
    """(2), with the subgradient `zero` of |z| at 0."""
    return Problem(
        edge_loss,
        edge_grad,
        Space(),
        ((eps, eps), DIFFERENCE, zero),
        period=1,
        dimension=2,
        best=lambda t: Best((Q(0), Q(0)), Q(0)),
    )


def square_loss(t: Any, x: Any, rows: Any) -> Any:
    """<a_t, x>^2."""
    return dot(rows[t - 1], x) * dot(rows[t - 1], x)


def square_grad(t: Any, x: Any, rows: Any) -> Any:
    """2 <a_t, x> a_t."""
    return 2 * dot(rows[t - 1], x) * rows[t - 1]


def squares(*, eps: Positive = EPS) -> Problem:  # type: ignore[valid-type]
    """(3), one row a round."""
    rows = (eps + 1, eps - 1), (eps - 1, eps + 1)
    return Problem(
        square_loss, square_grad, Space(), (rows,), period=2, dimension=2, best=lambda t: Best((Q(0), Q(0)), Q(0))
    )


def check() -> Certificate:
    """Runs of signsgd in balls: on the line every time, and off it with the other subgradient; and gradient descent."""
    parts: dict[str, Any] = {}
    least = {"edges": 2 * EPS, "squares": 4 * EPS**2}  # of a round on the line, on average
    for problem in (edges, squares):
        name = problem.__name__
        start = {"hyper": {"alpha": ALPHA, "eps": EPS}, "x0": (1, 1), "backend": "arb"}
        signs = simlab.run("signsgd", problem, rounds=ROUNDS, record="all", **start)
        descent = simlab.run("sgd", problem, rounds=FEWER, record=1, bits=1024, **start)
        with precision(128):
            sums = [x[0] + x[1] for x in (*signs.records.x, signs.x_last)]
            parts[f"{name}: {NEAR} - |x_1 + x_2 - 2| in every round"] = lowest(number(NEAR) - abs(v - 2) for v in sums)
            parts[f"{name}: R_T - T {least[name]}"] = signs.regret - number(ROUNDS * least[name])
            parts[f"{name}: of sgd, T {least[name]} - R_T, T = {FEWER}"] = number(FEWER * least[name]) - descent.regret
    other = {"alpha": ALPHA, "eps": EPS, "zero": 0}
    moved = simlab.run("signsgd", edges, hyper=other, x0=(1, 1), rounds=1, backend="arb", record=1).x_last
    parts["edges, sign(0) = 0: 2 - (x_1 + x_2) after one round"] = 2 - (moved[0] + moved[1])
    return enclosed(parts, f"T = {ROUNDS}", {"eps": str(EPS), "alpha": str(ALPHA)})


karimireddy2019_stuck_line = Claim(
    "karimireddy2019_stuck_line",
    "signSGD keeps x_1 + x_2 = 2 on two convex problems whose minimum is at 0; gradient descent does not.\n\n"
    "eps = 1/10, alpha_t = 1/(10 sqrt(t)), x = (1, 1) at first. On f = eps |x_1 + x_2| + |x_1 - x_2|, with +1 for the "
    "subgradient of |z| at 0, and on the squares <a_i, x>^2 in turn, signsgd has |x_1 + x_2 - 2| < 10^-15 in each of "
    f"{ROUNDS} rounds and regret above 2 eps, respectively 4 eps^2, a round; sgd's is below that after {FEWER}.\n\n"
    "Exact runs over the reals, enclosed in balls. On the line <a_i, x> and x_1 - x_2 are the only signs that "
    "change, and both coordinates of a gradient have opposite signs, since eps < 1.",
    "Karimireddy, Rebjock, Stich and Jaggi 2019, counterexamples 2 and 3",
    check,
    remarks="Example 2 needs the convention sign(0) = +1 (or -1): x starts where x_1 = x_2, and with the subgradient "
    "0 there the first move leaves the line. The convention is the loss's; the rule itself has sign(0) = 0.",
)
