"""Adam's steps may grow: what its regret proof takes to be nonnegative is negative on two rounds.

    Gamma_t = sqrt(v_{t+1})/alpha_{t+1} - sqrt(v_t)/alpha_t,   alpha_t = alpha/sqrt(t)

    g = (C, -1):       Gamma_1 < 0  iff  2 v_2 < v_1        iff  beta2 < 1/2 - 1/C^2
    g_{t+1} = 0:       Gamma_t < 0  iff  (t+1) v_{t+1} < t v_t  iff  beta2 < t/(t+1)         (v_t > 0)

Reddi, Kale and Kumar (2018), section 3, on Kingma and Ba (2015), Theorem 10.5 ("Adam", appendix).
"""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import pairwise
from typing import Any

import simlab
from counterexamples._design import enclosed
from counterexamples._exact import exactly, next_state, together
from simlab.checker import letter
from simlab.claims import Certificate, Claim
from simlab.trajectory import precision

C, BELOW, ABOVE = 4, Q(2, 5), Q(9, 20)  # 1/2 - 1/C^2 = 7/16 lies between


def second_moment(v: Any, g: Any) -> Any:
    """v_{t+1} from v_t and g_{t+1}, on letters."""
    return next_state("adam_analysed", g, (0, v), beta1=0, beta2=letter("beta2"))[1]


def gammas(beta2: Q, gradients: str, rounds: int) -> list[Any]:
    """alpha Gamma_1, ..., from the rates alpha_t/sqrt(v_t) of a run in balls."""
    hyper = {"alpha": 1, "beta1": 0, "beta2": beta2, "gradients": gradients}
    run = simlab.run("adam_analysed", "linear_periodic", hyper=hyper, rounds=rounds, backend="arb", record="all")
    with precision(run.provenance["bits"]):
        return [1 / after - 1 / before for before, after in pairwise(run.records.rate)]


def check() -> Certificate:
    """Two identities on letters, and runs on both sides of each threshold."""
    beta2, size, t, v = (letter(x) for x in ("beta2", "C", "t", "v"))
    first = second_moment(0, size)
    pair, silent = second_moment(first, -1), second_moment(v, 0)
    identities = {
        "v_1 = (1 - beta2) C^2": (first, (1 - beta2) * size * size),
        "v_1 - 2 v_2 = (1 - beta2) (C^2 - 2 - 2 beta2 C^2)": (
            first - 2 * pair,
            (1 - beta2) * (size * size - 2 - 2 * beta2 * size * size),
        ),
        "t v_t - (t+1) v_(t+1) = (t - (t+1) beta2) v_t where g_(t+1) = 0": (
            t * v - (t + 1) * silent,
            (t - (t + 1) * beta2) * v,
        ),
    }
    runs = {
        f"-Gamma_1 on (C, -1), C = {C}, beta2 = {BELOW}": -gammas(BELOW, f"{C},-1", 2)[0],
        f"Gamma_1 on (C, -1), C = {C}, beta2 = {ABOVE}": gammas(ABOVE, f"{C},-1", 2)[0],
        "-Gamma_3 on (1, 1, 1, 0), beta2 = 74/100": -gammas(Q(74, 100), "1*3,0", 4)[-1],
        "Gamma_3 on (1, 1, 1, 0), beta2 = 76/100": gammas(Q(76, 100), "1*3,0", 4)[-1],
    }
    return together({"identities": exactly(identities), "runs": enclosed(runs, "2 and 4 rounds", {})})


kingma2015_gamma = Claim(
    "kingma2015_gamma",
    "Gamma_t = sqrt(v_(t+1))/alpha_(t+1) - sqrt(v_t)/alpha_t, which Adam's proof needs >= 0, may be negative.\n\n"
    "adam_analysed, alpha_t = alpha/sqrt(t), v_0 = 0. On gradients (C, -1) Gamma_1 < 0 iff beta2 < 1/2 - 1/C^2 (real "
    "C > 0, 0 <= beta2 < 1); where v_t > 0 and g_(t+1) = 0, Gamma_t < 0 iff beta2 < t/(t+1), which every beta2 < 1 is "
    "from some t on. At C = 4 and beta2 = 2/5, Gamma_1 = -0.1184... /alpha.\n\n"
    "Over the reals: identities in the rule's own second moment, read on letters, and runs in balls on either side. "
    "Gamma_t has the sign of (t+1) v_(t+1) - t v_t, since both roots are >= 0.",
    "Reddi, Kale and Kumar 2018, section 3, against Kingma and Ba 2015, Theorem 4.1 (10.5 in the appendix)",
    check,
    remarks="AMSGrad's maximum makes Gamma_t >= 0. Gamma_t < 0 breaks the proof; whether Adam's regret is linear is "
    "another question (reddi2018_theorem_1).",
)
