"""Vector runs played quickly: the bits of the plain loop, and another kernel where a number has to be looked at."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest

from simlab import stream
from simlab.backends import numba, reference
from simlab.feasible import Box
from simlab.online import make_plan
from simlab.ops import dot, exp, where
from simlab.problem import Problem
from simlab.protocol import Plan, bound

BOX = {"lower": "-1", "upper": "2,1,1,1,1,1,1"}
HYPER = {"curvature": "1,3,1/9,5,2,1,7", "center": "1,2,3,-1,-2,-3,1/2", "alpha": "1/10"}


def quickly(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> stream.Quickly | None:
    _, _, hyper, data, region = bound(plan, reference.number)
    monkeypatch.setattr(stream, "WORTH", 1)
    return stream.quickly(plan, plan.problem.dimension, (hyper, region, data))


def played(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, bool]]:
    """The stretches that were tried, from round to round, and whether that went well; the run is the plain loop's."""
    tried = []
    call = stream.Quickly.__call__

    def watched(self: Any, t: int, end: int, *rest: Any) -> bool:
        tried.append((t, end, call(self, t, end, *rest)))
        return tried[-1][2]

    monkeypatch.setattr(stream, "WORTH", 1)
    monkeypatch.setattr(stream.Quickly, "__call__", watched)
    found = numba.run(plan)
    with np.errstate(all="ignore"):
        plain = reference.run(plan)
    for name in ("t", "x", "rate", "direction", "loss", "total", "x_last", "state", "underflow", "stopped", "reason"):
        a, b = (np.asarray(getattr(r, name)) for r in (found, plain))
        b = b[:, None] if name == "rate" and b.ndim < a.ndim else b  # one for all coordinates
        assert np.array_equal(a, np.broadcast_to(b, a.shape), equal_nan=a.dtype.kind == "f"), name
    return [t for t in tried if t[1] - t[0] > 1]


@pytest.mark.parametrize("bounds", [{}, pytest.param(BOX, marks=pytest.mark.slow)], ids=["space", "box"])
@pytest.mark.parametrize("rule", ["momentum", *(pytest.param(r, marks=pytest.mark.slow) for r in ("adam", "adabound"))])
def test_runs(rule: str, bounds: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the recorded rounds 1, 3, 7, 17, ... every stretch is played quickly."""
    tried = played(make_plan(rule, "quadratic", {**HYPER, **bounds}, None, 300, 7)[0], monkeypatch)
    assert len(tried) > 2
    assert all(well for _, _, well in tried)


def test_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step that overflows is found in its round, with the decision and state before it."""
    hyper = {**HYPER, "curvature": "1,3,1/9,5,2,1,1000"}
    tried = played(make_plan("momentum", "quadratic", hyper, None, 3000, 3)[0], monkeypatch)
    assert {well for *_, well in tried} == {True, False}


@pytest.mark.slow
def test_underflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """State that becomes subnormal is set to 0 in its round, also if that is the last one of a stretch."""

    def grad(t: Any, x: Any, g: Any) -> Any:
        return where(t == 1, g, 0 * g)

    base = make_plan("momentum", "quadratic", {"center": "0,0", "beta1": "1/2"}, None, 1200, 1)[0]
    g = (Q(1), Q(3), Q(1, 7))
    posed = Problem(lambda t, x, g: dot(x, g), grad, Box(Q(-9), Q(9)), (g,), dimension=3)
    for horizon in (1022, 1023, 1024, 1025, 1200):  # 2^-1022 is the least normal number
        plan = replace(base, problem=posed, x0=(Q(0),) * 3, rounds=horizon, recorded=np.array([horizon]))
        tried = played(plan, monkeypatch)
        assert tried


@pytest.mark.slow
def test_sums_and_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss with two sums and the C library's functions; a vector in turn from a table, and integers."""

    def loss(t: Any, x: Any, table: Any, weights: Any, k: Any) -> Any:
        return exp(-1.0 * dot(x, x)) * weights[t - 1] + dot(x, table[t - 1]) * k

    def grad(t: Any, x: Any, table: Any, weights: Any, k: Any) -> Any:
        return table[t - 1] * weights[0] + x * weights[-1]

    base = make_plan("sgd", "quadratic", {"center": "0,0"}, None, 50, 1)[0]
    table = tuple(tuple(Q(i * j + 1, 7) for j in range(6)) for i in range(3))
    posed = Problem(loss, grad, Box(Q(-1), Q(1)), (table, (Q(1), Q(2), Q(1, 2)), 5), period=3, dimension=6)
    assert played(replace(base, problem=posed, x0=(Q(1, 2),) * 6), monkeypatch) == [(0, 49, True)]


def test_state_that_coordinates_share_is_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam's weights c1 and c2 do not take part in the traffic, and are whole again after each stretch."""
    plan = make_plan("adam", "quadratic", HYPER, None, 40, 3)[0]
    quick = quickly(plan, monkeypatch)
    assert quick is not None
    assert dict(zip(plan.rule.state, quick.differs, strict=True)) == {"m": True, "v": True, "c1": False, "c2": False}
    assert all(well for _, _, well in played(plan, monkeypatch))


def test_where_coordinates_wait_for_each_other_nothing_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for problem in ("least_squares", "logistic_regression"):
        assert quickly(make_plan("sgd", problem, {"n": 3, "d": 2}, None, 1000, 1)[0], monkeypatch) is None
