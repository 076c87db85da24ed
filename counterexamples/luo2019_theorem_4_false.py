"""The regret bounds of AdaBound and AMSBound are false: three rounds, one gradient, a lower bound function that jumps.

    f_t(x) = -x on [-1, 1],  x_1 = -1,  beta1 = 0,  eta_l = h, h, 1, 1, ...,  eta_u = 1,  alpha <= h sqrt(1 - beta2)

    etahat = h, h, 1      R_3 = 6 - h (2 + 1/sqrt(2))      the bound = 2 sqrt(3) + (2 sqrt(3) - 1) = 4 sqrt(3) - 1

so it is violated for every h < (7 - 4 sqrt(3))/(2 + 1/sqrt(2)) = 0.02652... The step of the proof that fails telescopes
sqrt(t)/etahat_t as if it grew: it falls from sqrt(2)/h to sqrt(3), also where v_t never falls.

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Theorems 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from typing import Any

import simlab
from counterexamples._design import enclosed
from simlab import catalog
from simlab.backends.arb import number
from simlab.claims import Certificate, Claim
from simlab.history import History, history
from simlab.ops import where
from simlab.rules.adabound import adabound_with
from simlab.rules.amsbound import amsbound_with
from simlab.trajectory import precision

H, ALPHA, BETA2, ROUNDS, BITS = Q(1, 100), Q(1, 200), Q(1, 2), 3, 128
BELOW, ABOVE, TINY = Q(26521, 10**6), Q(26522, 10**6), Q(1, 10**30)  # on either side of the threshold in h
FAMILIES: dict[str, Callable] = {"luo2019_theorem_4": adabound_with, "luo2019_theorem_5": amsbound_with}


def late(t: Any, alpha_star: Any, gamma: Any) -> Any:
    """gamma in rounds 1 and 2, then 1."""
    return where(t < ROUNDS, gamma, 1)


def one(t: Any, alpha_star: Any, gamma: Any) -> Any:
    """1"""
    return 1


def given(h: Q) -> dict[str, Any]:
    """The hyperparameters and the problem; the bound functions know h as gamma."""
    return {"gradients": -1, "alpha": ALPHA, "beta1": 0, "beta2": BETA2, "gamma": h}


def played(bound: str, h: Q) -> History:
    """The three rounds in balls."""
    rule, options = FAMILIES[bound](late, one), {"backend": "arb", "bits": BITS, "record": "all"}
    return history(simlab.run(rule, "linear_periodic", hyper=given(h), x0=-1, rounds=ROUNDS, **options))


def check() -> Certificate:
    """R_T against the bound at T = 1, 2, 3, the row of the ledger that fails, and both sides of the threshold."""
    parts: dict[str, Any] = {}
    with precision(BITS):
        shown = 6 - number(H) * (2 + 1 / number(2).sqrt())
        for name in FAMILIES:
            theorem, run = catalog.bound(name), played(name, H)
            excess = run.regret - theorem(run)
            slack = {row.name: row.slack for row in theorem.ledger(run, run.point, theorem.terms(run))}
            parts |= {
                f"{name}: R_3 - bound": excess[2],
                f"{name}: bound - R_2": -excess[1],
                f"{name}: bound - R_1": -excess[0],
                f"{name}: R_3 is as shown, up to {float(TINY)}": number(TINY) - abs(run.regret[2] - shown),
                f"{name}: the telescoped sum - its bound": -slack["telescoping"],
            }
            for h, text, side in ((BELOW, "R_3 - bound", 1), (ABOVE, "bound - R_3", -1)):
                near = played(name, h)
                parts[f"{name}, h = {h}: {text}"] = side * (near.regret - theorem(near))[2]
    return enclosed(parts, "both rules, three rounds", {n: str(v) for n, v in given(H).items()})


luo2019_theorem_4_false = Claim(
    "luo2019_theorem_4_false",
    "The regret bounds that were claimed for AdaBound and AMSBound are violated in three rounds.\n\n"
    "f_t(x) = -x on [-1, 1] from x_1 = -1, beta1 = 0, beta2 = 1/2, alpha = 1/200, eta_u = 1 and eta_l = h, h, 1, 1, "
    "... with h = 1/100, which satisfy every hypothesis: R_3 = 6 - h (2 + 1/sqrt(2)) = 5.9729... for both rules, while "
    "the bounds of Theorems 4 and 5 are 4 sqrt(3) - 1 = 5.9282... They hold at T = 1 and 2. The step of the proof that "
    f"fails is the telescoping one. At T = 3 the bounds are violated for h = {BELOW} and hold for h = {ABOVE}.\n\n"
    "Exact runs over the reals, enclosed in balls.",
    "Luo, Xiong, Liu and Sun 2019, Theorems 4 and 5",
    check,
    remarks="Only admissible bound functions are used, not the paper's own pair, for which no violation is known. "
    "savarese2019_theorem_3 and amsbound_repaired are bounds that hold.",
)
