"""Executors: whatever becomes of the workers, the result is that of one quiet thread, and what they lack is said."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simlab import cli
from simlab.errors import NotHere
from simlab.sweeps import exports
from simlab.sweeps.chunk import Answer, Sealed, work
from simlab.sweeps.executors import threads
from simlab.sweeps.specification import read
from simlab.sweeps.store import StoreTrouble
from simlab.sweeps.workers import DEATHS, Crew, WorkerDied
from tests.simlab.sweeping import LONG, SMALL, shards, start, stored, swept, written

# --- the loop over chunks, with workers made up here ----------------------------------------------------------------

Ask = Callable[[list[str]], Answer]


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Callable[[Ask], None]:
    """crew(ask): from now on the threads of a sweep answer like that."""

    def hire(ask: Ask) -> None:
        made = Crew(lambda: 3, ask, lambda: None)
        monkeypatch.setattr(threads, "start", lambda *_: contextlib.nullcontext(made))

    return hire


def test_workers_that_die_at_random(crew: Callable, tmp_path: Path) -> None:
    """Workers that die, stop early or answer late: every cell is there once, and the digest is that of a quiet run."""
    quiet, luck = swept(SMALL, tmp_path / "quiet", workers=1), random.Random(7)
    spared = Counter[str]()

    def ask(chunk: list[str]) -> Answer:
        fate = luck.random()
        if fate < 0.4 and max(spared[cell] for cell in chunk) < DEATHS - 1:
            spared.update(chunk)
            raise WorkerDied("a worker died")
        time.sleep(luck.random() / 100)
        return work(chunk if fate < 0.7 else chunk[:1], 9)

    crew(ask)
    done = swept(SMALL, tmp_path / "random")
    assert (done.computed, done.digest) == (12, quiet.digest)
    assert list(stored(tmp_path / "random/out").values()) == [1] * 12
    assert sum("died" in m for m in done.messages)


def test_a_cell_that_kills_is_found_in_its_chunk(crew: Callable, tmp_path: Path) -> None:
    """The others of its chunk are innocent; it is left out after three workers died on it alone."""
    killer, victims = read(written(tmp_path, SMALL)).cell(5), []

    def ask(chunk: list[str]) -> Answer:
        if killer in chunk:
            victims.append(len(chunk))
            raise WorkerDied("a worker died")
        return Answer(work(chunk, 9).results, 1e-3)  # so quick that the next chunk is larger

    crew(ask)
    with pytest.raises(StoreTrouble) as caught:
        swept(SMALL, tmp_path)
    assert "left out: 3 workers died on it" in caught.value.problems[0]
    assert killer in caught.value.problems[0]
    assert victims[0] > 1
    assert sorted(victims, reverse=True) == victims
    assert victims.count(1) == DEATHS
    assert len(stored(tmp_path / "out")) == 11


def test_workers_that_all_die_end_the_sweep(crew: Callable, tmp_path: Path) -> None:
    def ask(chunk: list[str]) -> Answer:
        raise WorkerDied("a worker died")

    crew(ask)
    with pytest.raises(StoreTrouble, match="workers die before they answer"):
        swept(SMALL, tmp_path)


def test_a_piece_that_was_played_is_kept(tmp_path: Path) -> None:
    """Cells played side by side are given back together, however late."""
    cells = list(read(written(tmp_path, SMALL)).cells())
    late = work(cells, 1e-3)  # enough for their rounds, by far not for what is around them
    assert late.seconds > 2e-3
    assert late.results.keys() == set(cells)


def test_long_cells_wait_for_one_another_in_lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells that are long beside the time are played some together; where there are no lanes, one by one."""
    cells = list(read(written(tmp_path, SMALL)).cells())
    assert work(cells, 1e-9).results.keys() == set(cells)
    monkeypatch.setattr("simlab.sweeps.chunk.TOGETHER", 5)
    assert work(cells, 1e-9).results.keys() == set(cells[:5])
    slow = list(read(written(tmp_path, 'backend = "reference"\n' + SMALL)).cells())
    assert work(slow, 1e-9).results.keys() == {slow[0]}
    monkeypatch.setattr("simlab.sweeps.chunk.LONGEST", 1e-9)
    assert work(cells, 1e-9).results.keys() == {cells[0]}


def test_a_rule_that_raises_leaves_out_its_cell_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from simlab.rule import Step\n\n\ndef mine(t, alpha, g):\n    if alpha == 2:\n        raise KeyError('two')\n"
        "    return Step(direction=g, rate=alpha), ()\n"
    )
    text = f'rule = "{tmp_path}/mine.py:mine"\nproblem = "quadratic"\nbackend = "reference"\nrounds = 3\n'
    cells = list(read(written(tmp_path, text + "[axes]\nalpha = [1, 2, 3]\n")).cells())
    results = work(cells, 9).results
    assert results[cells[1]] == "KeyError: 'two'"
    assert isinstance(results[cells[0]], Sealed)
    assert isinstance(results[cells[2]], Sealed)


def test_a_result_damaged_on_the_way_is_not_kept(crew: Callable, tmp_path: Path) -> None:
    bad = read(written(tmp_path, SMALL)).cell(5)

    def ask(chunk: list[str]) -> Answer:
        answer = work(chunk, 9)
        if bad in chunk:
            blob, checked = answer.results[bad]
            answer.results[bad] = Sealed(blob[:-1] + bytes([blob[-1] ^ 1]), checked)
        return answer

    crew(ask)
    with pytest.raises(StoreTrouble) as caught:
        swept(SMALL, tmp_path)
    assert "its result was damaged on the way" in caught.value.problems[0]
    assert len(stored(tmp_path / "out")) == 11


def test_a_worker_with_other_code_is_refused(crew: Callable, tmp_path: Path) -> None:
    """Another source, or a rule's file that is not there: nothing is computed, and the message says what to do."""
    rule = tmp_path / "mine.py"
    rule.write_text(
        "from simlab.rule import Step\n\n\ndef mine(t, alpha, g):\n    return Step(direction=g, rate=alpha), ()\n"
    )
    text = f'rule = "{rule}:mine"\nproblem = "quadratic"\nbackend = "reference"\nrounds = 3\nx0 = "1/2"\n'
    cell = read(written(tmp_path, text)).cell(0)
    assert isinstance(work([cell], 9).results[cell], Sealed)
    rule.rename(tmp_path / "elsewhere.py")
    gone = work([cell], 9)
    assert gone.results == {}
    assert "mine.py" in gone.refusal
    rule.write_text("from simlab.rule import Step\n\n\ndef mine(t, alpha, g):\n    return Step(g + g, alpha), ()\n")
    edited = work([cell], 9)
    assert edited.results == {}
    assert "its source differs" in edited.refusal

    crew(lambda chunk: Answer({}, 0.0, edited.refusal))
    with pytest.raises(NotHere, match="the same installation"):
        swept(SMALL, tmp_path)


# --- what is missing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("slurm", "submitit")])
def test_a_missing_extra(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    spec = written(tmp_path, SMALL)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"simlab.sweeps.executors.{name}", raising=False)
    assert cli.main(["sweep", str(spec), "--out", str(tmp_path / "out"), "--executor", name]) == 4
    assert f"pip install 'simlab[{name}]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", exports.PACKAGES)
def test_a_missing_format(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    assert cli.main(["sweep", str(written(tmp_path, SMALL)), "--out", str(tmp_path / "out"), "--export", name]) == 4
    assert not (tmp_path / "out").exists()


def test_no_scheduler_and_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    from simlab.sweeps.executors import dask

    monkeypatch.setattr(dask, "KNOCK", 0.3)
    spec, began = written(tmp_path, SMALL), time.monotonic()
    line = ["sweep", str(spec), "--out", str(tmp_path / "out"), "--executor", "dask"]
    assert cli.main([*line, "--address", "tcp://127.0.0.1:1"]) == 4
    assert time.monotonic() - began < 10
    assert "no dask scheduler answers at 'tcp://127.0.0.1:1'" in capsys.readouterr().err
    assert cli.main([*line, "--address", "nonsense://"]) == 4
    assert "no dask scheduler answers at 'nonsense://'" in capsys.readouterr().err
    assert cli.main(line) == 2
    assert "needs --address" in capsys.readouterr().err


def test_no_sbatch_and_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    pytest.importorskip("submitit", reason="needs the extra slurm")
    from simlab.sweeps.executors import slurm

    line = ["sweep", str(written(tmp_path, SMALL)), "--out", str(tmp_path / "out"), "--executor", "slurm"]
    monkeypatch.setenv("PATH", "")
    assert cli.main(line) == 4
    assert "a login node" in capsys.readouterr().err
    monkeypatch.setattr(slurm, "CLUSTER", "local")
    assert cli.main(line) == 2
    assert "needs --address" in capsys.readouterr().err


# --- real clusters on this machine ----------------------------------------------------------------------------------

HEAVY = LONG.replace("8e6", "2e7")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> str:
    return swept(HEAVY, tmp_path_factory.mktemp("quiet"), workers=1).digest


@contextlib.contextmanager
def children(*lines: list[str]) -> Iterator[list[subprocess.Popen]]:
    made: list[subprocess.Popen] = []
    try:
        for line in lines:
            made.append(subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield made
    finally:
        for child in made:
            child.kill()
            child.wait()


def until(true: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "scheduler"])
def test_dask_with_two_workers_one_of_them_killed(victim: str, quiet: str, tmp_path: Path) -> None:
    """One worker ended half-way changes nothing; without the scheduler the sweep stops, and goes on elsewhere."""
    pytest.importorskip("distributed", reason="needs the extra dask")
    spec, out, about = written(tmp_path, HEAVY), tmp_path / "out", tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quick = ["--no-dashboard", "--host", "127.0.0.1"]
    worker = [*dask, "worker", "--scheduler-file", str(about), "--no-nanny", "--nthreads", "1", *quick]
    worker += ["--local-directory", str(tmp_path)]
    scheduler = [*dask, "scheduler", "--port", "0", "--scheduler-file", str(about), *quick]
    with children(scheduler) as [head]:
        address = until(lambda: about.exists() and about.read_text() and json.loads(about.read_text())["address"])
        with children(worker, worker) as hands:
            process = start(spec, out, "--executor", "dask", "--address", address)
            until(lambda: len(stored(out)) >= 25 or process.poll() is not None)
            before = stored(out)
            assert 25 <= len(before) < 100
            os.kill((head if victim == "scheduler" else hands[0]).pid, signal.SIGKILL)
            said, errors = process.communicate(timeout=90)
    if victim == "scheduler":
        assert process.returncode == 4, errors
        assert "what is finished is kept" in errors
        assert "Traceback" not in errors
        done = swept(HEAVY, tmp_path)
        assert (done.digest, done.computed) == (quiet, 100 - len(stored(out) & before))
    else:
        assert process.returncode == 0, errors
        done = json.loads(said)
        assert (done["computed"], done["sha256"]) == (100, quiet)
    assert [path.name for path in shards(out)] == ["000.sqlite"]  # no worker writes a store
    assert before.keys() <= stored(out).keys()
    assert set(stored(out).values()) == {1}


LOCAL = "import sys; from simlab import cli; from simlab.sweeps.executors import slurm; slurm.CLUSTER = 'local'; "


@pytest.mark.slow
def test_submitit_with_a_job_killed(tmp_path: Path) -> None:
    """submitit's own local executor in place of SLURM: a job that is killed is sent again, its cells one by one."""
    pytest.importorskip("submitit", reason="needs the extra slurm")
    text = HEAVY.replace("count = 10", "count = 4")
    spec, out, shared = written(tmp_path, text), tmp_path / "out", tmp_path / "shared"
    line = ["sweep", str(spec), "--out", str(out), "--executor", "slurm", "--address", str(shared), "--workers", "2"]
    code = f"{LOCAL} slurm.SECONDS = 0.3; sys.exit(cli.main({[*line, '--json']!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True)

    def jobs() -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                text = path.read_bytes()
                if b"submitit.core._submit" in text and str(shared).encode() in text:
                    found.append(int(path.parent.name))
        return found

    until(lambda: len(stored(out)) >= 2 or process.poll() is not None)
    before = stored(out)
    os.kill(until(jobs)[0], signal.SIGKILL)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "died" in errors
    done = json.loads(said)
    assert (done["computed"], done["sha256"]) == (16, swept(text, tmp_path / "quiet", workers=1).digest)
    assert before.keys() <= stored(out).keys()
    assert set(stored(out).values()) == {1}
    assert list(shared.iterdir()) == []
