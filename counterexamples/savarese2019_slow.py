"""AdaBound is Adam for as long as its bounds are wide, and so goes the wrong way for as long as one likes.

    f_t(x) = C x with probability p = 2/(C + 1),   -x otherwise, independently;   F = [-1, 1],   E f_t(x) = x
    alpha_star = 1,   gamma = min(alpha/(C - alpha), sqrt(1 - beta2)/alpha)/(K + 1)

Every gradient is in [1, C] in size, so 1 - beta2 <= v_t <= C^2 and alpha/C <= alpha/sqrt(v_t) <= alpha/sqrt(1 - beta2),
and for t <= K that is within eta_l(t) < alpha/C and eta_u(t) > alpha/sqrt(1 - beta2): no clip acts.

Savarese (2019), "On the convergence of AdaBound and its connection to SGD".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction as Q
from math import ceil
from typing import Any

import numpy as np

import simlab
from counterexamples._design import drift_of, enclosed, lowest, spiked
from simlab.backends import arb as balls
from simlab.claims import Certificate, Claim
from simlab.iid import iid_verdict
from simlab.online import make_plan
from simlab.ops import rebind
from simlab.protocol import bound, online_round
from simlab.rules import adabound as corridor

ADAM, CYCLIC, C, ALPHA = "adam_analysed", "reddi2018_long_period", 10, Q(1)
HYPER: dict[str, Any] = {"beta1": 0, "beta2": Q(9, 10)}
ETA_L: Callable[..., Any] = corridor.eta_l
ETA_U: Callable[..., Any] = corridor.eta_u
LATER, DRAWN, DEEP = 10, 1000, 12  # the horizon in units of K; C of the drawn losses, whose first rounds are all played


def horizon() -> int:
    """K with 2 sqrt(K) alpha D/C = 3, so that Adam crosses F, of width 2, and not only just: D on C, -1, ..., -1."""
    drift = float(drift_of(ADAM, spiked(C), HYPER))
    return ceil((3 * C / (2 * float(ALPHA) * drift)) ** 2)


def speed(K: int) -> Q:
    """gamma for K; for this C and alpha the first of the two is the smaller."""
    least = ALPHA / (C - ALPHA)
    assert (least * ALPHA) ** 2 < 1 - HYPER["beta2"]
    return least / (K + 1)


def stochastic(large: int) -> Any:
    """The ball of Adam's stationary drift on the i.i.d. problem, dimensionless."""
    p = Q(2, large + 1)
    return iid_verdict(ADAM, (large, -1), (p, 1 - p), HYPER).drift


def expected(large: int, rounds: int) -> Iterator[Any]:
    """E x_2, E x_3, ... of Adam on the i.i.d. problem from x_1 = 0, in balls, by playing all that can be drawn."""
    to, given = balls.number, {"gradients": (large, -1), "alpha": ALPHA, **HYPER}
    plan, _ = make_plan(ADAM, "linear_periodic", given, 0, 1, 1)  # phase 1 shows C and phase 2 shows -1
    once = rebind(online_round(plan), balls)
    alpha, decay, hyper, data, region = bound(plan, to)
    p = Q(2, large + 1)
    drawn = [(to(Q(1)), to(plan.x0), tuple(map(to, plan.rule.state.values())))]
    for t in range(1, rounds + 1):
        after = []
        for chance, x, state in drawn:
            for phase, q in ((1, p), (2, 1 - p)):
                now = once(t, phase, x, state, 1, alpha, decay, hyper, data, region)
                after.append((chance * to(q), now.x, now.state))
        drawn = after
        yield sum(chance * x for chance, x, _ in drawn)


def check() -> Certificate:
    """The bounds at K, both rules on a cycle at K and long after, and the drawn problem's drifts and first rounds."""
    K, to = horizon(), balls.number
    gamma, rounds = to(speed(K)), LATER * K
    given = {"C": C, "alpha": ALPHA, **HYPER}
    rules: dict[str, dict[str, Any]] = {ADAM: {}, "adabound": {"alpha_star": 1, "gamma": speed(K)}}

    def play(backend: str, rounds: int) -> list[Any]:
        """Adam and AdaBound from the best decision."""
        return [
            simlab.run(rule, CYCLIC, hyper={**given, **more}, x0=-1, rounds=rounds, backend=backend, record="all")
            for rule, more in rules.items()
        ]

    adam, adabound = play("arb", rounds)
    exact, floats = [run.records.x for run in (adam, adabound)], [run.x for run in play("reference", K + 1)]
    means = list(expected(DRAWN, DEEP))
    parts = {
        "alpha/C - eta_l(K)": to(ALPHA / C) - ETA_L(to(K), to(Q(1)), gamma),
        "eta_u(K) - alpha/sqrt(1 - beta2)": ETA_U(to(K), to(Q(1)), gamma) - to(ALPHA) / to(1 - HYPER["beta2"]).sqrt(),
        "10^-20 - |x_t of Adam - x_t of AdaBound|, t <= K + 1": lowest(
            to(Q(1, 10**20)) - abs(x - y) for x, y in zip(exact[0][: K + 1], exact[1][: K + 1], strict=True)
        ),
        "1 - decisions up to K + 1 that differ in float64": 1 - int(np.count_nonzero(floats[0] != floats[1])),
        "AdaBound: 2 x_(K+1) - 1": 2 * exact[1][K] - 1,
        "AdaBound: -2 x_(T+1) - 1": -2 * adabound.x_last - 1,
        "Adam: 2 x_(T+1) - 1": 2 * adam.x_last - 1,
        "i.i.d., C = 24: D of Adam": stochastic(24),
        "i.i.d., C = 23: -D of Adam": -stochastic(23),
        f"i.i.d., C = {DRAWN}: E x_t, 1 < t <= {DEEP + 1}": lowest(means),
        f"i.i.d., C = {DRAWN}: E x_2 - E x_3": means[0] - means[1],
    }
    return enclosed(parts, f"K = {K}, T = {rounds}", {"K": str(K), "gamma": str(speed(K)), "rounds": str(rounds)})


savarese2019_slow = Claim(
    "savarese2019_slow",
    "AdaBound equals Adam for as many rounds as one likes, and is as wrong, on a problem where it is right at "
    "last.\n\n"
    "beta1 = 0, beta2 = 9/10, alpha = alpha_star = 1, gamma = (1/9)/(K + 1). Where all gradients are 10 or -1, "
    "adabound does not clip its rate in the first K rounds, so it is adam_analysed; K is the time in which the drift "
    "moves x by four times the width of F. On reddi2018_long_period with C = 10, from x_1 = -1, the best decision, "
    "the two agree up to x_(K+1) > 1/2, in float64 bit for bit; at T = 10 K adam_analysed still has x_(T+1) > 1/2, "
    "and adabound has x_(T+1) < -1/2. On the i.i.d. problem the stationary drift of adam_analysed is away from the "
    "best decision for C = 24 and towards it for C = 23; for C = 1000 and x_1 = 0, E x_t > 0 for 1 < t <= 13, but E "
    "x_3 < E x_2.\n\n"
    "Over the reals, enclosed in balls, for one K and T from the drift; the first rounds of the i.i.d. problem by "
    "playing all that can be drawn.",
    "Savarese 2019, the slow problem (E f(x_t) - f* >= 1 for t <= K) with the bound functions of Luo et al. 2019",
    check,
    remarks="The paper takes C large, and it must be: at 23, for these weights, Adam is right (at 2031 for the "
    "default ones, see reddi2018_theorem_3). That E x_(t+1) >= E x_t for all t <= K, a step on the way, is false: the "
    "projection cuts moves upwards only where x is near 1, as it soon is. E x_t >= 0 is all that is needed. That a "
    "run is slow for K rounds does not contradict the regret bound of Luo et al., which grows with K too for these "
    "bound functions.",
)
