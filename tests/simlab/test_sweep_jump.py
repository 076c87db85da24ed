"""Sweeps whose cells jump rounds without gradient: the same digest however they run, another than without jumps."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import xarray

import simlab
from simlab import cli
from simlab.batch import nanoseconds
from simlab.errors import BadInput
from simlab.jump import SAID
from simlab.online import duration
from simlab.sweeps.chunk import compute, work
from simlab.sweeps.run import PATIENCE, _ask, results, run
from simlab.sweeps.specification import read
from simlab.sweeps.store import connect, put, shard_path
from tests.simlab.sweeping import HEAD, problems, start, stored, swept, written

RULE = 'rule = "rmsprop"\nproblem = "luo2019_periodic"\n'
PLAIN = RULE + "rounds = 3000\n[axes]\nC = [5, 50, 7]\nbeta2 = { linspace = [0.9, '999/1000'], count = 4 }\n"
JUMPED = "jump = true\n" + PLAIN
ADAM = JUMPED.replace("rmsprop", "adam_analysed")
LONG = RULE + (
    "jump = true\nrounds = 2e6\n[axes]\n"
    "C = { linspace = [3, 12], count = 10 }\nbeta2 = { linspace = [0.9, '99/100'], count = 10 }\n"
)


def test_workers_pieces_and_resumption_change_nothing(tmp_path: Path) -> None:
    """Nor does the batch: each cell has the bits that it has in `simlab.run_batch(jump=True)`."""
    one, two = (swept(JUMPED, tmp_path / str(n), workers=n) for n in (1, 2))
    assert (one.digest, one.failed, one.computed) == (two.digest, 0, 12)
    out = tmp_path / "begun/out"
    (out / "shards").mkdir(parents=True)
    cells = list(read(written(tmp_path, JUMPED)).cells())
    shard = connect(shard_path(out, 0))
    for pieces in (compute(cells[7:8], 1), compute(cells[2:6][::-1], 1e-12)):
        for piece in pieces:
            for result in piece.items():
                put(shard, *result)
    shard.close()
    rest = swept(JUMPED, tmp_path / "begun")
    assert (rest.found, rest.digest) == (5, one.digest)

    found = xarray.load_dataset(one.files[0])
    axes = {name: json.loads(found[name].attrs["exact"]) for name in ("C", "beta2")}
    batch = simlab.run_batch("rmsprop", "luo2019_periodic", hyper=axes, rounds=3000, jump=True)
    assert found["x_last"].values.tobytes() == batch["x_last"].values.tobytes()


def test_it_is_said_and_kept_apart(tmp_path: Path) -> None:
    """In one store the cells are others, and of the result the last digits and the path."""
    texts = [f"record = 5\n{head}{PLAIN}" for head in ("jump = true\n", "", "jump = false\n")]
    done = [swept(text, tmp_path / "same") for text in (*texts, texts[0])]
    assert [(one.found, one.computed) for one in done] == [(0, 12), (0, 12), (12, 0), (12, 0)]
    digests = [one.digest for one in done]
    assert digests[0] == digests[3] != digests[1] == digests[2]
    jumped = xarray.load_dataset(done[-1].files[0])
    plain = results(written(tmp_path, texts[1]), tmp_path / "same/out")
    assert jumped.attrs["path"] == SAID
    assert "path" not in plain.attrs
    assert np.any(jumped["rate"].values != plain["rate"].values)
    np.testing.assert_allclose(jumped["rate"], plain["rate"], rtol=1e-12)  # 3000 rounds, none of which amplifies
    cells = [json.loads(read(written(tmp_path, text)).cell(3)) for text in texts]
    assert cells[0] == cells[1] | {"jump": True}
    assert cells[1] == cells[2]


def test_killed_and_resumed(tmp_path: Path) -> None:
    quiet = swept(LONG, tmp_path / "quiet").digest
    spec, out = written(tmp_path, LONG), tmp_path / "out"
    process = start(spec, out)
    while len(stored(out)) < 5 and process.poll() is None:
        time.sleep(0.01)
    before = stored(out)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert 5 <= len(before) < 100
    rest = swept(LONG, tmp_path)
    assert (rest.done, rest.digest) == (100, quiet)
    assert rest.computed <= 100 - len(before)
    assert set(stored(out).values()) == {1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ADAM + "beta1 = [0, 0.5]\n", "unless beta1 = 0"),
        (ADAM, "unless beta1 = 0"),
        ('backend = "torch"\n' + JUMPED, "jumped by numba alone; got torch"),
        (
            'jump = true\nrule = "rmsprop"\nproblem = "least_squares"\nrounds = 9\n',
            "jumped in scalar problems on an interval",
        ),
        ("jump = true\n" + HEAD + "set.beta1 = 0\n", "no round in which loss and gradient are shown to be 0"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--yes"]])
def test_refusals(text: str, words: str, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """What has no jump is refused before anything is there, in the words of `simlab batch --jump`."""
    spec, out = written(tmp_path, text), tmp_path / "out"
    assert cli.main(["sweep", str(spec), "--out", str(out), *options]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert not out.exists()
    assert cli.main(["batch", str(spec)]) == 2  # to which the file says it too
    assert capsys.readouterr().err == told


def test_one_cell_without_a_jump_is_found(tmp_path: Path) -> None:
    """The estimate looks at a thousand cells and may miss it; before anything is computed all are looked at."""
    gradients = [f"{k + 1},0,0" for k in range(2000)]
    gradients[1] = "1,2,3"
    text = 'jump = true\nrule = "rmsprop"\nproblem = "linear_periodic"\nrounds = 9\n[axes]\n'
    sweep = read(written(tmp_path, f"{text}gradients = {json.dumps(gradients)}\n"))
    _ask(sweep, 1)
    with pytest.raises(BadInput, match="no round in which loss and gradient are shown to be 0"):
        run(sweep, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('jump = "yes"', "line 3: jump must be true or false, without quotes; got 'yes'"),
        ('jump = "ture"', "got 'ture'; did you mean 'true'?"),
        ("jump = 1", "line 3: jump must be true or false, without quotes; got 1"),
        ("jmup = true", "line 3: unknown key 'jmup' of a sweep; did you mean 'jump'?"),
    ],
)
def test_bad_values(line: str, words: str, tmp_path: Path) -> None:
    found = problems(tmp_path, f"{RULE}{line}\n")
    assert len(found) == 1
    assert words in found[0]


def test_the_estimate_knows_of_jumps(tmp_path: Path) -> None:
    """Of C = 1000, 998 rounds of a period are jumped, which is the work of one: three rounds of a thousand are left."""

    def asked(head: str, rounds: str) -> str:
        grid = f"rounds = {rounds}\n[axes]\nC = [1000]\nalpha = {{ linspace = [0.1, 1], count = 2000 }}\n"
        try:
            _ask(read(written(tmp_path, head + RULE + grid)), 1)
        except BadInput as error:
            return str(error)
        return ""

    seconds = 2000 * 1e9 * nanoseconds("numba") * 1e-9
    assert seconds > PATIENCE > seconds * 3 / 1000
    assert f"rounds take about {duration(seconds)} with" in asked("", "1e9")
    assert asked("jump = true\n", "1e9") == ""
    later = asked("jump = true\n", "1e12")
    assert f"rounds, {SAID}, take about {duration(seconds * 3)} with" in later


def test_pieces_are_as_long_as_jumped_cells_take(tmp_path: Path) -> None:
    """In a time that plain rounds would have filled with one cell, all of the chunk are played together."""
    text = JUMPED.replace("[5, 50, 7]", "[1000]")
    cells = list(read(written(tmp_path, text)).cells())
    seconds = 3000 * 2e-9 * len(cells) * 3 / 1000 * 1.01
    assert [len(piece) for piece in compute(cells, seconds)] == [4]
    assert work(cells, 9).results.keys() == set(cells)
