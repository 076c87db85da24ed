"""Adam with a constant step on one quadratic: runs that end in a cycle of two, and runs that do not.

    f(x) = c x^2/2:   x, -x, x, ...  with |x| = a = alpha (1 - beta1)/(2 (1 + beta1)) - epsilon/c, whatever beta2

Small beta1 attracts; at beta1 = 1/2, and at the default 9/10, the cycle repels and runs do not go to it.

Bock and Weiss (2019), "Non-convergence and limit cycles in the Adam optimizer".
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as Q
from itertools import pairwise
from typing import Any

import simlab
from counterexamples._design import enclosed, lowest
from simlab.backends.arb import number
from simlab.claims import Certificate, Claim
from simlab.trajectory import precision

ALPHA, BETA2, ROUNDS, BITS, NEAR = Q(1, 10), Q(9, 10), 1000, 4000, Q(1, 10**9)
LAST = 100  # rounds that are looked at
ATTRACTING = (  # beta1, epsilon, c, x_1
    (Q(0), Q(0), Q(1), Q(1)),
    (Q(0), Q(0), Q(7), Q(3)),
    (Q(1, 10), Q(0), Q(1), Q(1)),
    (Q(0), Q(1, 100), Q(1), Q(1)),
)


def amplitude(beta1: Q, epsilon: Q = Q(0), c: Q = Q(1)) -> Q:
    """a."""
    return ALPHA * (1 - beta1) / (2 * (1 + beta1)) - epsilon / c


def decisions(beta1: Q, beta2: Q, epsilon: Q, c: Q, x0: Q) -> Sequence[Any]:
    """The last decisions of a run of adam in balls."""
    hyper = {"alpha": ALPHA, "beta1": beta1, "beta2": beta2, "epsilon": epsilon, "curvature": c}
    run = simlab.run("adam", "quadratic", hyper=hyper, x0=x0, rounds=ROUNDS, backend="arb", record="all", bits=BITS)
    return run.records.x[-LAST:]


def check() -> Certificate:
    """Runs in balls: four to the cycle, two that are elsewhere."""
    parts: dict[str, Any] = {}
    with precision(BITS):
        for beta1, epsilon, c, x0 in ATTRACTING:
            a, last = number(amplitude(beta1, epsilon, c)), decisions(beta1, BETA2, epsilon, c, x0)
            name = f"beta1 = {beta1}, epsilon = {epsilon}, c = {c}"
            parts[f"{name}: {NEAR} - | |x| - a |"] = lowest(number(NEAR) - abs(abs(x) - a) for x in last)
            parts[f"{name}: x changes sign every round"] = lowest(-x * y for x, y in pairwise(last))
        wild = decisions(Q(1, 2), BETA2, Q(0), Q(1), Q(1))
        parts["beta1 = 1/2: max |x_(t+1) + x_t| - a/10"] = -lowest(
            number(amplitude(Q(1, 2)) / 10) - abs(x + y) for x, y in pairwise(wild)
        )
        a = amplitude(Q(9, 10))
        tame = decisions(Q(9, 10), Q(999, 1000), Q(0), Q(1), a)
        parts["beta1 = 9/10, beta2 = 999/1000, x_1 = a: a/1000 - |x|"] = lowest(number(a / 1000) - abs(x) for x in tame)
    return enclosed(parts, f"the last {LAST} of {ROUNDS} rounds", {"alpha": str(ALPHA), "beta2": str(BETA2)})


adam_two_cycle_run = Claim(
    "adam_two_cycle_run",
    "With a constant step Adam ends in a cycle of two decisions on c x^2/2 if beta1 is small; by default it does "
    "not.\n\n"
    "adam on the quadratic, alpha = 1/10, beta2 = 9/10, last 100 of 1000 rounds: for beta1 = 0 (c = 1 and 7) and "
    "1/10, and for beta1 = 0 with epsilon = 1/100, |x| is within 10^-9 of a = alpha (1 - beta1)/(2 (1 + beta1)) - "
    "epsilon/c and x changes sign every round: a = 1/20, 1/20, 9/220, 1/25. For beta1 = 1/2 |x_(t+1) + x_t| still "
    "exceeds a/10. For the default 9/10 and 999/1000, from x_1 = a = alpha/38, |x| < a/1000.\n\n"
    "Exact runs over the reals, enclosed in balls.",
    "Bock and Weiss 2019, on limit cycles of period 2",
    check,
    remarks="That the cycle exists for all hyperparameters says little: for the default it repels. With beta2 near 1 "
    "runs in floats can come so near to 0 that g^2 underflows and x stays at 0, where the exact run comes back.",
)
