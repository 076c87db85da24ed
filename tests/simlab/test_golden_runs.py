"""Golden runs: single trajectories that were computed elsewhere, or that theory gives in closed form."""

from __future__ import annotations

import math
from fractions import Fraction as Q

import numpy as np
import pytest
from flint import arb

import simlab
from simlab.backends import numba
from simlab.feasible import Space
from simlab.online import make_plan
from simlab.ops import divide, less, sqrt, where
from simlab.problem import Problem
from simlab.rules.adabound import adabound_with
from simlab.rules.amsbound import amsbound_with
from tests.simlab.golden import BITS, average, ball, fine_balls, met  # noqa: F401 a fixture

# --- heavy ball -------------------------------------------------------------------------------------------------------


def lessard_loss(t, x):
    """The integral of the gradient below from 0: convex and once differentiable, with curvatures 25, 1, 25."""
    rise = where(less(x, 2), divide(x * x, 2) + 24 * x - 12, divide(25 * x * x, 2) - 24 * x + 36)
    return where(less(x, 1), divide(25 * x * x, 2), rise)


def lessard_grad(t, x):
    """25 x below 1, x + 24 up to 2, 25 x - 24 beyond."""
    return where(less(x, 1), 25 * x, where(less(x, 2), x + 24, 25 * x - 24))


def lessard2016():
    """Lessard, Recht and Packard (2016): the heavy ball of m = 1, L = 25 cycles, though the loss is strongly convex."""
    return Problem(lessard_loss, lessard_grad, Space(), period=1)


HEAVY_BALL = {"alpha": Q(1, 9), "beta1": Q(4, 9), "schedule": "constant"}
CYCLE = [Q(792, 1225), Q(-2208, 1225), Q(2592, 1225)]


def test_the_printed_cycle_is_one():
    """x+ = x - alpha f'(x) + beta (x - x-), in fractions, without simlab's rule."""

    def slope(x):
        return 25 * x if x < 1 else x + 24 if x < 2 else 25 * x - 24

    for i in range(3):
        before, now, after = CYCLE[i - 1], CYCLE[i], CYCLE[(i + 1) % 3]
        assert now - HEAVY_BALL["alpha"] * slope(now) + HEAVY_BALL["beta1"] * (now - before) == after


def test_heavy_ball_cycles():
    """From 3.3 x runs into the cycle, some 2/3 nearer a round; 1000 bits outlast balls that lose 2.04 bits a round.

    (Their radii obey [[1 + 25/9, 4/81], [25, 4/9]], whose largest eigenvalue is 4.11.)
    """
    options = {"hyper": HEAVY_BALL, "x0": "3.3", "rounds": 300}
    run = simlab.run("momentum", lessard2016, backend="arb", bits=1000, record="all", **options)
    x = [*run.records.x, run.x_last]  # from the start, which the source calls x_0, to its x_300
    for k in (298, 299, 300):
        assert abs(x[k] - ball(CYCLE[k % 3])) < 1e-40
    for backend in ("reference", "numba"):
        run = simlab.run("momentum", lessard2016, backend=backend, **options)
        assert met(run.x_last, "0.6465306122448979")


# --- AdaBound ---------------------------------------------------------------------------------------------------------


def held(last):
    """Bound functions that are alpha_star and 1 for `last` rounds, then both 1."""

    def lower(t, alpha_star, gamma):
        return where(t <= last, alpha_star, 1)

    def upper(t, alpha_star, gamma):
        return 1

    return lower, upper


def luo_bound(run, rate_at_1):
    """D^2 sqrt(T)/(2 etahat_T) + (2 sqrt(T) - 1) eta_u(1) G^2 with D = 2, G = 1: Luo et al., Theorem 4, beta1 = 0."""
    root = arb(run.rounds).sqrt()
    etahat = run.records.rate[-1] * root
    return 2 * root / etahat + (2 * root - 1) * rate_at_1


@pytest.mark.parametrize("family", [adabound_with, amsbound_with])
@pytest.mark.parametrize(
    ("rounds", "regret", "bound"),
    [
        (3, "5.999997292893219", "5.928203230275509"),
        (100, "199.9988125026", "39"),
    ],
)
def test_regret_exceeds_theorem_4(family, rounds, regret, bound):
    """Two lines falsify it: f_t(x) = x, and a lower bound that is 1e-6 until the last round."""
    hyper = {"gradients": 1, "alpha": "1e-9", "alpha_star": "1e-6", "beta1": 0, "beta2": "1/2"}
    rule = family(*held(rounds - 1))
    run = simlab.run(rule, "linear_periodic", hyper=hyper, x0=1, rounds=rounds, backend="arb", bits=BITS)
    assert met(run.regret, regret)
    assert met(luo_bound(run, 1), bound)
    assert run.regret > luo_bound(run, 1)


def adam_first(last):
    """Savarese's bound functions: alpha/4 and alpha/sqrt(1 - beta2) for `last` rounds, then both alpha/4."""

    def lower(t, alpha_star, gamma):
        return divide(alpha_star, 4)

    def upper(t, alpha_star, gamma):
        return where(t <= last, divide(alpha_star, sqrt(gamma)), divide(alpha_star, 4))

    return lower, upper


def test_regret_exceeds_theorem_4_on_savareses_problem():
    """g = (4, -1, -1), beta2 = 1/17: no clip acts before round K, so AdaBound is Adam, to the last bit."""
    rounds, alpha, beta2 = 300, Q(1, 4), Q(1, 17)
    shared = {"C": 4, "alpha": alpha, "beta1": 0, "beta2": beta2}
    options = {"x0": 1, "rounds": rounds, "record": "all"}
    rule = adabound_with(*adam_first(rounds))
    bounds = {"alpha_star": alpha, "gamma": 1 - beta2}
    run = simlab.run(rule, "reddi2018_periodic", hyper=shared | bounds, backend="arb", bits=BITS, **options)
    root = arb(rounds).sqrt()
    bound = 2 / run.records.rate[-1] + (2 * root - 1) * ball(alpha) / ball(1 - beta2).sqrt() * 16
    assert met(run.regret, "403.866031385143693583194980731774")
    assert met(bound, "280.614274331938184356823915702360")
    adam = simlab.run("adam_analysed", "reddi2018_periodic", hyper=shared, backend="numba", **options)
    floats = simlab.run(rule, "reddi2018_periodic", hyper=shared | bounds, backend="numba", **options)
    assert np.array_equal(floats.x, adam.x)
    assert met(floats.regret, "403.866031385143693583194980731774")


@pytest.mark.parametrize(
    ("gamma", "rounds", "flip"),
    [
        ("1/100", 1000, 202),
        ("1/1000", 5000, 2402),
        pytest.param("1/10000", 50_000, 24102, marks=pytest.mark.slow),
    ],
)
def test_adabound_turns_around(gamma, rounds, flip):
    """On Luo's problem AdaBound climbs in every period up to the flip, near (1 + sqrt(2))/gamma, and in none after it.

    alpha = 0.69 sqrt(v*_2) alpha_star, rounded, so that at the flip both clips act.
    """
    C, beta2, alpha_star = 50, Q(9, 10), Q(1, 20)
    v = average([Q(1), Q(4)] + [Q(0)] * (C - 2), beta2)[1]
    alpha = Q(f"{0.69 * math.sqrt(v) * alpha_star:.9f}")
    hyper = {"C": C, "alpha": alpha, "beta1": 0, "beta2": beta2, "alpha_star": alpha_star, "gamma": gamma}
    run = simlab.run("adabound", "luo2019_periodic", hyper=hyper, x0=0, rounds=rounds, backend="arb", record="all")
    x = run.records.x
    climbs = {t: x[t] - x[t - 2] for t in range(2, rounds, C)}  # x_{t+1} - x_{t-1}, around the two steps of a period
    assert all(abs(v) < 2 for v in x)
    assert all(climb > 0 if t <= flip else climb < 0 for t, climb in climbs.items())
    assert flip < (1 + math.sqrt(2)) / float(Q(gamma)) <= flip + C + 1


# --- one-liners -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["arb", "reference", "numba"])
def test_ratio_blows_up_where_beta1_exceeds_the_root_of_beta2(backend):
    """One gradient 1, then zeros: m_t/sqrt(v_t) = (1 - beta1)/sqrt(1 - beta2) (beta1/sqrt(beta2))^(t-1)."""
    hyper = {"gradients": "1,0*49", "beta1": "9/10", "beta2": "1/2"}
    run = simlab.run("adam_analysed", "linear_periodic", hyper=hyper, x0=0, rounds=50, backend=backend, bits=BITS)
    m, v = run.records.state
    exact = Q(1, 10) * Q(9, 10) ** 49 * 2**25
    assert met(m / (v.sqrt() if backend == "arb" else math.sqrt(v)), f"{float(exact):.11f}")
    assert f"{float(exact):.9f}" == "19214.666637479"


def test_adam_leaves_the_piecewise_problem_on_the_wrong_side():
    """From 0.3 RMSProp never falls below its start, freezes beyond 1 and pays 100 a round; SGD freezes below 0."""
    hyper = {"C": 8, "alpha": "1/5"}
    adam = simlab.run("rmsprop", "luo2019_piecewise", hyper={**hyper, "beta2": "1/2"}, x0="3/10", rounds=400_000)
    sgd = simlab.run("sgd", "luo2019_piecewise", hyper=hyper, x0="3/10", rounds=400_000)
    assert f"{adam.x_last:.7f}" == "1.0000126"
    assert f"{adam.average_regret:.4f}" == "100.0103"
    plan, _ = make_plan("rmsprop", "luo2019_piecewise", {**hyper, "beta2": "1/2"}, "3/10", 50_000, "all")
    frozen = numba.run(plan)  # without the exact comparator of every round
    assert frozen.x_last == adam.x_last
    assert min(frozen.x) == 0.3
    assert f"{sgd.x_last:.6f}" == "-0.019155"
    assert f"{sgd.average_regret:.4f}" == "0.0125"
