"""AMSGrad never forgets a spike: one large gradient slows it by about M sqrt(1 - beta2), and Adam far less.

    g = (M, 1, 1, ...) from x_1 = 1;   beta1 = 0, constant alpha: how many rounds until x <= -1?

After a large spike vhat = (1 - beta2) M^2 for ever, so AMSGrad moves by alpha/(M sqrt(1 - beta2)) a round. Adam's v
decays to 1 and its moves grow to alpha. Both rules are those of Reddi, Kale and Kumar (2018) without 1/sqrt(t).
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import simlab
from counterexamples._design import enclosed
from simlab.claims import Certificate, Claim

ALPHA, BETA2 = Q(1, 100), Q(999, 1000)
NEEDED = {  # spike: rounds of amsgrad, of adam_analysed
    10: {"amsgrad": 61, "adam_analysed": 61},
    1000: {"amsgrad": 5326, "adam_analysed": 2600},
}


def last_two(rule: str, spike: int, rounds: int) -> tuple[Any, Any]:
    """x_T and x_(T+1) of a run in balls from x_1 = 1 on F = [-2, 2], whose walls it does not reach."""
    hyper = {"alpha": ALPHA, "beta1": 0, "beta2": BETA2, "schedule": "constant", "lower": -2, "upper": 2}
    hyper["gradients"] = f"{spike},1*{rounds}"
    run = simlab.run(rule, "linear_periodic", hyper=hyper, x0=1, rounds=rounds, backend="arb", record=1)
    return run.records.x[-1], run.x_last


def check() -> Certificate:
    """For each spike and rule, that x passes -1 in the stated round and not before (x only falls)."""
    parts: dict[str, Any] = {}
    for spike, needed in NEEDED.items():
        for rule, rounds in needed.items():
            before, after = last_two(rule, spike, rounds)
            parts[f"{rule}, M = {spike}: x_{rounds} + 1"] = before + 1
            parts[f"{rule}, M = {spike}: -1 - x_{rounds + 1}"] = -1 - after
    return enclosed(parts, f"{len(parts) // 2} runs", {"alpha": str(ALPHA), "beta2": str(BETA2)})


amsgrad_spike = Claim(
    "amsgrad_spike",
    "After one gradient of 1000 AMSGrad takes twice as long as Adam; after one of 10, as long.\n\n"
    "Gradients M, 1, 1, ..., beta1 = 0, beta2 = 999/1000, constant alpha = 1/100, from x_1 = 1: the rounds until x <= "
    "-1 are 5326 for amsgrad and 2600 for adam_analysed at M = 1000, and 61 for both at M = 10.\n\n"
    "Exact runs over the reals, enclosed in balls; all gradients are positive, so x only falls.",
    "cf. Reddi, Kale and Kumar 2018, Algorithm 2 (the running maximum)",
    check,
    remarks="The first move is alpha/sqrt(1 - beta2) = 0.316 for both, whatever M. For M <= 1/sqrt(1 - beta2) = 31.6 "
    "what the spike adds to v is at most 1, to which the later gradients bring v in any case.",
)
