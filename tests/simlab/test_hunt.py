"""`simlab hunt`: the smallest counterexamples, against values found independently, brute force, and false siblings."""

from __future__ import annotations

import itertools
import json
import shlex
from fractions import Fraction as Q
from pathlib import Path

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab import affine, catalog, cli, climb
from simlab.directions import _best, _suspects, enclosures, size, smallest, wrong
from simlab.errors import BadInput
from simlab.families import FAMILIES
from simlab.hunt import Hunt, hunt, leading, run_lengths, shown
from simlab.ops import divide, ema, maximum, sign, sqrt
from simlab.orbit import orbit
from simlab.rule import Step, Weight, settle
from simlab.scaling import scale_free
from simlab.trajectory import precision

GRADIENTS = [Q(v) for v in (3, -1, -1)]


def posed(rule: object, **given: object) -> tuple:
    """(rule, exact hyperparameters)."""
    spec = catalog.rule(rule)
    return spec, settle(spec.hyper, {n: Q(v) for n, v in given.items()}, "the rule")


def adam(beta1: object, beta2: object) -> tuple:
    return posed("adam_analysed", beta1=beta1, beta2=beta2)


def found(rule: object = "adam_analysed", hyper: dict | None = None, **how: object) -> Hunt:
    return hunt(*posed(rule, **(hyper or {})), **how)


# --- affine forms ---------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    st.floats(1e-9, 0.3),
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    st.sampled_from(["adam_analysed", "adamax", "adopt", "adabelief", "lion", "nadam", "amsgrad"]),
)
def test_an_enclosure_holds_what_it_encloses(mid: list, half: float, at: list, rule: str) -> None:
    """D over a box against D at a point of the box, in balls of 200 bits, for operations of all kinds."""
    spec, hyper = posed(rule)
    boxes = affine.coordinates(np.array(mid)[:, None], np.full((3, 1), half))
    D = enclosures(spec, hyper, [1, *boxes])
    point = [Q(m) + Q(half) * Q(a) for m, a in zip(mid, at, strict=True)]
    with precision(200):
        exact = orbit(spec, [Q(1), *point], hyper).drift
    if exact.is_finite():
        assert float(D.low[0]) <= exact <= float(D.high[0])


def test_enclosures_are_of_second_order() -> None:
    """Halving a box quarters what is not linear; without it the form misses points, so that it is needed."""
    spec, hyper = adam("1/2", "9/10")
    rads = []
    for half in (2e-2, 1e-2):
        boxes = affine.coordinates(np.array([[-0.3], [-0.6]]), np.full((2, 1), half))
        D = enclosures(spec, hyper, [1, *boxes])
        rads.append(D.rad[0])
        corner = enclosures(spec, hyper, [1.0, -0.3 + half, -0.6 - half])
        assert abs(corner.mid[0] - D.mid[0] - D.lin[0, 0] + D.lin[1, 0]) > 1e-3 * D.rad[0] > 0
    assert rads[0] / rads[1] == pytest.approx(4, rel=0.1)


def test_exact_sums_stay_exact() -> None:
    x = affine.number(3) + 1 - affine.number(4)
    assert (x.low, x.high) == (0, 0)
    tenth = affine.number(Q(1, 10))
    assert tenth.low < Q(1, 10) < tenth.high
    assert (affine.number(1e16) + 1).high[0] > 1e16


def test_roots_and_quotients_of_tiny_numbers() -> None:
    """The square of their width underflows, and what it stands for does not."""
    x = affine.Affine(np.array([4e-211]), np.array([[1e-211]]), np.array([2e-211]))
    with precision(200):
        for value in (1.5e-211, 4e-211, 6.5e-211):
            for f, exact in ((affine.sqrt(x), arb(value).sqrt()), (affine.divide(1, x), 1 / arb(value))):
                assert float(f.low[0]) <= exact <= float(f.high[0])


# --- all directions -------------------------------------------------------------------------------------------------

SMALLEST = [  # period 3: beta1, beta2, gradients, drift where it was computed elsewhere
    (0, "1/10", (3, -1, -1), 0.680949601994),
    (0, "1/2", (4, -1, -2), 0.0871681516694),
    (0, "9/10", (22, -7, -14), 0.00219907776873),
    (0, "99/100", (226, -74, -151), 1.25691491796e-5),
    (0, "999/1000", (2269, -743, -1525), 1.52306350274e-7),
    ("1/2", "9/10", (58, -26, -31), None),
    ("9/10", "1/2", (56, -33, -22), None),
    ("9/10", "9/10", (361, -183, -177), None),
    ("9/10", "99/100", (3783, -1860, -1922), None),
    ("9/10", "999/1000", (37996, -18629, -19366), 8.64852124262e-11),
]


@pytest.mark.parametrize(("beta1", "beta2", "gradients", "drift"), SMALLEST)
def test_smallest_of_period_3(beta1: object, beta2: object, gradients: tuple, drift: float | None) -> None:
    got = hunt(*adam(beta1, beta2), period=3)
    assert (got.gradients, got.grade) == (gradients, "enclosed")
    assert got.how.startswith("smallest of period 3")
    if drift:
        assert float(got.verdict.orbit.drift) == pytest.approx(drift, rel=1e-11)


def every(period: int, largest: int) -> np.ndarray:
    return np.array(list(itertools.product(range(-largest, largest + 1), repeat=period)), dtype=float)


@pytest.mark.parametrize(
    ("period", "beta1", "beta2"), [(3, 0, "1/2"), (3, 0, "1/10"), (4, 0, "1/2"), (5, 0, "1/2"), (4, "1/2", "1/2")]
)
def test_brute_force_agrees(period: int, beta1: object, beta2: object) -> None:
    """All integer vectors, in floats: none fails below the size found, and some of that size do."""
    spec, hyper = adam(beta1, beta2)
    best = smallest(spec, hyper, period)
    assert best.minimal
    rows = every(period, size(best.best))
    rows = rows[rows.any(axis=1)]
    score = climb.drifts(spec, hyper, rows) * rows.sum(axis=1)
    failing = rows[score > 1e-9]
    assert np.abs(failing).max(axis=1).min() == size(best.best)
    most = score[(score > 1e-9) & (rows.sum(axis=1) == 1)].max()
    assert float(wrong(spec, hyper, best.best).orbit.drift) >= most - 1e-9


def test_a_box_with_a_counterexample_is_kept() -> None:
    """And one in which all directions are right is dropped."""
    spec, hyper = adam(0, "1/2")
    y, e = -1 / 4, 1 / 4  # (4, -1, -2)
    kept, _, _ = _suspects(spec, hyper, np.array([[y, 0.5], [e, 2.0]]), np.full((2, 2), 0.05))
    assert kept.tolist() == [[y], [e]]


def test_small_alphabets() -> None:
    """beta = (0, 1/2): with max |g_i| <= 2 the smallest period is 5, with 3 it is 4, with 4 it is 3."""
    for largest, gradients in ((2, (2, 2, -1, -1, -1)), (3, (3, 0, -1, -1)), (4, (4, -1, -2))):
        got = hunt(*adam(0, "1/2"), largest=largest)
        assert got.gradients == gradients
        assert got.how.endswith("every shorter period is excluded")


def test_a_search_that_stops_early_says_so() -> None:
    spec, hyper = adam(0, "9/10")
    cut = smallest(spec, hyper, 4, budget=1)
    assert not cut.minimal
    assert 1 <= cut.excluded < size(smallest(spec, hyper, 4).best)


def test_what_stays_undecided_is_not_excluded() -> None:
    """D = 0 with a root that exact arithmetic cannot write down."""

    def nested(t, alpha, g, v=0, *, beta2: Weight = Q("0.25")):
        """RMSProp, slower by a constant factor.

        Reference: nobody.
        """
        v = ema(v, g * g, beta2)
        return Step(direction=g, rate=divide(alpha, sqrt(v) * sqrt(sqrt(Q(2)) + 1))), (v,)

    undecided: list[int] = []
    neutral = np.array([[2.0], [0], [0], [-1]])
    assert _best(*posed(nested), neutral, None, undecided) is None
    assert undecided == [2]
    assert _best(*posed("rmsprop", beta2="0.25"), neutral, None, undecided) is None
    assert undecided == [2]


@pytest.mark.slow
def test_smallest_of_period_4() -> None:
    """Below the 17152 that annealing found elsewhere; and 120 for (0, 99/100)."""
    assert hunt(*adam(0, "99/100"), period=4).gradients == (120, -12, -37, -70)
    got = hunt(*adam("9/10", "999/1000"), period=4)
    assert got.gradients == (17112, -5421, -5702, -5988)
    assert got.how.startswith("smallest of period 4")


# --- none exists ----------------------------------------------------------------------------------------------------


def test_period_2() -> None:
    got = found(period=2)
    assert (got.gradients, got.grade) == (None, "proved")
    assert "period_2_never_fails" in got.how
    got = found("nadam", period=2)
    assert (got.gradients, got.grade) == (None, "enclosed")


def test_what_only_looks_at_directions() -> None:
    assert all(scale_free(*posed(rule)) for rule in ("adam_analysed", "adamax", "adopt", "lion", "nadam", "adabelief"))
    assert scale_free(*posed("adam", epsilon=0))
    assert not scale_free(*posed("adam"))

    def lopsided(t, alpha, g):
        """Positive gradients count double.

        Reference: nobody.
        """
        return Step(direction=g + maximum(g, 0), rate=alpha), ()

    def fading(t, alpha, g):
        """A rate that depends on the round, which no enclosure knows.

        Reference: nobody.
        """
        return Step(direction=g, rate=alpha * (1 - divide(1, t))), ()

    def powers(t, alpha, g, v=1):
        """A product, whose degree rises from round to round.

        Reference: nobody.
        """
        return Step(direction=g, rate=alpha * v), (v * g * g,)

    assert not any(scale_free(*posed(rule)) for rule in (lopsided, fading, powers))
    got = found("adam", period=3)
    assert "not proved smallest" in got.how


# --- families and local search --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "beta1", "beta2", "runs"),
    [
        ("reddi", "9/10", "999/1000", [[74, 1], [-1, 73]]),
        ("reddi", 0, "99/100", [[21, 1], [-1, 20]]),
        ("universal", "9/10", "999/1000", [[38015, 1], [-19007, 2]]),
        ("luo", 0, "9/10", [[-1, 1], [2, 1], [0, 27]]),
        ("burst", 0, "99/100", [[1, 15], [0, 28], [-1, 14]]),
    ],
)
def test_families(name: str, beta1: object, beta2: object, runs: list) -> None:
    got = hunt(*adam(beta1, beta2), family=name)
    assert (run_lengths(got.gradients), got.grade) == (runs, "enclosed")


def test_the_size_below_is_right() -> None:
    assert found(family="reddi").how.endswith("size 73: right (enclosed)")
    assert found("adopt", {"beta1": 0, "beta2": "99/100"}, family="adopt").gradients == (-266, 134, 133)


@pytest.mark.slow
def test_long_families() -> None:
    """Luo et al.'s pattern never defeats the default; blocks do, bursts of length 1 do from period 188 on."""
    assert found(family="luo").gradients is None
    assert len(found(family="luo_block").gradients) <= 3023
    burst = found(family="burst").gradients
    assert (len(burst), sum(burst)) == (188, 1)
    assert wrong(*posed("adam_analysed"), [1] * 47 + [0] * 95 + [-1] * 46)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_patterns_have_one_period_and_positive_sum(name: str) -> None:
    for n in (3, 8, 300):
        rows = FAMILIES[name](n)
        assert len(rows) > 0
        assert (rows.sum(axis=1) > 0).all()
        assert FAMILIES[name].__doc__


def test_local_search() -> None:
    """At least as good as annealing elsewhere (1696), the same each time, and not called minimal."""
    got = found(period=13, largest=1696), found(period=13, largest=1696)
    assert got[0].gradients == got[1].gradients
    ten = climb.climb(*posed("adam_analysed"), 10, None, 10**7, lambda text: None)
    assert max(abs(v) for v in ten.orbit.gradients) <= 1696
    assert "not proved smallest of period 13" in got[0].how
    from_start = found(start=[Q(76029), Q(-38014), Q(-38014)])
    assert size(from_start.gradients) == 37996
    assert found(start=[Q(1), Q(0), Q(0)], largest=10).grade == "undecided"


def test_rotation() -> None:
    assert leading((-1, 2, -2, 2)) == (2, -2, 2, -1)


# --- shown by a run, and the command --------------------------------------------------------------------------------


def test_the_run_ends_at_the_worst_decision() -> None:
    spec, hyper = adam(0, "1/2")
    made = shown(spec, hyper, wrong(spec, hyper, [4, -1, -2]))
    assert made["gradients"] == [[4, 1], [-1, 1], [-2, 1]]
    assert made["x_last"] > 0.7
    spec, hyper = adam("9/10", "999/1000")
    made = shown(spec, hyper, wrong(spec, hyper, [37996, -18629, -19366]))
    assert made["gradients"][0] == [75991, 1]
    assert made["x_last"] > 0.7


def command(capsys: pytest.CaptureFixture, *args: str) -> dict:
    assert cli.main(["hunt", *args, "--json"]) == 0
    out = capsys.readouterr()
    assert not out.err
    return json.loads(out.out)


def test_the_command(capsys: pytest.CaptureFixture) -> None:
    got = command(capsys, "--rule", "adam_analysed", "--set", "beta1=0", "--set", "beta2=1/2")
    assert {"gradients", "period", "drift", "grade", "how"} <= set(got)
    assert (got["gradients"], got["period"]) == ([[4, 1], [-1, 1], [-2, 1]], 3)
    assert set(got["drift"]) == {"midpoint", "radius"}
    again = shlex.split(got["run"]["command"])[1:]
    assert cli.main([*again, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["x_last"] == got["run"]["x_last"]
    none = command(capsys, "--rule", "sgd")
    assert (none["gradients"], none["drift"], none["run"]) == (None, None, None)
    assert cli.main(["hunt", "--rule", "rmsprop", "--set", "beta2=1/2"]) == 0
    assert "rmsprop, period 3: 4,-1,-2" in capsys.readouterr().out


def test_a_rule_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Adam's formula in a user's file gives Adam's answer; a state that is no filter is refused by name."""
    text = (
        "from fractions import Fraction as Q\nfrom simlab.ops import divide, ema, sqrt\n"
        "from simlab.rule import Step, Weight\n\n\n"
        "def mine(t, alpha, g, v=0, *, beta2: Weight = Q(1, 2)):\n"
        '    """Mine.\n\n    Reference: nobody."""\n    v = ema(v, g * g, beta2)\n'
        "    return Step(direction=g, rate=divide(alpha, sqrt(v))), (v,)\n"
    )
    (tmp_path / "mine.py").write_text(text)
    got = command(capsys, "--rule", f"{tmp_path}/mine.py:mine")
    assert (got["rule"], got["gradients"]) == ("mine", [[4, 1], [-1, 1], [-2, 1]])
    (tmp_path / "mine.py").write_text(text.replace("v = ema(v, g * g, beta2)", "v = v * v + g"))
    assert cli.main(["hunt", "--rule", f"{tmp_path}/mine.py:mine"]) == 2
    assert "its state 'v' is not a moving average" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--gradients", "0,0,0"], "all gradients are 0"),
        (["--gradients", "1,-1"], "add up to 0"),
        (["--gradients", "1e20,-1,1"], "the most is 10000000"),
        (["--gradients", "1,x"], "must be a number"),
        (["--period", "0"], "period must be an integer >= 1"),
        (["--period", "513"], "goes up to period 512"),
        (["--period", "3", "--family", "luo"], "exclude each other"),
        (["--family", "redi"], "did you mean 'reddi'"),
        (["--largest", "1e9"], "--largest must be at most 10000000"),
        (["--set", "beta2=1"], "beta2 must be in [0, 1)"),
    ],
)
def test_bad_input(args: list[str], words: str, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["hunt", "--rule", "adam_analysed", *args]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_growing_state_is_refused() -> None:
    def decaying(t, alpha, g, s=0):
        """AdaGrad on signs of momentum: grows, and its direction is not linear.

        Reference: nobody.
        """
        s = s + g * g
        return Step(direction=sign(g), rate=divide(alpha, sqrt(s))), (s,)

    with pytest.raises(BadInput, match="its state 's' grows without end"):
        found(decaying)
