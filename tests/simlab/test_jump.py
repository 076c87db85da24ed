"""Jumped stretches: the rule's own map n times over, in rationals, and runs beside those that play every round."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction as Q
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import simlab
from simlab import blocks
from simlab.backends import numba, reference
from simlab.cells import SHOWN, CellRecords, Cells
from simlab.cli import app
from simlab.errors import BadInput
from simlab.feasible import Box
from simlab.jump import Jump, jumps, land, stretch
from simlab.ops import Weight, divide, ema, less, maximum, rebind, where
from simlab.problem import Problem
from simlab.rule import Real, Step
from simlab.rule import Weight as AsWeight
from tests.simlab.side_by_side import NUMBERS, SCALAR, cells

EITHER = pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
IDLE = {"luo2019_periodic": {"C": ["3", "5", "10", "50"]}, "linear_periodic": {"gradients": ["0,1,2,0", "0,0,-1,0"]}}
TIMED = {"adopt", "sadam"}  # a first round that is not as the others; a weight 1/t
SAME = {"adagrad", "adamnc", "lion", "momentum", "sc_adagrad", "sgd", "signsgd"}  # no state that shrinks reaches x


def still(rule: str) -> dict[str, list]:
    """The setting with which a rule stands still where there is no gradient."""
    return {"beta1": ["0"]} if "beta1" in simlab.rules[rule].hyper else {}


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
betas = st.one_of(st.just(Q(0)), st.fractions(Q(1, 10**6), Q(999999, 10**6), max_denominator=10**6))
three = st.lists(betas, min_size=3, max_size=3)


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


# --- runs ------------------------------------------------------------------------------------------------------------


def jumped(batch: Cells, threads: int = 1) -> CellRecords:
    found = numba.run_cells(batch, threads=threads, jump=jumps(batch))
    assert found.path.endswith("zero-gradient stretches jumped")
    return found


def same(found: CellRecords, wanted: CellRecords, some: Any = slice(None)) -> None:
    """That the records are those of some cells of the others, to the last bit."""
    for name in NUMBERS:
        whole = getattr(wanted, name)
        part = whole[:, some] if name in SHOWN else whole[some]
        np.testing.assert_array_equal(getattr(found, name), part, err_msg=name)


def near(rule: str, problem: str, rounds: int, single: bool = False, record: int = 3, **given: list) -> CellRecords:
    """A jumped run, whose decisions are as near to those of the plain one as roundings allow, however they add up.

    All that state consists of is positive here, so in N rounds of at most 4 operations neither run changes a part of
    it by more than the factor (1 + u)^(4N), and a rate made of two of them and 8 operations by (1 + u)^(8N + 8).
    Directions are exact. So the runs are apart by 2 (8N + 8) u of the way of x, and by N roundings of x in each.
    """
    given = {**still(rule), **given}
    batch = cells(rule, problem, 12, rounds, single, record, **given)
    with np.errstate(all="ignore"):
        whole = reference.run_cells(cells(rule, problem, 12, rounds, single, rounds, **given))
    found, due = jumped(batch), batch.plan.recorded - 1
    for name in ("stopped", "underflow"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), err_msg=name)
    np.testing.assert_array_equal(found.direction, whole.direction[due])
    u = float(np.finfo(batch.x0.dtype).eps) / 2
    with np.errstate(invalid="ignore"):
        way = np.nansum(np.where(whole.direction == 0, 0, np.abs(whole.rate * whole.direction)), axis=0)
    bound = 0 if rule in SAME else u * (16 * (rounds + 1) * way + 2 * rounds * np.abs(whole.x).max(axis=0))
    assert np.all(np.abs(found.x - whole.x[due]) <= bound)
    assert np.all(np.abs(found.x_last - whole.x_last) <= bound)
    steep = np.abs(np.where(whole.x == 0, 0, whole.loss / np.where(whole.x == 0, 1, whole.x))).sum(axis=0)
    sums = np.abs(found.total_last + found.error_last - whole.total_last - whole.error_last)
    assert np.all(sums <= steep * (bound + 4 * u * np.abs(whole.x).max(axis=0)))
    return found


@EITHER
@pytest.mark.parametrize("rule", ["adam", "adamax", "amsgrad", "lion"])
def test_run(rule: str, single: bool) -> None:
    near(rule, "luo2019_periodic", 600, single, **IDLE["luo2019_periodic"])


@pytest.mark.slow
@EITHER
@pytest.mark.parametrize("problem", IDLE)
@pytest.mark.parametrize("rule", sorted(set(simlab.rules) - TIMED - {"adabelief"}))  # that stops in its first round
def test_rule_on_problem(rule: str, problem: str, single: bool) -> None:
    near(rule, problem, 900, single, **IDLE[problem])


@settings(max_examples=30)
@given(st.integers(3, 40), three, st.integers(1, 250), st.data())
def test_records_and_horizons_anywhere(period: int, weights: list, rounds: int, data: Any) -> None:
    near("rmsprop", "luo2019_periodic", rounds, record=data.draw(st.integers(1, 12)), C=[str(period)],
         beta2=[str(w) for w in weights])  # fmt: skip


def test_where_every_stretch_has_a_record_nothing_changes() -> None:
    given = {"C": ["40", "50"], "beta1": ["0"], "beta2": ["0.9", "0.99"]}
    batch = cells("adam_analysed", "luo2019_periodic", 8, 300, record=300, **given)
    plain, found = numba.run_cells(batch), jumped(batch)
    same(found, plain)
    few = cells("adam_analysed", "luo2019_periodic", 8, 300, record=1, **given)
    assert np.any(jumped(few).rate[-1] != plain.rate[-1])


def frail(t, alpha, g, q=0, p=1, *, beta2: AsWeight = Q("0.9"), life: AsWeight = Q("0.9")):
    """A rate that is no number any more when p has become 0.

    Reference: nobody.
    """
    return Step(direction=g, rate=alpha * q + divide(0, p)), (ema(q, g * g, beta2), life.beta * p)


@EITHER
@pytest.mark.parametrize("rule", ["adam_analysed", frail])
def test_calls_blocks_threads_and_neighbours(rule: Any, single: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bits of a cell are its own, however the rounds are cut into calls and the cells into blocks."""
    given = {"C": ["5", "70", "7", "700"], "beta2": ["1/4", "0.9", "0.99"], "x0": ["1", "0"]}
    given |= {"beta1": ["0"]} if isinstance(rule, str) else {"life": ["1/4", "0.99"], "alpha": ["1/99"]}
    batch = cells(rule, "luo2019_periodic", 48, 3000, single, 7, **given)
    first = jumped(batch)
    assert first.underflow.any()
    assert not first.underflow.all()
    assert (first.stopped > 0).any() == (rule is frail)
    same(jumped(batch, threads=2), first)
    for i in (0, 3, 10):
        same(jumped(batch[np.array([i])]), first, np.array([i]))
    for start, chunk, rows in ((1, 1, 256), (3, 7, 1), (1 << 14, 1 << 14, 2)):
        for name, value in (("FIRST", start), ("CHUNK", chunk), ("ROWS", rows)):
            monkeypatch.setattr(blocks, name, value)
        same(jumped(batch), first)


@EITHER
def test_long_stretches_underflow(single: bool) -> None:
    """State that a jump takes to 0 in one step was flushed on the way, and the run says so; a weight 0 loses none."""
    found = near("rmsprop", "luo2019_periodic", 12_000, single, 1, C=["10000"], beta2=["0.9", "0.999", "0", "1/2"])
    assert found.underflow.tolist() == [True, False, False, True] * 3


def test_stops() -> None:
    """Some cells stop in the middle; what they leave, and the others, are those of the plain run."""
    given = {"gradients": ["1,0*5,1e200"], "alpha": ["1e150", "1e-3"], "x0": ["1"]}
    batch = cells("sgd", "linear_periodic", 8, 500, record=4, **given)
    with np.errstate(all="ignore"):
        plain = reference.run_cells(batch)
    found = jumped(batch)
    assert sorted(set(plain.stopped.tolist())) == [0, 7]
    assert found.reason == plain.reason
    same(plain, found)


def tainted(t, alpha, g, q=1, *, beta1: AsWeight = Q(0), beta2: AsWeight = Q("0.9"), size: Real = 1):
    """A direction with a part that is 0 times the state, which is infinite where `size` is large.

    Reference: nobody.
    """
    return Step(direction=g + beta1.beta * q, rate=divide(alpha, q)), (ema(q, (size * g) * (size * g), beta2),)


def test_zero_times_infinity_stops_in_the_first_round_of_a_stretch() -> None:
    """As it does where that round is played; the other cells jump as they do by themselves."""
    given = {"gradients": ["0,0,0,1,0*40"], "size": ["1e200", "1", "2"], "x0": ["0"]}
    batch = cells(tainted, "linear_periodic", 9, 300, record=3, **given)
    with np.errstate(all="ignore"):
        plain = reference.run_cells(batch)
    assert plain.stopped.tolist() == [5, 0, 0] * 3
    found, sound = jumped(batch), np.flatnonzero(plain.stopped == 0)
    assert found.stopped.tolist() == plain.stopped.tolist()
    assert found.reason == plain.reason
    same(jumped(batch[sound]), found, sound)
    assert np.any(found.rate[-1, sound] != plain.rate[-1, sound])


# --- how it is asked for, and said -----------------------------------------------------------------------------------


def test_run_batch() -> None:
    given = {"hyper": {"beta1": 0, "beta2": ["0.9", "0.99"], "C": [5, 50]}, "x0": 1, "rounds": 700}
    plain, found = (simlab.run_batch("amsgrad", "luo2019_periodic", jump=j, **given) for j in (False, True))
    assert "jumped" not in plain.attrs["path"]
    assert "stretches jumped" in found.attrs["path"]
    np.testing.assert_allclose(found["regret"], plain["regret"], rtol=1e-12)  # 700 rounds, none of which amplifies
    one = {"hyper": {"beta1": 0, "beta2": "0.9", "C": 50}, "x0": 1, "rounds": 700, "jump": True}
    alone = simlab.run_batch("amsgrad", "luo2019_periodic", **one)
    assert alone["x_last"] == found["x_last"].sel(C=50, beta2=0.9)
    for options, words in (
        ({"backend": "reference"}, "jumped by numba alone; got reference"),
        ({"hyper": {}}, "unless beta1 = 0"),
        ({"problem": "least_squares", "hyper": {}}, "scalar problems"),
    ):
        with pytest.raises(BadInput, match=words):
            simlab.run_batch("adam", **{"problem": "luo2019_periodic", "hyper": {"beta1": 0}, "jump": True, **options})


def test_command(tmp_path: Path) -> None:
    spec = tmp_path / "grid.toml"
    spec.write_text('rule = "rmsprop"\nproblem = "luo2019_periodic"\nrounds = 50\n[axes]\nC = [5, 9]\n')
    shown = CliRunner().invoke(app, ["batch", str(spec), "--jump", "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["path"].endswith("zero-gradient stretches jumped")
    shown = CliRunner().invoke(app, ["batch", str(spec), "--jump", "--backend", "torch"])
    assert "numba alone" in str(shown.exception)
