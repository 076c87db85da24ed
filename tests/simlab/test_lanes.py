"""Cells in lanes: the bits of the plain loop on columns, in both precisions, whatever the blocks and the threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction as Q
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simlab
from simlab import blocks, lanes
from simlab.backends import numba, reference
from simlab.cells import CellRecords, Cells
from simlab.feasible import Box
from simlab.gather import Column, gather
from simlab.ops import exp, where
from simlab.problem import Problem, linear
from simlab.rule import Step
from simlab.vectors import Untraceable
from tests.simlab.edited import answers
from tests.simlab.side_by_side import SCALAR as PROBLEMS

FIELDS = ["x", "rate", "direction", "loss", "total", "error", "x_last", "total_last", "error_last", "stopped"]
FIELDS += ["underflow", "reason"]  # all of CellRecords but the path
PERIODS = PROBLEMS["luo2019_periodic"]["C"]
EITHER = pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])


def cells(rule: Any, problem: Any, n: int, rounds: int, single: bool, record: int = 5, **settings: list) -> Cells:
    """n cells, each setting's values in turn."""
    each = np.arange(n)
    given = {"rule": [rule], "problem": [problem], "rounds": [rounds], **settings}
    (batch,), alone = gather({k: Column(v, each % len(v)) for k, v in given.items()}, n, record, single)
    assert not len(alone)
    return batch


def agree(batch: Cells, threads: int = 1) -> CellRecords:
    """The cells in lanes, which are those of the plain loop bit for bit."""
    with np.errstate(all="ignore"):
        plain = reference.run_cells(batch)
    found = numba.run_cells(batch, threads=threads)
    for name in FIELDS:
        a, b = getattr(plain, name), getattr(found, name)
        assert a == b if name == "reason" else np.array_equal(a, b, equal_nan=True), name
    assert "lanes" in found.path
    return found


def varied(rule: str) -> dict[str, list]:
    own = {"beta2": ["0.5", "0.9", "0.99"]} if "beta2" in simlab.rules[rule].hyper else {"alpha": ["0.1", "1/7", "3"]}
    return {"x0": ["1", "0", "-1/2"], **own}


def test_every_scalar_problem_is_played() -> None:
    scalar = {n for n in simlab.problems if simlab.problems[n].function().dimension is None}
    assert set(PROBLEMS) == scalar


@EITHER
@pytest.mark.parametrize("rule", simlab.rules)
def test_rule(rule: str, single: bool) -> None:
    """Every rule, with periods that differ."""
    agree(cells(rule, "luo2019_periodic", 12, 60, single, C=PERIODS, **varied(rule)))


@EITHER
@pytest.mark.parametrize("problem", PROBLEMS)
def test_problem(problem: str, single: bool) -> None:
    agree(cells("adam", problem, 12, 60, single, **PROBLEMS[problem], **varied("adam")))


@pytest.mark.slow
@EITHER
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("rule", simlab.rules)
def test_rule_on_problem(rule: str, problem: str, single: bool) -> None:
    agree(cells(rule, problem, 12, 700, single, **PROBLEMS[problem], **varied(rule)))


@EITHER
@pytest.mark.parametrize("schedule", ["inv", "constant"])
@pytest.mark.parametrize("beta1_schedule", ["geometric", "inv_sqrt"])
def test_schedules(beta1_schedule: str, schedule: str, single: bool) -> None:
    """They are doubles in both precisions; lambda, and with it the power, may differ from cell to cell."""
    decay = {"lambda": ["1/2", "0.99"]} if beta1_schedule == "geometric" else {}
    settings = {"schedule": [schedule], "beta1_schedule": [beta1_schedule], **decay}
    agree(cells("adam_analysed", "luo2019_periodic", 6, 100, single, C=PERIODS, **settings))


@EITHER
def test_cells_are_single_runs(single: bool) -> None:
    """In float64 to the last bit; in float32 near to them, and not equal."""
    batch = cells("adabound", "reddi2018_periodic", 6, 300, single, C=["2", "3"], beta2=["1/2", "0.9", "0.99"])
    found = agree(batch)
    for i in range(6):
        hyper = {"C": 2 + i % 2, "beta2": ["1/2", "0.9", "0.99"][i % 3]}
        one = simlab.run("adabound", "reddi2018_periodic", hyper=hyper, rounds=300, record=5, backend="reference")
        assert (one.x_last == found.x_last[i]) is not single
        assert abs(one.x_last - found.x_last[i]) < 1e-4


STOPS: dict[str, tuple] = {
    "the direction": ("sgd", "quadratic", {"curvature": ["1", "100", "1e4", "1e30"], "alpha": ["1", "3", "1/9"]}),
    "a rate": ("adam_analysed", "linear_periodic", {"gradients": ["1,0*800"], "beta2": ["1/4", "1/2", "3/4", "0.9"]}),
    "the step": ("sgd", "quadratic", {"curvature": ["1e20"], "alpha": ["1e20", "1/9"]}),
}


@EITHER
@pytest.mark.parametrize("reason", STOPS)
def test_stops(reason: str, single: bool) -> None:
    """Cells of a block stop in rounds of their own, for the reason that the plain loop has; others, if any, go on."""
    rule, problem, settings = STOPS[reason]
    found = agree(cells(rule, problem, 21, 1500, single, x0=["1"] if problem == "quadratic" else ["0"], **settings))
    assert any(text.startswith(reason) for text in found.reason.values())
    assert len(set(found.stopped.tolist())) > 1
    assert (0 in found.stopped) == (reason != "the step")  # there all of them stop


@EITHER
def test_all_cells_stop(single: bool) -> None:
    found = agree(cells("sgd", "quadratic", 5, 10_000, single, curvature=["1e9", "1e10"], alpha=["1"], x0=["1"]))
    assert (found.stopped > 0).all()


@EITHER
def test_underflow(single: bool) -> None:
    """Subnormal state is set to 0 and the cell says so; the others do not. The first call sees no subnormal operand
    when the last of its rounds makes one."""
    settings = {"gradients": ["1,0*1500"], "beta2": ["1/2", "0.99"]}
    found = agree(cells("rmsprop", "linear_periodic", 4, 1200, single, **settings))
    assert found.underflow.tolist() == [True, False, True, False]
    at_the_end = cells("rmsprop", "linear_periodic", 2, 127 if single else 1023, single, **settings)
    assert agree(at_the_end).underflow.tolist() == [True, False]


def test_infinite_settings_are_played_with_care() -> None:
    """An alpha beyond float32 is infinite, and infinities make infinities without an exception."""
    batch = cells("sgd", "luo2019_periodic", 4, 9, True, alpha=["1e300", "1e-3"])
    assert np.isinf(batch.alpha).any()
    found = numba.run_cells(batch)
    assert found.stopped.tolist() == [1, 0, 1, 0]


@EITHER
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("worth", [1, 192])
def test_blocks_and_threads(
    threads: int, worth: int, single: bool, monkeypatch: pytest.MonkeyPatch, adam_cells: Callable
) -> None:
    """The same bits however cells are cut into blocks, by period or not, and whoever plays them."""
    monkeypatch.setattr(blocks, "WORTH", worth)
    batch, plain = adam_cells(single)
    found = numba.run_cells(batch, threads=threads)
    assert all(np.array_equal(getattr(plain, n), getattr(found, n), equal_nan=True) for n in FIELDS[:-1])
    assert plain.reason == found.reason


@pytest.fixture(scope="module")
def adam_cells() -> Callable:
    made: dict[bool, tuple] = {}

    def of(single: bool) -> tuple:
        if single not in made:
            settings = {"C": ["3", "700", "7"], "beta2": ["1/4", "0.9"], "x0": ["0", "1", "2"], "beta1": ["0.9"]}
            batch = cells("adam_analysed", "luo2019_periodic", 1000, 900, single, 40, **settings)
            with np.errstate(all="ignore"):
                made[single] = batch, reference.run_cells(batch)
            assert 0 < np.count_nonzero(made[single][1].stopped) < 1000
        return made[single]

    return of


def test_a_call_ends_before_its_records_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    for rows, chunk in ((1, 1 << 14), (3, 7)):
        monkeypatch.setattr(blocks, "ROWS", rows)
        monkeypatch.setattr(blocks, "CHUNK", chunk)
        agree(cells("sgd", "luo2019_periodic", 5, 50, False, record=20, C=PERIODS))


def test_progress_and_interruption() -> None:
    """Progress grows to less than the horizon, and what it raises ends the run within a call or two."""
    batch = cells("adam_analysed", "luo2019_periodic", 64, 10**9, False, 1, C=["3"])
    seen: list[int] = []

    def stop(t: int) -> None:
        seen.append(t)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        numba.run_cells(batch, progress=stop, threads=2)
    assert seen == sorted(seen)
    assert 0 < seen[-1] < 10**9
    assert threading.active_count() == 1


# --- what rules and problems may say ---------------------------------------------------------------------------------


def odd_rule(t, alpha, g, m=0, k=1):
    """Every operator, and literals of both kinds.

    Reference: nobody.
    """
    m = 0.1 * m + -g / 3 + abs(g) * 2 - +alpha
    return Step(direction=where(m >= 0.5, m, where(m != k, 1 - m, 0.25)), rate=alpha * 0.7), (m, k * 1.0)


def odd_problem():
    """Integers in shifts and masks, and the C library's exponential.

    Reference: nobody.
    """

    def coefficient(t, table, k):
        bits = ((k >> 3) ^ (t & 5) | (t << 2)) & 0xFF
        return where((bits < 40) & ~(bits == 3), table[t - 1], 2 * table[-1]) * exp(-0.5 * table[0])

    problem = linear(coefficient, feasible=Box(Q(-3), Q(3)), data=((1, -2, 3), 1234567), period=3)
    return Problem(problem.loss, problem.grad, problem.feasible, problem.data, problem.period)


@EITHER
def test_operators(single: bool) -> None:
    agree(cells(odd_rule, odd_problem, 9, 40, single, alpha=["0.1", "1/3", "1"]))


def branching(t, alpha, g):
    """A branch.

    Reference: nobody.
    """
    return Step(direction=g if g > 0 else 2 * g, rate=alpha), ()


def test_what_branches_is_refused() -> None:
    batch = cells(branching, "quadratic", 1, 5, False, curvature=["1"])
    with pytest.raises(Untraceable, match="where"):
        blocks.play(batch, lambda t: None)
    found = numba.run_cells(batch)
    assert found.path == "numpy"


# --- the machine code -------------------------------------------------------------------------------------------------


@EITHER
def test_the_loop_is_vectors(single: bool) -> None:
    """A round takes one root and one division of vectors; the single ones are those of the schedule, in double."""
    import llvmlite.binding as llvm

    batch = cells("adam_analysed", "luo2019_periodic", 8, 5, single, C=["3"], beta2=["1/2", "0.9"])
    _, slots, many, size, _ = blocks.arranged(batch, True)
    module = llvm.parse_assembly(lanes.Driver(batch.plan, slots, single, many, size, careful=False).text())
    text = str(module).split("define void")[1]
    kind, width = ("float", lanes.register() // 4) if single else ("double", lanes.register() // 8)
    assert text.count(f"fdiv <{width} x {kind}>") == 2  # in the plain round, and in the one that is recorded
    assert text.count("fdiv double") == 2
    assert "fast" not in text
    assert "contract" not in text


@pytest.mark.parametrize(
    ("given", "own"),
    [({}, ""), ({"beta1": ["1/2", "0.9"]}, "m c1"), ({"beta2": ["1/2", "0.9"]}, "v c2"), ({"C": ["3", "4"]}, "m v")],
    ids=["alpha", "beta1", "beta2", "C"],
)
def test_state_that_cells_share_is_one_number(given: dict, own: str) -> None:
    """On a linear problem the gradients are no cell's own, so the state is its own only by its hyperparameters."""
    batch = cells("adam", "luo2019_periodic", 8, 50, False, **{"C": ["3"], "alpha": ["1/2", "1", "2"], **given})
    _, slots, *_ = blocks.arranged(batch, in_step="C" not in given)
    found = {name for name, slot in zip(batch.plan.rule.state, slots["state"], strict=True) if slot.wide}
    assert found == set(own.split())


RUN = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from simlab.backends import numba
from simlab.gather import Column, gather
from simlab import machine_code

at = np.zeros(2, dtype=int)
rule = {folder!r} + "/mine.py:mine"
given = dict(rule=rule, problem="linear_periodic", rounds=1, gradients="1", lower=-100, alpha=1)
(cells,), _ = gather({{k: Column([v], at) for k, v in given.items()}}, 2, 1)
load = machine_code.load
count = []
machine_code.write = lambda *_, write=machine_code.write: (count.append(1), write(*_))
print(numba.run_cells(cells).x_last.tolist(), len(count), "numba" in sys.modules)
"""


def test_an_edited_helper_in_another_file_is_never_stale(tmp_path: Path) -> None:
    """A second process loads the kernel, without Numba; after an edit of the helper's file the new code runs."""
    said = [
        "[-2.0, -2.0] 1 False",
        "[-2.0, -2.0] 0 False",
        "[-5.0, -5.0] 1 False",
        "[-7.0, -7.0] 1 False",
        "[-2.0, -2.0] 0 False",
    ]
    assert answers(tmp_path, RUN) == said
