"""For every beta1 < sqrt(beta2) a periodic problem defeats Adam, at any step size.

    f_t(x) = C x if t mod C = 1,   -x otherwise;   F = [-1, 1];   C large enough for beta1 and beta2

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Theorem 2.
"""

from __future__ import annotations

from fractions import Fraction as Q
from math import ceil
from typing import Any

from counterexamples._design import design, drift_of, enclosed, first, spiked, travel
from simlab.claims import Certificate, Claim

RULE, PROBLEM = "adam_analysed", "reddi2018_long_period"
DEFAULT = Q(9, 10), Q(999, 1000)
# beta1, beta2, and the step sizes in units of the design's
PAIRS = ((Q(0), Q(9, 10), (Q(1, 4), 1, 4)), (Q(1, 2), Q(1, 2), (Q(1, 4), 1, 4)), (*DEFAULT, (1,)))


def drift(beta1: Q, beta2: Q, C: int) -> Any:
    """The ball of D on (C, -1, ..., -1)."""
    return drift_of(RULE, spiked(C), {"beta1": beta1, "beta2": beta2})


def least(beta1: Q, beta2: Q) -> int:
    """The least C found that fails: D > 0 there, and D < 0 one below."""
    return first(lambda C: drift(beta1, beta2, C) > 0, 3)


def check() -> Certificate:
    """The drift on both sides of the least period that fails, and runs from the best decision at twice that period."""
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for beta1, beta2, scales in PAIRS:
        name, C = f"({beta1}, {beta2})", least(beta1, beta2)
        parts[f"{name}, C = {C}: D"] = drift(beta1, beta2, C)
        parts[f"{name}, C = {C - 1}: -D"] = -drift(beta1, beta2, C - 1)
        for scale in scales:
            plan = design(RULE, PROBLEM, {"C": 2 * C, "beta1": beta1, "beta2": beta2}, Q(1, 5))
            # a smaller step crosses F as 1/scale^2, a larger one ends as far away as scale^2 rounds ago
            longer = ceil(max(scale, 1 / Q(scale)) ** 2)
            plan = plan._replace(
                hyper={**plan.hyper, "alpha": scale * plan.hyper["alpha"]}, rounds=longer * plan.rounds
            )
            run = travel(RULE, PROBLEM, plan, -1)
            at = f"{name}, C = {2 * C}, alpha = {plan.hyper['alpha']}: "
            data[at] = plan.shown()
            parts |= {at + "2 x_(T+1) - 1": 2 * run.x_last - 1}
            parts |= {at + "R_T - T/(2C)": run.regret - plan.rounds // (2 * C)}
    return enclosed(parts, f"{len(PAIRS)} pairs of beta1 and beta2", data)


luo2019_theorem_2 = Claim(
    "luo2019_theorem_2",
    "With momentum Adam goes to the worst decision on Reddi et al.'s long period, whatever the step size.\n\n"
    "On reddi2018_long_period with (beta1, beta2) = (0, 9/10), (1/2, 1/2) and the default (9/10, 999/1000), let C be "
    "the least period that fails: the drift D of adam_analysed is positive there and negative at C - 1. At twice that "
    "period, from x_1 = -1, the best decision, it ends with x_(T+1) > 1/2 and regret R_T > T/(2C), the regret of "
    "staying at 0; for the first two pairs at three step sizes, of which the largest is 16 times the smallest.\n\n"
    "Exact runs over the reals, enclosed in balls, for one finite T a step size, computed from the drift. D > 0 is "
    "what makes x_t go to 1 for every alpha, since alpha only scales the moves.",
    "Luo, Xiong, Liu and Sun 2019, Theorem 2 (the problem is that of Reddi, Kale and Kumar 2018, Theorem 2)",
    check,
    remarks="Luo et al. refer to Reddi et al.'s problem for this theorem and add 'for any initial step size'. Their "
    "own problem of Theorem 1 cannot serve: for beta1 beyond about 0.19 no long period of it fails (luo2019_block). "
    "Their Theorem 3, on independent losses, is Reddi et al.'s Theorem 3 with the same addition.",
)
