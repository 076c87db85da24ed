"""Steady states and drifts, from the rules' own source, against values computed independently."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction as Q

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

import simlab
from simlab import catalog, cli, exact
from simlab.backends import reference as floats
from simlab.errors import BadInput
from simlab.orbit import orbit, verdict
from simlab.rule import Step, settle
from simlab.surd import Inexact, Surd, sqrt, surd
from simlab.trajectory import precision


def drift(rule: object, gradients: str, **hyper: object):
    spec = catalog.rule(rule)
    values = {n: exact.rational(v, n) for n, v in hyper.items() if n in spec.hyper}
    return verdict(spec, exact.sequence(gradients), settle(spec.hyper, values, "the rule"))


def meets(ball: arb, printed: str) -> bool:
    """The ball lies within half a unit of the printed value's last digit."""
    digits = len(printed.split("e")[0].partition(".")[2])
    power = int(printed.partition("e")[2] or 0) - digits
    with precision(400):
        return abs(ball - arb(printed)) <= arb(10) ** power / 2


LUO = "-1,2,0*{}"
PRINTED = [
    ("adam_analysed", LUO.format(48), {"beta1": 0, "beta2": "9/10"}, "0.2688328598426796591356846", "wrong"),
    ("rmsprop", LUO.format(5), {"beta2": "1/2"}, "0.038504054279793", "wrong"),
    ("rmsprop", LUO.format(3), {"beta2": "1/2"}, "-0.0673446858697619", "right"),
    ("rmsprop", LUO.format(27), {"beta2": "9/10"}, "0.0180009745032161", "wrong"),
    ("rmsprop", LUO.format(26), {"beta2": "9/10"}, "-0.00858681334127028", "right"),
    ("rmsprop", LUO.format(276), {"beta2": "99/100"}, "0.00112162110896823", "wrong"),
    ("rmsprop", LUO.format(275), {"beta2": "99/100"}, "-0.00754734612963454", "right"),
    ("adam_analysed", "3,-1,-1", {"beta1": 0, "beta2": "1/10"}, "0.6809496019936718241563528", "wrong"),
    ("adam_analysed", "1010,-10*100", {"beta1": "9/10", "beta2": "99/100"}, "1.900854749931023446311908", "wrong"),
    ("adam_analysed", "1010,-10*100", {}, "0.10502190109996158542", "wrong"),
    ("rmsprop", "1010,-10*100", {"beta2": "99/100"}, "2.2797854890311960398", "wrong"),
    ("amsgrad", "1010,-10*100", {"beta1": "9/10", "beta2": "99/100"}, "-0.07881890199230798540248188", "right"),
    ("adam_analysed", "73,-1*72", {}, "-0.0018714023274661474", "right"),
    ("adam_analysed", "74,-1*73", {}, "0.0018073704018550583", "wrong"),
    ("adam_analysed", "38013,-19006*2", {}, "-1.94859780607628e-9", "right"),
    ("adam_analysed", "38015,-19007*2", {}, "8.67005347613e-12", "wrong"),
    ("adam_analysed", "76029,-38014*2", {}, "1.86000882517875e-5", "wrong"),
    ("adam_analysed", "4,-1,-2", {"beta1": 0, "beta2": "1/2"}, "0.0871681516694", "wrong"),
    ("adam_analysed", "2269,-743,-1525", {"beta1": 0}, "1.52306350274e-7", "wrong"),
    ("adam_analysed", "37996,-18629,-19366", {}, "8.64852124262e-11", "wrong"),
    ("adam_analysed", "-1,-1,-1,2,2", {"beta1": 0, "beta2": "1/2"}, "0.029017", "wrong"),
    ("adam_analysed", "3,0,-1,-1", {"beta1": 0, "beta2": "1/2"}, "0.274923", "wrong"),
]


@pytest.mark.parametrize(("rule", "gradients", "hyper", "printed", "word"), PRINTED, ids=lambda v: str(v)[:24])
def test_printed_drifts(rule: str, gradients: str, hyper: dict, printed: str, word: str) -> None:
    found = drift(rule, gradients, **hyper)
    assert meets(found.orbit.drift, printed), found.orbit.drift
    assert (found.word, found.grade) == (word, "enclosed")


@pytest.mark.parametrize(("period", "beta2"), [(6, "1/2"), (4, "1/4"), (3, "1/16")])
def test_neutral_drifts_are_proved(period: int, beta2: str) -> None:
    """16 beta2^(C-2) = 1: no precision of balls shows D = 0; sums of square roots do, and deny it next door."""
    found = drift("rmsprop", LUO.format(period - 2), beta2=beta2)
    assert (found.word, found.grade) == ("neutral", "proved")
    beside = drift("rmsprop", LUO.format(period - 2), beta2=Q(beta2) + Q(1, 10**60))
    assert (beside.word, beside.grade) == ("right", "enclosed")


def test_rules_that_are_always_right() -> None:
    """Closed forms: -G for descent, -G/sqrt(mean g^2) for AdaGrad, -alpha_star G for the bounded rules."""
    pattern = "10,-1*9"
    for rule, value in (
        ("sgd", -1.0),
        ("momentum", -10.0),
        ("adagrad", -1 / np.sqrt(10.9)),
        ("adabound", -0.1),
        ("amsbound", -0.1),
        ("adabound_released", -0.1),
        ("amsbound_released", -0.1),
    ):
        found = drift(rule, pattern)
        assert (found.word, found.grade) == ("right", "observed" if rule == "adagrad" else "enclosed")
        assert float(found.orbit.drift.mid()) == pytest.approx(value, rel=1e-14)


def test_bias_correction_does_not_change_the_drift() -> None:
    plain, corrected = drift("adam_analysed", "1010,-10*100"), drift("adam", "1010,-10*100", epsilon=0)
    assert plain.orbit.drift.overlaps(corrected.orbit.drift)
    assert drift("adam", "1010,-10*100").orbit.drift < plain.orbit.drift  # epsilon takes a little


def test_distances_behind_the_end() -> None:
    """(10, -1^9) with beta2 = 97/100: sqrt(t) (x_t + 1) before phases 1, 2, 4 and 10."""
    with precision(128):
        behind = drift("rmsprop", "10,-1*9", beta2="97/100").orbit.behind()
    for phase, printed in ((0, "2.751077585289"), (3, "0.582089579868"), (9, "2.428311925789")):
        assert meets(behind[phase], printed)
    assert behind[1] == 0


@pytest.mark.parametrize("name", simlab.rules)
def test_arrays_of_cells_are_many_orbits(name: str) -> None:
    """In floats a gradient or a hyperparameter may be an array; each cell is the orbit in balls, to rounding."""
    spec = catalog.rule(name)
    firsts, beta2s = [Q(7), Q(10), Q(25, 2)], [Q(1, 2), Q(9, 10), Q(99, 100)]
    cells = {"beta2": np.array([float(b) for b in beta2s])} if "beta2" in spec.hyper else {}
    hyper = settle(spec.hyper, {}, "the rule")
    pattern = [np.array([float(v) for v in firsts]), *[Q(-1)] * 9]
    try:
        orbit(spec, [Q(7), *[Q(-1)] * 9], hyper)
    except BadInput as refusal:
        with pytest.raises(BadInput, match=re.escape(str(refusal))):
            orbit(spec, pattern, {**hyper, **cells}, floats)
        return
    found = orbit(spec, pattern, {**hyper, **cells}, floats)
    assert found.drift.shape == (3,)
    for i, (first, beta2) in enumerate(zip(firsts, beta2s, strict=True)):
        alone = orbit(spec, [first, *[Q(-1)] * 9], {**hyper, **({"beta2": beta2} if cells else {})})
        size = sum(float(abs(u).mid()) for u in alone.moves)
        assert abs(found.drift[i] - float(alone.drift.mid())) <= 1e-13 * size


LIMITS = [  # rule, pattern, hyperparameters, F, R_T/T or R_T/sqrt(T) as printed
    ("rmsprop", LUO.format(2), {"beta2": "1/2"}, 2, "1.1180"),
    ("rmsprop", LUO.format(18), {"beta2": "9/10"}, 2, "0.47761"),
    ("rmsprop", LUO.format(198), {"beta2": "99/100"}, 2, "0.149915"),
]


@pytest.mark.parametrize(("rule", "pattern", "hyper", "end", "printed"), LIMITS)
def test_limits_of_regret(rule: str, pattern: str, hyper: dict, end: int, printed: str) -> None:
    """R_T/sqrt(T) as printed (it is 4/(C sqrt(v_1))), and as a run has it once x is near its end."""
    with precision(128):
        linear, root = drift(rule, pattern, **hyper).orbit.regret()
    assert linear == 0
    assert meets(root, printed)
    given = {"gradients": exact.sequence(pattern), "lower": -end, "upper": end, "alpha": 1, **hyper}
    early, late = (
        simlab.run(rule, "linear_periodic", hyper=given, rounds=rounds, record=1) for rounds in (10**6, 4 * 10**6)
    )
    assert (late.regret - early.regret) / 10**3 == pytest.approx(float(root.mid()), rel=1e-3)


def test_linear_regret() -> None:
    """|G| W/P where D is wrong-signed, whatever the sign of G; neither limit where D = 0."""
    for pattern in ("-1,2,0*48", "1,-2,0*48"):
        with precision(128):
            assert drift("rmsprop", pattern, beta2="9/10").orbit.regret() == (Q(1, 50), None)
    assert drift("lion", "10,-1*9").orbit.regret() == (None, None)


@settings(max_examples=25)
@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=6).filter(any),
    st.sampled_from(["1/2", "9/10"]),
    st.sampled_from([0, "1/2"]),
)
def test_the_orbit_is_where_a_run_settles(gradients: list[int], beta2: str, beta1: object) -> None:
    """The state of a long run at the end of a period is the orbit's, for every rule whose state has a limit."""
    period = len(gradients)
    for rule in ("adam_analysed", "amsgrad", "adam"):
        hyper = {"beta1": beta1, "beta2": beta2}
        found = drift(rule, ",".join(map(str, gradients)), **hyper)
        run = simlab.run(
            rule,
            "linear_periodic",
            rounds=period * 120,
            record=1,
            backend="reference",
            hyper={"gradients": tuple(map(Q, gradients)), **hyper},
        )
        for ball, value in zip(found.orbit.states[0], run.records.state, strict=True):
            assert value == pytest.approx(float(ball.mid()), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("gradients", ["1,-2,3", "5,-1,-1,-1,-1", "-3,2,2", "4,0,-1"])
def test_period_two_never_fails_and_signs_follow_the_gradients(gradients: str) -> None:
    """D is odd and does not change under rotation or positive scaling."""
    values = exact.sequence(gradients)
    base = drift("adam_analysed", gradients, beta1="1/2", beta2="9/10").orbit.drift
    for k in (1, 2):
        turned = ",".join(str(v) for v in values[k:] + values[:k])
        assert drift("adam_analysed", turned, beta1="1/2", beta2="9/10").orbit.drift.overlaps(base)
    tripled = ",".join(str(-3 * v) for v in values)
    assert drift("adam_analysed", tripled, beta1="1/2", beta2="9/10").orbit.drift.overlaps(-base)


def test_an_infinite_drift_has_no_verdict() -> None:
    """beta2 = 0 and a gradient 0: v_t = 0 where m_t is not, so that step is not a number to compare."""
    found = drift("adam_analysed", "3,-1,0", beta1="1/2", beta2=0)
    assert (found.word, found.grade) == ("undecided", "undecided")


def test_what_is_refused() -> None:
    with pytest.raises(BadInput, match="all gradients are 0"):
        drift("adam", "0,0")

    def squaring(t, alpha, g, s=0):
        """Not a filter.

        Reference: nobody.
        """
        s = s * s + g
        return Step(direction=s, rate=alpha), (s,)

    with pytest.raises(BadInput, match="its state 's' is not a moving average"):
        drift(squaring, "1,-2")

    def summing(t, alpha, g, s=0):
        """A sum of signed gradients.

        Reference: nobody.
        """
        return Step(direction=s, rate=alpha), (s - g,)

    with pytest.raises(BadInput, match="has no steady state"):
        drift(summing, "1,1")


def test_the_command(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["drift", "--rule", "rmsprop", "--gradients", "-1,2,0*48", "--set", "beta2=9/10", "--json"]) == 0
    got = json.loads(capsys.readouterr().out)
    assert (got["verdict"], got["grade"], got["total"]) == ("wrong", "enclosed", "1")
    assert set(got["drift"]) == {"midpoint", "radius"}
    limits = got["limits"]
    assert (limits["end"], limits["regret_over_T"], limits["regret_over_sqrt_T"]) == ("upper", "1/50", None)
    furthest = max(Decimal(b["midpoint"]) for b in limits["behind"])
    assert abs(furthest - Decimal("2.849770810394579549837286")) < Decimal("1e-24")
    assert cli.main(["drift", "--rule", "adam", "--gradients", "3,-1,-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["limits"] is None  # adam's step is constant
    assert cli.main(["drift", "--rule", "rmsprop", "--gradients", "1,-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] is None
    for bad, words in (
        (["--gradients", "0,0"], "all gradients are 0"),
        (["--gradients", "1,x"], "must be a number"),
        (["--gradients", "1", "--set", "beta2=1"], "beta2 must be in [0, 1)"),
    ):
        assert cli.main(["drift", "--rule", "rmsprop", *bad]) == 2
        assert words in capsys.readouterr().err


def test_the_command_on_random_gradients(capsys: pytest.CaptureFixture) -> None:
    """1010 with probability 1/100, else -10: an independent 12-digit value of the drift."""
    args = ["drift", "--rule", "adam_analysed", "--gradients", "1010,-10", "--set", "beta2=99/100"]
    assert cli.main([*args, "--probabilities", "1/100,99/100", "--json"]) == 0
    got = json.loads(capsys.readouterr().out)
    assert (got["verdict"], got["grade"], got["mean"]) == ("wrong", "enclosed", "1/5")
    assert abs(Decimal(got["drift"]["midpoint"]) - Decimal("0.059138958675")) < Decimal("0.5e-12")
    assert cli.main([*args, "--probabilities", "1/100,9/100"]) == 2
    assert "add up to 1" in capsys.readouterr().err


def test_the_command_that_finds_thresholds(capsys: pytest.CaptureFixture) -> None:
    args = ["threshold", "--rule", "adam_analysed", "--gradients", "10,-1*9"]
    assert cli.main([*args, "--set", "beta1=0", "--json"]) == 0
    (root,) = (got := json.loads(capsys.readouterr().out))["roots"]
    assert (root["below"], root["above"], root["grade"]) == ("wrong", "right", "enclosed")
    assert Q(root["low"]) < Q("0.9554430721054991238731874") < Q(root["high"]) + Q("1e-25")
    ((low, high),) = got["not_excluded"]
    assert low < float(Q(root["low"])) < high < low + 1e-3
    assert cli.main([*args, "--set", "beta1=9/10"]) == 0  # the default: two roots
    assert capsys.readouterr().out.count("-signed  (enclosed)") == 2
    assert cli.main(["threshold", "--rule", "sgd", "--gradients", "3,-1,-1"]) == 2
    assert "no threshold in 'beta2'" in capsys.readouterr().err


# --- sums of square roots -------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.fractions(-5, 5, max_denominator=20), st.integers(1, 200)), max_size=5))
def test_surds_are_the_numbers_they_stand_for(terms: list) -> None:
    """Sums, products and equality against balls; zero exactly when the ball of rising precision says nothing else."""
    number = sum((Surd(((q, n),)) for q, n in terms if q), Surd())
    with precision(300):
        ball = sum((arb(q.numerator) / q.denominator * arb(n).sqrt() for q, n in terms), arb(0))
        shown = sum((arb(q.numerator) / q.denominator * arb(n).sqrt() for q, n in number.terms), arb(0))
        assert shown.overlaps(ball)
        assert (number == 0) == ball.contains(0)
        square = sum((arb(q.numerator) / q.denominator * arb(n).sqrt() for q, n in (number * number).terms), arb(0))
        assert square.overlaps(ball * ball)


def test_surds_refuse_what_they_cannot_say() -> None:
    assert sqrt(Q(9, 4)) == Q(3, 2)
    assert sqrt(2) * sqrt(8) == 4
    assert (sqrt(3) + 1).inverse() * (sqrt(3) + 1) == 1
    for wrong in (
        lambda: sqrt(-1),
        lambda: sqrt(sqrt(2)),
        lambda: (sqrt(2) + sqrt(3) + 1).inverse(),
        lambda: surd(sqrt(2)).rational,
    ):
        with pytest.raises(Inexact):
            wrong()
