"""A batch is its runs: every cell of a grid is compared with the single run of its settings, to the last bit."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import simlab
from simlab import batch
from simlab.backends import _single
from simlab.batch import CURVES, VALUES, play, subtract
from simlab.cli import app
from simlab.errors import BadInput
from simlab.gather import Column, gather
from simlab.problem import Best
from simlab.trajectory import _regret

N = 60


def cells(seed: int) -> dict[str, Column]:
    """Settings drawn independently, some of which no run allows."""
    draw = np.random.Generator(np.random.PCG64(seed))

    def column(*values: Any) -> Column:
        return Column(values, draw.integers(0, len(values), N))

    return {
        "rule": column("adam_analysed", "adabound", "amsgrad", "momentum"),
        "problem": column("luo2019_periodic", "reddi2018_stochastic"),
        "rounds": column(150, 40),
        "schedule": column("constant", "inv_sqrt"),
        "alpha": column("1/10", "3/7", "-1", "1e300"),
        "beta1": column("9/10", "0"),
        "beta2": column("0", "99/100"),
        "C": column("3", "5", "50", "2.5"),
        "x0": column("1", "0", "3/2"),
    }


def test_cells_are_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules, problems, horizons, periods, seeds, stops and forbidden settings in one batch."""
    given = cells(1)
    together = play(given, N, record=6, backend="reference")
    monkeypatch.setattr(batch, "_in_columns", lambda cells, module: False)
    apart = play(given, N, record=6, backend="reference")
    assert together.paths == {"numpy"}
    assert apart.paths == {"run by run"}
    assert together.reason == apart.reason
    assert 0 < len(together.reason) < N
    assert np.any(together.stopped)
    np.testing.assert_array_equal(together.stopped, apart.stopped)
    assert together.values.keys() == apart.values.keys() == {*VALUES, *CURVES}
    for name, column in together.values.items():
        np.testing.assert_array_equal(column, apart.values[name], err_msg=name)


def test_defaults_that_lean_on_other_settings() -> None:
    """AdaBound's gamma is 1 - beta2 unless set: exactly, for every beta2."""
    texts = ["9/10", "99/100", "0.999"]
    made, alone = gather(
        {
            "rule": Column(["adabound"], np.zeros(3, dtype=int)),
            "problem": Column(["luo2019_periodic"], np.zeros(3, dtype=int)),
            "rounds": Column([10], np.zeros(3, dtype=int)),
            "beta2": Column(texts, np.arange(3)),
        },
        3,
        1,
    )
    assert not len(alone)
    names = [name for name in simlab.rules["adabound"].hyper if name != "alpha"]
    gamma = made[0].hyper[names.index("gamma")]
    assert gamma.tolist() == [float(1 - Fraction(t)) for t in texts]
    assert made[0].alpha.strides == (0,)  # what all cells share is there once


@settings(max_examples=300)
@given(
    st.fractions().map(lambda q: q.limit_denominator(10**12)),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.floats(-1, 1),
)
def test_subtract_rounds_once(best: Fraction, total: float, tail: float) -> None:
    """Against rationals, near cancellation too: the same number as a single run's regret."""
    error = tail * math.ulp(total)
    for value in (best, Fraction(total) + best / 2**60):
        found = subtract(np.array([total]), np.array([error]), value)[0]
        assert found == float(Fraction(total) + Fraction(error) - value)
        assert found == _regret((total, error), Best(None, value))


@given(st.fractions())
def test_single_rounds_once(q: Fraction) -> None:
    """The nearest float32 of an exact number, by the distance to its neighbours; ties to even."""
    near = _single.number(q)
    if not np.isfinite(near):
        return
    for other in (np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))):
        gap, rival = abs(Fraction(float(near)) - q), abs(Fraction(float(other)) - q)
        assert gap < rival or (gap == rival and int(near.view(np.int32)) % 2 == 0)


def test_single_is_float32() -> None:
    """Single precision is the run in float32: near the double run, and not equal to it."""
    double, single = (
        simlab.run_batch(
            "adam_analysed",
            "luo2019_periodic",
            hyper={"beta2": ["0.9", "0.99"]},
            x0=1,
            rounds=300,
            backend="reference",
            single=s,
        )
        for s in (False, True)
    )
    a, b = double["x_last"].values, single["x_last"].values
    assert np.array_equal(b, b.astype(np.float32))
    assert np.all(a != b)
    np.testing.assert_allclose(a, b, atol=1e-4)  # 300 roundings of 6e-8 on steps that do not amplify them


def test_slices_do_not_matter() -> None:
    """However a grid is cut, every cell is the same; the result is labelled by its axes."""
    options: dict[str, Any] = {
        "hyper": {"C": [3, 7, 20], "beta2": np.linspace(0.5, 0.9, 4)},
        "x0": 1,
        "rounds": [50, 120],
        "backend": "reference",
    }
    whole = simlab.run_batch("adam_analysed", "luo2019_periodic", **options)
    cut = simlab.run_batch("adam_analysed", "luo2019_periodic", budget=1, **options)
    assert dict(whole.sizes) == {"C": 3, "beta2": 4, "rounds": 2}
    for name in whole.data_vars:
        np.testing.assert_array_equal(whole[name].values, cut[name].values)
    one = simlab.run("adam_analysed", "luo2019_periodic", hyper={"C": 7, "beta2": 0.5}, x0=1, rounds=120)
    assert whole["regret"].sel(C=7, beta2=0.5, rounds=120) == one.regret
    assert whole["x_last"].sel(C=7, beta2=0.5, rounds=120) == one.x_last


def test_vectors_run_by_run() -> None:
    """What a backend has no columns for is played run by run, with the same layout."""
    found = simlab.run_batch(
        "adagrad", "quadratic", hyper={"center": [(1, 2), (3, 4)]}, rounds=20, record=3, backend="reference"
    )
    assert found["x_last"].dims == ("center", "coordinate")
    assert found["x"].dims == ("center", "round", "coordinate")
    assert found.attrs["path"] == "run by run"
    one = simlab.run("adagrad", "quadratic", hyper={"center": (3, 4)}, rounds=20, backend="reference")
    np.testing.assert_array_equal(found["x_last"].values[1], one.x_last)


def test_bad_grids() -> None:
    for options, words in (
        ({"hyper": {"beta2": []}}, "empty"),
        ({"hyper": {"beta3": [1]}}, "did you mean 'beta"),
        ({"hyper": {"beta2": [1, 2]}}, "beta2 must be in"),
        ({"rounds": [5, 6], "record": 3}, "one horizon"),
        ({"backend": "arb"}, "floats"),
        ({"rounds": 10**400, "yes": True}, "at most 2.53"),
        ({"rounds": 10**12, "hyper": {"C": list(range(3, 300))}}, "goes ahead"),
        ({"single": True, "problem": "least_squares", "backend": "reference"}, "float32 is for scalar"),
    ):
        given = {"problem": "luo2019_periodic", **options}
        with pytest.raises(BadInput, match=words):
            simlab.run_batch("adam", **given)


def test_the_estimate_knows_of_jumps() -> None:
    """Of C = 1000, 998 rounds of a period are jumped, which is the work of one: three rounds of a thousand are left."""

    def hours(jump: bool) -> float:
        hyper = {"C": 1000, "beta1": 0, "alpha": [0.5, 1]}
        with pytest.raises(BadInput, match=r"take about [\d.]+ (days|hours)") as said:
            simlab.run_batch("adam_analysed", "luo2019_periodic", hyper=hyper, rounds=10**15, jump=jump)
        number, unit = str(said.value).split("about ")[1].split()[:2]
        return float(number) * {"days": 24, "hours": 1}[unit]

    assert hours(True) / hours(False) == pytest.approx(0.003, rel=0.01)  # as printed, to three digits


def test_command(tmp_path: Any) -> None:
    """The grid of a sweep's file, at once: as JSON, and as netCDF that reads back."""
    spec = tmp_path / "grid.toml"
    spec.write_text('rule = "adam"\nproblem = "luo2019_periodic"\nrounds = 50\n[axes]\nC = [3, 5]\n')
    out = tmp_path / "grid.nc"
    shown = CliRunner().invoke(app, ["batch", str(spec), "--backend", "reference", "--out", str(out), "--json"])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert told["cells"] == 2
    assert told["failed"] == 0
    assert told["path"] == "numpy"
    import xarray

    with xarray.open_dataset(out, engine="h5netcdf") as data:
        one = simlab.run("adam", "luo2019_periodic", hyper={"C": 5}, rounds=50)
        assert float(data["regret"].sel(C=5)) == one.regret
    text = CliRunner().invoke(app, ["batch", str(spec), "--backend", "reference"]).stdout
    assert "2 cells (2)" in text
