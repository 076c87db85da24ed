"""The sign of a stochastic gradient points away from its mean where large gradients are rare.

    f_t(x) = 4 x with probability 1/4,   -x otherwise, independently;   F = [-1, 1]
    E f_t'(x) = 1/4,    E sign(f_t'(x)) = -1/2

Karimireddy, Rebjock, Stich and Jaggi (2019), "Error feedback fixes SignSGD and other gradient compression schemes".
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from counterexamples._design import design, enclosed, travel
from simlab.claims import Certificate, Claim

PROBLEM, C, DELTA, SEEDS = "reddi2018_stochastic", 4, Q(1, 4), range(4)
CYCLE = (Q(C), Q(-1), Q(-1), Q(-1))  # the same frequencies


def check() -> Certificate:
    """The two expectations exactly, and runs of signsgd and sgd on drawn losses, in balls."""
    p = (1 + DELTA) / (C + 1)
    parts: dict[str, Any] = {"E f'": C * p - (1 - p), "-E sign f'": (1 - p) - p}
    data: dict[str, Any] = {"p": str(p), "seeds": [str(seed) for seed in SEEDS]}
    for rule, side in (("signsgd", 1), ("sgd", -1)):
        plan = design(rule, "linear_periodic", {"gradients": CYCLE}, Q(1, 40))
        data[rule] = {**plan.shown(), "gradients": ",".join(map(str, CYCLE))}
        for seed in SEEDS:
            hyper = {"alpha": plan.hyper["alpha"], "C": C, "delta": DELTA, "seed": seed}
            run = travel(rule, PROBLEM, plan._replace(hyper=hyper), -side)
            parts[f"{rule}, seed {seed}: " + ("2 x_(T+1) - 1" if side > 0 else "-2 x_(T+1) - 1")] = (
                side * 2 * run.x_last - 1
            )
    return enclosed(parts, f"the expectations and runs of {len(SEEDS)} seeds", data)


karimireddy2019_rare_gradient = Claim(
    "karimireddy2019_rare_gradient",
    "signSGD goes away from the minimum of the expected loss where large gradients are rare; SGD does not.\n\n"
    "f_t(x) = 4x with probability 1/4 and -x otherwise, on F = [-1, 1], which is reddi2018_stochastic with C = 4 and "
    "delta = 1/4. The expected gradient is 1/4, so -1 is best, and the expected sign is -1/2, so signsgd drifts up by "
    f"alpha_t/2 a round. For each of the seeds 0 to {SEEDS[-1]}, signsgd from x_1 = -1 ends with x_(T+1) > 1/2, and "
    "sgd from x_1 = 1 with x_(T+1) < -1/2.\n\n"
    "The expectations are exact; the runs are exact over the reals for the losses drawn, enclosed in balls, with the "
    "alpha and T that the cycle 4, -1, -1, -1 calls for.",
    "Karimireddy, Rebjock, Stich and Jaggi 2019, counterexample 1",
    check,
    remarks="On the cycle 4, -1, -1, -1 signsgd drifts up by 2 a period: the order of the losses does not matter to "
    "it, and no step size helps. The other two counterexamples are karimireddy2019_stuck_line.",
)
