"""Cells on torch: the bits of the plain loop on columns, numbers and vectors, whatever the path and the memory."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import simlab
from simlab.errors import BadInput, NotHere
from tests.simlab.side_by_side import SCALAR, VECTOR, agree, cells, varied

torch = pytest.importorskip("torch", reason="torch is not installed")

from simlab.backends import _compiled, _paths  # noqa: E402
from simlab.backends._single import meeting  # noqa: E402
from simlab.backends.torch import run_cells  # noqa: E402

EITHER = pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
CUDA = torch.cuda.is_available()


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@EITHER
@pytest.mark.parametrize("rule", simlab.rules)
def test_rule(rule: str, single: bool) -> None:
    batch = cells(rule, "luo2019_periodic", 12, 30, single, x0=["1", "0", "-1/2"], **SCALAR["luo2019_periodic"])
    assert agree(run_cells(batch, how="eager"), batch).path == "torch eager on cpu"


@pytest.mark.parametrize("kinds", list(product("bifd", repeat=2)))
def test_kinds_meet_as_in_numpy(kinds: tuple[str, str]) -> None:
    """Arrays with each other, and with Python's own numbers; not with its truths, which no rule computes with."""
    name = {"b": "?", "i": "q", "f": "f", "d": "d"}
    strong, other = (np.dtype(name[k]) for k in kinds)
    assert np.dtype(name[meeting(set(kinds), set())]) == np.result_type(strong, other)
    if kinds[1] in "id":
        own = np.result_type(strong, 1 if kinds[1] == "i" else 1.0)
        assert np.dtype(name[meeting({kinds[0]}, {kinds[1]})]) == own


@EITHER
@pytest.mark.parametrize("problem", SCALAR)
def test_problem(problem: str, single: bool) -> None:
    batch = cells("adabound", problem, 12, 30, single, **SCALAR[problem])
    agree(run_cells(batch), batch)


@EITHER
@pytest.mark.parametrize("beta1_schedule", ["geometric", "inv_sqrt"])
def test_schedules_are_doubles(beta1_schedule: str, single: bool) -> None:
    decay = {"lambda": ["1/2", "0.99"]} if beta1_schedule == "geometric" else {}
    batch = cells("amsgrad", "reddi2018_periodic", 6, 100, single, beta1_schedule=[beta1_schedule], **decay)
    agree(run_cells(batch), batch)


@pytest.mark.parametrize("problem", VECTOR)
@pytest.mark.parametrize("rule", ["sgd", "adam", "adabound"])
def test_vectors_are_single_runs(rule: str, problem: str) -> None:
    batch = cells(rule, problem, 6, 30, **VECTOR[problem])
    found = agree(run_cells(batch), batch)
    for i in range(6):
        hyper = {k: v[i % len(v)] for k, v in (VECTOR[problem] | varied(rule)).items()}
        one = simlab.run(rule, problem, hyper=hyper, rounds=30, record=5, backend="reference")
        assert np.array_equal(one.x, found.x[:, i])
        assert np.array_equal(one.loss, found.loss[:, i])
        assert np.array_equal(one.x_last, found.x_last[i])


@EITHER
def test_a_matrix_for_each_cell(single: bool) -> None:
    batch = cells("adam", "quadratic", 4, 30, single, curvature=["1,0;0,2", "2,1;1,3"], center=["1,-1/3"])
    found = agree(run_cells(batch), batch)
    assert found.x.shape == (5, 4, 2)
    if not single:
        hyper = {"curvature": "2,1;1,3", "center": "1,-1/3", "beta2": "0.9"}
        one = simlab.run("adam", "quadratic", rounds=30, hyper=hyper, backend="reference")
        assert np.array_equal(one.x_last, found.x_last[1])


@EITHER
def test_stops(single: bool) -> None:
    """Each cell stops in a round of its own and keeps what it had; the others go on."""
    batch = cells("sgd", "quadratic", 12, 400, single, x0=["1"], curvature=["1", "100", "1e4", "1e30"])
    found = agree(run_cells(batch), batch)
    assert 0 in found.stopped
    assert len(set(found.stopped.tolist())) > 3
    assert np.isnan(found.x[-1, found.stopped > 0]).all()
    assert all("direction" in reason or "step" in reason for reason in found.reason.values())


@pytest.mark.parametrize("how", ["eager", pytest.param("compile", marks=pytest.mark.slow)])
def test_what_is_not_a_number_is_clipped_as_by_the_reference(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curvature is infinite in float32, so that the gradient at the center is not a number, nor is v."""
    monkeypatch.setattr(_compiled, "TOGETHER", 1)
    batch = cells("adabound", "quadratic", 2, 5, True, x0=["0"], curvature=["1e300", "1"])
    found = agree(run_cells(batch, how=how), batch)
    assert found.stopped.tolist() == [1, 0]
    assert np.isfinite(found.rate[0]).all()
    assert np.isnan(found.direction[0, 0])


def test_too_little_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits in smaller parts, and then words on what fitted; one cell that does not fit is an error."""
    play = _paths._play
    room = 3

    def small(batch, *rest):
        if len(batch) > room:
            raise torch.OutOfMemoryError("out of memory")
        return play(batch, *rest)

    monkeypatch.setattr(_paths, "_play", small)
    batch = cells("sgd", "quadratic", 12, 400, x0=["1"], curvature=["1", "100", "1e4", "1e30"])
    told: list[int] = []
    found = agree(run_cells(batch, progress=told.append), batch)
    assert "at most 3 cells at a time" in found.path
    assert told == sorted(told)
    assert told[-1] <= 400
    room = 0
    with pytest.raises(NotHere, match="does not hold one cell; a cell's 5 recorded rounds take"):
        run_cells(batch)


def test_no_device_or_path_is_taken_in_anothers_place() -> None:
    batch = cells("sgd", "luo2019_periodic", 3, 5)
    if not CUDA:
        with pytest.raises(NotHere, match="no device 'cuda'"):
            run_cells(batch, device="cuda")
    with pytest.raises(NotHere, match="Triton cannot play these cells on cpu"):
        run_cells(batch, how="triton")
    with pytest.raises(
        BadInput, match="unknown path 'eagre'; it is one of triton, compile, eager; did you mean 'eager'"
    ):
        run_cells(batch, how="eagre")
    vectors = cells("sgd", "least_squares", 3, 5)
    with pytest.raises(NotHere, match="its decisions are vectors"):
        run_cells(vectors, how="compile")


def test_what_does_not_compile_is_played_eagerly_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_):
        raise RuntimeError("No working C++ compiler found")

    monkeypatch.setattr(torch, "compile", lambda graph, **_: broken)
    monkeypatch.setattr(_paths, "WORTH", 0)
    monkeypatch.setattr(_compiled, "TOGETHER", 1)
    batch = cells("sgd", "luo2019_periodic", 3, 5)
    path = agree(run_cells(batch), batch).path
    assert path == "torch eager on cpu (not compiled: RuntimeError: No working C++ compiler found)"


def test_deterministic_algorithms_are_all_there_is() -> None:
    batch = cells("adam", "linear_periodic", 12, 60, **SCALAR["linear_periodic"])
    torch.use_deterministic_algorithms(True)
    try:
        agree(run_cells(batch), batch)
    finally:
        torch.use_deterministic_algorithms(False)


def test_one_cell_is_what_it_is_among_many() -> None:
    batch = cells("adabound", "luo2019_periodic", 300, 40, **SCALAR["luo2019_periodic"])
    many, few = run_cells(batch), run_cells(batch[7:8])
    assert np.array_equal(many.x[:, 7:8], few.x)
    assert np.array_equal(many.total[:, 7:8], few.total)


def test_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of two rounds in one graph, with cells that stop inside of them."""
    monkeypatch.setattr(_compiled, "TOGETHER", 2)
    batch = cells("sgd", "quadratic", 12, 400, x0=["1"], curvature=["1", "100", "1e4", "1e30"])
    found = agree(run_cells(batch, how="compile"), batch)
    assert found.path == "torch.compile, 2 rounds a graph, on cpu"
    tiny = torch.tensor([1e-310, 1e-310], dtype=torch.float64)
    assert (tiny * 1 != 0).all(), "compiling has switched subnormal numbers off for the whole process"


@pytest.mark.slow
@EITHER
@pytest.mark.parametrize("rule", simlab.rules)
def test_compiled_rule(rule: str, single: bool) -> None:
    batch = cells(rule, "luo2019_periodic", 12, 1000, single, record=9, **SCALAR["luo2019_periodic"])
    agree(run_cells(batch, how="compile"), batch)


@pytest.mark.slow
@EITHER
@pytest.mark.parametrize("problem", SCALAR)
def test_compiled_problem(problem: str, single: bool) -> None:
    batch = cells("adabound", problem, 12, 1000, single, record=9, **SCALAR[problem])
    agree(run_cells(batch, how="compile"), batch)


@pytest.mark.slow
@EITHER
@pytest.mark.parametrize("problem", VECTOR)
@pytest.mark.parametrize("rule", simlab.rules)
def test_vectors(rule: str, problem: str, single: bool) -> None:
    batch = cells(rule, problem, 6, 60, single, **VECTOR[problem])
    agree(run_cells(batch), batch)


@pytest.mark.gpu
@pytest.mark.skipif(not CUDA, reason="no CUDA device for torch here")
@EITHER
@pytest.mark.parametrize("how", [None, "eager"])
@pytest.mark.parametrize("problem", SCALAR)
@pytest.mark.parametrize("rule", simlab.rules)
def test_on_cuda(rule: str, problem: str, how: str | None, single: bool) -> None:
    """The bits of the CPU, from the kernel and from eager calls."""
    batch = cells(rule, problem, 300, 1000, single, record=20, **SCALAR[problem])
    found = agree(run_cells(batch, device="cuda", how=how), batch)
    assert how or found.path.startswith("triton on cuda")


@pytest.mark.slow
def test_the_table_of_parity(tmp_path: Path) -> None:
    pytest.importorskip("triton", reason="triton is not installed: pip install 'simlab[triton]'")
    script, page = Path(__file__).parents[2] / "scripts/parity.py", tmp_path / "parity.md"
    options = ["--rules", "sgd", "--rounds", "60", "--interpreted", "5", "--together", "2", "--out", str(page)]
    assert not subprocess.run([sys.executable, str(script), *options], check=False).returncode
    assert "| sgd |" + 8 * " 0 |" in page.read_text()
    assert "8 of 8 are 0" in page.read_text()


@pytest.mark.slow
def test_blocks_of_rounds_are_five_times_as_fast_as_eager_rounds() -> None:
    """4096 cells on one thread, both in this run: seconds of processor time a round, compilation left out."""
    batch = cells("adam_analysed", "luo2019_periodic", 4096, 20_000, record=1, **SCALAR["luo2019_periodic"])

    def seconds(how: str, rounds: int) -> float:
        seen: list[tuple[int, float]] = []
        few = replace(batch, plan=replace(batch.plan, rounds=rounds, recorded=np.array([rounds])))
        run_cells(few, how=how, progress=lambda t: seen.append((t, time.process_time())))
        (first, began), (last, ended) = seen[0], seen[-1]
        return (ended - began) / (last - first)

    eager, compiled = seconds("eager", 400), seconds("compile", 20_000)
    assert eager > 5 * compiled
