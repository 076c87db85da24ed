"""The synthetic experiment of the AMSGrad paper, in a fixed order and at random: Adam is wrong in both, AMSGrad right.

    online:       f_t(x) = 1010 x if t mod 101 = 1,   -10 x otherwise
    stochastic:   f_t(x) = 1010 x with probability 1/100,   -10 x otherwise, independently;   F = [-1, 1]

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", section 5, synthetic experiments.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from counterexamples._design import design, drift_of, enclosed, travel
from simlab.backends.arb import number
from simlab.claims import Certificate, Claim
from simlab.exact import sequence
from simlab.iid import iid_drift

LARGE, SMALL, CHANCE, PATTERN = Q(1010), Q(-10), Q(1, 100), "1010,-10*100"
BETA1, PAPER, DEFAULT = Q(9, 10), Q(99, 100), Q(999, 1000)


def check() -> Certificate:
    """Drifts of both problems, and runs of the online one from the end that each rule leaves."""
    gradients = sequence(PATTERN)
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for rule, side in (("adam_analysed", 1), ("amsgrad", -1)):
        for beta2 in (PAPER, DEFAULT):
            hyper = {"beta1": BETA1, "beta2": beta2}
            name = f"{rule}, beta2 = {beta2}: {'' if side > 0 else '-'}D, "
            parts[name + "online"] = side * drift_of(rule, gradients, hyper)
            parts[name + "stochastic"] = side * iid_drift(rule, (LARGE, SMALL), (CHANCE, 1 - CHANCE), hyper)
        plan = design(rule, "linear_periodic", {"gradients": PATTERN, "beta1": BETA1, "beta2": PAPER}, Q(1, 5))
        run = travel(rule, "linear_periodic", plan, -side)
        data[rule] = plan.shown()
        parts[f"{rule}: {2 * side} x_(T+1) - 1"] = 2 * side * run.x_last - 1
        if side > 0:
            still = sum(gradients) * plan.rounds / len(gradients)  # the regret of staying at 0
            parts[f"{rule}: R_T - 10 T/101"] = run.regret - number(still)
    return enclosed(parts, "2 rules, online and stochastic", data)


reddi2018_synthetic = Claim(
    "reddi2018_synthetic",
    "On the AMSGrad paper's synthetic problems Adam goes to the worst decision, and AMSGrad to the best.\n\n"
    "The gradients are 1010, then -10 a hundred times, repeated; or 1010 with probability 1/100, else -10, drawn "
    "independently. The best decision is -1. With beta1 = 9/10, and with beta2 = 99/100 and 999/1000, the drift of "
    "adam_analysed is positive, that is towards 1, and that of amsgrad negative, on both. At beta2 = 99/100, on the "
    "repeated gradients and from the end that it leaves, adam_analysed ends with x_(T+1) > 1/2 and R_T > 10 T/101, "
    "the regret of staying at 0, and amsgrad with x_(T+1) < -1/2.\n\n"
    "Drifts and exact runs over the reals, enclosed in balls; the runs for one finite T and one alpha a rule, from "
    "the drift.",
    "Reddi, Kale and Kumar 2018, section 5 (synthetic experiments)",
    check,
    remarks="Scaled by 1/10 they are the problem of Theorem 2 with C = 101, and of Theorem 3 with C = 101 and delta = "
    "1/50. The default beta2 = 999/1000 fails too, with a drift that is about 20 times smaller. In the stochastic "
    "problem AMSGrad's second moment goes to 1010^2 with probability 1, so its drift is -0.2/1010 a round, and a run "
    "that shows it takes millions of rounds.",
)
