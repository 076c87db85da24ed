"""Figures of trainings, from results that are made up: what is drawn, what it is called, what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from simlab import cli
from simlab.comparison import dataset, summary, table
from simlab.errors import BadInput
from simlab.experiment import chosen, experiment
from simlab.figures._training import titled
from simlab.figures.learning_curves import learning_curves, shown
from simlab.figures.learning_rates import learning_rates
from simlab.figures.robustness import robustness
from simlab.figures.robustness_fans import robustness_fans
from simlab.files import netcdf
from simlab.plotting import LOOKS, QUIET, VENUES, alone, draw
from simlab.snapshot import QUANTILES

VENUE = VENUES["neurips"]
SAMPLES = {"layer": ["a", "b", "c"], "quantile": list(QUANTILES), "sample": list("0123456789")}


def made(name: str, score: str = "accuracy", seeds: int = 3, short: bool = True, ends: Any = None) -> Any:
    """Results of twelve epochs; `ends`: (label, seed) -> the test score of all epochs."""
    draw = np.random.Generator(np.random.PCG64(0))
    of = experiment(name, short, 12)
    settings, runs = chosen(of.settings, []), {}
    for s in settings:
        for seed in range(seeds):
            parts = ("train_loss", "train", "test", "seconds", *(["valid"] if score == "perplexity" else []))
            curves = {part: torch.from_numpy(draw.uniform(50, 90, 12)) for part in parts}
            if ends is not None:
                curves["test"] = torch.full((12,), float(ends(s.label, seed)), dtype=torch.float64)
            if name == "learning_rates":
                curves["rate_quantiles"] = torch.from_numpy(np.sort(10 ** draw.uniform(-3, 3, (12, 3, 7)), axis=-1))
                curves["rate_samples"] = torch.from_numpy(10 ** draw.uniform(-3, 3, (12, 10)))
            runs[s.label, seed] = {"stopped": "", "curves": curves}
    return dataset(name, of, settings, range(seeds), runs, score, SAMPLES, {"command": "simlab train"})


DRAWN = [
    (learning_curves, made("digits")),
    (learning_curves, made("ptb_lstm1", "perplexity")),
    (learning_rates, made("learning_rates")),
    (robustness, made("robustness")),
    (robustness_fans, made("robustness", seeds=1)),
]


@pytest.mark.parametrize(("function", "results"), DRAWN, ids=lambda v: getattr(v, "__name__", ""))
def test_every_curve_is_a_row_of_the_data(function: Any, results: Any) -> None:
    figure, data = function(VENUE, results)
    rows = [row for variable in data.data_vars.values() for row in variable.values.reshape(-1, variable.shape[-1])]
    curves = [line for axes in figure.axes for line in axes.get_lines() if line.get_color() != QUIET]
    assert len(curves) >= 2
    for line in curves:
        assert any(np.array_equal(line.get_ydata(), row) for row in rows if len(row) == len(line.get_ydata()))
    assert any("shortened" in t.get_text() for t in figure.texts)
    assert "in place of" in data.attrs["protocol"]
    assert json.loads(data.attrs["runs"]) == [{"command": "simlab train"}]
    assert all(v.attrs.keys() >= {"long_name", "units"} for v in data.data_vars.values())


def test_bands_are_over_seeds() -> None:
    results = made("digits", ends=lambda label, seed: 80 + seed)
    _, data = learning_curves(VENUE, results)
    assert set(data.test_low.values.ravel()) == {80}
    assert set(data.test_mean.values.ravel()) == {81}
    assert set(data.test_high.values.ravel()) == {82}


def test_one_setting_an_optimizer_chosen_on_validation_data() -> None:
    """Of a grid the curve that is best after the last epoch on validation data; test data has no say."""
    results = made("ptb_lstm1", "perplexity")
    labels = shown(results)
    assert len(labels) == len(LOOKS) == 6
    best = min(
        (float(results.valid.sel(optimizer=k).isel(epoch=-1).mean()), k)
        for k in map(str, results.optimizer.values)
        if k.startswith("adabound")
    )[1]
    assert best in labels
    assert titled("adabound alpha_star=30") == r"AdaBound, $\alpha^{\star}=30$"
    assert titled("adam_paper") == "Adam (analysed)"


def test_the_rescaled_axis() -> None:
    """SGDM's values, ten times further right."""
    figure, data = robustness(VENUE, made("robustness"))
    for panel in figure.axes:
        low, high = panel.get_ylim()
        assert all(low < y < high for line in panel.lines for y in line.get_ydata())
    np.testing.assert_allclose(data.step_value, 10 * data.alpha_value, rtol=1e-15)
    assert np.array_equal(data.rescaled.values, data.alpha.values)


def test_fans_of_a_part_of_the_grid() -> None:
    """Two values give two lines a panel; where SGDM and AdaBound have not the same ones, the figure is refused."""
    results = made("robustness")
    part = [f"{kind}={value}" for kind in ("sgdm alpha", "adabound alpha_star") for value in ("1", "0.1")]
    figure, data = robustness_fans(VENUE, results.sel(optimizer=part))
    assert [len(axes.get_lines()) for axes in figure.axes] == [2, 2]
    assert data.value.values.tolist() == ["1", "0.1"]
    for lacking in (part[:3], part[:2], ["adabound gamma=0.1"]):
        with pytest.raises(BadInput, match="over the same values"):
            robustness_fans(VENUE, results.sel(optimizer=lacking))


def test_draw_and_the_command(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    netcdf(tmp_path / "result.nc", made("digits"))
    words = ["figure", "learning_curves", "--results", str(tmp_path), "--out", str(tmp_path / "a.pdf"), "--json"]
    assert cli.main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == [str(tmp_path / "a.pdf")]
    assert f"--results {tmp_path}" in told["provenance"]["command"]
    first = (tmp_path / "a.pdf").read_bytes()
    draw("learning_curves", tmp_path / "b.pdf", results=tmp_path)
    assert (tmp_path / "b.pdf").read_bytes() == first


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["learning_curves"], "--results DIR names its folder"),
        (["luo2019_condition", "--results", "here"], "takes no --results"),
        (["learning_curves", "--results", "nowhere"], "no results of simlab train in 'nowhere'"),
        (["robustness", "--results", "here"], "these results are of digits"),
        (["learning_rates", "--results", "here"], "these results are of digits"),
    ],
)
def test_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, words: Sequence[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    netcdf("here/result.nc", made("digits"))
    assert cli.main(["figure", *words, "--out", "new"]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.glob("new/*"))


def test_figures_that_need_nothing_are_the_others() -> None:
    assert {"learning_curves", "learning_rates", "robustness", "robustness_fans"}.isdisjoint(alone())
    assert "luo2019_condition" in alone()


# --- the numbers ----------------------------------------------------------------------------------------------------


def test_better_is_said_after_a_paired_test_alone() -> None:
    """t = mean/(s/sqrt(3)) of the differences by hand, Holm's correction, and words that follow."""
    gaps = {"sgdm": (1.0, 1.1, 0.9), "adagrad": (-2.0, -2.2, -1.8), "adam": (0.1, -0.1, 0.3), "amsgrad": (1, 1, 1)}
    results = made(
        "digits",
        ends=lambda label, seed: 80 + 3 * seed + gaps.get(label, (0.5, -0.5, 0.0))[seed] * (label != "adabound"),
    )
    found = {row["optimizer"]: row for row in summary(results)["tests"]}
    t = 1 / (0.1 / 3**0.5)
    cdf = 0.5 + t / (2 * (2 + t * t) ** 0.5)  # of Student's t with 2 degrees of freedom, in closed form
    assert found["sgdm"]["p"] == pytest.approx(2 * (1 - cdf), rel=1e-9)
    assert found["adagrad"]["p"] == pytest.approx(found["sgdm"]["p"], rel=1e-9)  # the same, doubled
    assert found["sgdm"]["p_holm"] == pytest.approx(4 * found["sgdm"]["p"])  # four were tested
    assert (found["sgdm"]["verdict"], found["adagrad"]["verdict"]) == ("better", "worse")
    assert found["adam"]["verdict"] == found["amsbound"]["verdict"] == "no difference shown"
    assert found["amsgrad"]["verdict"] == "not tested: no spread over seeds"
    results.attrs["score"] = "perplexity"
    assert {r["optimizer"]: r["verdict"] for r in summary(results)["tests"]}["sgdm"] == "worse"


def test_equal_differences_are_equal_up_to_rounding() -> None:
    """One answer of 360 more in every seed, as floats have it, is no spread, so there is nothing to test."""
    answers = (301, 317, 333)
    found = summary(made("digits", ends=lambda label, seed: 100 * ((answers[seed] + (label == "sgdm")) / 360)))
    last10 = {label: found["mean_last10"][label]["values"] for label in ("sgdm", "adabound")}
    assert 0 < np.ptp(np.subtract(last10["sgdm"], last10["adabound"])) < 1e-12
    assert {row["verdict"] for row in found["tests"]} == {"not tested: no spread over seeds"}


def test_two_seeds_are_not_tested() -> None:
    found = summary(made("digits", seeds=2))
    assert {row["verdict"] for row in found["tests"]} == {"not tested: fewer than 3 seeds"}
    told = "\n".join(
        table(
            {
                **found,
                "score": "accuracy",
                "published": {"final": {}},
                "experiment": "digits",
                "epochs": 12,
                "seeds": [0, 1],
                "protocol": "short",
            }
        )
    )
    assert "nothing is called better" in told
    assert "better (" not in told


def test_final_last10_and_best() -> None:
    results = made("digits", seeds=1)
    curve = np.arange(12.0)
    curve[2] = 99
    results["test"][0, 0] = curve
    found = summary(results)
    label = str(results.optimizer.values[0])
    assert found["final"][label] == {"mean": 11.0, "std": None, "values": [11.0]}
    assert found["mean_last10"][label]["mean"] == np.mean(curve[-10:])
    assert found["best"][label]["mean"] == 99
    results["test"][0, 0, 6:] = np.nan
    found = summary(results)
    assert found["final"][label]["mean"] is found["mean_last10"][label]["mean"] is None
