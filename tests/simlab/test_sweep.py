"""Sweeps: exact specifications, and results that depend on nothing else."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
from fractions import Fraction as Q
from pathlib import Path

import numpy as np
import pytest
import xarray

import simlab
from simlab import cli
from simlab.commands.sweep import reporter
from simlab.sweeps.chunk import compute
from simlab.sweeps.run import results
from simlab.sweeps.specification import Sweep, draw, read
from simlab.sweeps.store import connect, decode, encode, put, shard_path
from simlab.sweeps.workers import Outcome
from tests.simlab.sweeping import HEAD, SMALL, problems, swept, written

# --- specifications -------------------------------------------------------------------------------------------------


def test_numbers_are_read_exactly(tmp_path: Path) -> None:
    sweep = read(written(tmp_path, SMALL))
    assert (sweep.fixed["alpha"], sweep.fixed["rounds"], sweep.shape) == ("1/10", "1000", (2, 3, 2))
    assert sweep.axes[1].columns["beta2"] == ("1/10", "1/2", "9/10")
    cell = json.loads(sweep.cell(len(sweep) - 1))
    assert cell["set"] == {"alpha": "1/10", "C": "5", "beta2": "9/10", "seed": str(draw(7, "seed", 1) >> 1)}


def test_log_grids_and_designs(tmp_path: Path) -> None:
    """Powers of ten on a log grid are powers of ten; drawn points are exact, and stay where more are drawn."""

    def points(count: int) -> Sweep:
        design = "beta1 = { uniform = [0, '1/2'] }\nalpha = { loguniform = [1e-3, 1] }\n"
        axes = f"[axes]\nbeta2 = {{ geomspace = [1e-6, 0.1], count = 6 }}\n[design]\ncount = {count}\n"
        return read(written(tmp_path, HEAD + axes + design))

    few, many = points(20), points(40)
    assert [Q(v) for v in few.axes[0].columns["beta2"]] == [Q(1, 10**n) for n in (6, 5, 4, 3, 2, 1)]
    for name in ("beta1", "alpha"):
        assert many.axes[1].columns[name][:20] == few.axes[1].columns[name]
        assert len(set(many.axes[1].columns[name])) == 40
    assert all(0 <= Q(v) < Q(1, 2) for v in many.axes[1].columns["beta1"])
    below = sum(Q(v) < Q(1, 32) for v in many.axes[1].columns["alpha"])  # 1/32 is about the middle of the logarithms
    assert 10 <= below <= 30  # 20 expected, standard deviation 3.2


def test_a_draw_belongs_to_its_name_alone() -> None:
    spawn = [int.from_bytes(hashlib.sha256(text).digest()[:8]) for text in (b"'seed'", b"'a'")]
    expected = np.random.SeedSequence(7, spawn_key=spawn).generate_state(1, np.uint64)[0]
    assert draw(7, "seed", "a") == expected
    assert draw(7, "seed", 0) >> 1 == 2523671401467306846  # as on the day it was written: stores depend on it
    assert len({draw(r, n, k) for r in (7, 8) for n in ("seed", "C") for k in (0, 1, "0")}) == 12


def test_named_seeds_and_text_axes(tmp_path: Path) -> None:
    done = swept(
        'problem = "linear_periodic"\nrounds = 10\n[axes]\nrule = ["sgd", "adam_analysed"]\n'
        'gradients = ["5,-2,-2", "1,2*3"]\nx0 = ["1/2"]\n',
        tmp_path,
    )
    data = xarray.load_dataset(done.files[0])
    assert data["rule"].values.tolist() == ["sgd", "adam_analysed"]
    direct = simlab.run("sgd", "linear_periodic", hyper={"gradients": "1,2,2,2"}, x0="1/2", rounds=10)
    assert float(data["x_last"].sel(rule="sgd", gradients="1,2,2,2").item()) == direct.x_last
    named = swept(HEAD + 'rounds = 5\n[axes]\nseed = { seeds = ["b", "a"] }\n', tmp_path / "named")
    assert xarray.load_dataset(named.files[0])["seed_name"].values.tolist() == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            HEAD.replace('"adam_analysed"', '["sgd", "adam"]').replace("rule", "axes.rule") + "set.beta2 = 0\n",
            "not every",
        ),
        (HEAD + "[axes]\nbeta3 = [0.1]\n", "no rule or problem here has a parameter 'beta3'; did you mean 'beta2'?"),
        (HEAD + "rounds = 1e400\n", "rounds must be at most 2^53"),
        (HEAD + "round = 5\n", "line 3: unknown key 'round' of a sweep; did you mean 'rounds'?"),
        (HEAD + "[axes]\nC = []\n", "axis C: from 1 to 1,000,000 values; got 0"),
        (HEAD + "[axes]\nC = [3, 3.0]\n", "axis C: the value 3 is there twice"),
        (HEAD + "[axes]\nbeta2 = [0.5, 1]\n", "beta2 must be in [0, 1); got 1"),
        (HEAD + "[axes]\nbeta2 = [nan]\n", "beta2 must be a number such as 9/10"),
        (HEAD + "[axes]\nbeta2 = { linspace = [0.9, 0.1], count = 3 }\n", "a range [a, b] has a < b; got [9/10, 1/10]"),
        (HEAD + "[axes]\nbeta2 = { linspce = [0, 0.9], count = 3 }\n", "did you mean 'linspace'?"),
        (HEAD + "[axes]\nbeta2 = { linspace = [0, 0.9] }\n", "{ linspace = [a, b], count = n }"),
        (HEAD + "[axes]\nbeta2 = { linspace = [0, 0.9], count = 1e15 }\n", "at most 1,000,000 values on one axis"),
        (HEAD + "[axes]\nalpha = { geomspace = [0, 1], count = 3 }\n", "0 < a < b"),
        (HEAD + "[axes]\nseed = { seeds = 0 }\n", "the count of seed must be an integer >= 1; got 0"),
        (HEAD + "[design]\nalpha = { uniform = [1, 2] }\n", "[design] needs count"),
        (
            HEAD + "[design]\ncount = 2\nalpha = { normal = [1, 2] }\n",
            "{ uniform = [a, b] } or { loguniform = [a, b] }",
        ),
        (HEAD + "[set]\nC = 3\n[axes]\nC = [3, 4]\n", "C is given in two places"),
        (HEAD + "[set]\nrounds = 3\n", "rounds goes to the top of the file"),
        (HEAD + "record = 9\n[axes]\nrounds = [5, 10]\n", "curves need one horizon"),
        (HEAD + 'backend = "nubma"\n', "got 'nubma'; did you mean 'numba'?"),
        (HEAD + 'backend = "arb"\n', "backend of a sweep must be one of numba, reference, torch"),
        (HEAD + "set = 3\n", "[set] is a table of settings; got 3"),
        ('problem = "quadratic"\n', "rule: write it at the top of the file"),
        (HEAD.replace("adam_analysed", "adam_analyzed"), "did you mean 'adam_analysed'?"),
        (HEAD + "rounds = 3\nrounds = 4\n", "cannot be read: Cannot overwrite a value"),
        ("\0", "cannot be read"),
    ],
)
def test_bad_specifications(text: str, words: str, tmp_path: Path) -> None:
    """One sentence that says what was wrong and what is allowed."""
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert words in found[0]


def test_all_mistakes_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    spec = written(tmp_path, HEAD + "rouns = 1\nrecord = 0\n[axes]\nbeta2 = [2]\nC = [1]\n[set]\ngama = 1\n")
    assert cli.main(["sweep", str(spec), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert [next(w for w in ("rouns", "record", "beta2", "C", "gama") if w in line) for line in sorted(told)]
    assert len(told) == 5
    assert all(line.startswith("error: spec.toml: ") for line in told)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--executor", "thread"], 2, "did you mean 'threads'?"),
        (["--export", "zar"], 2, "unknown export 'zar'; did you mean 'zarr'?"),
        (["--address", "tcp://127.0.0.1:1"], 2, "--address"),
        (["--workers", "0"], 2, "workers must be an integer >= 1"),
        (["--out", "/proc/nowhere"], 2, "cannot be written"),
    ],
)
def test_bad_options(options: list[str], code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    spec = written(tmp_path, SMALL)
    assert cli.main(["sweep", str(spec), "--out", str(tmp_path / "out"), *options]) == code
    assert words in capsys.readouterr().err


def test_a_huge_grid_says_its_cost(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    axes = "".join(
        f"{n} = {{ linspace = ['1/9', '1/2'], count = 1e3 }}\n" for n in ("alpha", "beta1", "beta2", "delta")
    )
    spec = written(tmp_path, HEAD + "[axes]\nC = { linspace = [2, 9], count = 1e3 }\n" + axes)
    assert cli.main(["sweep", str(spec), "--out", str(tmp_path / "out"), "--workers", "2"]) == 2
    told = capsys.readouterr().err
    assert "1,000,000,000,000,000 cells" in told
    assert "years with 2 workers" in told
    assert "--yes" in told
    assert not (tmp_path / "out").exists()


# --- results --------------------------------------------------------------------------------------------------------


def test_results_are_those_of_single_runs(tmp_path: Path) -> None:
    """Every cell of the Dataset and of the CSV is, to the bit, what `simlab.run` gives, curves included."""
    done = swept(SMALL.replace("root = 7", "root = 7\nrecord = 4"), tmp_path)
    assert (done.cells, done.computed, done.failed) == (12, 12, 0)
    data = xarray.load_dataset(done.files[0])
    table = list(csv.DictReader(Path(done.files[1]).read_text().splitlines()))
    assert len(table) == 12
    for row in table:
        hyper = {n: row[n] for n in ("C", "beta2", "seed")}
        alone = simlab.run(
            "adam_analysed", "reddi2018_stochastic", hyper={"alpha": "1/10", **hyper}, rounds=1000, record=4
        )
        cell = data.sel(C=int(row["C"]), seed=int(row["seed"])).sel(beta2=float(Q(row["beta2"])))
        for name in ("x_last", "regret", "average_regret", "comparator_gap"):
            assert float(row[name]) == float(cell[name]) == getattr(alone, name)
        for name in ("x", "rate", "direction", "loss", "regret_curve"):
            assert cell[name].values.tobytes() == getattr(alone, name).tobytes()
        assert cell["round"].values.tolist() == alone.t.tolist()
    assert json.loads(data["beta2"].attrs["exact"]) == ["1/10", "1/2", "9/10"]


def test_vectors_and_early_stops(tmp_path: Path) -> None:
    """A run that stops and settings that do not go together are results with a reason; the others are not disturbed."""
    text = 'rule = "sgd"\nproblem = "linear_periodic"\nrounds = 9\nrecord = 3\n[axes]\nalpha = ["1/2", 1e300]\n'
    done = swept(text + '[set]\ngradients = "1,1e300"\n', tmp_path)
    data = xarray.load_dataset(done.files[0])
    assert (done.failed, data["stopped"].values.tolist()) == (1, [0, 2])
    assert data["reason"].values[1] == "the step overflowed"
    assert np.isfinite(data["x"].values).tolist() == [[True, True, True], [True, False, False]]

    pairs = swept(HEAD + "rounds = 9\n[axes]\nC = [3, 5]\ndelta = [1, 4]\n", tmp_path / "pairs")
    data = xarray.load_dataset(pairs.files[0])
    assert pairs.failed == 1
    assert "delta must be <= C = 3" in data["reason"].sel(C=3, delta=4).item()
    assert np.isnan(data["regret"].sel(C=3, delta=4))
    assert np.isfinite(data["regret"]).sum() == 3

    vector = 'rule = "adam"\nproblem = "quadratic"\nrounds = 5\nx0 = [1, "1/2"]\n[set]\n'
    done = swept(vector + 'center = "0,1"\n[axes]\nalpha = [0.1, 0.2]\n', tmp_path / "vector")
    assert xarray.load_dataset(done.files[0])["x_last"].dims == ("alpha", "coordinate")


def test_workers_order_and_neighbours_change_nothing(tmp_path: Path) -> None:
    one = swept(SMALL, tmp_path / "one", workers=1)
    three = swept(SMALL, tmp_path / "three", workers=3)
    assert one.digest == three.digest
    other = swept(SMALL.replace("C = [3, 5]", "C = [5, 7, 3]"), tmp_path / "three")
    assert (other.found, other.computed) == (12, 6)  # a cell is known by what it is, not by where it stands
    assert other.digest != three.digest
    back = swept(SMALL, tmp_path / "three", workers=1)
    assert (back.found, back.computed, back.digest) == (12, 0, one.digest)
    assert back.messages == ["the store also holds 6 cells of other sweeps, sources or versions"]


def test_the_blob_is_exact() -> None:
    numbers = {"b": np.array([[0.1, np.nan], [-0.0, np.inf]]), "a": np.array(5e-324), "c": np.zeros((0, 2))}
    about, back = decode(encode({"reason": "no\nreason"}, numbers))
    assert about == {"reason": "no\nreason"}
    assert {n: (a.shape, a.tobytes()) for n, a in back.items()} == {
        n: (a.shape, a.tobytes()) for n, a in numbers.items()
    }


def test_readable_while_it_runs(tmp_path: Path) -> None:
    sweep = read(written(tmp_path, SMALL))
    (tmp_path / "out/shards").mkdir(parents=True)
    shard = connect(shard_path(tmp_path / "out", 0))
    [result] = next(compute([sweep.cell(4)], 1)).items()
    put(shard, *result)
    data = results(tmp_path / "spec.toml", tmp_path / "out")
    assert np.flatnonzero(np.isfinite(data["regret"].values)).tolist() == [4]
    assert (data["reason"].values == "not computed yet").sum() == 11
    shard.close()


def test_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal: cells done, cells/s and time left; elsewhere nothing."""
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    reporter()(Outcome(10, 2, 3))
    assert screen.getvalue() == ""
    monkeypatch.setattr(screen, "isatty", lambda: True)
    reporter()(Outcome(10, 2, 3))
    assert re.search(r"5 of 10 cells  \S+ cells/s  \S+ seconds left", screen.getvalue())
