"""Phase diagrams against exact conditions, against balls cell by cell, and against runs; the horizon of such runs."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction as Q
from pathlib import Path

import numpy as np
import pytest
import xarray

from simlab import catalog, exact, run
from simlab.condition import report
from simlab.errors import BadInput
from simlab.horizon import horizon
from simlab.orbit import orbit, verdict
from simlab.phase import GRADES, WORDS, Row, diagram, resting
from simlab.rule import settle
from simlab.trajectory import precision

ROOT = Path(__file__).resolve().parents[2]
ONE = {"alpha": Q(1)}


def luo(C: int) -> Row:
    return Row(resting(catalog.rule("rmsprop"), C - 2), (Q(-1), Q(2), Q(0)), ONE)


def reddi(C: int, rule: str = "adam_analysed", **hyper: object) -> Row:
    spec = catalog.rule(rule)
    return Row(spec, exact.sequence(f"{C},-1*{C - 1}"), settle(spec.hyper, {n: Q(v) for n, v in hyper.items()}, rule))


def test_luo_follows_the_sharp_condition() -> None:
    """The sign of D is that of 1 - 16 beta2^(C-2), decided in exact integers for each cell, periods up to 10^6."""
    beta2 = 1 - np.geomspace(1e-5, 0.95, 23)
    periods = [3, 4, 5, 7, 29, 278, 2774, 27727, 10**6]
    found = diagram(luo, ("C", periods), ("beta2", beta2))
    want = {"right": WORDS["right"], "wrong": WORDS["wrong"]}
    for C in periods:
        for b in beta2.tolist():
            assert found.verdict.sel(C=C, beta2=b) == want[report(Q(b), C).payload["limit"]], (C, b)
    assert found.attrs["grade"] == "observed"


@pytest.mark.parametrize(
    ("beta1", "smallest"),
    [(0, {0.5: 4, 0.9: 7, 0.99: 21, 0.999: 64}), ("9/10", {0.9: 14, 0.95: 17, 0.99: 30, 0.999: 74})],
)
def test_the_smallest_wrong_signed_periods_of_reddi(beta1: object, smallest: dict[float, int]) -> None:
    """(C, -1^(C-1)): the printed C is wrong-signed, and no shorter period is."""
    periods = list(range(3, 75))
    found = diagram(lambda C: reddi(C, beta1=beta1), ("C", periods), ("beta2", list(smallest)))
    for beta2, C in smallest.items():
        wrong = found.verdict.sel(beta2=beta2).values == WORDS["wrong"]
        assert periods[int(np.argmax(wrong))] == C
        assert wrong[periods.index(C) :].all()


def test_cells_that_floats_do_not_tell_are_decided_exactly() -> None:
    """At the neutral points D = 0 is proved, and at the doubles beside them balls decide; nothing else needs them."""
    neutral = [0.0625, 0.25, 0.5]
    column = np.sort([*neutral, *np.nextafter(neutral, 0), *np.nextafter(neutral, 1), 0.1, 0.9])
    found = diagram(luo, ("C", [3, 4, 6]), ("beta2", column))
    for C, b in zip((3, 4, 6), neutral, strict=True):
        for beta2, word, grade in (
            (b, "neutral", "proved"),
            (np.nextafter(b, 0), "wrong", "enclosed"),
            (np.nextafter(b, 1), "right", "enclosed"),
        ):
            cell = found.sel(C=C, beta2=beta2)
            assert (cell.verdict, cell.grade) == (WORDS[word], GRADES[grade])
    assert found.attrs["in_balls"] == 9
    assert int((found.grade == GRADES["observed"]).sum()) == found.grade.size - 9


@pytest.mark.parametrize("rule", ["adam_analysed", "adam", "amsgrad", "adabound"])
@pytest.mark.parametrize("gradients", ["10,-1*9", "5,-2,-2", "-3,0,1,-2,3,0", "1*4,0*6,-1*3"])
def test_cells_agree_with_balls(rule: str, gradients: str) -> None:
    """Drift and verdict of a coarse grid are those of balls, cell by cell, for four rules and both signs of G."""
    spec, g = catalog.rule(rule), exact.sequence(gradients)
    plain = settle(spec.hyper, {}, rule)
    beta1, beta2 = [Q(0), Q(1, 3), Q(9, 10)], np.array([0.2, 0.6, 0.99])
    found = diagram(lambda b: Row(spec, g, plain | {"beta1": b}), ("beta1", beta1), ("beta2", beta2))
    for i, b1 in enumerate(beta1):
        for j, b2 in enumerate(beta2.tolist()):
            ball = verdict(spec, g, plain | {"beta1": b1, "beta2": Q(b2)})
            assert int(found.verdict[i, j]) == WORDS[ball.word]
            assert float(found.drift[i, j]) == pytest.approx(float(ball.orbit.drift), rel=1e-9)


def test_resting_is_writing_zeros_out() -> None:
    """C = 50 with one gradient 0 for 48 of them: the same ball of D, and the same state before the phases kept."""
    rule, hyper = catalog.rule("rmsprop"), ONE | {"beta2": Q(9, 10)}
    with precision(128):
        short = orbit(luo(50).rule, luo(50).gradients, hyper)
        long = orbit(rule, exact.sequence("-1,2,0*48"), hyper)
    assert short.drift.overlaps(long.drift)
    assert float(short.drift.rad()) < 1e-30
    assert all(a[0].overlaps(b[0]) for a, b in zip(short.states, long.states[:3], strict=True))


@pytest.mark.parametrize("rule", ["adam_analysed", "momentum", "adabound"])
def test_what_does_not_rest_is_refused(rule: str) -> None:
    spec = catalog.rule(rule)
    with pytest.raises(BadInput, match=f"rule {rule}: rounds of gradient 0 are no single power"):
        orbit(resting(spec, 5), exact.sequence("-1,2,0"), settle(spec.hyper, {}, rule))


def test_diagrams_are_data(tmp_path: Path) -> None:
    """What is written to netCDF is what was computed, with codes, units, and what it depends on."""
    found = diagram(luo, ("C", [6, 7]), ("beta2", [0.5, 0.75]))
    found.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "d.nc", engine="h5netcdf") as again:
        xarray.testing.assert_identical(again.load().drop_attrs(), found.drop_attrs())
        assert again.verdict.attrs["flag_meanings"].split() == list(WORDS)
        assert again.verdict.attrs["flag_values"].tolist() == list(WORDS.values())
        assert "rule_source" in again.attrs["provenance"]


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="sum to 0"):
        diagram(lambda C: Row(catalog.rule("rmsprop"), (Q(1), Q(-1)), ONE), ("C", [2]), ("beta2", [0.5]))
    with pytest.raises(BadInput, match=r"beta2 must be in \[0, 1\)"):
        diagram(luo, ("C", [6]), ("beta2", [0.5, 1.0]))


@pytest.mark.parametrize(("C", "beta2"), [(4, "0.3"), (10, "0.9"), (10, "0.96"), (10, "0.999"), (74, "0.9999")])
def test_runs_of_the_horizon_end_where_the_drift_points(C: int, beta2: str) -> None:
    """T rounds with that alpha end within the share of F that was asked for, and a hundredth more, from both ends."""
    row = reddi(C, beta1=0, beta2=exact.rational(beta2))
    steady = verdict(row.rule, row.gradients, row.hyper).orbit
    share = 0.1
    alpha, rounds = horizon(steady, 2, share, row.hyper["beta2"])
    assert rounds % C == 0
    given = row.hyper | {"gradients": row.gradients, "alpha": alpha}
    for x0 in (-1, 1):
        x = run("adam_analysed", "linear_periodic", hyper=given, x0=x0, rounds=rounds, record=1).x_last
        assert abs(x - (1 if steady.drift > 0 else -1)) <= 2 * (share + 0.01)


@pytest.mark.slow
def test_a_million_cells() -> None:
    """A thousand by a thousand: the cells that are wrong-signed lie below one curve of beta1 over beta2."""
    spec, g, side = catalog.rule("adam_analysed"), exact.sequence("10,-1*9"), np.arange(1000) / 1000
    found = diagram(lambda b: Row(spec, g, ONE | {"beta1": Q(b)}), ("beta1", side), ("beta2", side))
    words = found.verdict.values
    assert set(np.unique(words)) == {WORDS["right"], WORDS["wrong"]}
    assert (np.diff(words, axis=0) <= 0).all()
    assert side[words[0] == WORDS["wrong"]].max() == 0.955  # beta2* = 0.95544...


@pytest.mark.slow
def test_agreement_of_runs_and_drift(tmp_path: Path) -> None:
    """A tenth of the report: a third of the problems, of beta1 and of beta2; every run agrees."""
    command = [sys.executable, str(ROOT / "scripts/agreement.py"), "--quick", "--out", str(tmp_path / "a.md")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "a.md").read_text()
    assert "550 of 550 runs of `adam_analysed` end" in text
    assert "* nothing" in text
