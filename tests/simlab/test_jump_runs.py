"""Jumped runs beside those that play every round, and how a jump is asked for."""

from __future__ import annotations

import json
from fractions import Fraction as Q
from pathlib import Path
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
from simlab.jump import jumps
from simlab.ops import divide, ema
from simlab.rule import Real, Step
from simlab.rule import Weight as AsWeight
from tests.simlab.jumping import IDLE, SAME, TIMED, still, three
from tests.simlab.side_by_side import NUMBERS, cells

EITHER = pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])


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
