"""On a toy problem with rare large gradients Adam is wrong and ADOPT right; on a cycle of three it is the reverse.

    i.i.d.:   f_t(x) = k^2 x with probability 1/k,   -k x otherwise;               E f_t(x) = x,          F = [-1, 1]
    cyclic:   f_t(x) = g x with g = -2N, N + 1, N in turn;   a period adds up to x,   F = [-1, 1]

The best decision is -1 in both, and a drift D > 0 is away from it. ADOPT divides g_t by a moment that does not know it:
D = -E g E 1/sqrt(v) < 0 for i.i.d. gradients, but -sum_i g_i/sqrt(v_(i-1)) on a cycle, whatever beta1 is. In steady
state (-2, 1, 1) has moments v_1 > v_2 > v_3, so there D is a multiple of 2/sqrt(v_3) - 1/sqrt(v_1) - 1/sqrt(v_2) > 0,
and by continuity positive for (-2N, N + 1, N) from some N on.

Taniguchi et al. (2024), "ADOPT: modified Adam can converge with any beta2 with the optimal rate", toy problem.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from counterexamples._design import design, drift_of, enclosed, first, travel
from simlab.claims import Certificate, Claim
from simlab.iid import iid_verdict

BETA1, BETA2S, DEFAULT = Q(9, 10), (Q(1, 2), Q(9, 10), Q(99, 100), Q(999, 1000)), Q(999, 1000)


def toy(rule: str, k: int, beta2: Q) -> Any:
    """The ball of D on the i.i.d. problem, dimensionless."""
    return iid_verdict(rule, (k * k, -k), (Q(1, k), 1 - Q(1, k)), {"beta1": BETA1, "beta2": beta2}).drift


def cycle(N: int) -> tuple[int, int, int]:
    """The gradients of the cyclic problem."""
    return -2 * N, N + 1, N


def cyclic(rule: str, N: int, beta2: Q, beta1: Q = BETA1) -> Any:
    """The ball of D on the cyclic problem, dimensionless."""
    return drift_of(rule, cycle(N), {"beta1": beta1, "beta2": beta2})


def least(beta2: Q) -> int:
    """The least N found where ADOPT is wrong: D > 0 there, and D < 0 one below."""
    return first(lambda N: cyclic("adopt", N, beta2) > 0, 1)


def check() -> Certificate:
    """Drifts of both rules on both problems, and runs on the cyclic one at four times the least N."""
    parts = {
        f"i.i.d., k = 50, beta2 = {DEFAULT}: D of Adam": toy("adam_analysed", 50, DEFAULT),
        f"i.i.d., k = 10, beta2 = {DEFAULT}: -D of Adam": -toy("adam_analysed", 10, DEFAULT),
        f"i.i.d., k = 10, beta2 = {BETA2S[1]}: D of Adam": toy("adam_analysed", 10, BETA2S[1]),
        **{f"i.i.d., k = 50, beta2 = {b}: -D of ADOPT": -toy("adopt", 50, b) for b in BETA2S},
    }
    data: dict[str, Any] = {}
    for beta2 in BETA2S:
        N, name = least(beta2), f"cyclic, beta2 = {beta2}, "
        parts |= {
            name + f"N = {N}: D of ADOPT": cyclic("adopt", N, beta2),
            name + f"N = {N}, beta1 = 0: D of ADOPT": cyclic("adopt", N, beta2, Q(0)),
            name + f"N = {N - 1}: -D of ADOPT": -cyclic("adopt", N - 1, beta2),
            name + f"N = {N}: -D of Adam": -cyclic("adam_analysed", N, beta2),
        }
        gradients = ",".join(map(str, cycle(4 * N)))
        plan = design("adopt", "linear_periodic", {"gradients": gradients, "beta1": BETA1, "beta2": beta2}, Q(1, 5))
        data[name + f"N = {4 * N}"] = plan.shown()
        run = travel("adopt", "linear_periodic", plan, -1)
        parts[name + f"N = {4 * N}: 2 x_(T+1) - 1 of ADOPT"] = 2 * run.x_last - 1
    return enclosed(parts, f"the toy problem, and the cycle for {len(BETA2S)} values of beta2", data)


adopt_toy = Claim(
    "adopt_toy",
    "ADOPT is right on its toy problem, where Adam is wrong, and wrong on a cycle of three, where Adam is right.\n\n"
    "beta1 = 9/10. On the i.i.d. problem the stationary drift of adam_analysed is away from the best decision for k = "
    "50 with the default beta2 = 999/1000 and for k = 10 with 9/10, and towards it for k = 10 with 999/1000; that of "
    "adopt is towards it for k = 50 and beta2 = 1/2, 9/10, 99/100 and 999/1000. For each of these beta2 there is an N "
    "where on the cyclic problem the drift of adopt is away from the best decision, with beta1 = 0 too, and that of "
    "adam_analysed towards it; at N - 1 that of adopt is towards it. At 4N adopt, started at the best decision, ends "
    "with x_(T+1) > 1/2.\n\n"
    "Drifts and exact runs over the reals, enclosed in balls; the runs for one finite T and one alpha, from the drift.",
    "Taniguchi et al. 2024, toy problem (non-convergence of Adam); the cycle is not from the paper",
    check,
    remarks="The cycle does not contradict ADOPT's theorem, which is about unbiased gradients drawn independently: on "
    "a cycle g_t and v_(t-1) are not independent. The least N are 3, 13, 133 and 1333, near (4/3)/(1 - beta2).",
)
