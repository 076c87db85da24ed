"""Regret after a billion rounds: the float losses of the run, added exactly, beside the pair that the run carries.

    |s + e - sum l_t|  <=  gamma^2 sum |l_t|,        gamma = T u/(1 - T u),   u = 2^-53

for T losses l_t added by TwoSum into s + e. Ogita, Rump and Oishi (2005), "Accurate sum and dot product",
Proposition 4.5 (which rounds s + e besides).
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import numba
import numpy as np
import pytest

import simlab
from simlab import kernels
from simlab.backends import reference
from simlab.online import make_plan
from simlab.protocol import bound, online_round

UNIT = 2.0**60  # losses here are in [-1, 3], and most are whole multiples of 1/UNIT
HYPER = {"C": 3, "alpha": "1/2", "beta1": 0, "beta2": "1/10"}


def added(rule: str, rounds: int) -> tuple[Q, Q, float]:
    """(sum l_t, sum |l_t|, sum l_t added plainly) of a run on Reddi et al.'s problem; the first two are exact.

    The round is the one that runs play, the loop and the sums are this file's: losses are integers of 1/UNIT, summed in
    64 bits and carried over; those that are no integers are kept by themselves.
    """
    plan, _ = make_plan(rule, "reddi2018_periodic", dict(HYPER), 1, rounds, 1)
    alpha, decay, hyper, data, region = bound(plan, reference.number)
    play = kernels.native(online_round(plan), {})
    state = tuple(0.0 for _ in plan.rule.state)

    @numba.njit(error_model="numpy")
    def loop(rounds: Any, state: Any, alpha: Any, decay: Any, hyper: Any, data: Any, region: Any, odd: Any) -> Any:
        x, power, naive, phase, many = 1.0, 1.0, 0.0, 1, 0
        whole, carry, size, carried = 0, 0, 0, 0
        for t in range(1, rounds + 1):
            now = play(t, phase, x, state, power, alpha, decay, hyper, data, region)
            scaled = now.loss * UNIT
            if scaled == np.floor(scaled):
                units = np.int64(scaled)
                carry, whole = carry + (units >> 30), whole + (units & 0x3FFFFFFF)
                units = abs(units)
                carried, size = carried + (units >> 30), size + (units & 0x3FFFFFFF)
            else:
                odd[many] = now.loss
                many += 1
            naive += now.loss
            x, state, power = now.x, now.state, now.power
            phase = 1 if phase == 3 else phase + 1
        return carry, whole, carried, size, naive, many

    odd = np.empty(10_000)
    carry, whole, carried, size, naive, many = loop(rounds, state, alpha, decay, hyper, data, region, odd)
    rest = [Q(v) for v in odd[:many].tolist()]
    exact, sizes = ((Q(high) * 2**30 + low) / Q(UNIT) for high, low in ((carry, whole), (carried, size)))
    return exact + sum(rest), sizes + sum(map(abs, rest)), naive


def trustworthy(rule: str, rounds: int) -> None:
    """The regret of the run is that of its exact sum, to the bound above and one rounding, and to 1e-10."""
    run = simlab.run(rule, "reddi2018_periodic", hyper=HYPER, x0=1, rounds=rounds, record=1)
    exact, sizes, naive = added(rule, rounds)
    best = run.best[-1].value
    gamma = Q(rounds, 2**53 - rounds)
    off = abs(Q(run.regret) - (exact - best))
    assert off <= gamma**2 * sizes + Q(run.regret) / 2**53
    assert off <= Q(run.regret) / 10**10
    assert abs(Q(naive) - exact) > 100 * off  # what a plain sum would have lost


def test_the_sum_of_a_million_losses() -> None:
    trustworthy("amsgrad", 10**6)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["adam_analysed", "amsgrad"])
def test_the_sum_of_a_billion_losses(rule: str) -> None:
    trustworthy(rule, 10**9)
