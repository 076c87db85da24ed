"""Every figure that is found: its files, its data, its bytes, its legibility; and what the pictures show, by theory."""

from __future__ import annotations

import functools
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray
from matplotlib import rcParams
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from simlab import catalog
from simlab.claims import Grade
from simlab.errors import BadInput
from simlab.plotting import LOOKS, QUIET, VENUES, alone, draw

NAMES = alone()
KINDS = ("pdf", "svg", "png", "nc", "csv", "json")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """(a folder with every figure, name -> the (Figure, Dataset) that was written there), drawn once for all tests."""
    where, kept = tmp_path_factory.mktemp("figures"), {}

    def keeping(name, function):
        @functools.wraps(function)
        def kept_as_well(venue):
            figure, data = function(venue)
            kept[name] = figure, data.copy(deep=True)
            return figure, data

        return kept_as_well

    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.setattr(catalog.figure(name), name, keeping(name, getattr(catalog.figure(name), name)))
            draw(name, where)
    return where, kept


@pytest.fixture(scope="module")
def folder(drawn):
    return drawn[0]


@pytest.fixture(scope="module")
def made(drawn):
    return drawn[1]


def load(folder: Path, name: str) -> xarray.Dataset:
    with xarray.open_dataset(folder / f"{name}.nc", engine="h5netcdf") as data:
        return data.load()


def test_figures_are_found():
    assert {"luo2019_trajectories", "adabound_corridor", "luo2019_condition"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_files(folder, name):
    """All six files, none of them empty, and nothing else that belongs to the name."""
    assert sorted(p.name for p in folder.glob(f"{name}.*")) == sorted(f"{name}.{kind}" for kind in KINDS)
    assert all((folder / f"{name}.{kind}").stat().st_size > 100 for kind in KINDS)
    assert not [p for p in folder.iterdir() if p.stem not in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_provenance(folder, name):
    told = json.loads((folder / f"{name}.json").read_text())
    assert told["command"].startswith(f"simlab figure {name} ")
    assert told["reference"]
    assert told["caption"].startswith(load(folder, name).attrs["title"][:20])
    assert Grade(told["grade"]) is Grade(load(folder, name).attrs["grade"])
    assert {"python", "simlab", "numpy", "matplotlib"} <= set(told["versions"])
    assert all(run["hyper"] and run["rounds"] for run in told["runs"])


@pytest.mark.parametrize("name", NAMES)
def test_data_round_trips(folder, made, name):
    """What is written is what was plotted, bit for bit, with a long name and a unit for every variable."""
    data, want = load(folder, name), made[name][1]
    xarray.testing.assert_equal(data, want)
    assert all(v.attrs.keys() >= {"long_name", "units"} for v in data.data_vars.values())
    with (folder / f"{name}.csv").open() as lines:
        rows = sum(1 for _ in lines) - 1
    assert rows == np.prod(list(data.sizes.values()))


@pytest.mark.parametrize("name", NAMES)
def test_every_curve_is_a_row_of_the_data(made, name):
    figure, data = made[name]
    rows = []
    for variable in data.data_vars.values():
        x = data[variable.dims[-1]].values
        rows += [(x, row) for row in variable.values.reshape(-1, x.size)]
    curves = [line for axes in figure.axes for line in axes.get_lines() if line.get_color() != QUIET]
    assert len(curves) >= 2
    for line in curves:
        x, y = line.get_data()
        assert any(np.array_equal(x, a) and np.array_equal(y, b, equal_nan=True) for a, b in rows), line


@pytest.mark.parametrize("name", NAMES)
def test_curves_are_told_apart_without_colour(made, name):
    """Any two labelled curves of a picture differ in dash or marker."""
    figure, _ = made[name]
    for axes in figure.axes:
        shape = {
            line.get_label(): (str(line._dash_pattern), line.get_marker())
            for line in axes.get_lines()
            if not line.get_label().startswith("_")
        }
        assert len(set(shape.values())) == len(shape)


def luminance(color: str) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.1), from 0 (black) to 1 (white)."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_looks_differ_in_grey():
    """Two looks differ in dash and marker, and each is at least twice as dark as the paper (contrast ratio >= 2)."""
    for a, b in itertools.combinations(LOOKS, 2):
        assert (a.dash, a.marker) != (b.dash, b.marker)
        assert to_hex(a.color) != to_hex(b.color)
    assert all(1.05 / (luminance(look.color) + 0.05) >= 2 for look in LOOKS)


def test_equal_bytes_in_another_process(folder, tmp_path):
    """PDF and SVG are equal to the byte under another hash seed and somebody's matplotlibrc; and no pyplot."""
    taste = tmp_path / "matplotlibrc"
    taste.write_text("lines.linewidth: 9\nfont.size: 20\nsvg.fonttype: none\n")
    code = (
        "import sys\nfrom simlab import plotting\nfrom simlab.plotting import draw\n"
        "plotting._FORMATS = 'pdf', 'svg'\n"
        f"for name in {NAMES!r}: draw(name, sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "again")],
        check=True,
        env={**os.environ, "MATPLOTLIBRC": str(taste), "PYTHONHASHSEED": "5"},
    )
    for name, kind in itertools.product(NAMES, ("pdf", "svg")):
        assert (folder / f"{name}.{kind}").read_bytes() == (tmp_path / "again" / f"{name}.{kind}").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_pdf_fonts_and_size(folder, name):
    """TrueType fonts are embedded (no Type 3, which some publishers refuse), and the width is the venue's."""
    pdf = (folder / f"{name}.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"/CreationDate" not in pdf
    assert f"/MediaBox [ 0 0 {72 * VENUES['neurips'].text:g} ".encode() in pdf


@pytest.mark.parametrize("venue", VENUES)
def test_everything_stays_on_the_page(tmp_path, venue):
    """At every venue's size, all that is drawn lies inside the figure."""
    import matplotlib

    from simlab.plotting import _style

    name = "luo2019_condition"
    with matplotlib.rc_context(_style(VENUES[venue])):
        figure, _ = getattr(catalog.figure(name), name)(VENUES[venue])
        figure.savefig(tmp_path / "x.png")
        box = figure.get_tightbbox()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= VENUES[venue].column + 0.01


def test_draw_leaves_matplotlib_as_it_was(tmp_path):
    def settings():
        return {name: rcParams[name] for name in rcParams if name != "backend"}  # to read that one is to choose it

    before = settings()
    draw("proof_ledger", tmp_path, "icml")
    assert settings() == before


def test_one_format(tmp_path):
    """`out` that names a file gives that picture alone, with its data and provenance beside it, and says so."""
    told = draw("proof_ledger", tmp_path / "deep" / "fig1.svg")
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["fig1.csv", "fig1.json", "fig1.nc", "fig1.svg"]
    assert told["files"] == [str(tmp_path / "deep" / "fig1.svg")]
    assert told["data"] == str(tmp_path / "deep" / "fig1.nc")
    assert told["provenance"]["command"].endswith("fig1.svg")
    assert told["provenance"] == json.loads((tmp_path / "deep" / "fig1.json").read_text())


def test_out_unless_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert draw("proof_ledger")["data"] == str(Path("out") / "proof_ledger.nc")
    assert (tmp_path / "out" / "proof_ledger.pdf").stat().st_size


@pytest.mark.parametrize(
    ("name", "out", "venue", "says"),
    [
        ("luo2019_trajectory", "new", "neurips", "did you mean 'luo2019_trajectories'"),
        ("luo2019_condition", "new", "nuerips", "did you mean 'neurips'"),
        ("luo2019_condition", "new/a.jpg", "neurips", "must end in .pdf, .svg, .png"),
        ("luo2019_condition", "taken/new", "neurips", "cannot be written"),
        ("luo2019_condition", "taken/new.pdf", "neurips", "cannot be written"),
    ],
)
def test_bad_input(tmp_path, name, out, venue, says):
    """Said before anything is made: the folder holds what it held."""
    (tmp_path / "taken").write_text("a file, so no folder")
    with pytest.raises(BadInput, match=says):
        draw(name, tmp_path / out, venue)
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_a_refused_figure_leaves_no_folder(tmp_path, monkeypatch):
    """What cannot be drawn leaves no folder that was made for it, and keeps one that was there."""

    def refused(venue):
        raise BadInput("no such runs")

    monkeypatch.setattr(catalog.figure("luo2019_condition"), "luo2019_condition", refused)
    (tmp_path / "old").mkdir()
    for out in ("new/a.pdf", "old/new/deep", "old"):
        with pytest.raises(BadInput, match="no such runs"):
            draw("luo2019_condition", tmp_path / out)
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == ["old"]


def test_nothing_half_written(tmp_path, monkeypatch):
    def full_disk(self, file, **_):
        Path(file).write_bytes(b"%PDF-1.4 half")
        raise OSError("no space left")

    monkeypatch.setattr(Figure, "savefig", full_disk)
    with pytest.raises(BadInput, match="could not be written whole"):
        draw("luo2019_condition", tmp_path)
    assert not list(tmp_path.iterdir())


# --- what the pictures show -----------------------------------------------------------------------------------------


def test_trajectories_end_where_theory_says(folder):
    """C = 50, beta2 = 9/10, alpha = 1, against closed forms of the steady state.

    kappa = (1-beta2)/(1-beta2^C), v1 = kappa (1 + 4 beta2^(C-1)), v2 = kappa (4 + beta2), D = 1/sqrt(v1) - 2/sqrt(v2).
    The axis is long enough: crossing F takes Adam about (4 C/(2 alpha D))^2 rounds. At its end sqrt(T) (2 - x) is
    2 alpha/sqrt(v2) up to alpha C/T, and R_T/T is 4/C up to 1/sqrt(T), for it differs from it by
    (1/T) sum of 2 alpha/sqrt(v2 t) over the rounds t with a gradient and by O(1/T).
    """
    data = load(folder, "luo2019_trajectories")
    c, b = 50, 0.9
    kappa = (1 - b) / (1 - b**c)
    v1, v2 = kappa * (1 + 4 * b ** (c - 1)), kappa * (4 + b)
    drift = v1**-0.5 - 2 * v2**-0.5
    t, end = int(data.t[-1]), data.isel(t=-1)
    assert t > (4 * c / (2 * drift)) ** 2
    adam = end.sel(optimizer="adam_analysed")
    assert t**0.5 * (2 - float(adam.x)) == pytest.approx(2 * v2**-0.5, abs=2 * c * v2**-0.5 / t**0.5)
    assert float(adam.average_regret) == pytest.approx(4 / c, abs=t**-0.5)
    others = end.drop_sel(optimizer="adam_analysed")
    assert float(abs(others.x + 2).max()) < 4 * t**-0.5  # no rate here exceeds 4
    assert float(others.average_regret.max()) < 1e-4
    assert float(others.average_regret.min()) > 0


def test_corridor_turns_the_drift(folder):
    """AdaBound stays in its corridor, equals Adam while no bound binds, and its ratio is below 2 after the flip."""
    data = load(folder, "adabound_corridor")
    adam, amsgrad, adabound = (data.sel(optimizer=n) for n in ("adam_analysed", "amsgrad", "adabound"))
    flip = (1 + 2**0.5) / 0.001
    assert data.t[0] < flip / 2 < flip < data.t[-1]
    # 1e-15: the record is divided by sqrt(t), and multiplied again for the figure
    assert bool((adabound.rate <= data.eta_u * (1 + 1e-15)).all())
    assert bool((adabound.rate >= data.eta_l * (1 - 1e-15)).all())
    free = (data.eta_u > adam.rate) & (data.eta_l < adam.rate_next)
    assert 5 < int(free.sum()) < data.t.size - 5
    assert bool((adabound.ratio == adam.ratio)[free].all())
    assert bool((adam.ratio > 2).all())
    excess = amsgrad.ratio - 1  # v at its peaks rises to its limit like beta2^t; and rounding
    assert bool((excess >= -1e-15).all())
    assert bool((excess <= 0.9 ** (data.t - 1) + 1e-15).all())
    assert bool((adabound.ratio < 2)[data.t >= flip].all())
    assert bool((adabound.ratio > 2)[data.t < flip / 2].all())


def test_condition_against_printed_integers(folder):
    """The smallest C of the paper's condition and of the sharp one, computed elsewhere in exact integers."""
    marked = (
        load(folder, "luo2019_condition")
        .swap_dims(rest="beta2")
        .sel(beta2=["1/2", "9/10", "99/100", "999/1000", "9999/10000"])
    )
    assert marked.C_sufficient.values.tolist() == [8, 50, 730, 9614, 119181]
    assert marked.C_sharp.values.tolist() == [7, 29, 278, 2774, 27727]
    printed = [7.129283, 49.868265, 729.990416, 9613.329887, 119180.279747]
    assert marked.real_sufficient.values == pytest.approx(printed, rel=0, abs=5e-7)
    printed = [6.000000, 28.315254, 277.870256, 2773.202197, 27726.500905]
    assert marked.real_sharp.values == pytest.approx(printed, rel=0, abs=5e-7)


def test_marks_sit_on_the_least_integers(folder):
    """Everywhere on the axis: C is the integer next above the real threshold, strictly above for the sharp one."""
    data = load(folder, "luo2019_condition")
    assert bool((data.C_sufficient == np.maximum(np.ceil(data.real_sufficient), 3)).all())
    assert bool((data.C_sharp == np.maximum(np.floor(data.real_sharp) + 1, 3)).all())


@pytest.mark.parametrize("name", ["phase_beta1_beta2", "phase_period_beta2"])
def test_runs_end_where_the_phase_diagram_says(folder, name):
    """Every run that was made agrees with the cell that it stands on; no cell is open, and neutral ones are proved."""
    data = load(folder, name)
    made = data.simulated != 0
    assert int(made.sum()) >= 36
    assert bool((data.simulated == data.verdict).where(made, True).all())
    assert set(np.unique(data.verdict)) <= {-1, 0, 1}
    assert bool(((data.verdict == 0) == (data.grade_of_verdict == 2)).all())


def test_critical_curves_bound_the_phases(folder):
    """Wrong-signed cells are those below the curve, of beta1 over beta2; and N = 1, 2, 12 lie in each other."""
    data = load(folder, "phase_beta1_beta2")
    wrong = data.verdict == 1
    below = (data.beta1 < data.critical_beta1).transpose(*wrong.dims)
    assert int(wrong.any("beta1").sum()) > 250
    assert bool((wrong == below).all())
    neutral = [("5,-2,-2", 1 / 2, 1 / 4), ("25,-12,-12", 3 / 4, 9 / 16)]  # N = beta1/(1 - beta1)^2, beta1 = sqrt(beta2)
    assert all(data.verdict.sel(pattern=p, beta1=b1, beta2=b2) == 0 for p, b1, b2 in neutral)
    assert int((data.verdict == 0).sum()) == len(neutral)
    for inner, outer in itertools.pairwise(data.pattern.values[1:]):
        assert bool((wrong.sel(pattern=inner) <= wrong.sel(pattern=outer)).all())
    for pattern, critical in (("10,-1*9", 0.9554430721), ("3,-1,-1", 0.4723131400)):  # beta2 for beta1 = 0
        row = data.critical_beta1.sel(pattern=pattern).dropna("beta2")
        assert float(row.beta2[-1]) == pytest.approx(critical, rel=2e-4)
        assert float(row[-1]) < 0.01


def test_luo_phases_follow_the_sharp_curve(folder):
    data = load(folder, "phase_period_beta2")
    assert bool(((data.verdict == 1) == (data.real_sharp < data.C).transpose("C", "rest")).all())
    assert bool((data.real_sharp < data.real_sufficient).all())
