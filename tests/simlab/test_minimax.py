"""The minimax regret on a box: digits from elsewhere, and the identity that every deterministic rule obeys."""

from __future__ import annotations

from fractions import Fraction as Q
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest

import simlab
from simlab.backends.arb import number
from simlab.bounds.zinkevich2003_constant import zinkevich2003_constant
from simlab.errors import BadInput
from simlab.feasible import Ball, Box
from simlab.history import history
from simlab.minimax import mean_distance, mean_distances, minimax
from simlab.ops import dot
from simlab.problem import Best, Problem
from tests.simlab.golden import fine_balls, met  # noqa: F401 the fixture is used by being here


def test_the_mean_distance_of_a_walk() -> None:
    """E|S_T| by its definition for small T, by printed digits for large ones, and by the recursion in both systems."""
    for rounds in range(9):
        walks = list(product((-1, 1), repeat=rounds))
        assert mean_distance(rounds) == Q(sum(abs(sum(w)) for w in walks), len(walks))
    assert mean_distance(10) == Q("2.4609375")
    balls, floats = mean_distances(number(np.arange(1, 1001))), mean_distances(np.arange(1.0, 1001))
    for rounds, printed in ((100, "7.958923738717876149812705"), (1000, "25.22501817836080190684169")):
        assert met(balls[rounds - 1], printed)
        assert abs(balls[rounds - 1] - number(mean_distance(rounds))) < 1e-50
        assert floats[rounds - 1] == pytest.approx(float(printed), rel=1e-14)


SIGNS = tuple(tuple(map(Q, row)) for row in zip(*product((-1, 1), repeat=10), strict=True))  # a row a round


def linear(t: Any, x: Any, g: Any) -> Any:
    return dot(g[t - 1], x)


def row(t: Any, x: Any, g: Any) -> Any:
    return g[t - 1]


def every_sequence() -> Problem:
    """All 2^10 sequences of signs at once, one a coordinate of [-1, 1]^1024."""
    box = Box(Q(-1), Q(1))

    def best(t: int) -> Best:
        return Best(*box.least(tuple(map(sum, zip(*SIGNS[:t], strict=True)))))

    return Problem(linear, row, box, (SIGNS,), period=10, dimension=1024, best=best)


@pytest.mark.parametrize("rule", simlab.rules)
def test_the_mean_over_all_sequences_is_the_lower_bound(rule: str) -> None:
    """For every rule that is found, whatever it plays: R_T is 1024 E|S_T|, and that is what `minimax` says."""
    run = simlab.run(rule, every_sequence, hyper={"alpha": "1/2"}, rounds=10, record="all", backend="reference")
    assert np.ptp(run.x[-1]) > 0  # it did play
    assert run.regret_curve / 1024 == pytest.approx([float(mean_distance(t)) for t in range(1, 11)], abs=1e-12)
    np.testing.assert_allclose(minimax(history(run)), run.regret_curve, rtol=1e-12)


def against(rule: str, rounds: int) -> Any:
    """A run on the disc of radius 2 against gradients of norm 1, chosen after x_t is seen.

    Each is at a right angle to the sum of those before it, and not downhill from where the rule is.
    """
    played: list[tuple[Q, Q]] = [(Q(3, 5), Q(4, 5))]

    def disc() -> Problem:
        best = Best((Q(0), Q(0)), Q(0))  # regret is taken below
        return Problem(linear, row, Ball(Q(2)), (tuple(played),), len(played), 2, best=lambda t: best)

    options: dict[str, Any] = {"hyper": {"alpha": "1/2"}, "x0": (Q(1, 2), Q(1, 3)), "backend": "reference"}
    while True:
        run = simlab.run(rule, disc, rounds=len(played), record="all", **options)
        if len(played) == rounds:
            return run
        (x, y), (a, b) = run.x_last, map(sum, zip(*played, strict=True))
        size = np.hypot(float(a), float(b)) * np.sign(float(-b) * x + float(a) * y or 1.0)
        played.append((Q(float(-b) / size), Q(float(a) / size)))


@pytest.mark.parametrize("rule", simlab.rules)
def test_no_rule_beats_the_ball(rule: str) -> None:
    """R G sqrt(T) at least, against an adversary that sees x_t."""
    run = against(rule, 6)
    seen = history(run)
    worst = (seen.g * seen.x[:-1]).sum() + 2 * np.hypot(*seen.g.sum(axis=0))
    low = minimax(seen)[-1]
    assert low == pytest.approx(2 * np.sqrt(6), rel=1e-14)
    assert low * (1 - 1e-14) <= worst < 3 * low


def test_a_ball_of_one_dimension_is_a_box() -> None:
    line = partial(Problem, linear, row, Ball(Q(3)), ((Q(2), Q(-1)),), 2, best=lambda t: Best(Q(0), Q(0)))
    run = history(simlab.run("sgd", lambda: line(), rounds=4, record="all", backend="reference"))
    np.testing.assert_array_equal(minimax(run), [6, 6, 9, 9])


def test_a_box_of_unequal_sides_is_refused() -> None:
    hyper = {"curvature": "1,1", "center": "0,0", "lower": -1, "upper": "1,2"}
    run = history(simlab.run("sgd", "quadratic", hyper=hyper, rounds=3, record="all", backend="reference"))
    with pytest.raises(BadInput, match="on a ball and on a box of equal sides"):
        minimax(run)


def test_the_best_known_step_is_near_it() -> None:
    """Descent with step D/(G sqrt(T)) is within 2/sqrt(2/pi) of the minimax value, asymptotically."""
    hyper = {"gradients": 1, "alpha": "1/50", "schedule": "constant"}
    run = history(simlab.run("sgd", "linear_periodic", hyper=hyper, x0=0, rounds=10_000, record="all"))
    assert zinkevich2003_constant(run)[-1] / minimax(run)[-1] == pytest.approx(2 / np.sqrt(2 / np.pi), rel=1e-4)
