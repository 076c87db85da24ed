"""The command: its promised keys, its exit codes, and one readable line for every bad input."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

import simlab
from simlab import catalog, cli
from simlab.errors import BadInput, NotHere

LUO = ["run", "--rule", "adam", "--problem", "luo2019_periodic"]
REDDI = [
    "run",
    "--rule",
    "adam_analysed",
    "--problem",
    "reddi2018_periodic",
    "--set",
    "C=3",
    "--set",
    "beta1=0",
    "--set",
    "beta2=1/10",
    "--set",
    "alpha=1/2",
    "--x0",
    "1",
    "--rounds",
    "999",
]
GOLDEN = Decimal("680.1703063828702771623648")  # R_999 to 25 digits, from an independent 60-digit computation


def call(capsys: pytest.CaptureFixture, *args: str) -> tuple[int, str, str]:
    code = cli.main(list(args))
    out, err = capsys.readouterr()
    return code, out, err


def answer(capsys: pytest.CaptureFixture, *args: str) -> dict:
    code, out, err = call(capsys, *args, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("backend", ["reference", "numba", "torch"])
def test_the_golden_run(backend: str, capsys: pytest.CaptureFixture) -> None:
    got = answer(capsys, *REDDI, "--backend", backend)
    assert {"rule", "problem", "backend", "rounds", "x_last", "regret", "average_regret", "provenance"} <= set(got)
    assert got["regret"] == pytest.approx(float(GOLDEN), rel=1e-12)
    assert got["average_regret"] == pytest.approx(float(GOLDEN / 999), rel=1e-12)
    assert (got["x_last"], got["rounds"], got["backend"], got["grade"]) == (1.0, 999, backend, "observed")


def test_the_golden_run_in_balls(capsys: pytest.CaptureFixture) -> None:
    got = answer(capsys, *REDDI, "--backend", "arb")
    assert got["grade"] == "enclosed"
    assert set(got["regret"]) == {"midpoint", "radius"}
    middle, radius = Decimal(got["regret"]["midpoint"]), Decimal(got["regret"]["radius"])
    assert abs(middle - GOLDEN) + radius <= Decimal("0.5e-22")  # half a unit of the last printed digit


def test_list_and_show(capsys: pytest.CaptureFixture) -> None:
    everything = answer(capsys, "list")
    assert set(everything) == set(cli.KINDS)
    for rows in everything.values():
        assert all({"name", "summary", "reference"} <= set(row) for row in rows)
    assert "adam" in [row["name"] for row in answer(capsys, "list", "rules")["rules"]]
    for row in (r for rows in everything.values() for r in rows):
        shown = answer(capsys, "show", row["name"])
        assert {"name", "kind", "statement", "reference"} <= set(shown)
        code, out, _ = call(capsys, "show", row["name"], "--latex")
        assert code == 0
        assert out.count(r"\begin{") == out.count(r"\end{") > 0
    assert r"\max\left(\hat{v}_{t-1}, v_{t}\right)" in call(capsys, "show", "amsgrad", "--latex")[1]
    text = call(capsys, "show", "adabound")[1]
    assert re.search(r"gamma +> 0 +default 1 - beta2", text)


def test_a_number_keeps_its_place_in_latex(capsys: pytest.CaptureFixture) -> None:
    """ADOPT's `first` becomes 0, which is not what every other 0 of its formulas means; |g| and the sign of g stay."""
    out = call(capsys, "show", "adopt", "--latex")[1]
    assert r"v_{t-1} > 0" in out
    assert "first_{t}" not in out.replace("first_{t} &= 0", "")
    assert r"\left|{g_{t}}\right|" in call(capsys, "show", "adamax", "--latex")[1]


def test_a_proof_in_latex(capsys: pytest.CaptureFixture) -> None:
    """Every step with its grade; environments are closed, and no character is left that LaTeX reads otherwise."""
    out = call(capsys, "show", "period_2_never_fails", "--latex")[1]
    steps = catalog.claim("period_2_never_fails").steps
    assert out.count(r"\item") == len(steps) == out.count("(proved: ")
    assert [out.count(rf"\begin{{{e}}}") for e in ("quote", "enumerate")] == [1, 1]
    assert [out.count(rf"\end{{{e}}}") for e in ("quote", "enumerate")] == [1, 1]
    assert not re.search(r"(?<!\\)[_#%&$^<>]", out)


def test_condition(capsys: pytest.CaptureFixture) -> None:
    below = answer(capsys, "condition", "--beta2", "99/100", "--C", "729")
    assert below["sufficient_holds"] is False
    assert below["C_sharp"] == 278
    at = answer(capsys, "condition", "--beta2", "0.99", "--C", "730")
    assert at["sufficient_holds"] is True
    assert at["limit"] == "wrong"
    default = answer(capsys, "condition", "--beta2", "999/1000")
    assert (default["C_sufficient"], default["C_sharp"], default["grade"]) == (9614, 2774, "proved")
    tie = answer(capsys, "condition", "--beta2", "1/2", "--C", "6")
    assert (tie["adam_fails"], tie["limit"]) == (True, "interior")


def test_check(capsys: pytest.CaptureFixture) -> None:
    name = next(iter(catalog.claims()))
    rows = answer(capsys, "check", name)["claims"]
    assert [row["name"] for row in rows] == [name]
    assert {"name", "holds", "grade", "evidence", "seconds"} <= set(rows[0])


def test_check_says_no(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that does not hold is exit code 1, and undecided is not a pass."""
    from simlab.claims import Certificate, Claim, Grade

    for grade in (Grade.REFUTED, Grade.UNDECIDED):
        false = Claim("false_claim", "1 = 0.", "nobody", lambda grade=grade: Certificate(grade, "no"))
        monkeypatch.setattr(catalog, "claims", lambda false=false: {"false_claim": false})
        code, out, _ = call(capsys, "check", "--json")
        assert code == 1
        assert json.loads(out)["claims"][0]["holds"] is False


# --- bad input ------------------------------------------------------------------------------------------------------

BAD = {
    "unknown rule": (
        ["run", "--rule", "amsgard", "--problem", "quadratic"],
        "unknown rule 'amsgard'; did you mean 'amsgrad'?",
    ),
    "unknown problem": (["run", "--rule", "adam", "--problem", "luo2019_perodic"], "did you mean 'luo2019_periodic'?"),
    "unknown parameter": ([*LUO, "--set", "beta3=1/2"], "has a parameter 'beta3'; did you mean 'beta"),
    "unknown backend": ([*LUO, "--backend", "nunba"], "unknown backend 'nunba'; did you mean 'numba'?"),
    "unknown schedule": ([*LUO, "--set", "schedule=inv_sqr"], "did you mean 'inv_sqrt'?"),
    "unknown command": (["ruin"], "unknown command 'ruin'; did you mean 'run'?"),
    "unknown option": ([*LUO, "--rouns", "3"], "--rouns"),
    "unknown claim": (["check", "luo2019_theorem"], "did you mean"),
    "unknown name": (["show", "amsgard"], "did you mean 'amsgrad'?"),
    "unknown figure": (["figure", "nothing"], "unknown figure 'nothing'"),
    "unknown kind": (["list", "rulez"], "did you mean 'rules'?"),
    "beta2 = 1": ([*LUO, "--set", "beta2=1"], "beta2 must be in [0, 1); got 1; 1 would freeze the average"),
    "beta2 < 0": ([*LUO, "--set", "beta2=-1/2"], "beta2 must be in [0, 1); got -1/2"),
    "alpha = 0": ([*LUO, "--set", "alpha=0"], "alpha must be > 0; got 0"),
    "alpha < 0": ([*LUO, "--set", "alpha=-1"], "alpha must be > 0; got -1"),
    "C = 2": ([*LUO, "--set", "C=2"], "C must be an integer >= 3; got 2"),
    "C = 7/2": ([*LUO, "--set", "C=7/2"], "C must be an integer >= 3; got 7/2"),
    "C < 2 for Reddi": (
        ["run", "--rule", "adam", "--problem", "reddi2018_periodic", "--set", "C=3/2"],
        "C must be >= 2",
    ),
    "T = 0": ([*LUO, "--rounds", "0"], "rounds must be an integer >= 1; got 0"),
    "T < 0": ([*LUO, "--rounds=-5"], "rounds must be an integer >= 1; got -5"),
    "T = 1.5": ([*LUO, "--rounds", "1.5"], "rounds must be an integer >= 1; got 1.5"),
    "T = 1e12": ([*LUO, "--rounds", "1e12"], "hours"),
    "T = 1e12 recorded": ([*LUO, "--rounds", "1e12", "--record", "all"], "GB"),
    "T > 2^53": ([*LUO, "--rounds", "1e17"], "at most 2^53"),
    "T of 10,000 digits": ([*LUO, "--rounds", "1e9999"], "got 10000000000000000000... (10000 digits)"),
    "beta2 of 10,000 digits": (["condition", "--beta2", "1e9999"], "got 10000000000000000000... (10000 digits)"),
    "x0 outside": ([*LUO, "--x0", "5"], "x0 = 5 is outside F = [-2, 2]; --project-x0"),
    "x0 of a wrong shape": ([*LUO, "--x0", "1,2"], "x0 must be a number; got 2 numbers"),
    "lower > upper": (
        ["run", "--rule", "sgd", "--problem", "linear_periodic", "--set", "lower=2", "--set", "upper=1"],
        "the feasible set is empty: lower = 2 > upper = 1",
    ),
    "nan": ([*LUO, "--set", "alpha=nan"], "alpha must be a number"),
    "inf": ([*LUO, "--set", "alpha=inf"], "alpha must be a number"),
    "an expression": ([*LUO, "--set", "alpha=1/2+1/3"], "expressions are not read"),
    "an attack": ([*LUO, "--set", "alpha=__import__('os')"], "expressions are not read"),
    "a zero denominator": ([*LUO, "--set", "alpha=1/0"], "denominator other than 0"),
    "given twice": ([*LUO, "--set", "alpha=1", "--set", "alpha=2"], "alpha is given twice"),
    "no equals sign": ([*LUO, "--set", "alpha"], "--set takes name=value"),
    "a device without torch": ([*LUO, "--backend", "numba", "--device", "cpu"], "a device is for the torch backend"),
    "out is no netCDF": ([*LUO, "--out", "x.csv"], "the name ends in .nc"),
    "nothing is left at out": (["run", "--rule", "amsgard", "--problem", "quadratic", "--out", "a/b/x.nc"], "amsgrad"),
    "out is unwritable": ([*LUO, "--out", "/proc/nowhere/x.nc"], "cannot be written"),
    "figure's out is unwritable": (
        ["figure", "luo2019_condition", "--out", "/proc/nowhere/x.pdf"],
        "cannot be written",
    ),
    "condition's beta2": (["condition", "--beta2", "1"], "beta2 must be in (0, 1)"),
    "condition's C": (["condition", "--beta2", "1/2", "--C", "2"], "C must be an integer >= 3"),
    "a schedule without beta1": (
        ["run", "--rule", "sgd", "--problem", "quadratic", "--set", "beta1_schedule=inv"],
        "has no beta1",
    ),
    "lambda without its schedule": ([*LUO, "--set", "lambda=9/10"], "goes with beta1_schedule=geometric"),
    "a concave quadratic": (
        ["run", "--rule", "sgd", "--problem", "quadratic", "--set", "curvature=1,2;2,1"],
        "semidefinite",
    ),
    "a rule file that is missing": (
        ["run", "--rule", "nowhere.py:mine", "--problem", "quadratic"],
        "no file 'nowhere.py'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str, capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, one line per error, nothing on stdout, no traceback, nothing written."""
    monkeypatch.chdir(tmp_path)
    args, words = BAD[case]
    code, out, err = call(capsys, *args)
    assert code == 2, err
    assert out == ""
    assert words in err
    assert "Traceback" not in err
    assert "defect" not in err
    assert all(line.startswith("error: ") for line in err.splitlines())
    assert list(tmp_path.iterdir()) == []


def test_all_errors_are_reported_at_once(capsys: pytest.CaptureFixture) -> None:
    """Five wrong parameters, a line for each."""
    code, _, err = call(
        capsys, *LUO, "--set", "C=2", "--set", "beta2=1", "--set", "alpha=-1", "--set", "gama=1", "--set", "beta1=x"
    )
    assert code == 2
    assert len(err.splitlines()) == 5
    assert all(f"error: {name} must be " in err for name in ("C", "beta2", "alpha", "beta1"))
    assert "has a parameter 'gama'" in err


def test_what_is_allowed(capsys: pytest.CaptureFixture) -> None:
    """C = 3.0 is the integer 3, Reddi's C may be a fraction, lower = upper is a point, x0 may be projected."""
    assert answer(capsys, *LUO, "--set", "C=3.0", "--rounds", "1e1")["rounds"] == 10
    reddi = answer(
        capsys, "run", "--rule", "sgd", "--problem", "reddi2018_periodic", "--set", "C=21/10", "--rounds", "5"
    )
    assert reddi["provenance"]["constants"]["C"] == "21/10"
    point = answer(
        capsys,
        "run",
        "--rule",
        "sgd",
        "--problem",
        "linear_periodic",
        "--set",
        "lower=1",
        "--set",
        "upper=1",
        "--x0",
        "1",
    )
    assert point["regret"] == 0
    inside = answer(capsys, *LUO, "--x0", "5", "--project-x0", "--rounds", "1")
    assert inside["provenance"]["x0"] == "2"


def test_cuda_is_never_replaced(capsys: pytest.CaptureFixture) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    code, out, err = call(capsys, *LUO, "--device", "cuda", "--backend", "torch")
    assert (code, out) == (4, "")
    assert "no device 'cuda' for torch here" in err
    assert "--device cpu" in err


def test_torch_that_is_not_installed() -> None:
    """Without torch the backend says what to install, and everything else works."""
    code = (
        "import sys; sys.modules['torch'] = None; import simlab.cli as c; "
        "sys.exit(c.main(['run', '--rule', 'sgd', '--problem', 'quadratic', '--backend', 'torch']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 4
    assert "pip install 'simlab[torch]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_out_is_whole_and_comes_back(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    file = tmp_path / "run.nc"
    got = answer(capsys, *REDDI, "--record", "50", "--out", str(file))
    data = simlab.load(file)
    assert float(data.regret[-1]) == got["regret"]
    assert json.loads(data.attrs["provenance"])["hyper"]["beta2"] == "1/10"
    assert data.regret.attrs["long_name"]
    assert os.listdir(tmp_path) == ["run.nc"]
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BadInput, match="not a whole result"):
        simlab.load(file)


def test_numbers_on_stdout_are_json_without_nan(capsys: pytest.CaptureFixture) -> None:
    """A run that diverges is an answer (exit 0) with the round and the reason, and its JSON has no NaN in it."""
    args = [
        "run",
        "--rule",
        "sgd",
        "--problem",
        "quadratic",
        "--set",
        "curvature=1e200",
        "--set",
        "alpha=1e200",
        "--x0",
        "1",
    ]
    got = answer(capsys, *args)
    assert got["stopped"]["round"] == 1
    assert "overflow" in got["stopped"]["reason"]


def test_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    from simlab import online

    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(online, "run", interrupted)
    assert call(capsys, *LUO)[0] == 130


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture) -> None:
    code, _, err = call(capsys, "--debug", "show", "amsgard")
    assert code == 2
    assert "Traceback" in err


def test_no_claims_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "entry_points", lambda group: [])
    with pytest.raises(RuntimeError, match="no claims are installed"):
        catalog.claim_modules.__wrapped__()


def test_a_missing_extra_is_not_a_bad_input() -> None:
    assert (BadInput.exit_code, NotHere.exit_code) == (2, 4)


AUDIT = [
    "audit",
    "--rule",
    "adam",
    "--problem",
    "reddi2018_periodic",
    "--bound",
    "kingma2015_theorem_4_1",
    "--x0",
    "1",
    "--rounds",
    "400",
]
KINGMA = ["--set", "C=3", "--set", "beta1=0", "--set", "beta2=1/10", "--set", "alpha=9/10", "--set", "epsilon=0"]


def test_audit(capsys: pytest.CaptureFixture) -> None:
    """Kingma and Ba's bound breaks in round 129, where the proof telescopes; exit code 1 says that it is violated."""
    code, out, err = call(capsys, *AUDIT, *KINGMA, "--json")
    got = json.loads(out)
    assert (code, err) == (1, "")
    assert (got["violated"], got["first_violation"], got["broken_step"]) == (True, 129, "telescoping")
    assert got["grade"] == "enclosed"
    assert got["hypotheses"][0] == {"name": "unprojected: x_{t+1} = x_t - m_t/w_t", "holds": False, "first_failure": 3}
    assert got["ratio"] == pytest.approx(got["regret"] / got["bound"])
    text = call(capsys, *AUDIT, *KINGMA)[1]
    assert "first violation   T = 129 (enclosed)" in text
    assert text.count("breaks") == 1
    code, out, _ = call(capsys, *AUDIT, "--set", "C=3", "--json")
    assert (code, json.loads(out)["first_violation"]) == (0, None)


@pytest.mark.parametrize(
    ("rule", "problem", "bound", "words"),
    [
        ("sgd", "quadratic", "zinkevich2003", "unbounded"),
        ("adam", "luo2019_piecewise", "kingma2015_theorem_4_1", "supposes convex losses"),
        ("sgd", "luo2019_periodic", "kingma2015_theorem_4_1", "is about adam, not about sgd"),
        ("sgd", "luo2019_periodic", "zinkevitch2003", "did you mean 'zinkevich2003'"),
    ],
)
def test_audit_refuses(rule: str, problem: str, bound: str, words: str, capsys: pytest.CaptureFixture) -> None:
    code, out, err = call(capsys, "audit", "--rule", rule, "--problem", problem, "--bound", bound)
    assert (code, out) == (2, "")
    assert words in err
