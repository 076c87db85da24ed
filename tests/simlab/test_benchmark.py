"""The benchmark runs, says which peers it left out, and every way of writing the loop ends at the same decision.

No time is asserted: a timing is a measurement, and this machine may be busy.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
AGREE = 1e-9  # see the script
EXACT = {  # the same operations in the same order as plain Python: equal to the last bit
    "simlab numba, 1 round recorded",
    "simlab numba, 1000 recorded",
    "simlab numba, no sum of losses",
    "simlab reference",
    "python floats",
    "numpy scalars",
    "C -O3 -march=native, no contraction",
    "C, no contraction, plain sum",
    "C, no contraction, compensated sum",
}
CLOSE = {
    "torch.optim.Adam",
    "torch.optim.Adam, fused",
    "jax fori_loop, jit",
    "jax lax.scan, jit",
    "optax + lax.scan, jit",
    "C -O3 -march=native",
}
OTHERS = ["adam_analysed", "sgd", "python alone", "first result, second process", "simlab list"]
ARRAYS = [  # of the sweep, then of the vector
    "simlab, float64",
    "simlab, float32, 2 threads",
    "C -O3 -march=native, 256 lanes",
    "jax vmap + scan, float64",
    "numpy in place",
    "simlab",
    "limit: read x, m, v, g, write x, m, v",
    "torch.optim.Adam, fused",
]


def benchmark(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmark") / "benchmark.json"
    return benchmark("--quick", "--out", str(out)), out


def test_it_runs_and_says_nothing_but_the_tables(quick):
    done, _ = quick
    assert (done.returncode, done.stderr) == (0, "")
    assert "decisions agree (ours to the last bit, peers to 1e-9): yes" in done.stdout


@pytest.mark.parametrize("row", sorted(EXACT | CLOSE) + OTHERS + ARRAYS)
def test_every_row_is_there_or_its_absence_explained(quick, row):
    assert re.search(rf"^{re.escape(row)} +(skipped: \S|\d+\.\d)", quick[0].stdout, re.MULTILINE)


def test_the_json_holds_what_the_tables_show(quick):
    report = json.loads(quick[1].read_text())
    loop, rules = report["loop"], report["rules"]["rules"]
    assert set(loop["times"]) | set(loop["skipped"]) == EXACT | CLOSE
    assert set(loop["x"]) == set(loop["times"])
    assert all(0 < t["least"] <= t["median"] for t in loop["times"].values())
    assert {n: (r["sqrt"], r["div"]) for n, r in rules.items()} == {"adam_analysed": (2, 2), "sgd": (1, 1)}
    assert {"processor", "compiler", "python", "numba"} <= set(report["about"])


def test_the_cells_of_the_sweep_are_those_of_the_peers(quick):
    """Ours stand apart by 0 from themselves, C by roundings (of 1 - 0.9), JAX by what it contracts, and in float32 by
    less than a rounding of x, which is at most 2, in every round."""
    sweep = json.loads(quick[1].read_text())["sweep"]
    assert sweep["apart"].pop("simlab, float64") == 0
    most = sweep["rounds"] * float(np.finfo(np.float32).eps)
    assert all(gap < (most if "float32" in name else AGREE) for name, gap in sweep["apart"].items())


def test_every_way_of_writing_the_loop_ends_at_the_same_decision(quick):
    loop = json.loads(quick[1].read_text())["loop"]
    for x in (loop["x"], loop["idle"]["x"]):
        python = x["python floats"]
        assert {n: v for n, v in x.items() if n in EXACT and v != python} == {}
        assert {n: v for n, v in x.items() if abs(v - python) > 1e-9} == {}
    assert -1 < loop["x"]["python floats"] < 1  # inside F: a decision on its boundary would agree by clipping


def test_bad_arguments_are_refused_before_anything_is_measured(tmp_path):
    done = benchmark("--quick", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "is a folder" in done.stderr
    assert done.stdout == ""
