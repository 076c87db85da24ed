"""AdaBound moves the wrong way for as long as one likes, and turns when its corridor is narrow enough.

    Luo et al.'s linear problem, beta1 = 0:   a period moves x by   etahat_1/sqrt(t) - 2 etahat_2/sqrt(t+1)
    with both clips active etahat_1 = eta_u(t), etahat_2 = eta_l(t+1), and eta_u(t)/eta_l(t) = (1 + 1/(gamma t))^2

so x turns where that ratio passes 2, at gamma t = 1 + sqrt(2).

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", section 4.
"""

from __future__ import annotations

from fractions import Fraction as Q
from math import ceil, sqrt
from typing import Any

import simlab
from counterexamples._design import enclosed, lowest, steps
from simlab import catalog
from simlab.claims import Certificate, Claim
from simlab.orbit import orbit

PROBLEM, C, BETA2, ALPHA_STAR = "luo2019_periodic", 50, Q(9, 10), Q(1, 20)
GAMMAS = Q(1, 100), Q(1, 1000), Q(1, 10_000)
# alpha/sqrt(v_2) in units of alpha_star: below eta_l where x turns, 1/sqrt(2) there, while alpha/sqrt(v_1) is above
# eta_u, sqrt(2) there
SHARE = Q(69, 100)


def alpha() -> Q:
    """The step size with alpha/sqrt(v_2) = SHARE alpha_star in the steady state, to three digits."""
    gradients = (Q(-1), Q(2), *[Q(0)] * (C - 2))
    (v_2,) = orbit(catalog.rule("rmsprop"), gradients, {"beta2": BETA2}).states[2]
    return Q(f"{float(SHARE * ALPHA_STAR) * sqrt(float(v_2)):.3g}")


def moves(gamma: Q) -> tuple[list[Any], int]:
    """(by how much every period moves x, in balls; how many of them begin before gamma t = 1 + sqrt(2))."""
    turn = (1 + sqrt(2)) / gamma
    before = ceil((turn - 1) / C)  # period k begins in round k C + 1
    hyper = {"beta1": 0, "beta2": BETA2, "alpha": alpha(), "alpha_star": ALPHA_STAR, "gamma": gamma, "C": C}
    run = simlab.run("adabound", PROBLEM, hyper=hyper, x0=0, rounds=2 * before * C, backend="arb", record="all")
    each = steps(run)
    return [sum(each[k * C + 1 : (k + 1) * C], each[k * C]) for k in range(2 * before)], before


def check() -> Certificate:
    """For every gamma the moves of all periods up to twice the time at which x turns."""
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {"alpha": str(alpha()), "alpha_star": str(ALPHA_STAR), "beta2": str(BETA2), "C": str(C)}
    for gamma in GAMMAS:
        found, before = moves(gamma)
        data[f"gamma = {gamma}: last upward period"] = f"rounds {(before - 1) * C + 1} to {before * C}"
        parts[f"gamma = {gamma}: the first {before} periods move up"] = lowest(found[:before])
        parts[f"gamma = {gamma}: the next {before} periods move down"] = lowest(-m for m in found[before:])
    return enclosed(parts, f"every period, for {len(GAMMAS)} values of gamma", data)


adabound_flip = Claim(
    "adabound_flip",
    "AdaBound goes the wrong way on Luo et al.'s problem until gamma t = 1 + sqrt(2), and then the right way.\n\n"
    "On luo2019_periodic with C = 50, beta1 = 0, beta2 = 9/10, alpha_star = 1/20 and an alpha for which both clips are "
    "active at the turn, for gamma = 1/100, 1/1000 and 1/10000: every period of adabound that begins before "
    "gamma t = 1 + sqrt(2) moves x up, away from the best decision, and as many periods after it all move x down.\n\n"
    "Exact runs over the reals, enclosed in balls, up to about twice that time.",
    "Luo, Xiong, Liu and Sun 2019, Algorithm 2 and section 4 (the bound functions); cf. Savarese 2019, section 3",
    check,
    remarks="The limit is right: the drift of adabound is -alpha_star G. How long it takes is free, since gamma is; "
    "the released default is gamma = 1/1000. With beta1 = 0 the drift is right as soon as eta_u(t)/eta_l(t) is below "
    "the sum of the gradients of G's sign over that of the others, here 2. The decay of 1/sqrt(t) within a period "
    "shifts the turn by less than one round.",
)
