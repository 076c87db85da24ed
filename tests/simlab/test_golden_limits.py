"""Golden limits: where long runs end, how far from the wall they rest, what a period adds, against exact theory.

The theory is in tests/simlab/golden.py; no number of it comes from simlab. Printed digits were computed elsewhere.
"""

from __future__ import annotations

import math
from fractions import Fraction as Q

import numpy as np
import pytest
from flint import arb

import simlab
from simlab.feasible import Space
from simlab.ops import divide, less, where
from simlab.problem import Problem
from tests.simlab.golden import BITS, ball, directions, fine_balls, met, resting, root_sums  # noqa: F401 a fixture


def drift(gradients, beta1, beta2, **kwargs):
    return -sum(directions(gradients, beta1, beta2, **kwargs), arb(0))


def luo(C):
    return [-1, 2] + [0] * (C - 2)


def reddi(C):
    return [C] + [-1] * (C - 1)


def text(gradients):
    return ",".join(map(str, gradients))


# --- what one period adds ---------------------------------------------------------------------------------------------

DRIFTS = [  # rule, gradients, beta1, beta2, D
    ("adam_analysed", luo(50), 0, "9/10", "0.2688328598426796591356846"),
    ("adam_analysed", [3, -1, -1], 0, "1/10", "0.6809496019936718241563528"),
    ("adam_analysed", [1010] + [-10] * 100, "9/10", "99/100", "1.900854749931023446311908"),
    ("amsgrad", [1010] + [-10] * 100, "9/10", "99/100", "-0.07881890199230798540248188"),
    ("adam_analysed", reddi(73), "9/10", "999/1000", "-0.0018714023274661474"),
    ("adam_analysed", reddi(74), "9/10", "999/1000", "0.0018073704018550583"),
    ("adam_analysed", [38013, -19006, -19006], "9/10", "999/1000", "-0.00000000194859780607628"),
    ("adam_analysed", [38015, -19007, -19007], "9/10", "999/1000", "0.00000000000867005347613"),
    ("adam_analysed", [76029, -38014, -38014], "9/10", "999/1000", "0.0000186000882517875"),
]


@pytest.mark.parametrize(
    ("rule", "gradients", "beta1", "beta2", "printed"),
    DRIFTS,
    ids=lambda v: text(v[:3]) if isinstance(v, list) else None,
)
def test_a_period_adds_the_printed_drift(rule, gradients, beta1, beta2, printed):
    """At a constant step far from the walls x_{t+P} - x_t = alpha D, once beta2^t is beyond the last digit."""
    assert met(drift(gradients, beta1, beta2, longest=rule == "amsgrad"), printed)
    period = len(gradients)
    digits = len(printed.partition(".")[2]) + math.log10(max(map(abs, gradients))) + 2
    periods = math.ceil(digits / -math.log10(Q(beta2)) / period)
    step = Q(1, 10**6)
    hyper = {"gradients": text(gradients), "alpha": step, "beta1": beta1, "beta2": beta2, "schedule": "constant"}
    start, rounds = periods * period + 1, (periods + 1) * period
    run = simlab.run(rule, "linear_periodic", hyper=hyper, rounds=rounds, backend="arb", bits=BITS, record=[start])
    assert run.t[0] == start
    assert abs(run.x_last) < 1
    assert met((run.x_last - run.records.x[0]) / ball(step), printed)


# --- where runs end ---------------------------------------------------------------------------------------------------

ENDS = [  # rule, gradients, beta1, beta2, alpha, horizon, the wall
    ("adam_analysed", reddi(10), 0, "95/100", 3, 3 * 10**6, 1),
    ("adam_analysed", reddi(10), 0, "96/100", 3, 3 * 10**6, -1),
    ("adam_analysed", reddi(10), 0, "97/100", 1, 10**6, -1),
    ("adam_analysed", [1010] + [-10] * 100, "9/10", "99/100", 1, 10**6, 1),
    ("amsgrad", [1010] + [-10] * 100, "9/10", "99/100", 1, 10**6, -1),
    ("amsgrad", reddi(10), "9/10", "99/100", 1, 10**6, -1),
]


@pytest.mark.parametrize(("rule", "gradients", "beta1", "beta2", "alpha", "horizon", "wall"), ENDS)
def test_long_runs_rest_where_theory_says(rule, gradients, beta1, beta2, alpha, horizon, wall):
    """From the other wall, x ends alpha_t A_i away from the wall that D points to, at every phase i."""
    u, period = directions(gradients, beta1, beta2, longest=rule == "amsgrad"), len(gradients)
    assert (-sum(u, arb(0)) > 0) == (wall > 0)
    distances = [float(d) for d in resting(u, wall)]
    slack = period / horizon * float(sum(map(abs, u), arb(0)))
    hyper = {"gradients": text(gradients), "alpha": alpha, "beta1": beta1, "beta2": beta2}
    for phase in range(0, period, max(1, period // 10)):  # x before this phase, counted from 0
        rounds = horizon - horizon % period + phase
        run = simlab.run(rule, "linear_periodic", hyper=hyper, x0=-wall, rounds=rounds, record=1)
        found = (1 - wall * run.x_last) * math.sqrt(rounds) / alpha
        assert found == pytest.approx(distances[phase], abs=slack)


def test_printed_resting_distances():
    """sqrt(t)(x_t + 1) for (10, -1, ..., -1), beta2 = 97/100, before phases 0, 1, 3 and 9; and AMSGrad's at phase 1."""
    d = resting(directions(reddi(10), 0, "97/100"), -1)
    for phase, printed in ((0, "2.751077585289"), (1, "0"), (3, "0.582089579868"), (9, "2.428311925789")):
        assert met(d[phase], printed)
    assert met(resting(directions(reddi(10), "9/10", "99/100", longest=True), -1)[1], "0.0674379")


@pytest.mark.parametrize(
    ("C", "beta2", "alpha", "printed"),
    [
        (50, "9/10", 23, "2.849770810394579549837286"),
        (8, "1/2", 4, "1.3307266186"),
    ],
)
def test_limit_law_of_luo_holds_exactly(C, beta2, alpha, printed):
    """Once x has been at the wall, sqrt(t)(2 - x_{t+1})/alpha = 2/sqrt(v_t) at t = 2 mod C; v_t - v* falls as beta2^t.

    alpha is W sqrt(P/(2 A |D|)) to the nearest integer and T = 30 A P/|D|, so that x has arrived, from either end.
    """
    u = directions(luo(C), 0, beta2)
    assert met(resting(u, 1)[2], printed)
    rounds = math.ceil(30 * float(resting(u, 1)[2]) / float(drift(luo(C), 0, beta2))) * C + 2
    hyper = {"C": C, "beta1": 0, "beta2": beta2, "alpha": alpha}
    for x0 in (-2, 2):
        run = simlab.run(
            "adam_analysed", "luo2019_periodic", hyper=hyper, x0=x0, rounds=rounds, backend="arb", bits=BITS, record=1
        )
        assert met((2 - run.x_last) * arb(rounds).sqrt() / alpha, printed)


def test_neutral_case_stops_inside():
    """C = 6, beta2 = 1/2: D = 0, x converges to an interior point; what is missing at T is a Hurwitz zeta tail."""
    u, C, alpha, printed = directions(luo(6), 0, "1/2"), 6, Q(1, 2), "0.5715474470725951532265632"
    assert drift(luo(6), 0, "1/2").contains(0)
    hyper = {"C": C, "beta1": 0, "beta2": "1/2", "alpha": alpha}
    for periods in (100, 1000):
        run = simlab.run(
            "adam_analysed",
            "luo2019_periodic",
            hyper=hyper,
            x0=0,
            rounds=C * periods,
            backend="arb",
            bits=BITS,
            record=1,
        )
        tail = sum((a * b for a, b in zip(u, root_sums(C, periods), strict=True)), arb(0))  # sum_i u*_i = 0
        assert met((run.x_last - ball(alpha) * tail) / ball(alpha), printed)
        # a period adds x_k + 2 d_k + 2 to the regret: d_k, its first step, is at most alpha/sqrt(t v), v >= 1/2, and
        # x_inf - x_k is less than the sum of the d_k would be
        slack = 2 * ball(alpha) * arb(2).sqrt() * (1 + 2 * arb(C * periods).sqrt() / C) / (C * periods)
        assert abs(run.average_regret - (ball(printed) * ball(alpha) + 2) / C) < slack


@pytest.mark.parametrize(("alpha", "printed"), [("1/10", "1.866927338144"), (1, "0.669273381444"), (5, "-2")])
def test_constant_step_orbit_of_luo(alpha, printed):
    """At a constant step x visits 2 before t = 2 mod C, and max(-2, 2 - 2 alpha/sqrt(v*)) at all other phases."""
    hyper = {"C": 8, "beta1": 0, "beta2": "1/2", "alpha": alpha, "schedule": "constant"}
    run = simlab.run(
        "adam_analysed", "luo2019_periodic", hyper=hyper, x0=0, rounds=8 * 1000, backend="arb", bits=BITS, record="all"
    )
    *_, one, two, three, four, five, six, seven, eight = run.records.x
    assert two.contains(2)
    assert all(met(x, printed) for x in (one, three, four, five, six, seven, eight))


def test_default_adam_fails_on_three_integers():
    """(76029, -38014, -38014) defeats Adam with its default constants, bias-corrected; AMSGrad goes the right way."""
    hyper = {"gradients": "76029,-38014,-38014", "alpha": "2064.894", "schedule": "inv_sqrt"}
    u = directions([76029, -38014, -38014], "9/10", "999/1000")
    rounds = 12_000_000
    reach = 2064.894 / math.sqrt(rounds)
    slack = reach * 3 / rounds * float(sum(map(abs, u), arb(0)))
    for x0 in (-1, 1):
        run = simlab.run("adam", "linear_periodic", hyper=hyper, x0=x0, rounds=rounds, record=1)
        assert 1 - run.x_last == pytest.approx(reach * float(resting(u, 1)[0]), abs=slack)
    assert simlab.run("amsgrad", "linear_periodic", hyper=hyper, x0=1, rounds=rounds, record=1).x_last < 0


# --- beyond linear problems -------------------------------------------------------------------------------------------


def quadratic_loss(t, x):
    """(x - c_t)^2/2 with c = (1, 0, ..., 0)"""
    r = x - where(t == 1, 1, 0)
    return divide(r * r, 2)


def quadratic_grad(t, x):
    """x - c_t"""
    return x - where(t == 1, 1, 0)


def cyclic_quadratics():
    """f_t(x) = (x - c_t)^2/2, c = (1, 0 nine times) repeated: the mean is 1/10, and Adam goes elsewhere."""
    return Problem(quadratic_loss, quadratic_grad, Space(), period=10)


@pytest.mark.parametrize(
    ("beta1", "beta2", "printed"),
    [
        (0, "9/10", "0.079343079759113421346"),
        ("9/10", "99/100", "0.099618698471341791312"),
        ("9/10", "999/1000", "0.099962050725616332682"),
    ],
)
def test_adam_misses_the_mean_of_quadratics(beta1, beta2, printed):
    """The limit is the root theta of D(theta - c), not the mean; at T x swings around it by a period's window."""
    theta, half = Q(printed), Q(1, 2 * 10 ** len(printed.partition(".")[2]))
    at = {s: drift([theta + s * half - 1] + [theta + s * half] * 9, beta1, beta2) for s in (-1, 1)}
    assert at[-1] > 0
    assert at[1] < 0
    u = directions([theta - 1] + [theta] * 9, beta1, beta2)
    window = max(float(d) for wall in (-1, 1) for d in resting(u, wall))
    rounds, alpha = 10**7, Q(3, 10)
    run = simlab.run(
        "adam_analysed",
        cyclic_quadratics,
        hyper={"alpha": alpha, "beta1": beta1, "beta2": beta2},
        x0=0,
        rounds=rounds,
        record=1,
    )
    swing = float(alpha) / math.sqrt(rounds) * window
    assert abs(run.x_last - float(theta)) <= swing
    assert abs(run.x_last - 0.1) > swing


def zhang_slope(t):
    """10 in the first round of ten, -1 in the others"""
    return where(t == 1, 10, -1)


def zhang_loss(t, x):
    """The slope times x from -1 on, and a parabola around -2 below, joined smoothly."""
    return zhang_slope(t) * where(less(x, -1), divide((x + 2) * (x + 2) - 3, 2), x)


def zhang_grad(t, x):
    """f_t'(x)"""
    return zhang_slope(t) * where(less(x, -1), x + 2, 1)


def zhang2022():
    """Zhang et al. (2022), n = 10, a = 1: smooth on the whole line, least at -2; slopes 10 and -1 above -1."""
    return Problem(zhang_loss, zhang_grad, Space(), period=10)


def test_adam_diverges_on_zhangs_problem():
    """beta2 = 1/2: x grows by -alpha sum_i u*_i sum_k 1/sqrt(k P + i) between horizons; x_T/sqrt(T) -> 2 alpha D/P."""
    u = directions(reddi(10), 0, "1/2")
    assert met(2 * drift(reddi(10), 0, "1/2") / 10, "0.80542425417914917787")
    hyper, periods = {"alpha": 1, "beta1": 0, "beta2": "1/2"}, (100, 400)
    x = [
        simlab.run(
            "adam_analysed", zhang2022, hyper=hyper, x0=10, rounds=10 * k, backend="arb", bits=BITS, record=1
        ).x_last
        for k in periods
    ]
    grown = sum((a * b for a, b in zip(u, root_sums(10, *periods), strict=True)), arb(0))
    assert abs(x[1] - x[0] + grown) < 1e-50
    horizons = (10**7, 4 * 10**7)
    far = [simlab.run("adam_analysed", zhang2022, hyper=hyper, x0=10, rounds=T, record=1).x_last for T in horizons]
    slope = (far[1] - far[0]) / (math.sqrt(horizons[1]) - math.sqrt(horizons[0]))
    assert slope == pytest.approx(0.80542425417914917787, rel=10 / horizons[0])


def test_adam_converges_on_zhangs_problem_where_the_drift_is_right():
    """beta2 = 96/100: D < 0; x ends within one period's sum of steps of -2, where the parabola is flat."""
    u = directions(reddi(10), 0, "96/100")
    hyper, rounds = {"alpha": 1, "beta1": 0, "beta2": "96/100"}, 4 * 10**6
    run = simlab.run("adam_analysed", zhang2022, hyper=hyper, x0=10, rounds=rounds, record=1)
    assert abs(run.x_last + 2) <= float(sum(map(abs, u), arb(0))) / math.sqrt(rounds)


@pytest.mark.parametrize("curvature", [1, 7])
@pytest.mark.parametrize(
    ("rule", "beta1", "epsilon", "attracts"),
    [
        ("adam_analysed", "0", "0", True),
        ("adam_analysed", "1/10", "0", True),
        ("adam", "0", "1/100", True),
        ("adam_analysed", "1/2", "0", False),
    ],
)
def test_two_cycles_of_adam(rule, beta1, epsilon, attracts, curvature):
    """On c x^2/2 Adam of constant step swings by alpha (1 - beta1)/(2(1 + beta1)) - epsilon/c where that attracts.

    The cycle attracts iff 1 - 3 beta1 (1 + beta2) + beta1^2 beta2 > 0.
    """
    alpha, b1, b2 = Q(1, 10), Q(beta1), Q(9, 10)
    assert (1 - 3 * b1 * (1 + b2) + b1 * b1 * b2 > 0) is attracts
    hyper = {"alpha": alpha, "beta1": b1, "beta2": b2, "schedule": "constant", "curvature": curvature}
    hyper |= {"epsilon": Q(epsilon)} if rule == "adam" else {}
    x = simlab.run(rule, "quadratic", hyper=hyper, x0="1/3", rounds=40_000, record="all").x[-200:]
    swing = float(alpha * (1 - b1) / (2 * (1 + b1)) - Q(epsilon) / curvature)
    if attracts:
        assert np.all(np.sign(x[1:]) == -np.sign(x[:-1]))
        np.testing.assert_allclose(np.abs(x), swing, rtol=1e-12)
    else:
        assert np.max(np.abs(np.abs(x) - swing)) > swing / 10
