"""Blocks in place of single gradients, so that Luo et al.'s example also defeats Adam with its default constants.

    f_t(x) = -x in the first L rounds of C,   2x in the next L,   0 in the others;   F = [-2, 2]

L = 1 is the problem of Luo, Xiong, Liu and Sun (2019), Theorem 1. There D > 0 for long periods only if

    beta1 < (sqrt(4 + beta2) - 2)/(sqrt((4 + beta2)/beta2) - 1) < (3 - sqrt 5)/4 < 0.191
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from counterexamples._design import design, drift_of, enclosed, first, travel
from simlab.backends.arb import number
from simlab.claims import Certificate, Claim

RULE, PROBLEM, LENGTH = "adam_analysed", "linear_periodic", 100
HYPER = {"beta1": Q(9, 10), "beta2": Q(999, 1000)}


def block(length: int, C: int) -> tuple[Q, ...]:
    """The gradients of a period."""
    return (Q(-1),) * length + (Q(2),) * length + (Q(0),) * (C - 2 * length)


def drift(length: int, C: int) -> Any:
    """The ball of D at the default constants, dimensionless."""
    return drift_of(RULE, block(length, C), HYPER)


def largest_beta1(beta2: Q) -> Any:
    """The ball of the beta1 beyond which no long period with L = 1 fails."""
    b = number(beta2)
    return ((4 + b).sqrt() - 2) / (((4 + b) / b).sqrt() - 1)


def check() -> Certificate:
    """The drift of single gradients and on both sides of the least period of blocks that fails, and a run."""
    C = first(lambda C: drift(LENGTH, C) > 0, 2 * LENGTH)
    long = 2 * C
    plan = design(RULE, PROBLEM, {"gradients": block(LENGTH, long), "lower": -2, "upper": 2, **HYPER}, Q(1, 3))
    run = travel(RULE, PROBLEM, plan, -2)
    parts = {
        "the default beta1 - the largest that fails with L = 1": number(HYPER["beta1"]) - largest_beta1(HYPER["beta2"]),
        f"L = 1, C = {long}: -D": -drift(1, long),
        f"L = {LENGTH}, C = {C}: D": drift(LENGTH, C),
        f"L = {LENGTH}, C = {C - 1}: -D": -drift(LENGTH, C - 1),
        f"L = {LENGTH}, C = {long}: x_(T+1)": run.x_last,
        f"L = {LENGTH}, C = {long}: R_T - 2 L T/C": run.regret - 2 * LENGTH * plan.rounds // long,
    }
    data = {**plan.shown(), "gradients": f"-1*{LENGTH},2*{LENGTH},0*{long - 2 * LENGTH}"}
    return enclosed(parts, f"one run of T = {plan.rounds} rounds", data)


luo2019_block = Claim(
    "luo2019_block",
    "With blocks in place of single gradients Luo et al.'s example defeats Adam with its default constants.\n\n"
    f"For beta1 = 9/10 and beta2 = 999/1000 and blocks of L = {LENGTH}, there is a C where the drift of adam_analysed "
    "is positive on (-1)^L 2^L 0^(C-2L) and negative at C - 1. At 2C, from x_1 = -2, the best decision, it ends with "
    "x_(T+1) > 0 and R_T > LT/C, the regret of staying at 0. With L = 1 the drift is negative at the same period.\n\n"
    "Drifts and one exact run over the reals, enclosed in balls, for one finite T and one alpha, computed from the "
    "drift.",
    "Luo, Xiong, Liu and Sun 2019, Theorem 1 (the problem for L = 1); blocks are this project's variant",
    check,
    remarks="Theorem 1 is about beta1 = 0. Its problem cannot be used against Adam as it is run: for beta1 beyond "
    "about 0.19 momentum spreads the 2 over the quiet rounds, where 1/sqrt(v) grows, and no long period fails. Of the "
    "lengths 15, 20, 30, 50, 100 and 200, L = 100 has the shortest period that fails, 3023.",
)
