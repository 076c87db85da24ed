"""Counterexamples outside periodic linear problems: their grades, and their figures against independent ones."""

from __future__ import annotations

import importlib
from fractions import Fraction as Q
from functools import cache
from typing import Any

import numpy as np
import pytest
from flint import arb

import simlab
from counterexamples import adam_two_cycle_run as two_cycle
from counterexamples import (
    aliasing,
    amsgrad_spike,
    beta1_above_sqrt_beta2,
    goujaud2023,
    karimireddy2019_stuck_line,
    kingma2015_gamma,
    kingma2015_lemma_10_3,
    lessard2016,
    quadratic_stability,
    tran2019,
    wilson2017,
)
from counterexamples import strongly_convex_wrong_limit as wrong_limit
from counterexamples._exact import exactly, next_state, together
from simlab import catalog
from simlab.backends import arb as balls
from simlab.checker import letter
from simlab.claims import Certificate, Grade
from simlab.feasible import Space
from simlab.ops import Weight, rebind
from simlab.problem import Problem
from simlab.trajectory import precision

PROVED = ("kingma2015_lemma_10_3", "lessard2016")
ENCLOSED = (
    "adam_two_cycle_run",
    "aliasing",
    "amsgrad_spike",
    "beta1_above_sqrt_beta2",
    "goujaud2023",
    "karimireddy2019_stuck_line",
    "kingma2015_gamma",
    "quadratic_stability",
    "strongly_convex_wrong_limit",
    "tran2019",
    "wilson2017",
)


@cache
def checked(name: str) -> Certificate:
    return getattr(importlib.import_module(f"counterexamples.{name}"), name).check()


def meets(ball: object, printed: str) -> bool:
    """A ball or an exact number is within one unit of the printed value's last digit."""
    digits = len(printed.split("e")[0].partition(".")[2])
    power = int(printed.partition("e")[2] or 0) - digits
    with precision(400):
        return abs(balls.number(ball) - arb(printed)) < arb(10) ** power


@pytest.mark.parametrize("name", PROVED + ENCLOSED)
def test_the_grade(name: str) -> None:
    """Exact statements are proved; what rests on a run in balls is enclosed, and its exact steps are proved."""
    found = checked(name)
    assert found.grade is (Grade.PROVED if name in PROVED else Grade.ENCLOSED), found.evidence
    for step in found.steps.values():
        assert step.grade is (Grade.PROVED if "simlab.checker" in step.evidence else Grade.ENCLOSED)


def test_false_statements_are_not_proved() -> None:
    x = letter("x")
    assert exactly({"1 = 1": (1, Q(1)), "2": 2, "x = x": (x + x, 2 * x)}).grade is Grade.PROVED
    assert exactly({"2": 2, "1 = 2": (1, 2)}).grade is Grade.REFUTED
    assert exactly({"0 > 0": 0}).grade is exactly({"-1 > 0": -1}).grade is Grade.REFUTED
    assert exactly({"x = 2 x": (x, 2 * x)}).grade is Grade.UNDECIDED
    steps = {"good": exactly({"2": 2}), "bad": exactly({"0": 0})}
    assert together(steps).grade is Grade.REFUTED
    with pytest.raises(AttributeError):
        next_state("adamax", 1, (0, 0), beta1=0, beta2=0)  # a maximum is no polynomial


# --- cycles and wrong limits on quadratics --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beta1", "epsilon", "printed"), [("0", 0, "0.05"), ("0.1", 0, "0.0409090909"), ("0", "0.01", "0.04")]
)
def test_two_cycles_in_floats(beta1: str, epsilon: object, printed: str) -> None:
    assert meets(two_cycle.amplitude(Q(beta1), Q(epsilon)), printed)
    hyper = {"alpha": "0.1", "beta1": beta1, "beta2": "0.9", "epsilon": epsilon}
    run = simlab.run("adam", "quadratic", hyper=hyper, x0=1, rounds=4000, backend="reference", record="all")
    assert np.abs(np.abs(run.x[-10:]) - float(printed)).max() < 1e-10
    assert (run.x[-10:-1] * run.x[-9:] < 0).all()


def test_the_default_cycle_repels() -> None:
    """The spectral radius of a round at the cycle, turned back: differences of the rule itself, in balls."""
    rule = rebind(catalog.rule("adam_analysed").function, balls)

    def turned(beta1: Q, beta2: Q) -> float:
        a = (1 - beta1) / (2 * (1 + beta1))
        weights = [Weight(balls.number(b), balls.number(1 - b)) for b in (beta1, beta2)]
        # before the round: x = a, m and v of the cycle; m_t = (1 - beta1)/(1 + beta1) g_t
        at = [balls.number(v) for v in (a, -a * (1 - beta1) / (1 + beta1), a * a)]
        h = arb(2) ** -100

        def play(x: arb, m: arb, v: arb) -> list[arb]:
            step, (m, v) = rule(1, balls.number(1), x, m, v, *weights)
            return [-(x - step.rate * step.direction), -m, v]

        assert all(abs(new - old) < arb(2) ** -200 for new, old in zip(play(*at), at, strict=True))
        columns = []
        for k in range(3):
            up, down = ([v + sign * h * (i == k) for i, v in enumerate(at)] for sign in (1, -1))
            columns.append([float((p - q) / (2 * h)) for p, q in zip(play(*up), play(*down), strict=True)])
        return float(np.abs(np.linalg.eigvals(np.array(columns).T)).max())

    with precision(300):
        assert turned(Q(9, 10), Q(999, 1000)) == pytest.approx(1.049425954, abs=1e-9)
        assert turned(Q(0), Q(9, 10)) < 1
        assert turned(Q(1, 10), Q(9, 10)) < 1
        assert turned(Q(1, 2), Q(9, 10)) > 1


@pytest.mark.parametrize(
    ("beta1", "beta2", "printed"),
    [
        ("0", "0.5", "0.013958128508"),
        ("0", "0.9", "0.079343079759113421346"),
        ("0", "0.99", "0.0979893555473"),
        ("0.9", "0.9", "0.096038327285"),
        ("0.9", "0.99", "0.099618698471341791312"),
        ("0.9", "0.999", "0.099962050725616332682"),
    ],
)
def test_printed_limits_in_turn(beta1: str, beta2: str, printed: str) -> None:
    _, low, high = wrong_limit.root(wrong_limit.cyclic(Q(beta1), Q(beta2)), Q(1, 10**22))
    assert meets(low, printed)
    assert meets(high, printed)


@pytest.mark.parametrize(("beta2", "printed"), [("0.9", "0.05880985968"), ("0.99", "0.09596084167")])
def test_printed_limits_of_random_targets(beta2: str, printed: str) -> None:
    """D changes sign within one unit of the last digit."""
    drift, unit = wrong_limit.random(Q(beta2)), Q(1, 10**11)
    assert drift(Q(printed) - unit) > 0
    assert drift(Q(printed) + unit) < 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "beta1", "beta2", "printed"),
    [
        ("adam_analysed", "0", "0.9", "0.0793487"),
        ("adam_analysed", "0.9", "0.99", "0.0996187"),
        ("adam_analysed", "0.9", "0.999", "0.09996205"),
        ("amsgrad", "0.9", "0.999", "0.100000"),
    ],
)
def test_simulated_limits(rule: str, beta1: str, beta2: str, printed: str) -> None:
    """The mean of the last ten of 10^7 decisions."""
    rounds = 10**7
    last = [rounds - k for k in range(10)]
    hyper = {"alpha": "0.3", "beta1": beta1, "beta2": beta2}
    run = simlab.run(rule, wrong_limit.targets_in_turn, hyper=hyper, rounds=rounds, record=last, yes=True)
    assert meets(Q(float(run.x.mean())), printed)


# --- heavy ball -------------------------------------------------------------------------------------------------------


def test_lessards_cycle_and_its_basin() -> None:
    """x_300 in floats (x_0 = 3.3), and from where on a grid of 1/2000 the run ends in the cycle."""
    hyper, start = lessard2016.HYPER, tuple(Q(k, 2000) for k in range(-9000, 12001))
    run = simlab.run(
        "momentum", lessard2016.lessard2016_problem, hyper=hyper, x0="3.3", rounds=300, backend="arb", bits=1000
    )
    assert meets(run.x_last, "0.6465306122448979")
    assert (Q(792, 1225), Q(-2208, 1225), Q(2592, 1225)) == lessard2016.CYCLE

    def line() -> Problem:
        return Problem(lambda t, x: 0 * x[0], lessard2016.grad, Space(), period=1, dimension=len(start))

    grid = simlab.run("momentum", line, hyper=hyper, x0=start, rounds=300, backend="reference", record=1)
    inside = [float(x) for x, end in zip(start, grid.x_last, strict=True) if abs(end) > 1e-3]
    for low, high in ((3.0615, 3.4633), (2.7510, 2.8555), (2.8575, 2.9200), (5.394, 5.555), (-4.3735, -4.0995)):
        within = [x for x in inside if low - 1e-3 < x < high + 1e-3]
        assert len(within) == pytest.approx((high - low) * 2000, abs=1.1), "all of the interval, or but its ends"
    assert 0.5 < len(inside) / 3500 < 1  # it is a small part


def test_which_roots_of_unity_are_cycles() -> None:
    assert {
        Q(1, 10): (),
        Q(1, 25): (3,),
        Q(1, 100): (3, 4, 5, 6),
        Q(1, 1000): tuple(range(3, 13)),
    } == goujaud2023.VALID
    with precision(4500):
        assert meets(1 + goujaud2023.pushed(3000, 4500), "1.000000000000")


# --- proofs that do not hold ------------------------------------------------------------------------------------------


def test_printed_gamma_and_ratios() -> None:
    assert meets(kingma2015_gamma.gammas(Q(2, 5), "4,-1", 2)[0], "-0.1184537918")
    harmonic = sum(Q(1, t) for t in range(1, 32))
    assert meets(harmonic, "4.0272451954")
    assert kingma2015_lemma_10_3.FIRST == 31
    violated = {name: span for name, (_, span) in tran2019.CASES.items()}
    assert list(violated.values()) == [range(1, 3), range(1, 2), range(12, 100)]
    for name, printed in (("beta1/t", "0.257130"), ("beta1/1000^(t-1)", "0.141549")):
        assert meets(tran2019.ratios(tran2019.CASES[name][0])[0], printed)


# --- adaptive methods on what they were not made for ------------------------------------------------------------------


def test_wilsons_scores() -> None:
    rows, y = wilson2017.samples(12, 8)
    w, s = wilson2017.least_norm(rows, y), wilson2017.signs(rows, y)
    assert [wilson2017.unseen(w, k) for k in (1, -1)] == [Q(940, 977), Q(-732, 977)]
    assert [Q(wilson2017.unseen(s, k), 4) for k in (1, -1)] == [Q(3, 4), Q(1, 4)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "hyper", "printed"),
    [
        ("sgd", {"alpha": "0.01", "schedule": "constant"}, ("0.9621289662", "-0.7492323439")),
        ("rmsprop", {"alpha": "0.01"}, ("0.75", "0.25")),
    ],
)
def test_wilsons_runs(rule: str, hyper: dict, printed: tuple) -> None:
    """20,000 full-batch steps in floats."""
    run = simlab.run(rule, wilson2017.wilson2017_problem, hyper=hyper, rounds=20_000, backend="reference", record=1)
    for label, value in zip((1, -1), printed, strict=True):
        assert wilson2017.unseen(run.x_last, label) == pytest.approx(float(value), abs=1e-3 if rule != "sgd" else 1e-9)


def test_printed_blow_up_spike_and_stability() -> None:
    assert meets(beta1_above_sqrt_beta2.quotients(Q(9, 10), Q(1, 2))[49], "19214.66663747873825610269")
    hyper = {"alpha": 1, "beta1": "0.9", "beta2": "0.5", "schedule": "constant", "gradients": "1,0*49"}
    floats = simlab.run("adam_analysed", "linear_periodic", hyper=hyper, rounds=50, backend="reference", record="all")
    assert floats.rate[-1] * floats.direction[-1] == 19214.666637478767  # printed so; the last four digits are rounding
    assert amsgrad_spike.NEEDED[1000] == {"amsgrad": 5326, "adam_analysed": 2600}
    assert amsgrad_spike.NEEDED[10] == {"amsgrad": 61, "adam_analysed": 61}
    limits = {name: quadratic_stability.bound(Q(9, 10), c) for name, (_, _, c) in quadratic_stability.METHODS.items()}
    assert limits == {"heavy ball": Q(19, 5), "a moving average": Q(38), "Nesterov": Q(19, 14)}
    assert float(limits["Nesterov"]) == 1.3571428571428572


def waves(rounds: int) -> tuple[float, float]:
    """(x at the end, max |f' + 1|) of the walk in floats."""
    hyper = {"alpha": "0.1", "epsilon": 0, "a": "0.1"}
    run = simlab.run("adam", aliasing.waves, hyper=hyper, x0=0, rounds=rounds, backend="reference", record="all")
    return run.x_last, max(abs(aliasing.grad(1, float(x), 0.1) + 1) for x in run.x)


def test_the_walk_over_waves_in_floats() -> None:
    end, off = waves(3000)
    assert end == pytest.approx(300, abs=1e-8)
    assert off < 7e-13


@pytest.mark.slow
def test_the_long_walk_over_waves_in_floats() -> None:
    end, off = waves(100_000)
    assert end == pytest.approx(10000.000000018848, rel=1e-15)
    assert off == pytest.approx(7e-13, abs=5e-14)


@pytest.mark.slow
def test_the_stuck_line_for_20000_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(karimireddy2019_stuck_line, "ROUNDS", 20_000)
    assert karimireddy2019_stuck_line.check().holds


# --- and the checks would notice --------------------------------------------------------------------------------------

WRONG: list[tuple[Any, str, Any]] = [
    (lessard2016, "CYCLE", (Q(793, 1225), *lessard2016.CYCLE[1:])),
    (lessard2016, "ROOT", -Q(3, 4)),
    (lessard2016, "GD_ALPHA", Q(2, 24)),
    (goujaud2023, "VALID", {Q(1, 25): (3, 4)}),
    (goujaud2023, "VALID", {Q(1, 100): (3, 4, 5)}),
    (kingma2015_lemma_10_3, "FIRST", 30),
    (kingma2015_lemma_10_3, "FIRST", 32),
    (kingma2015_gamma, "BELOW", Q(44, 100)),
    (tran2019, "CASES", {"beta1/t": ({"beta1_schedule": "inv"}, range(1, 4))}),
    (tran2019, "CASES", {"beta1/t": ({"beta1_schedule": "inv"}, range(1, 2))}),
    (amsgrad_spike, "NEEDED", {1000: {"amsgrad": 5325}}),
    (amsgrad_spike, "NEEDED", {10: {"adam_analysed": 62}}),
    (beta1_above_sqrt_beta2, "BETA1", Q(7, 10)),
    (quadratic_stability, "METHODS", {"heavy ball": ("momentum", {"dampening": 0}, 1)}),
    (quadratic_stability, "METHODS", {"Nesterov": (quadratic_stability.nesterov, {}, 1)}),
    (karimireddy2019_stuck_line, "FEWER", 1),
    (two_cycle, "NEAR", Q(1, 10**30)),
    (two_cycle, "BETA2", Q(999, 1000)),
    (wilson2017, "POSITIVE", 7),
]


@pytest.mark.parametrize(("module", "name", "value"), WRONG, ids=lambda v: getattr(v, "__name__", str(v))[:40])
def test_a_wrong_constant_is_noticed(module: Any, name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, name, value)
    assert not module.check().holds
