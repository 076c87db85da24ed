"""Problems: sums and comparators against brute force, gradients as derivatives, convexity on exact points."""

from __future__ import annotations

import math
from fractions import Fraction as Q
from itertools import product

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import simlab
from simlab.backends import arb as balls
from simlab.comparator import _logistic_certificate, counts
from simlab.errors import BadInput
from simlab.feasible import Ball, Box, Space
from simlab.noise import draw
from simlab.ops import rebind
from simlab.problem import comparators, linear

RATIONAL = st.fractions(-5, 5, max_denominator=12)
CONSTANTS = {  # random constants of linear problems; a problem that is not here runs on its defaults
    "luo2019_periodic": st.fixed_dictionaries({"C": st.integers(3, 40)}),
    "reddi2018_periodic": st.fixed_dictionaries({"C": st.one_of(st.fractions(2, 9), st.integers(2, 2**40))}),
    "reddi2018_long_period": st.fixed_dictionaries({"C": st.integers(3, 40)}),
    "reddi2018_stochastic": st.fixed_dictionaries({"C": st.fractions(2, 9), "seed": st.integers(0, 2**63 - 1)}),
    "linear_periodic": st.fixed_dictionaries({"gradients": st.lists(RATIONAL, min_size=1, max_size=9).map(tuple)}),
}
NAMES = list(simlab.problems)


def made(name, **constants):
    """The problem with these constants, the rest at their defaults."""
    family = simlab.problems[name]
    defaults = {n: p.default for n, p in family.constants.items()}
    as_exact = {n: Q(v) if isinstance(v, int) else v for n, v in constants.items()}
    return family.function(**{n: Q(v) if isinstance(v, int) else v for n, v in defaults.items()} | as_exact)


LINEAR = [name for name in NAMES if made(name).coefficient is not None]


def test_linear_problems_are_found():
    assert set(CONSTANTS) <= set(LINEAR)


@pytest.mark.parametrize("name", LINEAR)
@given(st.data())
@settings(max_examples=30)
def test_sums_and_best_decisions_of_linear_problems(name, data):
    """sum g_s, added one by one in fractions, against the blocks and periods of the code, at random rounds."""
    problem = made(name, **data.draw(CONSTANTS.get(name, st.just({}))))
    rounds = sorted(data.draw(st.sets(st.integers(1, 300), min_size=1, max_size=6)))
    total, sums = Q(0), {}
    for t in range(1, rounds[-1] + 1):
        total += Q(problem.coefficient(problem.phase(t), *problem.data))
        sums[t] = total
    low, high = problem.feasible.lower, problem.feasible.upper
    for t, best in zip(rounds, comparators(problem, rounds), strict=True):
        assert best.value == min(sums[t] * low, sums[t] * high) == sums[t] * best.u
        assert best.gap == 0


def test_sums_across_blocks():
    """More rounds than are summed at a time, of a problem without a period."""
    problem, rounds = made("reddi2018_stochastic", C=Q(5, 2), seed=3), 70_000
    *_, threshold, seed = problem.data
    rare = sum(draw(seed, t) < threshold for t in range(1, rounds + 1))
    total = Q(5, 2) * rare - (rounds - rare)
    assert comparators(problem, [rounds])[0].value == -abs(total)


def test_probability_of_the_stochastic_problem():
    """p = (1 + delta)/(C + 1) to within 2^-63, and certain where delta = C."""
    for C, delta in ((10, 1), (2, Q(1, 3)), (3, 3)):
        threshold = made("reddi2018_stochastic", C=C, delta=delta).data[1]
        assert abs(Q(threshold, 2**63) - (1 + Q(delta)) / (C + 1)) <= Q(1, 2**63)
    with pytest.raises(BadInput, match="delta must be <= C"):
        made("reddi2018_stochastic", C=2, delta=3)


# --- gradients and convexity ------------------------------------------------------------------------------------------

BITS = 400


def point(problem, values):
    """A point of F from as many numbers as it takes."""
    d = problem.dimension
    return problem.feasible.nearest(values[0] if d is None else tuple(values[:d]))


def in_balls(problem):
    """(loss(t, x), grad(t, x)) in the arithmetic of Arb."""
    loss, grad = (rebind(f, balls) for f in (problem.loss, problem.grad))
    data = tuple(d if isinstance(d, int) else balls.number(d) for d in problem.data)
    return lambda t, x: loss(problem.phase(t), x, *data), lambda t, x: grad(problem.phase(t), x, *data)


SPECIAL = {
    "quadratic": {"curvature": ((Q(2), Q(1)), (Q(1), Q(3))), "center": (Q(1), Q(-2))},
    "logistic_regression": {"n": 5, "d": 3},
    "least_squares": {"n": 5, "d": 3},
}
VALUES = st.lists(RATIONAL, min_size=3, max_size=3)


@pytest.mark.parametrize("name", NAMES)
@given(VALUES, st.integers(1, 40))
@settings(max_examples=25)
def test_gradient_is_the_derivative(name, values, t):
    """Central differences over 2^-100 in balls of 400 bits, coordinate by coordinate, away from jumps and kinks."""
    problem = made(name, **SPECIAL.get(name, {}))
    x = point(problem, values)
    assume(name != "luo2019_piecewise" or x not in (0, 1))
    with ctx.workprec(BITS):
        loss, grad = in_balls(problem)
        h = arb(2) ** -100
        ball, g = balls.number(x), grad(t, balls.number(x))
        for i in range(problem.dimension or 1):
            step = h if problem.dimension is None else np.array([h * (i == j) for j in range(problem.dimension)])
            slope = (loss(t, ball + step) - loss(t, ball - step)) / (2 * h)
            assert abs(slope - (g if problem.dimension is None else g[i])) < 1e-50


CONVEX = [name for name in NAMES if made(name).convex]


@pytest.mark.parametrize("name", CONVEX)
@given(VALUES, VALUES, st.integers(1, 40))
@settings(max_examples=25)
def test_convex_problems_lie_above_their_tangents(name, first, second, t):
    """f(y) >= f(x) + <g(x), y - x> on exact points, wherever convexity is claimed."""
    problem = made(name, **SPECIAL.get(name, {}))
    with ctx.workprec(BITS):
        loss, grad = in_balls(problem)
        x, y = (balls.number(point(problem, v)) for v in (first, second))
        assert loss(t, y) - loss(t, x) - balls.dot(grad(t, x) + 0 * x, y - x) > -1e-100


def test_piecewise_problem_is_not_convex():
    """An exact witness: f_1(-1) = -100, f_1(1) = -1, and f_1(0) = 0 is above the middle; all others claim convexity."""
    problem = made("luo2019_piecewise", C=8)
    assert set(NAMES) - set(CONVEX) == {"luo2019_piecewise"}
    loss, _ = in_balls(problem)
    left, right, middle = (loss(1, arb(x)) for x in (-1, 1, 0))
    assert (left, right, middle) == (-100, -1, 0)
    assert middle > (left + right) / 2


def test_piecewise_problem_by_hand():
    """The three pieces and their borders, at phases 1, 2 and 3; the best decision is anywhere below 0."""
    problem = made("luo2019_piecewise", C=5)
    loss, grad = in_balls(problem)
    for t, slope in ((1, -1), (2, 2), (3, 0), (6, -1), (7, 2)):
        for x, value, g in ((-1, -100, 0), (0, 0, slope), (Q(1, 2), Q(slope, 2), slope), (1, slope, slope), (2, 0, 0)):
            assert loss(t, balls.number(Q(x))) == balls.number(Q(value))
            assert grad(t, balls.number(Q(x))) == g
    assert comparators(problem, [7])[0][:2] == (-2, -700)


# --- comparators that are found numerically ---------------------------------------------------------------------------


def losses_at(problem, t, points):
    """sum_{s<=t} f_s at float points, in floats of a formula of its own."""
    features, targets = (np.array(v, float) for v in problem.data)
    seen = np.arange(t) % problem.period
    scores = points @ features[seen].T
    if isinstance(problem.feasible, Box):
        return ((scores - targets[seen]) ** 2).sum(1) / 2
    return np.logaddexp(0, -scores * targets[seen]).sum(1)


def grid(problem, n=161):
    """A grid of points of F in two dimensions, its border included."""
    if isinstance(problem.feasible, Box):
        axis = np.linspace(float(problem.feasible.lower), float(problem.feasible.upper), n)
        return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    size, angle = np.meshgrid(np.linspace(0, float(problem.feasible.radius), n), np.linspace(0, 2 * np.pi, n))
    return np.stack([size * np.cos(angle), size * np.sin(angle)], -1).reshape(-1, 2)


@pytest.mark.parametrize("radius", ["1/10", "3"])  # the border binds, and mostly does not
@pytest.mark.parametrize("name", ["least_squares", "logistic_regression"])
@given(seed=st.integers(0, 1000), t=st.integers(1, 40))
@settings(max_examples=10)
def test_comparators_bound_the_minimum(name, radius, seed, t):
    """value - gap <= f everywhere on a dense grid, value is reached at u, and the gap is nearly nothing."""
    problem = made(name, n=6, d=2, seed=seed, radius=Q(radius))
    best = problem.best(t)
    assert problem.feasible.contains(best.u)
    values = losses_at(problem, t, grid(problem))
    rounding = t * 1e-14
    assert float(best.value) - best.gap <= values.min() + rounding
    assert abs(losses_at(problem, t, np.array([best.u], float))[0] - float(best.value)) <= best.gap + rounding
    assert 0 <= best.gap <= t * 1e-6


@given(seed=st.integers(0, 1000), t=st.integers(1, 60))
@settings(max_examples=20)
def test_logistic_value_is_certified(seed, t):
    """F_t(u), in balls of 200 bits, is in [value - gap, value]."""
    problem = made("logistic_regression", n=6, d=2, seed=seed)
    best = problem.best(t)
    with ctx.workprec(200):
        loss, _ = in_balls(problem)
        total = sum((loss(s, balls.number(best.u)) for s in range(1, t + 1)), arb(0))
        assert total <= arb(best.value)
        assert total >= arb(best.value) - arb(best.gap)


@given(seed=st.integers(0, 1000), t=st.integers(1, 40), u=st.tuples(RATIONAL, RATIONAL))
@settings(max_examples=20)
def test_logistic_certificate_holds_for_bad_points_too(seed, t, u):
    """The gap at any point of the disc reaches down to the minimum, however far that is."""
    problem = made("logistic_regression", n=6, d=2, seed=seed)
    u = problem.feasible.nearest(u)
    best = _logistic_certificate(*problem.data, np.array(counts(t, 6)), u, problem.feasible)
    assert best.value - best.gap <= losses_at(problem, t, grid(problem)).min() + t * 1e-14


def quadratic_minimum(h, c, lower, upper):
    """The least (x - c)' H (x - c)/2 over a box, exactly: every face's stationary point, where it is in the face."""
    d, found = len(c), []
    for face in product((None, 0, 1), repeat=d):
        x = [None if f is None else (lower, upper)[f][i] for i, f in enumerate(face)]
        free = [i for i in range(d) if x[i] is None]
        rows = [
            [h[i][j] for j in free] + [sum(h[i][j] * (c[j] - (x[j] if x[j] is not None else 0)) for j in range(d))]
            for i in free
        ]
        solved = solve(rows)
        if solved is None:
            continue
        for i, v in zip(free, solved, strict=True):
            x[i] = v
        if all(lo <= v <= hi for v, lo, hi in zip(x, lower, upper, strict=True)):
            off = [a - b for a, b in zip(x, c, strict=True)]
            found.append(sum(off[i] * h[i][j] * off[j] for i in range(d) for j in range(d)) / 2)
    return min(found)


def solve(rows):
    """The solution of a square system with its right-hand side in the last column, or None where it is singular."""
    n = len(rows)
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        rows = [
            row if i == k else [a - row[k] * b for a, b in zip(row, rows[k], strict=True)] for i, row in enumerate(rows)
        ]
    return [row[-1] for row in rows]


SMALL = st.integers(-3, 3).map(Q)


@given(
    st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=3, max_size=3),
    st.tuples(*[SMALL] * 3),
    st.tuples(*[st.integers(-2, 0).map(Q)] * 3),
    st.tuples(*[st.integers(0, 2).map(Q)] * 3),
)
@settings(max_examples=60)
def test_dense_quadratics_on_a_box(a, center, lower, width):
    """H = A A' in three dimensions, sides of length 0 included, against the exact minimum over all 27 faces."""
    h = tuple(tuple(sum(p * q for p, q in zip(r, s, strict=True)) for s in a) for r in a)
    upper = tuple(lo + w for lo, w in zip(lower, width, strict=True))
    problem = made("quadratic", curvature=h, center=center, lower=lower, upper=upper)
    exact = quadratic_minimum(h, center, lower, upper)
    for t in (1, 7):
        best = problem.best(t)
        assert problem.feasible.contains(best.u)
        assert Q(best.value) - Q(best.gap) <= t * exact <= best.value
        assert best.gap <= t * 1e-8


@given(st.lists(st.integers(0, 4).map(Q), min_size=3, max_size=3).map(tuple), st.tuples(*[SMALL] * 3))
def test_diagonal_quadratics_on_a_box_are_exact(h, center):
    problem = made("quadratic", curvature=h, center=center, lower=Q(-1), upper=Q(2))
    dense = tuple(tuple(v * (i == j) for j in range(3)) for i, v in enumerate(h))
    best = problem.best(5)
    assert best.value == 5 * quadratic_minimum(dense, center, (Q(-1),) * 3, (Q(2),) * 3)
    assert best.gap == 0


@given(st.tuples(*[st.integers(-2, 3).map(Q)] * 6))
@settings(max_examples=300)
def test_semidefiniteness_is_decided_exactly(entries):
    """A symmetric matrix is semidefinite iff every principal minor is >= 0; all seven, by hand."""
    a, b, c, p, q, r = entries
    h = ((a, p, q), (p, b, r), (q, r, c))
    minors = (
        a,
        b,
        c,
        a * b - p * p,
        a * c - q * q,
        b * c - r * r,
        a * b * c + 2 * p * q * r - a * r * r - b * q * q - c * p * p,
    )
    if min(minors) >= 0:
        made("quadratic", curvature=h)
    else:
        with pytest.raises(BadInput, match="semidefinite"):
            made("quadratic", curvature=h)


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"curvature": Q(-1)}, ">= 0"),
        ({"curvature": (Q(1), Q(-2))}, "got -2"),
        ({"curvature": ((Q(1), Q(2)), (Q(0), Q(1)))}, "symmetric"),
        ({"curvature": ((Q(1), Q(2)),)}, "square"),
        ({"curvature": (Q(1), Q(2)), "center": (Q(0),) * 3}, "one dimension"),
        ({"lower": Q(0)}, "both lower and upper"),
        ({"lower": Q(1), "upper": Q(0)}, "empty"),
    ],
)
def test_quadratics_that_are_none(constants, words):
    with pytest.raises(BadInput, match=words):
        made("quadratic", **constants)


def test_a_problem_without_a_best_decision():
    """A linear loss on the whole line has none: the regret is infinite, and that is no error."""

    def slope(t):
        return 1

    def endless():
        return linear(slope, feasible=Space(), period=1)

    run = simlab.run("sgd", endless, rounds=3, backend="reference")
    assert run.regret == math.inf


@pytest.mark.parametrize("name", NAMES)
def test_problems_say_what_they_are(name):
    """A first sentence, a source, a default first decision in F, and a period that the phase respects."""
    family, problem = simlab.problems[name], made(name)
    assert family.summary.endswith(".")
    assert family.reference
    assert problem.feasible.contains(problem.start())
    if problem.period is not None:
        assert [problem.phase(t) for t in (1, problem.period, problem.period + 1)] == [1, problem.period, 1]


def alternating(t, gradients):
    """1/7 and -1/3 in turn."""
    return gradients[t - 1]


def on(feasible):
    """The linear problem of period 2 on a set."""

    def posed():
        """Two gradients in turn.

        Reference: nobody.
        """
        return linear(alternating, feasible=feasible, data=((Q(1, 7), Q(-1, 3)),), period=2)

    return posed


def test_regret_on_a_ball_holds_the_rounding_of_its_least_value():
    """In one dimension the ball is an interval, whose comparator is exact: the balls of regret contain that one."""
    given = {"rounds": 7, "record": "all", "hyper": {"alpha": "1/10"}, "backend": "arb", "bits": 200}
    rounded, exact = (simlab.run("sgd", on(f), **given) for f in (Ball(Q(1, 3)), Box(Q(-1, 3), Q(1, 3))))
    assert rounded.comparator_gap > 0 == exact.comparator_gap
    assert all(a.contains(b) for a, b in zip(rounded.regrets, exact.regrets, strict=True))
