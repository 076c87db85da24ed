"""Adam (beta1 = 0) has linear regret on Reddi et al.'s three-round problem; AMSGrad has not.

    f_t(x) = C x if t mod 3 = 1,   -x otherwise;   F = [-1, 1];   beta2 = 1/(1 + C^2),   alpha < sqrt(1 - beta2)

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Theorem 1.
"""

from __future__ import annotations

from fractions import Fraction as Q

import simlab
from counterexamples._design import design, enclosed, lowest, steps
from simlab.claims import Certificate, Claim

PROBLEM, C = "reddi2018_periodic", 3
BETA2 = Q(1, 1 + C * C)
ALPHA = 1 - BETA2  # a rational number below sqrt(1 - beta2)
HYPER = {"C": C, "beta1": 0, "beta2": BETA2}


def check() -> Certificate:
    """Adam at every period from x_1 = 1, and AMSGrad as long from there, in balls."""
    plan = design("amsgrad", PROBLEM, HYPER, Q(1, 8))
    adam = simlab.run(
        "adam_analysed", PROBLEM, hyper={**HYPER, "alpha": ALPHA}, x0=1, rounds=plan.rounds, backend="arb", record="all"
    )
    amsgrad = simlab.run("amsgrad", PROBLEM, hyper=plan.hyper, x0=1, rounds=plan.rounds, backend="arb", record=1)
    moves = steps(adam)
    starts = range(0, plan.rounds, 3)
    beyond = (adam.records.x[t] + sum(moves[t : t + 3]) - 1 for t in starts)  # what the wall takes
    linear = (adam.regrets[t + 2] - (2 * C - 4) * (t // 3 + 1) for t in starts)
    parts = {
        "Adam: the moves of a period from x = 1 go beyond 1": lowest(beyond),
        "Adam: R_(3k) - (2C - 4) k": lowest(linear),
        "AMSGrad: -1 - 2 x_(T+1)": -1 - 2 * amsgrad.x_last,
        "AMSGrad: (2C - 4) T/3 - R_T": (2 * C - 4) * plan.rounds // 3 - amsgrad.regret,
    }
    data = {"adam_analysed": {"alpha": str(ALPHA), "rounds": str(plan.rounds)}, "amsgrad": plan.shown()}
    return enclosed(parts, f"every period up to T = {plan.rounds}", data)


reddi2018_theorem_1 = Claim(
    "reddi2018_theorem_1",
    "Adam (beta1 = 0) stays at the worst decision on Reddi et al.'s three-round problem; AMSGrad does not.\n\n"
    "On reddi2018_periodic with C = 3, beta2 = 1/(1 + C^2) = 1/10, beta1 = 0, alpha = 9/10 and x_1 = 1, adam_analysed "
    "has x_(3k+1) = 1, the worst decision, and R_(3k) >= (2C - 4) k for every k up to T/3; amsgrad, with the step size "
    "that its drift calls for, ends with x_(T+1) < -1/2 and R_T < (2C - 4) T/3.\n\n"
    "Exact runs over the reals, enclosed in balls, for one finite T, computed from AMSGrad's drift.",
    "Reddi, Kale and Kumar 2018, Theorem 1",
    check,
    remarks="The three moves of a period add up to more than 0 and the wall at 1 takes the rest; the margin of that "
    "falls like 1/sqrt(T). An induction by sqrt(2/N) <= 1/sqrt(N+1) + 1/sqrt(N+2) fails in the first period (N = 1); "
    "the theorem reddi2018_theorem_1_holds shares the first move out unevenly, and serves every period, start and T. "
    "For C = 2 the stated bound on the regret is 0.",
)
