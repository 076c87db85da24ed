"""Adam stays at the worst decision on a long period, for beta1 < sqrt(beta2); AMSGrad does not.

    f_t(x) = C x if t mod C = 1,   -x otherwise;   F = [-1, 1];   C even, and with c = beta1/sqrt(beta2)

    (i)    (1 - beta1) beta1^(C-1) C <= 1 - beta1^(C-1)
    (ii)   beta2^((C-2)/2) C^2 <= 1
    (iii)  3 (1 - beta1)/(2 sqrt(1 - beta2)) (1 + c (1 - c^(C-1))/(1 - c)) + beta1^(C/2-1)/(1 - beta1) < C/3

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Theorem 2.
"""

from __future__ import annotations

from fractions import Fraction as Q

from flint import arb

import simlab
from counterexamples._design import design, enclosed, first, lowest, steps, travel
from simlab.backends.arb import number
from simlab.claims import Certificate, Claim

PROBLEM, BETA1, BETA2 = "reddi2018_long_period", Q(1, 2), Q(1, 2)
ALPHA = 1 - BETA2  # a rational number below sqrt(1 - beta2)


def condition(beta1: Q, beta2: Q, C: int) -> tuple[arb, arb, arb]:
    """By how much (i), (ii) and (iii) hold for an even C > 2, the right side less the left: dimensionless balls."""
    b1, b2 = number(beta1), number(beta2)
    c = b1 / b2.sqrt()
    sums = 1 + c * (1 - c ** (C - 1)) / (1 - c)
    return (
        1 - b1 ** (C - 1) - (1 - b1) * b1 ** (C - 1) * C,
        1 - b2 ** ((C - 2) // 2) * C * C,
        number(Q(C, 3)) - 3 * (1 - b1) / (2 * (1 - b2).sqrt()) * sums - b1 ** (C // 2 - 1) / (1 - b1),
    )


def holds(beta1: Q, beta2: Q, C: int) -> bool:
    """Whether (i), (ii) and (iii) hold."""
    return all(margin > 0 for margin in condition(beta1, beta2, C))


PERIOD = 2 * first(lambda half: holds(BETA1, BETA2, 2 * half), 2)


def check() -> Certificate:
    """The condition, Adam at every period from x_1 = 1, and AMSGrad as long from there, in balls."""
    C, given = PERIOD, {"C": PERIOD, "beta1": BETA1, "beta2": BETA2}
    plan = design("amsgrad", PROBLEM, given, Q(1, 8))
    amsgrad = travel("amsgrad", PROBLEM, plan, 1)
    adam = simlab.run(
        "adam_analysed", PROBLEM, hyper={**given, "alpha": ALPHA}, x0=1, rounds=plan.rounds, backend="arb", record="all"
    )
    moves = steps(adam)
    starts = range(0, plan.rounds, C)
    parts = {f"({n}), right - left": d for n, d in zip(("i", "ii", "iii"), condition(BETA1, BETA2, C), strict=True)}
    parts |= {
        f"(ii) fails at C = {C - 2}": -condition(BETA1, BETA2, C - 2)[1],
        "Adam: the moves of a period from x = 1 go beyond 1": lowest(
            adam.records.x[t] + sum(moves[t : t + C]) - 1 for t in starts
        ),
        "Adam: R_(kC) - 2k": lowest(adam.regrets[t + C - 1] - 2 * (t // C + 1) for t in starts),
        "AMSGrad: -1 - 2 x_(T+1)": -1 - 2 * amsgrad.x_last,
    }
    data = {"adam_analysed": {"alpha": str(ALPHA), "rounds": str(plan.rounds)}, "amsgrad": plan.shown()}
    return enclosed(parts, f"every period up to T = {plan.rounds}", data)


reddi2018_theorem_2 = Claim(
    "reddi2018_theorem_2",
    "Adam with momentum stays at the worst decision on Reddi et al.'s long period; AMSGrad does not.\n\n"
    f"On reddi2018_long_period with beta1 = beta2 = 1/2 and C = {PERIOD}, the smallest even C of the paper's three "
    f"conditions, alpha = {ALPHA} and x_1 = 1, adam_analysed has x_(kC+1) = 1, the worst decision, and R_(kC) >= 2k "
    "for every k up to T/C; amsgrad, with the step size that its drift calls for, ends with x_(T+1) < -1/2.\n\n"
    "Exact runs over the reals, enclosed in balls, for one finite T, computed from AMSGrad's drift.",
    "Reddi, Kale and Kumar 2018, Theorem 2",
    check,
    remarks="The conditions are sufficient and far from necessary: for the default constants 9/10 and 999/1000 they "
    "ask for C = 42622, and C = 74 is the least that fails (luo2019_theorem_2). Nor is beta1 < sqrt(beta2) needed, see "
    "universal_period_3. With beta1 = 0 they read beta2 <= min(C^(-4/(C-2)), 1 - (9/(2C))^2).",
)
