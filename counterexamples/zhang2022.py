"""Adam goes to infinity on a sum of n functions that has a minimum; whether it does can depend on their order.

    f_0(x) = n h(x),   f_1 = ... = f_(n-1) = -h(x),   h(x) = x for x >= -1,   (x + 2)^2/2 - 3/2 for x < -1

The sum is h, least at -2; F is all of R. One function is seen a round: in turn, all in a fresh random order each n
rounds, or drawn uniformly. On x >= -1 the gradients are n and n - 1 times -1, and with D a round the drift there,
D > 0 sends x to infinity at the speed x_T/sqrt(T) -> 2 alpha D.

Zhang, Chen, Shi, Sun and Luo (2022), "Adam can converge without any modification on update rules".
"""

from __future__ import annotations

from fractions import Fraction as Q
from math import ceil
from typing import Any

import simlab
from counterexamples._design import drift_of, enclosed, spiked
from simlab.backends.arb import number
from simlab.claims import Certificate, Claim
from simlab.feasible import Space
from simlab.iid import iid_verdict, reshuffled
from simlab.ops import divide, less, where
from simlab.problem import Problem

RULE, N, START, ALPHA = "adam_analysed", 10, 10, 1
PATTERN = tuple(map(Q, spiked(N)))
AWAY, MIDDLE, BACK = Q(1, 2), Q(9, 10), Q(96, 100)  # of beta2, for beta1 = 0
WINDOW = (Q(5, 100), Q(1, 2), Q(9, 10))  # of beta2, for beta1 = 9/10


def loss(t: Any, x: Any, gradients: Any) -> Any:
    """f_t(x)."""
    return gradients[t - 1] * where(less(x, -1), divide((x + 2) * (x + 2) - 3, 2), x)


def grad(t: Any, x: Any, gradients: Any) -> Any:
    """f_t'(x)."""
    return gradients[t - 1] * where(less(x, -1), x + 2, 1)


def in_turn() -> Problem:
    """The n functions in turn.

    Reference: Zhang, Chen, Shi, Sun and Luo 2022.
    """
    return Problem(loss, grad, Space(), (PATTERN,), period=N, convex=False)


def drifts(beta2: Q) -> tuple[Any, Any, Any]:
    """The balls of D a round in turn, reshuffled, and drawn uniformly, for beta1 = 0; dimensionless."""
    hyper = {"beta1": 0, "beta2": beta2}
    cyclic, shuffled = drift_of(RULE, PATTERN, hyper), iid_verdict(RULE, *reshuffled(PATTERN), hyper).drift
    return cyclic / N, shuffled / N, iid_verdict(RULE, (N, -1), (Q(1, N), 1 - Q(1, N)), hyper).drift


def check() -> Certificate:
    """Drifts in the three orders on both sides, and a run in turn that goes to infinity at the speed of its drift."""
    away, middle, back = (drifts(beta2) for beta2 in (AWAY, MIDDLE, BACK))
    speed = 2 * ALPHA * away[0]
    rounds = N * ceil((10 * START / float(speed)) ** 2 / N)  # x moves by ten times x_1
    hyper = {"beta1": 0, "beta2": AWAY, "alpha": ALPHA}
    run = simlab.run(RULE, in_turn, hyper=hyper, x0=START, rounds=rounds, backend="arb", record=1)
    moved = (run.x_last - START) / number(rounds).sqrt()
    below, inside, above = (drift_of(RULE, PATTERN, {"beta1": Q(9, 10), "beta2": beta2}) for beta2 in WINDOW)
    parts = {
        f"beta2 = {AWAY}: D in turn": away[0],
        f"beta2 = {AWAY}: 1/20 - |(x_(T+1) - x_1)/(2 alpha D sqrt(T)) - 1|": number(Q(1, 20)) - abs(moved / speed - 1),
        f"beta2 = {MIDDLE}: D in turn": middle[0],
        f"beta2 = {MIDDLE}: D reshuffled - D in turn": middle[1] - middle[0],
        f"beta2 = {MIDDLE}: D drawn - D reshuffled": middle[2] - middle[1],
        f"beta2 = {BACK}: -D in turn": -back[0],
        f"beta2 = {BACK}: -D reshuffled": -back[1],
        f"beta2 = {BACK}: D drawn": back[2],
        f"beta1 = 9/10, beta2 = {WINDOW[0]}: -D in turn": -below,
        f"beta1 = 9/10, beta2 = {WINDOW[1]}: D in turn": inside,
        f"beta1 = 9/10, beta2 = {WINDOW[2]}: -D in turn": -above,
    }
    return enclosed(parts, f"n = {N}, T = {rounds}", {"n": str(N), "x_1": str(START), "rounds": str(rounds)})


zhang2022 = Claim(
    "zhang2022",
    "On Zhang et al.'s sum Adam goes to infinity, and the order alone of its functions can decide whether it does.\n\n"
    "n = 10, beta1 = 0. At beta2 = 1/2, in turn and with alpha = 1 and x_1 = 10, adam_analysed moves by 2 alpha D "
    "sqrt(T) to within a twentieth, D > 0 its drift a round, over the T in which that is ten times x_1. At beta2 = "
    "9/10 the drift is away from the minimum in turn, larger reshuffled, and largest drawn uniformly. At beta2 = "
    "24/25 it is towards the minimum in turn and reshuffled, and away from it drawn uniformly. With beta1 = 9/10, in "
    "turn, it is away from it at beta2 = 1/2, and towards it at 1/20 and at 9/10.\n\n"
    "Drifts where x >= -1, and an exact run over the reals for one finite T, from the drift; enclosed in balls.",
    "Zhang, Chen, Shi, Sun and Luo 2022, the divergence for small beta2; the comparison of orders is not from the "
    "paper",
    check,
    remarks="Below -1 the gradients are those of quadratics with the same pattern, and where D > 0 Adam may also "
    "escape to -infinity: x_1 is chosen large so that it escapes to the right. A drift towards the minimum says that "
    "x comes back from far right, and not how near it ends. With beta1 = 9/10 and n = 10 a smaller beta2 is not "
    "always worse: only a window of beta2 fails.",
)
