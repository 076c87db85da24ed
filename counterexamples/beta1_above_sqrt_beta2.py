"""Why beta1 < sqrt(beta2) is assumed: above it Adam's step grows without bound while every gradient is 0.

    g = (1, 0, 0, ...):   m_t/sqrt(v_t) = (1 - beta1)/sqrt(1 - beta2) (beta1/sqrt(beta2))^(t-1)

Both averages decay, m slower than sqrt(v). With beta1 <= sqrt(beta2) the quotient is at most its first value.
Cf. the assumption beta1 < sqrt(beta2) of Kingma and Ba (2015), Theorem 4.1.
"""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import pairwise
from typing import Any

import simlab
from counterexamples._design import enclosed, lowest, steps
from counterexamples._exact import exactly, next_state, together
from simlab.checker import letter
from simlab.claims import Certificate, Claim
from simlab.trajectory import precision

BETA1, BETA2, ROUNDS = Q(9, 10), Q(1, 2), 50


def quotients(beta1: Q, beta2: Q) -> list[Any]:
    """m_t/sqrt(v_t) for t = 1, ..., ROUNDS in balls: how far a run with alpha = 1 and no schedule moves down."""
    hyper = {"alpha": 1, "beta1": beta1, "beta2": beta2, "schedule": "constant", "gradients": f"1,0*{ROUNDS - 1}"}
    run = simlab.run("adam_analysed", "linear_periodic", hyper=hyper, rounds=ROUNDS, backend="arb", record="all")
    with precision(run.provenance["bits"]):
        return [-step for step in steps(run)]


def check() -> Certificate:
    """A silent round on letters, and runs above and below the threshold."""
    m, v, beta1, beta2 = (letter(x) for x in ("m", "v", "beta1", "beta2"))
    after, squares = next_state("adam_analysed", 0, (m, v), beta1=beta1, beta2=beta2)
    above, below = quotients(BETA1, BETA2), quotients(Q(7, 10), BETA2)  # 0.7 < sqrt(1/2) < 0.9
    sides = after * after * beta2 * v, beta1 * beta1 * m * m * squares
    growth = BETA1**2 / BETA2
    runs = {
        f"beta1 = {BETA1}: every quotient is larger than the one before": lowest(q - p for p, q in pairwise(above)),
        f"beta1 = {BETA1}: m_T/sqrt(v_T) - 19214, T = {ROUNDS}": above[-1] - 19214,
        f"beta1 = {BETA1}: beta1^2/beta2 - 1": growth - 1,
        "beta1 = 7/10: every quotient is smaller than the one before": lowest(p - q for p, q in pairwise(below)),
    }
    return together(
        {
            "a silent round": exactly({"m'^2 beta2 v = beta1^2 m^2 v' where g = 0": sides}),
            "runs": enclosed(runs, f"T = {ROUNDS}", {}),
        }
    )


beta1_above_sqrt_beta2 = Claim(
    "beta1_above_sqrt_beta2",
    "Above beta1 = sqrt(beta2) Adam's moves grow geometrically after its last nonzero gradient.\n\n"
    "For adam_analysed and all real beta1, beta2 in (0, 1), a round with gradient 0 multiplies (m/sqrt(v))^2 by "
    "exactly beta1^2/beta2. On gradients 1, 0, 0, ... with beta1 = 9/10 and beta2 = 1/2, m_t/sqrt(v_t) grows in each "
    "of 50 rounds, to more than 19214; with beta1 = 7/10 it falls in each.\n\n"
    "Over the reals: an identity in the rule's own state, read on letters, and runs enclosed in balls.",
    "cf. Kingma and Ba 2015, Theorem 4.1 (its assumption beta1^2 < sqrt(beta2)), and Reddi, Kale and Kumar 2018",
    check,
    remarks="With steps alpha/sqrt(t) the moves still grow geometrically. The assumption is printed with different "
    "powers: beta1^2/sqrt(beta2) < 1 by Kingma and Ba, beta1/sqrt(beta2) < 1 by Reddi et al.; it is the second that "
    "bounds the moves here. AMSGrad's running maximum removes the effect.",
)
