"""Feasible sets: weighted projections against answers known in advance, against SciPy, and by what defines them.

x = Pi(y) in the metric 1/rate iff x is in F and sum_i (y_i - x_i)(u_i - x_i)/rate_i <= 0 for every u in F.
"""

from __future__ import annotations

import math
from fractions import Fraction as Q

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import minimize

import simlab
from simlab.backends import arb as balls
from simlab.backends import reference
from simlab.errors import BadInput
from simlab.feasible import Ball, Box, Simplex, Space
from simlab.ops import dot, rebind
from simlab.problem import Best, Problem

SETS = {"box": Box(Q(-1), Q(2)), "ball": Ball(Q(3, 2)), "simplex": Simplex(Q(2)), "space": Space()}
REAL = st.fractions(-8, 8, max_denominator=64)
RATE = st.fractions(Q(1, 64), 16, max_denominator=64)


def project(feasible, y, rate, system=reference):
    """The projection of exact y at exact rates in the arithmetic of a system."""
    onto = rebind(feasible.project, system)
    return onto(system.number(y), system.number(rate), *map(system.number, feasible.parameters))


def inner(y, x, u, rate):
    return sum((a - b) * (c - b) / r for a, b, c, r in zip(y, x, u, rate, strict=True))


def corners(feasible, d, u):
    """Points of F that decide the inequality: corners, and on the ball the projection of a drawn direction."""
    if isinstance(feasible, Simplex):
        return [tuple(feasible.total * (i == j) for j in range(d)) for i in range(d)]
    if isinstance(feasible, Box):
        return [feasible.nearest(tuple(100 * v for v in u)), tuple([feasible.lower] * d), tuple([feasible.upper] * d)]
    return [feasible.nearest(u)]


def triples(n):
    return st.tuples(*(st.lists(s, min_size=n, max_size=n).map(tuple) for s in (REAL, RATE, REAL)))


@pytest.mark.parametrize("name", SETS)
@given(st.integers(1, 5).flatmap(triples))
def test_projection_is_what_defines_it(name, drawn):
    """The inequality holds up to rounding, in units of the distances and weights in it; the point is in F."""
    y, rate, u = drawn
    feasible = SETS[name]
    x = tuple(Q(float(v)) for v in project(feasible, y, rate))
    scale = max(map(abs, (*y, 1))) ** 2 * max(1 / r for r in rate) * max(*rate, 1)
    for corner in corners(feasible, len(y), u):
        assert inner(y, x, corner, rate) <= scale * Q(1, 2**47)
    if name == "ball":
        assert sum(v * v for v in x) <= feasible.radius**2 * (1 + Q(1, 2**49))
    elif name == "simplex":
        assert abs(sum(x) - feasible.total) <= scale * Q(1, 2**47)
        assert min(x) >= 0
    else:
        assert feasible.contains(x)


SLOPES = st.lists(st.fractions(-3, 3, max_denominator=9), min_size=1, max_size=3)


@given(SLOPES, st.lists(RATE, min_size=4, max_size=4), st.fractions(0, 9, max_denominator=32))
def test_ball_finds_the_point_it_was_made_from(slopes, rate, z):
    """y_i = x_i (1 + z rate_i) with a rational x on the sphere: Pi(y) = x, within rounding, and Arb's ball has it."""
    square = sum(s * s for s in slopes)
    x = ((1 - square) / (1 + square), *(2 * s / (1 + square) for s in slopes))  # stereographic, so ||x|| = 1
    rate = rate[: len(x)]
    y = tuple(v * (1 + z * r) for v, r in zip(x, rate, strict=True))
    np.testing.assert_allclose(project(Ball(Q(1)), y, rate), [float(v) for v in x], rtol=0, atol=1e-13)
    with ctx.workprec(128):
        for found, v in zip(project(Ball(Q(1)), y, rate, balls), x, strict=True):
            assert (found * v.denominator).contains(v.numerator)
            assert found.rad() < 1e-15


@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=5).filter(any),
    st.lists(RATE, min_size=5, max_size=5),
    REAL,
    st.lists(st.fractions(0, 4, max_denominator=16), min_size=5, max_size=5),
)
def test_simplex_finds_the_point_it_was_made_from(shares, rate, z, below):
    """y_i = x_i + z rate_i where x_i > 0, and not above z rate_i where x_i = 0: Pi(y) = x."""
    x = tuple(Q(s, sum(shares)) for s in shares)
    rate = rate[: len(x)]
    y = tuple(v + z * r - (0 if v else b) for v, r, b in zip(x, rate, below, strict=False))
    np.testing.assert_allclose(project(Simplex(), y, rate), [float(v) for v in x], rtol=0, atol=1e-12)
    with ctx.workprec(128):
        for found, v in zip(project(Simplex(), y, rate, balls), x, strict=True):
            assert (found * v.denominator).contains(v.numerator)
            assert found.rad() < 1e-15


@pytest.mark.parametrize("name", ["box", "ball", "simplex"])
def test_projections_against_scipy(name):
    """SLSQP on sum_i (x_i - y_i)^2/rate_i, to the 1e-6 that it reaches."""
    feasible, rng = SETS[name], np.random.default_rng(1)
    for _ in range(10):
        y, rate = rng.uniform(-4, 4, 4), rng.uniform(0.2, 3, 4)
        bounds = {"box": [(-1, 2)] * 4, "ball": None, "simplex": [(0, None)] * 4}[name]
        constraints = {
            "box": (),
            "ball": {"type": "ineq", "fun": lambda x: 2.25 - x @ x},
            "simplex": {"type": "eq", "fun": lambda x: x.sum() - 2},
        }[name]
        start = [float(v) for v in feasible.nearest(tuple(map(Q, y)))]
        found = minimize(
            lambda x, y=y, rate=rate: ((x - y) ** 2 / rate).sum(),
            start,
            bounds=bounds,
            constraints=constraints,
            method="SLSQP",
            options={"ftol": 1e-15},
        )
        np.testing.assert_allclose(project(feasible, tuple(map(Q, y)), tuple(map(Q, rate))), found.x, atol=1e-6)


def test_euclidean_projection_is_the_wrong_one():
    """y = (1, 4/3), u = (1, 0), weights (8, 1): its nearest point (3/5, 4/5) of the disc is farther from u than y is.

    So it expands in the metric that regret proofs telescope in; the projection in that metric is another point.
    """
    y, u, rate = (Q(1), Q(4, 3)), (Q(1), Q(0)), (Q(1, 8), Q(1))

    def distance(x):
        return sum((Q(a) - b) ** 2 / r for a, b, r in zip(x, u, rate, strict=True))

    disc, euclidean = Ball(Q(1)), (Q(3, 5), Q(4, 5))
    np.testing.assert_allclose(project(disc, y, (Q(1), Q(1))), [0.6, 0.8], atol=1e-15)
    assert distance(euclidean) > distance(y)
    metric = [float(v) for v in project(disc, y, rate)]
    assert distance(metric) < distance(y)
    assert abs(metric[0] - 0.6) > 0.2
    simplex = project(Simplex(), (Q(1), Q(1)), (Q(3), Q(1)))
    np.testing.assert_allclose(simplex, [0.25, 0.75], atol=1e-15)  # 1 - 3z and 1 - z, z = 1/4; Euclid's is (1/2, 1/2)


@given(triples(3), triples(3))
@example(((1, Q(4, 3), 0), (Q(1, 8), 1, 1), ()), ((1, 0, 0), (), ()))  # Euclid's projections expand: on the disc,
@example(((1, 1, 0), (1, Q(1, 4), 1), ()), ((0, 1, 0), (), ()))  # and on the simplex
def test_metric_projection_does_not_expand(first, second):
    """||Pi(y) - Pi(z)||_W <= ||y - z||_W on the ball and the simplex, in narrow balls: never certainly violated."""
    (y, rate, _), (z, _, _) = first, second
    apart = sum(Q(p - q) ** 2 / r for p, q, r in zip(y, z, rate, strict=True))
    with ctx.workprec(128):
        for feasible in (Ball(Q(1)), Simplex()):
            a, b = project(feasible, y, rate, balls), project(feasible, z, rate, balls)
            moved = balls.dot((a - b) / balls.number(rate), a - b)  # Arb has no (p - q)^2 of a ball around 0
            assert not moved > balls.number(apart)
            assert moved.rad() < 1e-15


# --- infinite rates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "rate", "expected", "enclosed"),
    [
        ((3.0, 0.5), (1.0, math.inf), (1, 0), (True, True)),
        ((0.5, 3.0), (1.0, math.inf), (0.5, 0), (True, False)),
        ((0.5, 0.25), (1.0, math.inf), (0.5, 0.25), (True, True)),
        ((0.5, 0.25), (math.inf, math.inf), (0.5, 0.25), (True, True)),
    ],
)
def test_a_coordinate_of_infinite_rate_weighs_nothing_on_the_ball(y, rate, expected, enclosed):
    """It is the first to give way: what is returned is in F and as near in the other coordinates as F allows.

    In Arb's balls it may be unknown where it gives way alone; then it is not a number, and no wrong one.
    """
    onto = rebind(Ball.project, reference)
    np.testing.assert_allclose(onto(np.array(y), np.array(rate), 1.0), expected, atol=1e-15)
    with ctx.workprec(128):
        found = rebind(Ball.project, balls)(
            balls.number([Q(v) for v in y]), np.array([arb(v) for v in rate], dtype=object), arb(1)
        )
        assert tuple(v.is_finite() for v in found) == enclosed
        assert all(abs(v - e) < 1e-12 for v, e in zip(found, expected, strict=True) if v.is_finite())


def test_box_ignores_rates():
    """Whatever the rate, infinite included, a box clips."""
    y, rate = np.array([-3.0, 0.5, 7.0]), np.array([math.inf, 0.0, 1.0])
    assert rebind(Box.project, reference)(y, rate, -1.0, 2.0).tolist() == [-1.0, 0.5, 2.0]


# --- runs -------------------------------------------------------------------------------------------------------------

TABLE = ((Q(1), Q(-1, 2), Q(1, 3)), (Q(-1), Q(1, 4), Q(2, 3)), (Q(1, 7), Q(1, 2), Q(-1)))


def linear_loss(t, x, table):
    """<g_t, x>"""
    return dot(table[t - 1], x)


def linear_grad(t, x, table):
    """g_t"""
    return table[t - 1] + 0 * x


def experts():
    """Linear losses on the simplex: the rows of the table in turn."""

    def best(t):
        g = tuple(sum(TABLE[s % 3][i] for s in range(t)) for i in range(3))
        return Best(*Simplex().least(g))

    return Problem(linear_loss, linear_grad, Simplex(), (TABLE,), period=3, dimension=3, best=best)


@pytest.mark.parametrize(("rule", "problem"), [("amsgrad", experts), ("adam", "logistic_regression")])
def test_runs_on_ball_and_simplex_are_the_same_bits(rule, problem):
    """Compiled and plain floats agree to the last bit, stay in F, and lie in balls that a projection keeps narrow."""
    options = {"hyper": {"alpha": "1/2"}, "rounds": 60, "record": "all"}
    compiled, plain = (simlab.run(rule, problem, backend=b, **options) for b in ("numba", "reference"))
    assert np.array_equal(compiled.x, plain.x)
    assert np.array_equal(compiled.x_last, plain.x_last)
    assert compiled.regret == plain.regret
    enclosed = simlab.run(rule, problem, backend="arb", bits=200, **options)
    np.testing.assert_allclose(plain.x, enclosed.x, rtol=0, atol=1e-13)
    assert max(v.rad() for row in enclosed.records.x for v in np.ravel(row)) < 1e-9
    if problem is experts:
        np.testing.assert_allclose(plain.x.sum(1), 1, atol=1e-14)
        assert plain.x.min() >= 0
    else:
        assert np.hypot.reduce(plain.x, axis=1).max() <= 2 * (1 + 1e-15)


def unseen():
    """Linear losses on the simplex whose second gradient is always 0."""
    table = ((Q(1), Q(0)),)
    return Problem(linear_loss, linear_grad, Simplex(), (table,), period=1, dimension=2)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_a_coordinate_of_infinite_rate_stops_a_run_on_the_simplex(backend):
    """There the metric is not defined: the run ends before it, at a finite decision. NumPy warns of its NaN."""
    run = simlab.run("amsgrad", unseen, rounds=5, backend=backend)
    assert run.stopped["round"] == 1
    assert "a rate is not finite" in run.stopped["reason"]
    assert np.array_equal(run.x_last, run.x[0])


# --- exact points -----------------------------------------------------------------------------------------------------


@given(st.lists(REAL, min_size=1, max_size=5).map(tuple), st.lists(REAL, min_size=5, max_size=5))
def test_nearest_point_is_exact(y, u):
    """Box and simplex: in F, and the defining inequality holds exactly at the corners, where it is decided."""
    for feasible in (SETS["box"], SETS["simplex"]):
        x = feasible.nearest(y)
        assert feasible.contains(x)
        for corner in corners(feasible, len(y), u[: len(y)]):
            assert inner(y, x, corner, [1] * len(y)) <= 0
    assert Space().nearest(y) == y


@given(st.lists(REAL, min_size=1, max_size=5).map(tuple))
def test_nearest_point_of_the_ball_is_a_member_a_hair_inside(y):
    """A point of the ball stays; another goes along its ray to within 2^-48 of the sphere, never beyond it."""
    ball = SETS["ball"]
    x = ball.nearest(y)
    assert ball.contains(x)
    if ball.contains(y):
        assert x == y
    else:
        assert sum(v * v for v in x) >= ball.radius**2 * (1 - Q(1, 2**48))
        assert all(x[i] * y[j] == x[j] * y[i] for i in range(len(y)) for j in range(i))
        assert sum(a * b for a, b in zip(x, y, strict=True)) > 0


def test_nearest_point_of_the_ball_from_beyond_the_doubles():
    """10^400 is no double, but its ray is known exactly."""
    assert Ball(Q(1)).nearest((Q(10) ** 400, Q(0)))[0] == pytest.approx(1)
    tiny = Ball(Q(1, 10**400)).nearest((Q(3, 10**399), Q(4, 10**399)))
    assert Ball(Q(1, 10**400)).contains(tiny)
    assert float(tiny[0] * 10**400) == pytest.approx(0.6)


@given(st.lists(REAL, min_size=1, max_size=4).map(tuple), st.lists(REAL, min_size=4, max_size=4).map(tuple))
def test_least_is_least(g, u):
    """<g, .> at the point returned is the value returned, and no other point of F goes below it."""
    for name, feasible in SETS.items():
        point, value = feasible.least(g)
        if name == "space":
            assert value == (-math.inf if any(g) else 0)
            continue
        slack = 1e-12 if name == "ball" else 0
        assert abs(sum(a * Q(b) for a, b in zip(g, point, strict=True)) - Q(value)) <= slack
        for other in corners(feasible, len(g), u[: len(g)]):
            assert sum(a * b for a, b in zip(g, other, strict=True)) >= Q(value) - Q(slack)


def test_diameters():
    """D_inf: the largest side of a box, twice the radius, the total, infinity."""
    assert Box((Q(0), Q(-1)), (Q(1), Q(3))).diameter(2) == 4
    assert Box(Q(-2), Q(2)).diameter() == 4
    assert SETS["ball"].diameter(3) == 3
    assert SETS["simplex"].diameter(3) == 2
    assert SETS["space"].diameter() == math.inf


def test_membership_and_words():
    assert SETS["ball"].contains((Q(3, 2), Q(0)))
    assert not SETS["ball"].contains((Q(3, 2), Q(1, 10**9)))
    assert not SETS["simplex"].contains((Q(1), Q(1, 2)))
    assert not SETS["simplex"].contains((Q(3), Q(-1)))
    assert Box(Q(1), Q(1)).contains(Q(1))
    assert [str(s) for s in SETS.values()] == [
        "[-1, 2]",
        "the l2 ball of radius 3/2",
        "the simplex of total 2",
        "the whole space",
    ]


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [
        (Q(1), Q(0), "empty"),
        ((Q(0), Q(2)), Q(1), "lower = 2 > upper = 1"),
        ((Q(0),) * 2, (Q(1),) * 3, "2 and 3"),
    ],
)
def test_boxes_that_are_none(lower, upper, words):
    with pytest.raises(BadInput, match=words):
        Box(lower, upper)


def test_start_outside():
    """x_1 outside F is refused with what to do, or moved to the nearest point where that is asked for."""
    with pytest.raises(BadInput, match="outside F"):
        simlab.run("sgd", "reddi2018_periodic", x0=2, rounds=1)
    with pytest.raises(BadInput, match="outside F"):
        simlab.run("sgd", "logistic_regression", x0=(2, 2, 0), rounds=1)
    assert simlab.run("sgd", "reddi2018_periodic", x0=2, rounds=1, project_x0=True, backend="reference").x[0] == 1
    moved = simlab.run("sgd", "logistic_regression", x0=("1e400", 0, 0), rounds=1, project_x0=True, backend="reference")
    assert moved.x[0] == pytest.approx([2, 0, 0])
    with pytest.raises(BadInput, match="a vector of 3 numbers"):
        simlab.run("sgd", "logistic_regression", x0=(1, 1), rounds=1)
