"""The theorems about periodic linear problems and Adam's 2-cycle, against orbits, runs and roots made without them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

import simlab
from proofs import adam_two_cycle, drift_decides, drift_regret, period_2_never_fails, period_3_always_fails
from proofs._periodic import Period
from proofs._two_cycle_roots import MARGIN
from simlab import catalog
from simlab.backends import arb, reference
from simlab.feasible import Box
from simlab.ops import Weight, maximum, rebind
from simlab.orbit import Verdict, orbit, verdict
from simlab.trajectory import precision

ADAM = catalog.rule("adam_analysed")
WRONG, RIGHT = "wrong", "right"


def hyper(beta1: Any, beta2: Any) -> dict[str, Any]:
    """Hyperparameters for an orbit."""
    return {"alpha": Q(1), "beta1": Q(beta1), "beta2": Q(beta2)}


def drift(gradients: tuple, beta1: Any, beta2: Any) -> Verdict:
    """The verdict on a period of gradients."""
    return verdict(ADAM, [Q(v) for v in gradients], hyper(beta1, beta2))


# --- the steady state, periods 2 and 3 --------------------------------------------------------------------------------


@pytest.mark.parametrize("gradients", [(-1, 3), (5, -2, -2), (1, 0, -4, 2, 2)])
def test_the_steady_state_is_the_orbits(gradients: tuple) -> None:
    """W(beta) m_i and W(beta) v_i, read from the rule as a polynomial, are what the orbit has after phase i."""
    period = Period("adam_analysed", gradients)
    point = {"beta1": Q(1, 3), "beta2": Q(3, 4)}
    with precision(128):
        states = orbit(ADAM, [Q(v) for v in gradients], hyper(*point.values())).states
        for i in range(len(gradients)):
            after, weights = states[(i + 1) % len(gradients)], (period.w1, period.w2)
            for found, weight, sums in zip(after, weights, (period.sums1, period.sums2), strict=True):
                value = sums[i].value(point) / weight.value(point)
                assert found.overlaps(arb.number(value))
                assert not found.overlaps(arb.number(value + Q(1, 10**30)))


def test_period_2_never_fails_in_orbits() -> None:
    """Two hundred random pairs of gradients."""
    rng = random.Random(2)
    for _ in range(200):
        pair = rng.randint(-50, 50), rng.randint(-50, 50)
        if sum(pair):
            assert drift(pair, Q(rng.randint(0, 99), 100), Q(rng.randint(1, 99), 100)).word == RIGHT


def least(beta1: Q, beta2: Q) -> int:
    """The least integer N that the condition of period_3_always_fails allows with G = 1."""
    return math.ceil(4 * (1 + beta1 + beta1**2) / ((1 - beta1**2) * (1 - beta2**2)))


@pytest.mark.parametrize("beta1", [Q(0), Q(1, 2), Q(9, 10), Q(99, 100)])
@pytest.mark.parametrize("beta2", [Q(1, 100), Q(1, 2), Q(9, 10), Q(999, 1000)])
def test_period_3_always_fails_in_orbits(beta1: Q, beta2: Q) -> None:
    """D(2, -1, -1) > 0, and the drift is wrong-signed on (2N + 1, -N, -N) from the N of the condition on."""
    assert drift((2, -1, -1), beta1, beta2).orbit.drift > 0
    for n in (least(beta1, beta2), 10 * least(beta1, beta2)):
        assert drift((2 * n + 1, -n, -n), beta1, beta2).word == WRONG


@pytest.mark.parametrize(
    ("beta1", "beta2", "fails", "asked"),
    [("0", "1/2", 2, 6), ("9/10", "999/1000", 19007, 28541), ("0", "9/10", 12, 22)],
)
def test_the_condition_on_n_is_not_sharp(beta1: str, beta2: str, fails: int, asked: int) -> None:
    """The least N that fails, and the least that the theorem asks for."""
    assert [drift((2 * n + 1, -n, -n), beta1, beta2).word for n in (fails - 1, fails)] == [RIGHT, WRONG]
    assert least(Q(beta1), Q(beta2)) == asked


# --- where the decisions go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gradients", "beta1", "beta2", "end", "start"),
    [("3,-1,-1", 0, "1/10", 1, -1), ("3,-1,-1", "1/2", "9/10", -1, 1), ("10,-1*9", 0, "1/2", 1, -1)],
)
def test_a_drift_takes_decisions_to_its_end(gradients: str, beta1: Any, beta2: str, end: int, start: int) -> None:
    """With A and delta seen in a run, the run arrives, and stays within A/sqrt(t), as drift_decides bounds it."""
    given = {"gradients": gradients, "beta1": beta1, "beta2": beta2, "alpha": 1}
    run = simlab.run(
        "adam_analysed", "linear_periodic", hyper=given, x0=start, rounds=6_000, backend="reference", record="all"
    )
    steps = run.rate * run.direction * np.sqrt(run.t) * end  # d_t, towards the other end
    period = run.plan.problem.period
    delta = -steps[-period:].sum() / period / 2
    assert delta > 0
    sums = np.concatenate([[0.0], np.cumsum(steps + delta)])
    most = (sums - np.minimum.accumulate(sums)).max() * (1 + 1e-9)  # A
    distance, root = np.abs(end - run.x), np.sqrt(run.t)
    touched = int(np.flatnonzero(distance == 0)[0])
    assert (2 * delta * (root[:touched] - 1) <= 2 + most).all()
    near = (run.t > run.t[touched]) & (2 * delta * root >= most)
    assert near.sum() > 1_000
    assert (root * distance <= most)[near].all()
    assert (root * distance)[near].max() > most / 3


@pytest.mark.parametrize(("beta1", "beta2"), [("0", "9/10"), ("1/2", "9/10"), ("9/10", "1/2")])
def test_steps_settle_as_fast_as_stated(beta1: str, beta2: str) -> None:
    """2 rho^3 |u_t - u*_t| <= (2 rho^2 M + m_most V) beta^t in a run, once 2 beta2^t v_most <= v_least."""
    given = {"gradients": "3,-1,-1", "beta1": beta1, "beta2": beta2, "alpha": 1}
    run = simlab.run("adam_analysed", "linear_periodic", hyper=given, rounds=150, backend="reference", record="all")
    found = orbit(ADAM, [Q(3), Q(-1), Q(-1)], hyper(beta1, beta2))
    means, squares = (np.array([float(state[k].mid()) for state in found.states]) for k in (0, 1))
    steady = np.array([float(u.mid()) for u in found.moves])
    gap = np.abs(run.rate * run.direction * np.sqrt(run.t) - np.tile(steady, 50))
    rho = math.sqrt(squares.min() / 2)
    rate = 2 * rho**2 * abs(means[0]) + np.abs(means).max() * squares[0]  # from m_0 = v_0 = 0
    bound = rate * max(float(Q(beta1)), float(Q(beta2))) ** run.t / (2 * rho**3)
    late = 2 * float(Q(beta2)) ** run.t * squares.max() <= squares.min()
    assert late.sum() > 100
    assert (gap <= bound + 1e-13)[late].all()
    assert (gap > bound / 1000)[late & (bound > 1e-6)].any()


@pytest.mark.parametrize(("beta2", "C", "alpha"), [("1/2", 6, 1), ("1/4", 4, 2), ("1/16", 3, 9), ("1/2", 7, 1)])
def test_the_neutral_case_has_linear_regret_in_a_run(beta2: str, C: int, alpha: int) -> None:
    """From -2, every period from k1 on begins at z > -2, and R_T >= (2 + z)(T/C - k1 - 1) - 4."""
    given = {"beta1": 0, "beta2": beta2, "C": C, "alpha": alpha}
    run = simlab.run(
        "adam_analysed", "luo2019_periodic", hyper=given, x0=-2, rounds=600 * C, backend="reference", record="all"
    )
    starts, b = run.x[::C], float(Q(beta2))
    k1 = 1 + next(k for k in range(len(starts)) if 4 * (1 - b) * (k * C + 2) >= alpha * alpha)
    z = min(starts[k1], 0)
    assert z > -2
    assert (starts[k1:] >= z - 1e-12).all()
    late = run.t > k1 * C
    assert (run.regret_curve[late] >= (2 + z) * (run.t[late] / C - k1 - 1) - 4 - 1e-9).all()


# --- the 2-cycle ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("beta1", "beta2", "alpha", "c"), [("0", "9/10", "1/10", 1), ("1/10", "9/10", "1/10", 7)])
def test_runs_end_on_the_cycle_where_it_attracts(beta1: str, beta2: str, alpha: str, c: int) -> None:
    """x = +-alpha (1 - beta1)/(2 (1 + beta1)), whatever c."""
    given = {"beta1": beta1, "beta2": beta2, "alpha": alpha, "schedule": "constant", "curvature": c}
    run = simlab.run("adam_analysed", "quadratic", hyper=given, x0=1, rounds=3_000, backend="reference", record="all")
    size = float(Q(alpha) * (1 - Q(beta1)) / (2 * (1 + Q(beta1))))
    np.testing.assert_allclose(np.abs(run.x[-10:]), size, rtol=1e-9)
    assert (run.x[-10:-1] * run.x[-9:] < 0).all()


def turned(beta1: float, beta2: float) -> Callable:
    """A step of the rule on x^2/2 in floats, turned back, with alpha = 1."""
    rule = rebind(ADAM.function, reference)
    weights = Weight(beta1, 1 - beta1), Weight(beta2, 1 - beta2)

    def go(x: float, m: float, v: float) -> np.ndarray:
        step, (m, v) = rule(1, 1.0, x, m, v, *weights)
        return np.array([-(x - step.rate * step.direction), -m, v])

    return go


def test_the_margin_says_whether_the_derivative_contracts() -> None:
    """The spectral radius of a derivative by differences, at random hyperparameters, is < 1 iff the margin is > 0."""
    rng, seen = random.Random(5), set()
    for _ in range(300):
        beta1, beta2 = rng.uniform(0, 0.5), rng.uniform(0.02, 0.98)
        margin = float(MARGIN.value({"beta1": Q(beta1), "beta2": Q(beta2)}))
        if abs(margin) < 1e-2:
            continue
        x, go = (1 - beta1) / (2 * (1 + beta1)), turned(beta1, beta2)
        fixed = np.array([x, -(1 - beta1) * x / (1 + beta1), x * x])
        np.testing.assert_allclose(go(*fixed), fixed, rtol=1e-12)
        small = 1e-6
        columns = [(go(*(fixed + small * unit)) - go(*(fixed - small * unit))) / (2 * small) for unit in np.eye(3)]
        radius = np.abs(np.linalg.eigvals(np.column_stack(columns))).max()
        assert (radius < 1) == (margin > 0), (beta1, beta2)
        seen.add(margin > 0)
    assert seen == {True, False}


# --- the theorems are about the code that runs ------------------------------------------------------------------------


def test_another_loss_or_projection_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem, or a projection, that is wrong in one place: the arguments do not go through."""
    import simlab.problems.linear_periodic as linear
    import simlab.problems.quadratic as quadratic

    assert adam_two_cycle.argue().check().holds
    assert drift_decides.argue().check().holds
    assert drift_regret.argue().check().holds
    plain = quadratic.grad
    with monkeypatch.context() as patch:
        patch.setattr(quadratic, "grad", lambda t, x, curvature, center: plain(t, x, curvature, center) * 2)
        assert not adam_two_cycle.argue().check().holds
    with monkeypatch.context() as patch:
        patch.setattr(Box, "project", staticmethod(lambda y, rate, lower, upper: maximum(y, lower)))
        assert not drift_decides.argue().check().holds
        assert not drift_regret.argue().check().holds
    with monkeypatch.context() as patch:
        patch.setattr(linear, "coefficient", lambda t, gradients: -gradients[t - 1])
        for module in (period_2_never_fails, period_3_always_fails, drift_regret):
            assert not module.argue().check().holds
