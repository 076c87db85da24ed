"""The store of a sweep: damage, foreign files and second writers; killed half-way, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from simlab import cli
from simlab.sweeps.run import run
from simlab.sweeps.specification import read
from simlab.sweeps.store import MARK, connect, encode, key, locked, put, shard_path
from tests.simlab.sweeping import LONG, SMALL, command, offspring, shards, start, stored, swept, written

# --- the store ------------------------------------------------------------------------------------------------------


def test_a_damaged_cell_is_set_aside_and_computed_again(tmp_path: Path) -> None:
    first = swept(SMALL, tmp_path, workers=1)
    cell = read(tmp_path / "spec.toml").cell(5)
    [path] = shards(tmp_path / "out")
    shard = sqlite3.connect(path)
    [[blob]] = shard.execute("SELECT blob FROM cells WHERE key = ?", [key(cell)]).fetchall()
    flipped = blob[:-1] + bytes([blob[-1] ^ 1])
    shard.execute("UPDATE cells SET blob = ? WHERE key = ?", [flipped, key(cell)])
    shard.commit()
    again = swept(SMALL, tmp_path, workers=1)
    assert (again.found, again.computed, again.digest) == (11, 1, first.digest)
    assert any("damaged" in m and cell in m for m in again.messages)
    assert shard.execute("SELECT cell, blob FROM aside").fetchall() == [(cell, flipped)]
    shard.close()


@pytest.mark.parametrize("harm", ["truncated", "header", "pages"])
def test_a_damaged_file_is_kept_and_its_cells_computed_again(harm: str, tmp_path: Path) -> None:
    first = swept(SMALL, tmp_path, workers=1)
    [path] = shards(tmp_path / "out")
    content = path.read_bytes()
    bad = {
        "truncated": content[: len(content) // 2],
        "header": b"not SQLite at all" + content[17:],
        "pages": content[:4096] + b"\xff" * (len(content) - 4096),
    }[harm]
    path.write_bytes(bad)
    again = swept(SMALL, tmp_path, workers=1)
    assert (again.computed, again.digest) == (12, first.digest)
    assert "is damaged" in again.messages[0]
    assert path.with_suffix(".damaged1").read_bytes() == bad


def test_foreign_and_future_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    spec, out = written(tmp_path, SMALL), tmp_path / "out"
    (out / "shards").mkdir(parents=True)
    path = shard_path(out, 0)
    for statements, words in (
        ("CREATE TABLE mine (x)", "was not written by a sweep"),
        (f"PRAGMA application_id = {MARK}; PRAGMA user_version = 99", "has format 99, not 1"),
    ):
        sqlite3.connect(path).executescript(statements).connection.close()
        before = path.read_bytes()
        assert cli.main(["sweep", str(spec), "--out", str(out)]) == 3
        assert words in capsys.readouterr().err
        assert path.read_bytes() == before


def test_a_shard_whose_making_was_interrupted_is_made_again(tmp_path: Path) -> None:
    path = shard_path(tmp_path / "out", 0)
    path.parent.mkdir(parents=True)
    sqlite3.connect(path).executescript("CREATE TABLE x (a); DROP TABLE x").connection.close()
    assert path.stat().st_size
    assert swept(SMALL, tmp_path, workers=1).computed == 12


def test_shards_that_disagree_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    swept(SMALL, tmp_path, workers=1)
    cell = read(tmp_path / "spec.toml").cell(0)
    shard = connect(shard_path(tmp_path / "out", 9))
    put(shard, cell, encode({"reason": "", "stopped": 0}, {"x_last": np.array(0.5)}))
    shard.close()
    assert cli.main(["sweep", str(tmp_path / "spec.toml"), "--out", str(tmp_path / "out")]) == 3
    assert "000.sqlite and 009.sqlite disagree on the cell" in capsys.readouterr().err


def test_a_second_sweep_on_one_store_stops(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    spec = written(tmp_path, SMALL)
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out/lock") as mine:
        assert mine
        assert cli.main(["sweep", str(spec), "--out", str(tmp_path / "out")]) == 3
    assert "another sweep is running in" in capsys.readouterr().err


def test_a_cell_is_never_written_twice(tmp_path: Path) -> None:
    shard = connect(tmp_path / "a.sqlite")
    put(shard, "cell", b"blob")
    with pytest.raises(sqlite3.IntegrityError):
        put(shard, "cell", b"blob")
    shard.close()


RULE = (
    "import multiprocessing, os\nfrom simlab.rule import Step\n\n{}\n\n"
    "def mine(t, alpha, g):\n    return Step(direction=g{}, rate=alpha), ()\n"
)


def test_an_edited_rule_is_another_cell(tmp_path: Path) -> None:
    text = f'rule = "{tmp_path}/mine.py:mine"\nproblem = "quadratic"\nbackend = "reference"\nrounds = 3\n'
    made = []
    for change in ("", " + g"):
        (tmp_path / "mine.py").write_text(RULE.format("", change))
        made.append(swept(text + 'x0 = "1/2"\n', tmp_path, workers=1))
    assert [m.computed for m in made] == [1, 1]
    assert made[0].digest != made[1].digest


def test_a_cell_that_kills_its_workers_is_left_out(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    """Three workers die on it; the sweep goes on, says so, and does not hang."""
    (tmp_path / "mine.py").write_text(RULE.format("if multiprocessing.parent_process():\n    os._exit(9)", ""))
    text = f'problem = "quadratic"\nrounds = 3\n[axes]\nrule = ["{tmp_path}/mine.py:mine", "sgd"]\n'
    spec = written(tmp_path, text)
    assert cli.main(["sweep", str(spec), "--out", str(tmp_path / "out"), "--workers", "1"]) == 3
    told = capfd.readouterr().err
    assert "left out: 3 workers died on it" in told
    assert "1 cells were left out" in told
    assert len(stored(tmp_path / "out")) == 1


# --- killed ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return swept(LONG, tmp_path_factory.mktemp("undisturbed")).digest


@pytest.mark.parametrize("victim", ["parent", "worker", "interrupt", pytest.param("all", marks=pytest.mark.slow)])
def test_killed_and_resumed(victim: str, undisturbed: str, tmp_path: Path) -> None:
    """Killed half-way, no finished cell is lost, none is computed twice, and the result is that of a quiet run."""
    spec, out = written(tmp_path, LONG), tmp_path / "out"
    process = start(spec, out)
    while len(stored(out)) < 25 and process.poll() is None:
        time.sleep(0.01)
    before = stored(out)
    assert 25 <= len(before) < 100
    if victim == "worker":
        os.kill(offspring(process.pid)[0], signal.SIGKILL)
        said, errors = process.communicate(timeout=60)
        assert "died" in errors
        done = json.loads(said)
        assert done["computed"] == 100
    else:
        end = os.kill if victim == "parent" else os.killpg
        end(process.pid, signal.SIGINT if victim == "interrupt" else signal.SIGKILL)
        code, (_, errors) = process.wait(timeout=60), process.communicate()
        assert code == (130 if victim == "interrupt" else -signal.SIGKILL)
        if victim == "interrupt":
            assert "the same command goes on" in errors
            assert "Traceback" not in errors
        done = command(spec, out)
        assert done["computed"] <= 100 - len(before)
    assert (done["cells"], done["done"], done["sha256"]) == (100, 100, undisturbed)
    after = stored(out)
    assert before.keys() <= after.keys()
    assert len(after) == 100
    assert set(after.values()) == {1}


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_full_disk(executor: str, tmp_path: Path) -> None:
    """A limit on the size of files stops the sweep with exit code 3 and the remedy; without it the sweep goes on."""
    spec, out = written(tmp_path, SMALL.replace("seeds = 2", "seeds = 30")), tmp_path / "out"
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY)); "
        f"from simlab import cli; sys.exit(cli.main(['sweep', {str(spec)!r}, '--out', {str(out)!r}, '--workers', '1', "
        f"'--executor', {executor!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert "make room and run the same command again" in done.stderr
    kept = len(stored(out))
    assert 0 < kept < 180
    again = run(read(spec), out, 1, "threads")
    assert (again.done, again.computed) == (180, 180 - kept)
