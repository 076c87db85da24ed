"""Three rounds defeat Adam for every beta1 and beta2, and two never do.

    f_t(x) = (2 + 1/N) x if t mod 3 = 1,   -x otherwise;   F = [-1, 1];   N large enough for beta1 and beta2

In steady state (2, -1, -1) has second moments v_1 > v_2 > v_3, and a drift that is a positive multiple of

    (1/sqrt(v_2) + 1/sqrt(v_3) - 2/sqrt(v_1)) + beta1 (2/sqrt(v_3) - 1/sqrt(v_1) - 1/sqrt(v_2)) > 0

so by continuity (2 + 1/N, -1, -1) has a positive drift too, from some N on. The problems are those of Reddi, Kale and
Kumar (2018), Theorem 1, with C = 2 + 1/N; scaled by N they are the integers (2N + 1, -N, -N).
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from counterexamples._design import design, drift_of, enclosed, first, travel
from simlab.claims import Certificate, Claim

RULE, PROBLEM = "adam_analysed", "reddi2018_periodic"
PAIRS = ((Q(0), Q(1, 2)), (Q(9, 10), Q(1, 2)), (Q(1, 2), Q(9, 10)), (Q(9, 10), Q(9, 10)), (Q(9, 10), Q(999, 1000)))


def drift(beta1: Q, beta2: Q, C: Q) -> Any:
    """The ball of D on (C, -1, -1), dimensionless."""
    return drift_of(RULE, (C, -1, -1), {"beta1": beta1, "beta2": beta2})


def large(N: int) -> Q:
    """C = 2 + 1/N, so that the gradients of a period add up to 1/N."""
    return 2 + Q(1, N)


def least(beta1: Q, beta2: Q) -> int:
    """The least N found that fails: D > 0 there, and D < 0 one below."""
    return first(lambda N: drift(beta1, beta2, large(N)) > 0, 1)


def check() -> Certificate:
    """For every pair, the drift of (2, -1, -1) and on both sides of the least N, and a run at four times that N."""
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for beta1, beta2 in PAIRS:
        name, N = f"({beta1}, {beta2}), ", least(beta1, beta2)
        parts |= {
            name + "(2, -1, -1): D": drift(beta1, beta2, Q(2)),
            name + f"N = {N}: D": drift(beta1, beta2, large(N)),
            name + f"N = {N - 1}: -D": -drift(beta1, beta2, large(N - 1)),
        }
        plan = design(RULE, PROBLEM, {"C": large(4 * N), "beta1": beta1, "beta2": beta2}, Q(1, 5))
        run, at = travel(RULE, PROBLEM, plan, -1), name + f"N = {4 * N}: "
        data[at] = plan.shown()
        parts |= {at + "2 x_(T+1) - 1": 2 * run.x_last - 1}
    return enclosed(parts, f"{len(PAIRS)} pairs of beta1 and beta2", data)


universal_period_3 = Claim(
    "universal_period_3",
    "Three rounds are enough to send Adam to the worst decision, also with its default constants.\n\n"
    "For (beta1, beta2) = (0, 1/2), (9/10, 1/2), (1/2, 9/10), (9/10, 9/10) and the default (9/10, 999/1000): the "
    "drift of adam_analysed on (2, -1, -1) is positive, and there is an N where it is positive on (2 + 1/N, -1, -1) "
    "and negative at N - 1. At 4N, on reddi2018_periodic with C = 2 + 1/(4N), from x_1 = -1, the best decision, it "
    "ends with x_(T+1) > 1/2.\n\n"
    "Drifts and exact runs over the reals, enclosed in balls, for one finite T and one alpha a pair, computed from the "
    "drift. For all beta1 and beta2: the theorem period_3_always_fails.",
    "Reddi, Kale and Kumar 2018, Theorem 1 (the functions); that three rounds always suffice is shown here",
    check,
    remarks="There is no condition beta1 < sqrt(beta2): (9/10, 1/2) violates it. In Reddi et al.'s Theorem 2 and Luo "
    "et al.'s the period grows with beta1 and beta2, which it need not. For the default constants the least N is "
    "19007, so the gradients nearly cancel: a period adds up to 1 where its gradients are 38015 and twice -19007.",
)
