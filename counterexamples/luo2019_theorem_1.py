"""Adam (beta1 = 0) has linear regret on Luo et al.'s C-periodic problem; the other optimizers of the paper have not.

    f_t(x) = -x if t mod C = 1,   2x if t mod C = 2,   0 otherwise;   F = [-2, 2]

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Theorem 1.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import simlab
from counterexamples._design import design, enclosed
from simlab.claims import Certificate, Claim
from simlab.condition import report

PROBLEM, BETA2 = "luo2019_periodic", Q(9, 10)
WRONG, RIGHT = "adam_analysed", ("sgd", "amsgrad", "adabound", "amsbound")
PAPER, SHARP = report(BETA2).C_sufficient, report(BETA2).C_sharp  # 50 and 29
# rule, period, share of the width of F within which the run ends: the finer, the longer it is
RUNS = (*((rule, PAPER, Q(1, 8)) for rule in (WRONG, *RIGHT)), (WRONG, SHARP, Q(1, 5)))


def check() -> Certificate:
    """Balls for every rule from both ends of F, at the step size and horizon that its steady state calls for."""
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for rule, C, share in RUNS:
        given = {"C": C, "beta1": 0, "beta2": BETA2}
        known = {**simlab.rules[rule].hyper, "C": None}
        plan = design(rule, PROBLEM, {n: v for n, v in given.items() if n in known}, share)
        data[f"{rule}, C = {C}"] = plan.shown()
        for x0 in (-2, 2):
            run = simlab.run(rule, PROBLEM, hyper=plan.hyper, x0=x0, rounds=plan.rounds, backend="arb", record=1)
            side = 1 if rule == WRONG else -1
            name = f"{rule}, C = {C}, from {x0}: "
            parts[name + ("x_(T+1) - 1" if side > 0 else "-1 - x_(T+1)")] = side * run.x_last - 1
            parts[name + ("R_T - 2T/C" if side > 0 else "2T/C - R_T")] = side * (run.regret - 2 * plan.rounds // C)
    return enclosed(parts, f"{len(RUNS)} rules and periods, from both ends of F", data)


luo2019_theorem_1 = Claim(
    "luo2019_theorem_1",
    "On Luo et al.'s linear problem Adam (beta1 = 0) goes to the worst decision; the paper's other rules do not.\n\n"
    f"On luo2019_periodic with beta2 = 9/10, beta1 = 0 and C = {PAPER}, the smallest C of the paper's condition, from "
    "x_1 = -2 and from x_1 = 2: adam_analysed ends with x_(T+1) > 1 and regret R_T > 2T/C, while sgd, amsgrad, "
    "adabound and amsbound end with x_(T+1) < -1 and R_T < 2T/C. The best decision is -2, and 2T/C is the regret of "
    f"staying at 0. adam_analysed does the same at C = {SHARP}, the smallest C with 16 beta2^(C-2) < 1.\n\n"
    "Exact runs over the reals, enclosed in balls, for one finite T and one alpha a rule, computed from the drift of "
    "its steady state.",
    "Luo, Xiong, Liu and Sun 2019, Theorem 1",
    check,
    remarks="The runs are finite; that Adam's regret is linear for all T is luo2019_regret. The paper's condition is "
    "sufficient and far from necessary: C = 50 against 29. The main text states the problem in a form that is not "
    "convex, see luo2019_main_text.",
)
