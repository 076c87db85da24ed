"""The Triton kernel of a batch: in Triton's interpreter it has the bits of the plain loop, and for a GPU it has no
instruction that rounds otherwise."""

from __future__ import annotations

import re

import pytest

import simlab
from simlab.ops import clip, divide, exp
from simlab.rule import Step
from tests.simlab.side_by_side import SCALAR, agree, cells

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("triton", reason="triton is not installed: pip install 'simlab[triton]'")

from simlab.backends import _triton
from simlab.backends.torch import run_cells

EITHER = pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])


@pytest.fixture
def interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("rule", simlab.rules)
def test_rule(rule: str) -> None:
    batch = cells(rule, "luo2019_periodic", 12, 12, x0=["1", "0", "-1/2"], **SCALAR["luo2019_periodic"])
    assert agree(run_cells(batch), batch).path == "triton interpreter"


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("problem", SCALAR)
def test_problem(problem: str) -> None:
    batch = cells("adabound", problem, 12, 12, single=True, **SCALAR[problem])
    agree(run_cells(batch, how="triton"), batch)


@pytest.mark.usefixtures("interpreter")
@EITHER
def test_schedules_are_doubles(single: bool) -> None:
    given = {"beta1_schedule": ["geometric"], "lambda": ["1/2", "0.99"], "schedule": ["inv"]}
    batch = cells("amsgrad", "reddi2018_periodic", 6, 30, single, **given)
    agree(run_cells(batch), batch)


@pytest.mark.usefixtures("interpreter")
@EITHER
def test_stops(single: bool) -> None:
    batch = cells("sgd", "quadratic", 12, 130, single, x0=["1"], curvature=["1", "100", "1e4", "1e30"])
    found = agree(run_cells(batch), batch)
    assert {0} < set(found.stopped.tolist())


@pytest.mark.usefixtures("interpreter")
def test_what_is_not_a_number_is_clipped_as_by_the_reference() -> None:
    batch = cells("adabound", "quadratic", 2, 5, True, x0=["0"], curvature=["1e300", "1"])
    assert agree(run_cells(batch), batch).stopped.tolist() == [1, 0]


@pytest.mark.usefixtures("interpreter")
def test_launches_of_a_few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that the cells do not fill, launches that end between recorded rounds, records kept one at a time."""
    monkeypatch.setattr(_triton, "WORK", 21)
    monkeypatch.setattr(_triton, "ROOM", 1)
    batch = cells("adam", "linear_periodic", 3, 23, record=6, **SCALAR["linear_periodic"])
    told: list[int] = []
    agree(run_cells(batch, progress=told.append), batch)
    assert told == sorted(set(told))
    assert told[-1] == 23
    assert len(told) > 4


@pytest.mark.usefixtures("interpreter")
def test_nothing_is_launched_once_all_cells_have_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_triton, "WORK", 3 * 10)
    batch = cells("sgd", "quadratic", 3, 400, x0=["1"], curvature=["1e30"])
    told: list[int] = []
    found = agree(run_cells(batch, progress=told.append), batch)
    assert (found.stopped > 0).all()
    assert told[-1] < 40


@pytest.mark.slow
@pytest.mark.usefixtures("interpreter")
@EITHER
@pytest.mark.parametrize("problem", SCALAR)
@pytest.mark.parametrize("rule", simlab.rules)
def test_rule_on_problem(rule: str, problem: str, single: bool) -> None:
    batch = cells(rule, problem, 12, 60, single, **SCALAR[problem])
    agree(run_cells(batch), batch)


@EITHER
def test_the_code_for_an_h100_rounds_as_a_cpu(single: bool) -> None:
    """Compiled for compute capability 9.0, which needs no GPU: roots and quotients to nearest, nothing contracted,
    nothing approximate, no subnormal number flushed."""
    batch = cells("adam", "linear_periodic", 12, 20, single, **SCALAR["linear_periodic"])
    code = _triton.assemble(_triton.write(batch), 90).asm["ptx"]
    kind = "f32" if single else "f64"
    for expected in (f"sqrt.rn.{kind}", f"div.rn.{kind}", f"add.rn.{kind}"):
        assert expected in code
    assert not re.search(r"\bfma|\bmad\.\w*\.?f|\.ftz|\.approx|\.full", code)


def turned(t, alpha, g, m=0):
    """A step whose sign is that of -m, which is -0 in the first round."""
    return Step(direction=g * g, rate=clip(divide(1, -m), -alpha, alpha)), (m,)


@pytest.mark.usefixtures("interpreter")
def test_zero_has_a_sign() -> None:
    batch = cells(turned, "luo2019_periodic", 12, 5, **SCALAR["luo2019_periodic"])
    assert agree(run_cells(batch, how="triton"), batch).rate.max() < 0


def odd(t, alpha, g, m=0):
    """A step that depends on an exponential."""
    return Step(direction=g, rate=exp(-alpha)), (m,)


@pytest.mark.usefixtures("interpreter")
def test_what_is_no_straight_line_of_rounded_operations_is_played_eagerly() -> None:
    batch = cells(odd, "luo2019_periodic", 12, 5, **SCALAR["luo2019_periodic"])
    assert agree(run_cells(batch), batch).path == "torch eager on cpu"
    with pytest.raises(simlab.errors.NotHere, match="exp is not one correctly rounded operation"):
        run_cells(batch, how="triton")
