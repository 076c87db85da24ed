"""Jumped stretches: the rule's own map n times over, in rationals, and which rounds and rules are jumped."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simlab
from simlab.backends import reference
from simlab.cells import Cells
from simlab.errors import BadInput
from simlab.feasible import Box
from simlab.jump import Jump, jumps, land, stretch
from simlab.ops import Weight, ema, less, maximum, rebind, where
from simlab.problem import Problem
from simlab.rule import Real, Step
from simlab.rule import Weight as AsWeight
from tests.simlab.jumping import IDLE, SAME, TIMED, still, three
from tests.simlab.side_by_side import SCALAR, cells

# --- what a stretch does to the state, in rationals ------------------------------------------------------------------

EXACT = SimpleNamespace(
    number=lambda x: Q(x),
    sqrt=lambda x: Q(1),  # in rates alone, which nobody looks at here
    divide=lambda a, b: Q(a) / Q(b) if b else Q(0),
    maximum=max,
    minimum=min,
    absolute=abs,
    sign=lambda x: Q((x > 0) - (x < 0)),
    less=lambda a, b: a < b,
    where=lambda c, a, b: a if c else b,
)


def played(batch: Cells, i: int, state: tuple, n: int) -> tuple:
    """The state of cell i after n idle rounds, by the rule itself and without rounding."""
    rule = rebind(batch.plan.rule.function, EXACT)
    hyper = [Weight(*(Q(float(b[i])) for b in v)) if isinstance(v, Weight) else Q(float(v[i])) for v in batch.hyper]
    for t in range(n):
        step, state = rule(Q(t + 1), Q(1), Q(0), *state, *hyper)
        assert step.direction == 0
    return state


def off(batch: Cells, jump: Jump, i: int, state: tuple, n: int, k: int = 0) -> bool:
    """Whether jump k of cell i misses n played rounds by more than the one rounding of every factor and constant."""

    def exact(tree: Any) -> Any:
        return (
            tuple(map(exact, tree)) if isinstance(tree, tuple) else Q(float(tree[i, k] if tree.ndim > 1 else tree[i]))
        )

    columns, u = exact(jump.columns), Q(2) ** -53
    x, found, _ = land(jump.form, columns, Q(1), state, 0, EXACT)
    assert x == 1
    for value, wanted, which, pieces in zip(found, played(batch, i, state, n), jump.form[0], columns, strict=True):
        size = Q(0)
        for j, (factors, constant) in zip(which, pieces, strict=True):
            term = abs(state[j]) if j is not None else Q(0)
            for k in factors:
                term *= k
            size += term + sum(map(abs, constant))
        if abs(value - wanted) > u * size * (1 + 2 * u):
            return True
    return False


numbers = st.fractions(-100, 100, max_denominator=10**6)


@pytest.mark.parametrize("rule", [r for r in simlab.rules if r not in TIMED])
@settings(max_examples=15)
@given(st.integers(3, 70), three, st.data())
def test_a_stretch_is_its_rounds(rule: str, period: int, weights: list, data: Any) -> None:
    """For every rule, from any state, positive or not, to within the rounding of what the jump has computed once."""
    own = {"beta2": [str(w) for w in weights]} if "beta2" in simlab.rules[rule].hyper else {}
    batch = cells(rule, "luo2019_periodic", 3, 10, C=[str(period)], **own, **still(rule))
    jump = jumps(batch)
    assert set(jump.lengths[:, 0]) == {period - 2}
    assert set(jump.lengths[:, -1]) == {1}
    state, k = (
        tuple(data.draw(numbers) for _ in batch.plan.rule.state),
        data.draw(st.integers(0, jump.lengths.shape[1] - 1)),
    )
    assert not any(off(batch, jump, i, state, int(jump.lengths[i, k]), k) for i in range(3))


def test_one_round_more_is_seen() -> None:
    """The check above can fail: for every rule whose state shrinks."""
    for rule in set(simlab.rules) - TIMED - (SAME - {"lion"}):
        batch = cells(rule, "luo2019_periodic", 3, 10, C=["9"], **still(rule))
        state = tuple(Q(1, k + 3) for k in range(len(batch.plan.rule.state)))
        assert not off(batch, jumps(batch), 0, state, 7), rule
        assert off(batch, jumps(batch), 0, state, 8), rule


# --- which rounds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gradients", "wanted"),
    [
        ((1, 0, 0, 2), (2, 2)),
        ((0, 0, 0, 1, 2, 0, 0), (6, 5)),
        ((0, 1, 2), (1, 1)),
        ((1, 0, 2, 0, 0, 3, 0, 0), (4, 2)),
        ((0, 0), (1, 2)),
        ((1, 2), (2, 0)),
    ],
)
def test_stretch(gradients: tuple, wanted: tuple) -> None:
    """The longest, also across the end of the period; of two alike the first."""
    problem = simlab.problems["linear_periodic"].function(gradients=tuple(map(Q, gradients)))
    first, rounds = stretch(problem, reference.number)
    assert rounds == wanted[1]
    assert first == wanted[0] or not rounds


def lifted(*, C: Real = 5) -> Problem:
    """Without gradient in rounds that cost something.

    Reference: nobody.
    """
    coefficient = lambda t: where(t == 1, 1, 0)  # noqa: E731
    return Problem(lambda t, x: coefficient(t) * x + 1, lambda t, x: coefficient(t), Box(Q(-1), Q(1)), period=int(C))


def lying(*, C: Real = 5) -> Problem:
    """A gradient 0 beside a loss that is not constant.

    Reference: nobody.
    """
    return Problem(lambda t, x: x * x, lambda t, x: where(t == 1, 1, 0), Box(Q(-1), Q(1)), period=int(C))


@pytest.mark.parametrize("problem", [*sorted(set(SCALAR) - set(IDLE)), lifted, lying])
def test_problems_that_are_refused(problem: Any) -> None:
    with pytest.raises(BadInput, match="no round in which loss and gradient"):
        jumps(cells("sgd", problem, 3, 10))


# --- which rules -----------------------------------------------------------------------------------------------------


def rule_of(after: Callable, direction: Callable = lambda g, t, v, m: g) -> Callable:
    """A rule with the state v, m that becomes after(t, v, m, g, b) and moves along direction(g, t, v, m)."""

    def made(t, alpha, g, v=0, m=0, *, b: AsWeight = Q("0.9")):
        """As said.

        Reference: nobody.
        """
        return Step(direction=direction(g, t, v, m), rate=alpha), after(t, v, m, g, b)

    return made


@pytest.mark.parametrize(
    "rule",
    [
        rule_of(lambda t, v, m, g, b: (v + t, m)),
        rule_of(lambda t, v, m, g, b: (v + 0 * t, m)),
        rule_of(lambda t, v, m, g, b: (2 * v, m)),
        rule_of(lambda t, v, m, g, b: (-v, m)),
        rule_of(lambda t, v, m, g, b: (ema(v, m, b), ema(m, g, b))),
        rule_of(lambda t, v, m, g, b: (v * v, m)),
        rule_of(lambda t, v, m, g, b: (maximum(v, 1 - v), m)),
        rule_of(lambda t, v, m, g, b: (maximum(v, m), m + 1)),
        rule_of(lambda t, v, m, g, b: (maximum(v, 2 * m), m)),
        rule_of(lambda t, v, m, g, b: (maximum(v, m), maximum(m, v))),
        rule_of(lambda t, v, m, g, b: (where(less(0, v), v, m), m)),
        rule_of(lambda t, v, m, g, b: (where(v == 0, 1, v), m)),
        rule_of(lambda t, v, m, g, b: (v, m), lambda g, t, v, m: g + v),
        rule_of(lambda t, v, m, g, b: (v, m), lambda g, t, v, m: g * t),
        rule_of(lambda t, v, m, g, b: (v, m), lambda g, t, v, m: where(t < 100, g, 1)),
        rule_of(lambda t, v, m, g, b: (v, m) if v > 0 else (m, v)),
        rule_of(lambda t, v, m, g, b: (v, m), lambda g, t, v, m: g**2),
    ],
)
def test_rules_that_are_refused(rule: Any) -> None:
    """What moves, grows, turns round, knows the time, mixes or branches without a gradient."""
    with pytest.raises(BadInput, match="no jump"):
        jumps(cells(rule, "luo2019_periodic", 3, 10, C=["9"]))


@pytest.mark.parametrize(
    "rule",
    [
        rule_of(lambda t, v, m, g, b: (v + 1, m)),
        rule_of(lambda t, v, m, g, b: (ema(v, 3, b), m)),
        rule_of(lambda t, v, m, g, b: (maximum(b.beta * v, m), ema(m, g, b))),
        rule_of(lambda t, v, m, g, b: (m, ema(m, g, b))),
        rule_of(lambda t, v, m, g, b: (maximum(m, g), ema(m, g, b))),
        rule_of(lambda t, v, m, g, b: (7, b.beta * (b.beta * m))),
    ],
)
def test_rules_that_are_jumped(rule: Any) -> None:
    batch = cells(rule, "luo2019_periodic", 3, 10, C=["9"])
    for state in ((Q(2), Q(3)), (Q(-2), Q(1, 3)), (Q(1), Q(-5))):
        assert not off(batch, jumps(batch), 0, state, 7)


def test_rules_that_move() -> None:
    """With momentum all of them, in the words that name it; with none but TIMED."""
    for rule in simlab.rules:
        if "beta1" in simlab.rules[rule].hyper:
            with pytest.raises(BadInput, match="no jump"):
                jumps(cells(rule, "luo2019_periodic", 3, 10, C=["9"], beta1=["0", "0.9"]))
    for rule in TIMED:
        with pytest.raises(BadInput, match="no jump"):
            jumps(cells(rule, "luo2019_periodic", 3, 10, C=["9"], **still(rule)))
    with pytest.raises(BadInput, match=r"adam_analysed .* unless beta1 = 0"):
        jumps(cells("adam_analysed", "luo2019_periodic", 3, 10, C=["9"]))
    with pytest.raises(BadInput, match="geometric goes on"):
        jumps(
            cells("adam", "luo2019_periodic", 3, 10, beta1=["0"], beta1_schedule=["geometric"], **{"lambda": ["1/2"]})
        )
