"""Reddi et al.'s Theorem 1, as it is proved, against runs and numbers made without the proof."""

from __future__ import annotations

import math
from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

import simlab
import simlab.problems.reddi2018_periodic as problem
from proofs._reddi2018_moves import MARGIN, SECOND, THIRD
from proofs.reddi2018_theorem_1_holds import RATE, SLOWER, argue
from simlab.backends import arb
from simlab.claims import Gap, Grade
from simlab.ops import where
from simlab.trajectory import Trajectory, precision

LARGEST = [(C, Q(1) / (1 + C * C)) for C in (Q(201, 100), Q(5, 2), Q(3), Q(100))]  # (C, 1/(1 + C^2))


def run(C: Any, beta2: Any, alpha: Any, x0: Any, cycles: int = 700, backend: str = "reference") -> Trajectory:
    """Every round of a run of whole cycles."""
    hyper = {"beta1": 0, "beta2": beta2, "C": C, "alpha": alpha}
    return simlab.run(
        "adam_analysed", "reddi2018_periodic", hyper=hyper, x0=x0, rounds=3 * cycles, backend=backend, record="all"
    )


@pytest.mark.parametrize(("C", "beta2"), [*LARGEST, (Q(3), Q(0)), (Q(3), Q(1, 100))])
@pytest.mark.parametrize("alpha", [Q(1, 100), Q(1, 2), Q(1), Q(20)])
def test_from_the_worst_decision(C: Q, beta2: Q, alpha: Q) -> None:
    """Every cycle begins at 1, and R_T >= (2C - 4) T/3, for step sizes beyond sqrt(1 - beta2) too."""
    seen = run(C, beta2, alpha, 1)
    assert (seen.x[::3] == 1).all()
    assert (seen.regret_curve >= float(2 * C - 4) * seen.t / 3 - 1e-9).all()
    inside = alpha * alpha < 1 - beta2
    assert (seen.x > 0).all() == inside


@pytest.mark.parametrize(("C", "beta2"), LARGEST)
@pytest.mark.parametrize("alpha", [Q(1, 5), Q(1), Q(20)])
def test_from_the_best_decision(C: Q, beta2: Q, alpha: Q) -> None:
    """It climbs as fast as stated, from every cycle on, and stays where it arrives."""
    seen = run(C, beta2, alpha, -1, 2_000)
    starts, root = seen.x[::3], np.sqrt(seen.t[::3])
    for k0 in (0, 1, 10, 100):
        stated = starts[k0] + float(SLOWER * alpha) * (root - root[k0])
        assert (starts >= np.minimum(1, stated) - 1e-12)[k0:].all()
    assert (starts == 1).any()
    k1 = int(np.flatnonzero(starts == 1)[0])
    assert (starts[k1:] == 1).all()
    late = seen.t > 3 * k1
    assert (seen.regret_curve >= float(2 * C - 4) * seen.t / 3 - 2 * float(C) * k1)[late].all()


@pytest.mark.parametrize(("beta2", "end"), [(Q(9, 20), 1), (Q(1, 2), -1)])
def test_beta2_decides(beta2: Q, end: int) -> None:
    """For C = 3 the drift turns at beta2 = 0.4723...; beyond it no such theorem holds."""
    assert run(3, beta2, 30, 0, 3_000).x_last * end > 1 / 2


@pytest.mark.parametrize(("C", "beta2"), LARGEST)
@pytest.mark.parametrize("N", [1, 4, 7, 3_001])
def test_the_shares_in_balls(C: Q, beta2: Q, N: int) -> None:
    """8 s2 >= (4 + beta2)(-s1), 8 s3 >= (33/8 - beta2)(-s1), and the net move, in a run far from the walls."""
    with precision(128):
        seen = run(C, beta2, Q(1, 10**6), 0, (N + 2) // 3, "arb").records
        s1, s2, s3 = (-(seen.rate[t] * seen.direction[t]) for t in range(N - 1, N + 2))
        assert 8 * s2 > -s1 * arb.number(SECOND.value({"beta2": beta2}))
        assert 8 * s3 > -s1 * arb.number(THIRD.value({"beta2": beta2}))
        climb = (s1 + s2 + s3) * 10**6 / (arb.number(N + 3).sqrt() - arb.number(N).sqrt())
        assert climb > arb.number(RATE)
        if N == 1 and LARGEST[0] == (C, beta2):  # where little more is true
            assert 2 * s3 < -s1
            assert climb < 3 * arb.number(RATE)


def test_the_first_cycle_needs_more_than_halves() -> None:
    """1/sqrt(2 (2 - B)) + 1/sqrt(3 (1 + 2B - B^2)) is 1.0221200 at B = 1/5, and the second root is less than 1/2."""
    B = 0.2
    second, third = 1 / math.sqrt(2 * (2 - B)), 1 / math.sqrt(3 * (1 + 2 * B - B * B))
    assert round(second + third, 7) == 1.0221200
    assert third < 1 / 2
    for share, asked in ((second, SECOND), (third, THIRD)):
        assert share > asked.value({"beta2": Q(1, 5)}) / 8
    assert second + third - 1 > MARGIN / 8
    assert math.sqrt(2) > 1 / math.sqrt(2) + 1 / math.sqrt(3)


def test_it_is_proved_without_gaps() -> None:
    argument = argue()
    assert not any(isinstance(step, Gap) for step in argument.steps)
    shown = argument.check()
    assert shown.grade is Grade.PROVED
    assert {c.grade for c in shown.steps.values()} == {Grade.PROVED}


@pytest.mark.parametrize(
    "coefficient",
    [
        lambda t, C: where(t == 2, C, -1),  # another order
        lambda t, C: where(t == 1, C, -2),
        lambda t, C: where(t == 1, C, where(t == 2, -1, 0)),
        lambda t, C: where(t == 1, -C, 1),
    ],
)
def test_it_is_about_the_running_problem(coefficient: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other gradients the argument does not go through."""
    monkeypatch.setattr(problem, "coefficient", coefficient)
    assert not argue().check().holds


def test_it_is_about_the_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    """On another box it does not go through."""
    monkeypatch.setattr(problem, "Box", lambda low, high: simlab.feasible.Box(low, high + 1))
    assert not argue().check().holds
