"""What a run leaves behind: files whole or not at all, provenance that tells runs apart, regret to the last digit."""

from __future__ import annotations

import inspect
import json
import math
import types
from fractions import Fraction as Q
from pathlib import Path

import numpy as np
import pytest
from flint import arb, ctx

import simlab
from simlab import files
from simlab.errors import BadInput
from simlab.files import check_writable, whole
from simlab.provenance import source_hash
from simlab.rules.adabound import adabound_with, eta_l, eta_u
from simlab.trajectory import load, plain, shown

ADAM = {"C": 3, "alpha": "1/2", "beta1": 0, "beta2": "1/10"}


def adam(backend="reference", rounds=50, **options):
    options |= {"hyper": ADAM, "x0": 1, "rounds": rounds, "backend": backend}
    return simlab.run("adam_analysed", "reddi2018_periodic", **options)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [
        lambda: adam(),
        lambda: adam("arb"),
        lambda: simlab.run("amsgrad", "least_squares", rounds=30, backend="reference"),
        lambda: simlab.run(
            "sgd", "quadratic", hyper={"curvature": 10**200, "alpha": 10**200}, x0=1, backend="reference"
        ),
    ],
    ids=["scalar", "balls", "vector", "stopped"],
)
def test_save_and_load(run, tmp_path):
    """Every array to the bit, and everything else that the run says, from netCDF."""
    made = run()
    path = made.save(tmp_path / "new" / "run.nc")
    data = load(path)
    assert np.array_equal(data["round"], made.t)
    for name, array in (
        ("x", made.x),
        ("rate", made.rate),
        ("direction", made.direction),
        ("loss", made.loss),
        ("regret", made.regret_curve),
    ):
        assert data[name].dtype == np.float64
        assert np.array_equal(data[name], array, equal_nan=True)
        assert data[name].attrs["units"] == "1"
        assert data[name].attrs["long_name"]
    assert json.loads(data.attrs["provenance"]) == made.provenance
    assert json.loads(data.attrs["stopped"]) == made.stopped
    for name in ("rule", "problem", "backend", "rounds", "grade", "underflow", "comparator_gap"):
        assert data.attrs[name] == getattr(made, name)
    last = [float(v.mid()) if hasattr(v, "mid") else float(v) for v in np.ravel(made.x_last)]
    assert np.ravel(data.attrs["x_last"]).tolist() == last
    assert list(path.parent.iterdir()) == [path]


def test_a_run_can_be_written_over(tmp_path):
    path = tmp_path / "run.nc"
    for rounds in (20, 10):
        adam(rounds=rounds).save(path)
    assert load(path).attrs["rounds"] == 10


def test_truncated_files_are_noticed(tmp_path):
    """Cut anywhere, the file is no result any more."""
    whole_file = adam().save(tmp_path / "run.nc").read_bytes()
    cut = tmp_path / "cut.nc"
    for length in [*range(0, len(whole_file), len(whole_file) // 40), len(whole_file) - 1]:
        cut.write_bytes(whole_file[:length])
        with pytest.raises(BadInput, match="not a whole result"):
            load(cut)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # h5netcdf closes what it did not open
def test_flipped_bits_are_noticed(tmp_path):
    """A bit that flips anywhere is noticed, or it is in a gap of the file format and changes nothing that is read."""
    path = adam().save(tmp_path / "run.nc")
    intact, content = load(path), path.read_bytes()
    flipped, rng = tmp_path / "flipped.nc", np.random.default_rng(1)
    noticed = 0
    for place, bit in zip(rng.integers(len(content), size=40), rng.integers(8, size=40), strict=True):
        flipped.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
        try:
            assert load(flipped).identical(intact)
        except BadInput:
            noticed += 1
    assert noticed > 20


def test_foreign_files_are_noticed(tmp_path):
    """Text, a netCDF of something else, a part of a result, a folder, and nothing at all."""
    (tmp_path / "text.nc").write_text("a,b\n1,2\n")
    data = load(adam().save(tmp_path / "run.nc"))
    data.drop_attrs().to_netcdf(tmp_path / "bare.nc", engine="h5netcdf")
    data.drop_vars("regret").to_netcdf(tmp_path / "part.nc", engine="h5netcdf")
    data.assign_attrs(rule="sgd").to_netcdf(tmp_path / "renamed.nc", engine="h5netcdf")
    for name in ("text.nc", "bare.nc", "part.nc", "renamed.nc", "."):
        with pytest.raises(BadInput, match="not a whole result"):
            load(tmp_path / name)
    with pytest.raises(BadInput, match="no result file"):
        load(tmp_path / "absent.nc")


@pytest.mark.parametrize("place", ["a file/x.nc", ".", "/proc/nowhere/x.nc", "x\0.nc", "n" * 300 + ".nc"])
def test_places_that_cannot_be_written(place, tmp_path):
    """Said before any work is done, and nothing is left there."""
    (tmp_path / "a file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput):
        adam().save(tmp_path / place)
    assert sorted(tmp_path.rglob("*")) == before


def test_folders_that_may_not_be_written(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(BadInput, match="Permission denied"):
        check_writable(tmp_path / "x.nc")


@pytest.mark.parametrize("error", [RuntimeError("half way"), KeyboardInterrupt()])
def test_a_failing_writer_leaves_nothing(error, tmp_path):
    """Neither a torn file nor a temporary one; what was there before is still there."""
    path = tmp_path / "x.txt"
    path.write_text("before")

    def write(temporary):
        Path(temporary).write_text("half")
        raise error

    with pytest.raises(type(error)):
        whole(path, write)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_bad_input(tmp_path):
    def write(temporary):
        raise OSError(28, "No space left on device")

    with pytest.raises(BadInput, match="No space left"):
        whole(tmp_path / "x.txt", write)
    assert not list(tmp_path.iterdir())


# --- provenance -------------------------------------------------------------------------------------------------------


def test_provenance_tells_all_that_a_run_depends_on():
    """Exact numbers as text, constants of the problem and bounds of vectors included; hashes, versions, precision."""
    hyper = {
        "center": "1,2",
        "lower": "-1,0",
        "upper": "1,1/3",
        "beta2": "0.99",
        "beta1_schedule": "geometric",
        "lambda": "9/10",
    }
    made = simlab.run("amsgrad", "quadratic", hyper=hyper, rounds=3, backend="arb", bits=99, command="c")
    told = json.loads(json.dumps(made.provenance))
    assert told["hyper"] == {"alpha": "1/1000", "beta1": "9/10", "beta2": "99/100"}
    assert told["constants"] == {"curvature": "1", "center": "(1, 2)", "lower": "(-1, 0)", "upper": "(1, 1/3)"}
    assert (told["schedule"], told["beta1_schedule"], told["lambda"]) == ("inv_sqrt", "geometric", "9/10")
    assert (told["x0"], told["bits"], told["device"], told["command"]) == ("(0, 0)", 99, "cpu", "c")
    assert {"python", "machine", "simlab", "numpy", "python-flint"} <= told["versions"].keys()
    assert len(told["rule_source"]) == len(told["problem_source"]) == 64
    assert told["date"]


def test_a_constant_without_data_is_told():
    """The period C of Luo et al.'s problem enters no loss as a number, and still the run depends on it."""
    runs = [simlab.run("sgd", "luo2019_periodic", hyper={"C": C}, rounds=2, backend="reference") for C in (5, 6)]
    assert [r.provenance["constants"] for r in runs] == [{"C": "5"}, {"C": "6"}]


def rule_text(factor, helper="g"):
    """A module with a rule and a helper, as text."""
    return f"""
from simlab.rule import Step
SCALE = 3

def helper(g):
    return {helper}

def mine(t, alpha, g):
    return Step(direction={factor} * helper(g) * SCALE, rate=alpha), ()
"""


def from_text(text, tmp_path, name):
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    module = types.ModuleType(name)
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module.mine


def test_source_hash_follows_the_source(tmp_path):
    """The same rule elsewhere has the same hash; an edited line, helper or constant has another."""
    same = [source_hash(from_text(rule_text(2), tmp_path, name)) for name in ("a", "b")]
    assert same[0] == same[1]
    edited = {
        source_hash(from_text(text, tmp_path, f"m{i}"))
        for i, text in enumerate((rule_text(3), rule_text(2, "g + g"), rule_text(2).replace("SCALE = 3", "SCALE = 4")))
    }
    assert len(edited | set(same)) == 4


def test_source_hash_of_what_has_no_file():
    """Rules typed at a prompt, which differ in a number alone."""
    typed = []
    for factor in (2, 3, 2):
        space: dict = {}
        exec(f"def typed(t, alpha, g):\n    return {factor} * g", space)
        typed.append(space["typed"])
        with pytest.raises(OSError, match="could not get source"):
            inspect.getsource(typed[-1])
    hashes = [source_hash(f) for f in typed]
    assert hashes[0] == hashes[2] != hashes[1]


def test_source_hash_sees_what_a_builder_closed_over():
    """One text, many rules: bound functions, and numbers inside them, count."""

    def held(last):
        def lower(t, alpha_star, gamma):
            return last

        return lower

    hashes = [source_hash(adabound_with(held(n), eta_u)) for n in (1, 2, 1)]
    assert hashes[0] == hashes[2] != hashes[1]
    assert source_hash(adabound_with(eta_l, eta_u)) == source_hash(simlab.rules["adabound"].function)
    assert len({source_hash(simlab.rules[name].function) for name in simlab.rules}) == len(simlab.rules)


# --- regret -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["reference", "numba"])
def test_regret_of_recorded_losses_is_exact(backend):
    """At every round: the recorded losses added as fractions, less the exact minimum, rounded once."""
    run = adam(backend, rounds=2000, record="all")
    total, gradients = Q(0), Q(0)
    for i, (loss, found) in enumerate(zip(run.loss.tolist(), run.regret_curve.tolist(), strict=True)):
        total += Q(loss)
        gradients += 3 if i % 3 == 0 else -1
        assert found == float(total + abs(gradients))


def test_regret_is_the_balls():
    """The same in balls: the exact regret of the exact run, to within rounding of the doubles."""
    run, enclosed = adam(rounds=500, record="all"), adam("arb", rounds=500, record="all")
    np.testing.assert_allclose(run.regret_curve, enclosed.regret_curve, rtol=1e-14, atol=1e-14)
    assert max(r.rad() for r in enclosed.regrets) < 1e-30


@pytest.mark.parametrize("record", [1, 2, 7, 50, 1000])
def test_recording_does_not_change_a_run(record):
    """Log-spaced records are rows of the full record, the last round always among them."""
    some, all_of_them = adam(rounds=200, record=record), adam(rounds=200, record="all")
    rows = some.t - 1
    assert some.t[-1] == 200
    assert len(some.t) <= record
    for name in ("x", "rate", "direction", "loss", "regret_curve"):
        assert np.array_equal(getattr(some, name), getattr(all_of_them, name)[rows])
    assert some.x_last == all_of_them.x_last
    assert some.average_regret == some.regret / 200


# --- words and JSON ---------------------------------------------------------------------------------------------------


def test_numbers_as_json_holds_them():
    """Balls are two strings, vectors lists, and what JSON has no number for is text."""
    assert plain(arb(1) / 3)["midpoint"].startswith("0.333333333333333")
    assert float(plain(arb(1) / 3)["radius"]) < 1e-15
    assert plain((Q(1, 2), 3, 0.25, None)) == [0.5, 3, 0.25, None]
    assert plain(np.array([1.0, math.inf, -math.inf])) == [1.0, "inf", "-inf"]
    assert plain(math.nan) == "nan"
    assert plain(np.float64(2.5)) == 2.5
    assert type(plain(np.float64(2.5))) is float


def test_a_ball_in_json_encloses():
    """midpoint +- radius, read back as exact decimals, contains the ball, though both are printed in few digits."""
    for bits in (53, 128, 400):
        with ctx.workprec(bits):
            third = arb(1) / 3 + arb(0, 1e-3)
        told = plain(third)
        middle, radius = Q(told["midpoint"]), Q(told["radius"])
        with ctx.workprec(600):
            low, high = (arb(f"{v.numerator}") / v.denominator for v in (middle - radius, middle + radius))
            assert third.lower() >= low
            assert third.upper() <= high


def test_json_of_a_run_has_the_promised_keys():
    for backend in ("reference", "arb"):
        told = json.loads(json.dumps(adam(backend).to_json(), allow_nan=False))
        assert {"rule", "problem", "backend", "rounds", "x_last", "regret", "average_regret"} <= told.keys()
        assert told["provenance"]["hyper"]["beta2"] == "1/10"
        assert told["grade"] == ("enclosed" if backend == "arb" else "observed")


def test_runs_introduce_themselves():
    """Rule, problem, horizon, backend, grade, where it ended and at what regret; and where it broke off."""
    assert repr(adam()).startswith("<adam_analysed on reddi2018_periodic, 50 rounds, reference (observed): x_last = ")
    stopped = simlab.run("sgd", "quadratic", hyper={"curvature": 10**200, "alpha": 10**200}, x0=1, backend="reference")
    assert "stopped in round 1: the step overflowed" in repr(stopped)
    assert stopped.x_last == 1
    assert shown(tuple(range(7))) == "(0, 1, 2, 3, 4, ...)"
    assert shown(Q(1, 3)) == "0.333333333333333"
