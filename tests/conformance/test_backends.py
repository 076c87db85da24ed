"""Every rule and every problem that is found, on every backend: the same bits, inside the same balls."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction as Q

import numpy as np
import pytest
import sympy
from flint import arb, ctx, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import simlab
from simlab import catalog
from simlab.ops import Weight, rebind
from simlab.rule import Step
from tests.conformance.support import FLOATS, ULPS, agree, distance, rationals, values

# constants of a problem that are small enough to run often, and random; the rest of what is found runs on its defaults
SPECIAL = {
    "linear_periodic": lambda: st.fixed_dictionaries(
        {"gradients": st.lists(rationals(-5, 5), min_size=1, max_size=6).map(tuple), "upper": rationals(Q(1), Q(3))}
    ),
    "quadratic": lambda: st.fixed_dictionaries(
        {
            "curvature": st.lists(rationals(0, 8), min_size=3, max_size=3).map(tuple),
            "center": st.lists(rationals(-3, 3), min_size=3, max_size=3).map(tuple),
            "lower": st.just(-2),
            "upper": st.just(2),
        }
    ),
    "least_squares": lambda: st.fixed_dictionaries(
        {"n": st.integers(1, 6), "d": st.integers(1, 4), "seed": st.integers(0, 99)}
    ),
    "logistic_regression": lambda: st.fixed_dictionaries(
        {"n": st.integers(1, 5), "d": st.integers(2, 4), "seed": st.integers(0, 99), "radius": rationals(Q(1, 4), Q(2))}
    ),
    "reddi2018_stochastic": lambda: st.fixed_dictionaries(
        {"C": rationals(2, 9), "delta": rationals(Q(1, 10), Q(2)), "seed": st.integers(0, 2**63 - 1)}
    ),
}


def constants(name: str) -> st.SearchStrategy:
    """Random constants of the problem of that name, from its declaration where no narrower choice is made above."""
    if name in SPECIAL:
        return SPECIAL[name]()
    return st.fixed_dictionaries({n: values(p) for n, p in simlab.problems[name].constants.items()})


def hyper(name: str) -> st.SearchStrategy:
    """Random hyperparameters of the rule of that name, from its declaration."""
    return st.fixed_dictionaries({n: values(p) for n, p in simlab.rules[name].hyper.items() if p.name != "gamma"})


FEW, MANY = settings(max_examples=60), settings(max_examples=200)


@pytest.mark.parametrize("name", simlab.rules)
@FEW
@given(data=st.data())
def test_rule(name: str, data: st.DataObject) -> None:
    """Random runs of each rule: bits equal, the float run near the ball, a coarse ball around a fine one."""
    rule_agrees(name, data)


@pytest.mark.slow
@pytest.mark.parametrize("name", simlab.rules)
@MANY
@given(data=st.data())
def test_rule_again(name: str, data: st.DataObject) -> None:
    rule_agrees(name, data)


def rule_agrees(name: str, data: st.DataObject) -> None:
    options = {
        "hyper": {**data.draw(hyper(name)), **data.draw(constants("linear_periodic"))},
        "x0": data.draw(rationals(-1, 1)),
        "rounds": data.draw(st.integers(1, 15)),
        "record": 4,
    }
    runs = agree(name, "linear_periodic", **options)
    assume(not runs["reference"].stopped)  # `agree` saw all floats stop alike; test_stops has what the balls say then
    # of 1 - 1/(gamma t + 1) no float knows more than 2^-53, which alpha_star and then the direction multiply
    given = options["hyper"]
    drawn = given.get("gradients", simlab.problems["linear_periodic"].constants["gradients"].default)
    steepest = max(1, *(abs(g) for g in (drawn if isinstance(drawn, tuple) else (drawn,))))
    largest = max(1, given["alpha"], given.get("alpha_star", 0) * steepest)
    assert distance(runs) <= ULPS * float(largest)
    coarse = simlab.run(name, "linear_periodic", backend="arb", bits=60, **options)
    for wide, fine in ((coarse.x_last, runs["arb"].x_last), (coarse.regret, runs["arb"].regret)):
        assert wide.contains(fine)
        assert wide.rad() < 1e-12  # of 18 digits, 15 rounds lose six at most: no ball that would contain anything


@pytest.mark.parametrize("name", simlab.problems)
@FEW
@given(data=st.data())
def test_problem(name: str, data: st.DataObject) -> None:
    """Random runs on each problem with a rule that has state, bias correction and epsilon."""
    problem_agrees(name, data)


@pytest.mark.slow
@pytest.mark.parametrize("name", simlab.problems)
@MANY
@given(data=st.data())
def test_problem_again(name: str, data: st.DataObject) -> None:
    problem_agrees(name, data)


def problem_agrees(name: str, data: st.DataObject) -> None:
    options = {
        "hyper": {**data.draw(constants(name)), "alpha": data.draw(rationals(Q(1, 100), Q(1)))},
        "rounds": data.draw(st.integers(1, 12)),
        "record": 2,
    }
    runs = agree("adam", name, **options)
    assert not runs["reference"].stopped
    assert distance(runs) <= ULPS


@pytest.mark.parametrize("name", simlab.rules)
def test_vector_equals_scalars(name: str) -> None:
    """On a separable problem a d-dimensional run is d scalar runs, bit for bit, on every backend."""
    curvature, center = ("1/2", "3", "0"), ("1", "-1/3", "2")
    common = {"rounds": 30, "record": "all"}
    whole = agree(
        name,
        "quadratic",
        hyper={"curvature": curvature, "center": center, "alpha": "1/5"},
        x0=("1", "2", "3"),
        **common,
    )
    for i in range(3):
        alone = simlab.run(
            name,
            "quadratic",
            backend="reference",
            x0=(i + 1),
            hyper={"curvature": curvature[i], "center": center[i], "alpha": "1/5"},
            **common,
        )
        assert np.array_equal(whole["reference"].x[:, i], alone.x)
        assert np.array_equal(whole["numba"].rate[:, i], alone.rate)


@pytest.mark.parametrize("name", simlab.rules)
def test_one_symbolic_round(name: str) -> None:
    """One round on symbols, evaluated at rational numbers, is one round on balls at those numbers."""
    from simlab.backends import arb as balls
    from simlab.backends import sympy as symbols

    rule = simlab.rules[name]
    names = ["t", "alpha", "g", *rule.state, *(n for n in rule.hyper if n != "alpha")]
    letters = {n: sympy.Symbol(n, positive=True) for n in names}
    ranges = [rule.hyper[n].range for n in names[3 + len(rule.state) :]]
    head = [letters[n] for n in names[: 3 + len(rule.state)]]
    tail = [
        Weight(s, 1 - s) if r.weight else s
        for s, r in zip([letters[n] for n in names[len(head) :]], ranges, strict=True)
    ]
    step, after = rebind(rule.function, symbols)(*head, *tail)
    at = {n: Q(i + 2, 2 * i + 7) for i, n in enumerate(names)} | {"t": Q(5)}
    exact = [
        sympy.sympify(e).subs({letters[n]: sympy.Rational(q.numerator, q.denominator) for n, q in at.items()})
        for e in (*step, *after)
    ]
    ctx_before, ctx.prec = ctx.prec, 150
    try:
        balls_at = {n: arb(fmpq(q.numerator, q.denominator)) for n, q in at.items()}
        numbers = [5, *(balls_at[n] for n in names[1 : len(head)])]
        weights = [
            Weight(balls_at[n], 1 - balls_at[n]) if r.weight else balls_at[n]
            for n, r in zip(names[len(head) :], ranges, strict=True)
        ]
        step_ball, after_ball = rebind(rule.function, balls)(*numbers, *weights)
        for expression, ball in zip(exact, (*step_ball, *after_ball), strict=True):
            assert not expression.free_symbols
            assert arb(str(sympy.N(expression, 40))).overlaps(balls.number(ball) + arb(0, 1e-35))
            assert balls.number(ball).rad() < 1e-35
    finally:
        ctx.prec = ctx_before


def test_direct_calls_meet_rebound_ones() -> None:
    """A rule called by hand on floats, tensors, balls and symbols gives what the backends give."""
    import torch

    from simlab.rules.adam_analysed import adam_analysed as rule

    step, (m, v) = rule(1, 0.5, 3.0, beta1=Q(0), beta2=Q(1, 10))
    assert (m, v, step.rate) == (3.0, 0.9 * 9.0, 0.5 / math.sqrt(0.9 * 9.0))
    half, three = (torch.tensor(v, dtype=torch.float64) for v in (0.5, 3.0))
    tensor, _ = rule(1, half, three, beta1=Q(0), beta2=Q(1, 10))
    assert tensor.rate.item() == step.rate
    ball, _ = rule(1, arb(fmpq(1, 2)), arb(3), beta1=Q(0), beta2=Q(1, 10))
    assert abs(ball.rate - step.rate) < 1e-15
    symbol, _ = rule(1, sympy.Rational(1, 2), sympy.Integer(3), beta1=Q(0), beta2=Q(1, 10))
    assert sympy.N(symbol.rate, 17) == pytest.approx(step.rate, abs=1e-15)


@pytest.mark.parametrize("name", catalog.names("simlab.backends"))
def test_a_backend_says_what_it_is(name: str) -> None:
    """Its grade is one of the ladder's, a round takes time, its packages are here, and it knows every operation."""
    from importlib.metadata import version

    from simlab import kernels
    from simlab.claims import Grade
    from simlab.ops import PRIMITIVES

    backend = catalog.backend(name)
    assert Grade(backend.GRADE) in (Grade.OBSERVED, Grade.ENCLOSED)
    assert backend.NANOSECONDS > 0
    assert all(version(package) for package in backend.PACKAGES)
    assert all(hasattr(kernels if name == "numba" else backend, operation) for operation in PRIMITIVES.values())


THIRD = Q(1, 3)


def with_fraction(factor: Q) -> Callable:
    def fractional(t, alpha, g):
        """A fraction of the module and one of the closure.

        Reference: nobody.
        """
        return Step(direction=THIRD * g, rate=factor * alpha), ()

    return fractional


def test_fractions_that_a_rule_mentions_are_numbers_everywhere() -> None:
    runs = agree(with_fraction(Q(2, 7)), "reddi2018_periodic", rounds=5, record=5)
    assert distance(runs) <= ULPS
    assert runs["reference"].x_last != 0


def test_operations_of_problems_by_hand() -> None:
    """where, exp, log1p, dot and matvec, called directly on what each system's numbers are."""
    import torch

    from simlab.ops import dot, exp, log1p, matvec, where

    assert (where(True, 1, 2), where(False, 1, 2), where(np.bool_(False), 1, 2)) == (1, 2, 2)
    assert where(np.array([True, False]), 1, 2).tolist() == [1, 2]
    assert where(torch.tensor([True, False]), torch.tensor(1.0), 2).tolist() == [1.0, 2.0]
    x = sympy.Symbol("x")
    assert where(sympy.Lt(x, 0), 1, 2).subs(x, -1) == 1
    assert (exp(0.5), log1p(0.5)) == (math.exp(0.5), math.log1p(0.5))
    assert abs(exp(arb(1)) - math.e) < 1e-15
    assert dot(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 11.0
    assert matvec(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0])).tolist() == [3.0, 7.0]


@pytest.mark.parametrize("number", ["flint.arb(4)", "sympy.Integer(4)", "numpy.float64(4)", "numpy.array([4.0])"])
def test_a_number_system_joins_when_its_first_number_comes(number: str) -> None:
    """In a process that has imported no backend, an operation finds the system of what it is given."""
    library = number.partition(".")[0]
    show = 'print(float(getattr(r, "item", lambda: r)()))'
    code = f"import {library}; from simlab.ops import sqrt; r = sqrt({number}); {show}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("2.0", "")


def test_strangers_are_refused() -> None:
    """Two systems in one call, and a type that nobody claims, are errors and are not rounded."""
    from simlab.ops import divide, sqrt

    with pytest.raises(TypeError, match="numbers of different systems meet: arb and reference"):
        divide(arb(1), 2.0)
    with pytest.raises(TypeError, match="no number system knows the type"):
        sqrt("4")
    with pytest.raises(TypeError, match="exact number, not float"):
        simlab.backends.arb.number(0.1)  # type: ignore[attr-defined]


STOPS = {
    "the step overflowed": ("sgd", "quadratic", {"curvature": 10**200, "alpha": 10**200}, 1),
    "the direction is not finite": ("sgd", "quadratic", {"curvature": 10**200, "alpha": 10**100}, 1),
    "a rate is not finite": (
        "adam_analysed",
        "linear_periodic",
        {"gradients": "1,0*800", "beta1": "9/10", "beta2": "1/4"},
        0,
    ),
}


@pytest.mark.parametrize("case", STOPS)
def test_stops(case: str) -> None:
    """A proposal that is not finite ends the run in the same round for the same reason on every float backend."""
    rule, problem, given_, x0 = STOPS[case]
    runs = {
        b: simlab.run(rule, problem, hyper=given_, x0=x0, rounds=2000, record=7, backend=b)
        for b in ("reference", *FLOATS)
    }
    ref = runs["reference"]
    assert ref.stopped["reason"].startswith(case)
    assert ref.t[-1] == ref.stopped["round"] < 2000
    assert math.isfinite(ref.x_last)
    for run in runs.values():
        assert run.stopped == ref.stopped
        assert np.array_equal(run.t, ref.t)
        assert run.x_last == ref.x_last


def test_underflow_is_flushed_and_flagged() -> None:
    """v of RMSProp with beta2 = 1/2 falls below the normal numbers after 1022 halvings and is set to 0 everywhere."""
    hyper_ = {"gradients": "1,0*1500", "beta2": "1/2"}
    for backend in ("reference", *FLOATS):
        run = simlab.run("rmsprop", "linear_periodic", hyper=hyper_, rounds=1200, record=1, backend=backend)
        assert run.underflow == 1023  # v_t = 2^-t is normal up to t = 1022
        assert float(run.records.state[0]) == 0.0
    exact = simlab.run("rmsprop", "linear_periodic", hyper=hyper_, rounds=1200, record=1, backend="arb")
    assert exact.underflow == 0
    assert exact.records.state[0] > 0


def test_period_spares_the_remainder() -> None:
    """A periodic problem sees phases: round 2^24 + 1 of a period-3 problem is phase 2, as in exact arithmetic."""
    run = simlab.run("sgd", "linear_periodic", hyper={"gradients": "1,10,100"}, rounds=2**24 + 1, record=1)
    assert run.direction[-1] == (1, 10, 100)[(2**24) % 3]
