"""Audits find what is false, certify it and name the step; against what is proved they find nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction as Q
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simlab
import simlab.corridor
from counterexamples.luo2019_theorem_4_false import FAMILIES, given, late, one
from simlab import catalog
from simlab.audit import audit, first_failure
from simlab.corridor import PAPERS
from simlab.errors import BadInput
from simlab.feasible import Box
from simlab.history import History, history
from simlab.ops import divide, dot, where
from simlab.problem import Best, Problem
from simlab.regret_bound import RegretBound
from simlab.rules.adabound import adabound_with
from simlab.trajectory import precision
from tests.simlab.golden import met
from tests.simlab.test_bounds import ABOUT, CURVED, beta1_of

# --- what is false ----------------------------------------------------------------------------------------------------

# C, alpha, the first violation on Reddi et al.'s problem with beta2 = 1/(1 + C^2), and the last of 1000 rounds without
KINGMA = [
    ("3", "9/10", 129, 274),
    ("3", "1/2", 135, 460),
    ("6", "1/2", 48, None),
    ("10", "1/2", 54, None),
    ("5/2", "9/10", 306, None),
]


@pytest.mark.parametrize(("C", "alpha", "first", "last"), KINGMA)
def test_adams_bound_is_violated(C: str, alpha: str, first: int, last: int | None) -> None:
    """In balls, in that round and in none before; the telescoped sum is what breaks, as no other row does."""
    hyper = {"C": C, "beta1": 0, "beta2": 1 / (1 + Q(C) ** 2), "alpha": alpha, "epsilon": 0}
    found = audit("adam", "reddi2018_periodic", "kingma2015_theorem_4_1", hyper, 1, 1000 if last else 400)
    assert (found.first_violation, found.grade, found.broken_step) == (first, "enclosed", "telescoping")
    assert [row.name for row in found.rows if row.slack < 0] == ["telescoping"]
    projected = found.failed.pop("unprojected: x_{t+1} = x_t - m_t/w_t")
    assert projected is not None
    assert not any(found.failed.values())
    assert found.ratio[first - 2] < 1 < found.ratio[first - 1]
    assert last is None or np.flatnonzero(found.ratio <= 1)[-1] == last - 1


@pytest.mark.parametrize("bound", FAMILIES)
def test_adabounds_bound_is_violated(bound: str) -> None:
    """At T = 3, with every hypothesis met; the ledger says by how much each step gives or fails to."""
    found = audit(FAMILIES[bound](late, one), "linear_periodic", bound, given(Q(1, 100)), -1, 3)
    assert (found.first_violation, found.grade, found.broken_step) == (3, "enclosed", "telescoping")
    assert not any(found.failed.values())
    rows = {row.name: row.slack for row in found.rows}
    for name, printed in (("telescoping", "-2.21162"), ("energy", "2.16689")):
        assert abs(rows[name] - float(printed)) < 5e-6
    with precision(128):
        assert abs(sum(rows.values()) + 0.0447257) < 5e-8
        assert met(found.run.regret, "5.972928932188134524755992")


@pytest.mark.parametrize("bound", FAMILIES)
def test_where_adabounds_bound_starts_to_fail(bound: str) -> None:
    """R_3 passes the bound for h below (7 - 4 sqrt(3))/(2 + 1/sqrt(2)), which is between two numbers 1e-26 apart."""
    rule, printed, unit = FAMILIES[bound](late, one), Q("0.02652158763128719353402482"), Q(1, 10**26)
    excess = []
    for h in (printed - unit / 2, printed + unit / 2):
        options = {"hyper": given(h), "x0": -1, "rounds": 3, "record": "all", "backend": "arb", "bits": 200}
        with precision(200):
            seen = history(simlab.run(rule, "linear_periodic", **options))
            excess.append(seen.regret[-1] - catalog.bound(bound)(seen)[-1])
    assert excess[0] > 0 > excess[1]


def test_a_violation_that_balls_do_not_repeat_is_only_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    import simlab.audit

    monkeypatch.setattr(simlab.audit, "ENCLOSE", 2)
    rule = FAMILIES["luo2019_theorem_4"](late, one)
    found = audit(rule, "linear_periodic", "luo2019_theorem_4", given(Q(1, 100)), -1, 3)
    assert (found.first_violation, found.grade, found.broken_step) == (3, "observed", "telescoping")


def lost_in_floats(early: int, late: int) -> RegretBound:
    """A bound that is attained, its distance taken `early` times in rounds 1 and 2 and `late` times from then on.

    Floats lose it in + 10^17 - 10^17.
    """
    theorem = catalog.bound("zinkevich2003_constant")

    def terms(h: History) -> dict[str, Any]:
        own, far = theorem.terms(h), 10**17 + 0 * h.t
        times = np.array([early if t < 2 else late for t in range(h.rounds)], dtype=object)
        return {
            "distance": (own["distance"] * times).astype(h.t.dtype),
            "energy": own["energy"],
            "far": far,
            "back": -far,
        }

    return replace(theorem, terms=terms)


@pytest.mark.parametrize(("late", "first", "grade"), [(1, None, "observed"), (0, 3, "enclosed")])
def test_a_violation_that_balls_refute_is_none(late: int, first: int | None, grade: str) -> None:
    """Floats pass 0 for the bound from round 1 on; balls say that none is there, or find the one that is."""
    hyper = {"gradients": (-1, -1, 1, -1), "alpha": 1}
    found = audit("sgd", "linear_periodic", lost_in_floats(2, late), hyper, -1, 4)
    assert (found.curve == 0).all()
    assert (found.refuted, found.first_violation, found.grade) == (1, first, grade)


def test_the_corridor_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By an audit, for its curve, its ledger and four hypotheses; once more in the run in balls that confirms."""
    seen = []
    along = simlab.corridor._along
    monkeypatch.setattr(simlab.corridor, "_along", lambda h: seen.append(h.rounds) or along(h))
    rule = FAMILIES["luo2019_theorem_4"](late, one)
    audit(rule, "linear_periodic", "luo2019_theorem_4", given(Q(1, 100)), -1, 2)
    assert seen == [2]
    audit(rule, "linear_periodic", "luo2019_theorem_4", given(Q(1, 100)), -1, 4)
    assert seen == [2, 4, 3]


@pytest.mark.parametrize("unit", ["1", "1e-13", "1e13"])
def test_the_unit_of_the_loss_plays_no_part(unit: str) -> None:
    """Half of a bound is violated in the same round, by the same step; the bound, which is attained, is not."""
    theorem = catalog.bound("zinkevich2003_constant")
    half = replace(theorem, terms=lambda h: {name: term / 2 for name, term in theorem.terms(h).items()})
    hyper = {"gradients": tuple(Q(unit) * g for g in (-1, -1, 1, -1)), "alpha": 1 / Q(unit)}
    found = audit("sgd", "linear_periodic", half, hyper, -1, 4)
    assert (found.first_violation, found.grade, found.broken_step) == (1, "enclosed", "corollary")
    assert audit("sgd", "linear_periodic", theorem, hyper, -1, 4).first_violation is None


def test_adam_has_no_bound_but_the_one_that_follows_its_weights() -> None:
    """master_m holds for Adam where Adam's own bound does not, and both are linear in T."""
    hyper = {"C": 3, "beta1": 0, "beta2": "1/10", "alpha": "1/2", "epsilon": 0, "schedule": "inv_sqrt"}
    found = audit("adam", "reddi2018_periodic", "master_m", hyper, 1, 3000)
    assert (found.first_violation, found.broken_step, found.at) == (None, None, 3000)
    assert found.curve[-1] / found.curve[749] > 3.9


# --- ledgers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "rule"), ABOUT)
def test_a_ledger_adds_up_in_balls(name: str, rule: str) -> None:
    """To bound - R_T: the difference is a narrow ball around 0; the moment row is an identity, and no row fails."""
    theorem = catalog.bound(name)
    hyper: dict[str, Any] = {"alpha": "1/3", "schedule": theorem.schedule or simlab.rules[rule].schedule}
    if "beta1" in simlab.rules[rule].hyper:
        hyper |= beta1_of(theorem)
    if name in CURVED:
        problem = "quadratic"
        hyper |= {"curvature": "1,2", "center": "1/3,2", "lower": -1, "upper": 1, "alpha": CURVED[name]}
    else:
        problem = "reddi2018_periodic"
    run = simlab.run(rule, problem, hyper=hyper, rounds=12, record="all", backend="arb", bits=200)
    with precision(200):
        seen = history(run)
        terms = theorem.terms(seen)
        rows = theorem.ledger(seen, seen.point, terms)
        for what in (sum(row.slack for row in rows) - (theorem(seen)[-1] - seen.regret[-1]), rows[1].slack):
            assert what.contains(0)
            assert what.rad() < 1e-40
        assert not any(row.slack < 0 for row in rows)


# --- what is proved, on random instances ------------------------------------------------------------------------------


def loss(t: Any, x: Any, curvature: Any, g: Any) -> Any:
    """sum_i curvature x_i^2/2 + g_{t,i} x_i"""
    return dot(g[t - 1] + divide(curvature * x, 2), x)


def grad(t: Any, x: Any, curvature: Any, g: Any) -> Any:
    return g[t - 1] + curvature * x


def columns(rule: str, g: np.ndarray, curvature: Q, x0: Q, hyper: dict[str, Any]) -> Iterator[History]:
    """One run in as many dimensions as g has columns, seen as one History a coordinate: all its losses are separate."""
    rounds, d = g.shape
    exact = tuple(tuple(Q(int(v), 16) for v in row) for row in g)

    def cells() -> Problem:
        best = Best((Q(0),) * d, Q(0))  # each column has a best decision of its own, below
        return Problem(loss, grad, Box(Q(-1), Q(1)), (curvature, exact), rounds, d, best=lambda t: best)

    run = simlab.run(rule, cells, hyper=hyper, x0=(x0,) * d, rounds=rounds, record="all", backend="reference")
    whole, g, h = history(run), g / 16, float(curvature)
    t, total = whole.t[:, None], np.cumsum(g, axis=0)
    u = np.clip(-total / (h * t), -1, 1) if h else -np.sign(total)
    x = whole.x[:-1]
    regret = np.cumsum(h * x * x / 2 + g * x, axis=0) - (h * t * u * u / 2 + total * u)
    for i in range(d):
        alone = {name: getattr(whole, name)[:, i : i + 1] for name in ("x", "g", "m", "w", "eta")}
        yield replace(whole, **alone, regret=regret[:, i])


def instances(theorem: RegretBound, rule: str, seed: int, d: int, rounds: int) -> Iterator[History]:
    """d random one-dimensional instances that the theorem is about, under one random choice of hyperparameters.

    Gradients of a linear loss are uniform, or signs, or mostly rest, in 1/16 of [-1, 1], a column each.
    """
    spec = simlab.rules[rule]
    rng = np.random.Generator(np.random.Philox(seed))
    kinds = rng.integers(-16, 17, (rounds, d)), 32 * rng.integers(0, 2, (rounds, d)) - 16
    rests = kinds[0] * rng.integers(0, 2, (rounds, d))
    g = np.where(np.arange(d) % 3 == 0, kinds[0], np.where(np.arange(d) % 3 == 1, kinds[1], rests))

    def pick(low: int, high: int, of: int) -> Q:
        return Q(int(rng.integers(low, high + 1)), of)

    hyper: dict[str, Any] = {"alpha": Q(2) ** int(rng.integers(-6, 3)), "schedule": theorem.schedule or spec.schedule}
    beta1 = pick(0, 15, 16)
    if "beta1" in spec.hyper:
        hyper["beta1"] = beta1
        choices = ("constant", "inv", "inv_sqrt", "geometric")
        kind = choices[int(rng.integers(4))] if theorem.beta1_schedule == "constant" else theorem.beta1_schedule
        if any("beta1_t = beta1" in need.words for need in theorem.needs):
            kind = "constant"
        hyper |= {"beta1_schedule": kind} | ({"lambda": pick(1, 15, 16)} if kind == "geometric" else {})
    if "beta2" in spec.hyper:  # beta1 < sqrt(beta2)
        hyper["beta2"] = beta1**2 + (1 - beta1**2) * pick(1, 15, 16)
    for parameter in ("gamma", "delta", "alpha_star"):
        if parameter in spec.hyper:
            hyper[parameter] = pick(1, 16, 16)
    curvature = Q(0)
    if theorem.name in CURVED:
        curvature = pick(4, 16, 16)
        largest = Q(1) if rule == "sgd" else (1 + curvature) ** 2  # G_inf <= 1 + curvature
        hyper["alpha"] = largest / curvature
    return columns(rule, g, curvature, pick(-16, 16, 16), hyper)


def worst(theorem: RegretBound, rule: str, seeds: range) -> float:
    """The largest R_T/bound over all T <= 12 and 250 instances for each seed."""
    largest = 0.0
    for seed in seeds:
        for seen in instances(theorem, rule, seed, 250, 12):
            with np.errstate(invalid="ignore"):  # 0/0 before the first gradient that is not 0
                ratio = seen.regret / theorem(seen)
            largest = max([largest, *ratio[ratio > largest]])
    return largest


PROVED = [(name, rule) for name, rule in ABOUT if not catalog.bound(name).false]


@pytest.mark.parametrize(("name", "rule"), PROVED)
def test_what_is_proved_is_never_violated(name: str, rule: str) -> None:
    """On 250 random instances; and it is not so loose there that anything would pass."""
    assert 0.01 < worst(catalog.bound(name), rule, range(1)) <= 1 + 1e-12


def test_amsgrads_bound_is_never_violated() -> None:
    """Reddi et al.'s Theorem 4, on 10^4 random instances."""
    assert 0.2 < worst(catalog.bound("reddi2018_theorem_4"), "amsgrad", range(10, 50)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reddi2018_theorem_4", "reddi2018_theorem_4_repaired"])
def test_amsgrads_bound_is_never_violated_at_length(name: str) -> None:
    """On 10^5 random instances."""
    assert 0.2 < worst(catalog.bound(name), "amsgrad", range(100, 500)) <= 1


@pytest.mark.parametrize("term", ["distance", "energy"])
def test_a_bound_without_one_of_its_terms_is_violated(term: str) -> None:
    """The instances are hard enough to show it."""
    theorem = catalog.bound("reddi2018_theorem_4_repaired")
    less = replace(theorem, terms=lambda h: {n: v for n, v in theorem.terms(h).items() if n != term})
    assert worst(less, "amsgrad", range(8)) > 1


# --- hypotheses and refusals ------------------------------------------------------------------------------------------


def name(value: Any) -> str:
    """A parameter of a test as its id has it."""
    return value if isinstance(value, str) else ""


CURVE = "losses curve as the weights grow: at the best decision, by (w_t - w_{t-1})/2 Delta_t^2"
PERIODIC = "reddi2018_periodic"
FALSE = [  # rule, problem, bound, hyperparameters, and the hypotheses that fail with the first round where they do
    ("amsgrad", PERIODIC, "reddi2018_theorem_4", {"beta2": "1/2"}, {"beta1 < sqrt(beta2)": 1}),
    ("amsgrad", PERIODIC, "alacaoglu2020", {"beta1_schedule": "inv"}, {"beta1_t = beta1": 2}),
    (
        "amsgrad",
        PERIODIC,
        "reddi2018_corollary_1",
        {"beta1_schedule": "inv"},
        {"beta1_t = lambda beta1_{t-1}": 2, "lambda < 1": 1},
    ),
    ("amsgrad", PERIODIC, "reddi2018_corollary_1_inv", {"beta1_schedule": "inv_sqrt"}, {"beta1_t = beta1/t": 2}),
    (adabound_with(late, one), PERIODIC, "savarese2019_corollary", {"gamma": "1/4"}, {PAPERS.words: 1}),
    ("sgd", "quadratic", "hazan2007", {"curvature": "1/2", "lower": -1, "upper": 1, "alpha": 1}, {CURVE: 1}),
    ("adabound", PERIODIC, "savarese2019_theorem_3", {"beta1": "1/2", "beta2": "1/5"}, {"beta1 < sqrt(beta2)": 1}),
]


@pytest.mark.parametrize(("rule", "problem", "bound", "hyper", "fails"), FALSE, ids=name)
def test_a_false_hypothesis_is_reported(rule: Any, problem: str, bound: str, hyper: dict, fails: dict) -> None:
    """With the first round where it fails; the bound is evaluated all the same."""
    found = audit(rule, problem, bound, hyper, 1, 50)
    assert {words: at for words, at in found.failed.items() if at} == fails
    assert len(found.curve) == 50
    assert not np.isnan(found.curve).any()


def test_strong_convexity_is_needed() -> None:
    """Steps alpha/t with alpha far below 1/sigma: the hypothesis is false from the start, and so is the bound."""
    hyper = {"curvature": "1/10", "center": 1, "lower": -1, "upper": 1, "alpha": "1/10"}
    found = audit("sgd", "quadratic", "hazan2007", hyper, -1, 200)
    assert found.failed == {CURVE: 1}
    assert (found.first_violation, found.grade, found.broken_step) == (1, "enclosed", "convexity")


def falling(t: Any, alpha_star: Any, gamma: Any) -> Any:
    """A lower bound function that falls after the first round, by half."""
    return where(t < 2, alpha_star / 2, alpha_star / 4)


@pytest.mark.parametrize("alpha_star", ["1", "1e-13"])
@pytest.mark.parametrize("rounds", [1, 2, 50])
def test_what_compares_rounds_fails_in_the_later_one(rounds: int, alpha_star: str) -> None:
    """In round 2 and not in round 1, however short the run, and however small what is compared."""
    rule, hyper = adabound_with(falling, one), {"alpha_star": alpha_star}
    found = audit(rule, PERIODIC, "luo2019_theorem_4", hyper, 1, rounds)
    assert {words: at for words, at in found.failed.items() if at} == ({"eta_l does not fall": 2} if rounds > 1 else {})


def test_rounding_of_large_losses_fails_no_hypothesis() -> None:
    """Losses of 3e7 that curve exactly as the weights grow."""
    hyper = {"curvature": "1/3", "center": "-12345.6", "lower": -1, "upper": "1", "alpha": 3}
    assert audit("sgd", "quadratic", "hazan2007", hyper, "0.7", 50).failed == {CURVE: None}


@pytest.mark.parametrize("backend", ["arb", "reference"])
def test_a_strict_hypothesis_is_read_exactly(backend: str) -> None:
    """beta1^2 = beta2 = 9/100, neither of which a float or a ball has; 1e-30 more is enough."""
    gamma = catalog.bound("reddi2018_theorem_4").needs[1]
    for beta2, at in ((Q(9, 100), 1), (Q(9, 100) + Q(1, 10**30), None)):
        hyper = {"beta1": "3/10", "beta2": beta2}
        run = simlab.run("amsgrad", PERIODIC, hyper=hyper, rounds=5, record="all", backend=backend)
        assert first_failure(gamma, history(run)) == at


def test_epsilon_is_not_in_the_theorem() -> None:
    found = audit("adam", PERIODIC, "kingma2015_theorem_4_1", {"beta1": 0, "epsilon": "1e-20"}, 1, 10)
    assert found.failed["epsilon = 0"] == 1


def test_the_ledger_of_a_coordinate_that_never_moves() -> None:
    """Its gradients and weights are 0; what it adds to every row is 0, and not 0/0."""
    hyper = {"curvature": "1,1", "center": "0,1", "lower": -1, "upper": 1}
    found = audit("amsgrad", "quadratic", "reddi2018_theorem_4", hyper, (Q(0), Q(1, 2)), 20)
    assert sum(row.slack for row in found.rows) == pytest.approx(found.curve[-1] - found.regret[-1], rel=1e-12)


REFUSED = [  # rule, problem, bound, hyperparameters, what is said
    ("sgd", PERIODIC, "duchi2011", {}, "duchi2011 is about adagrad, not about sgd"),
    ("adam_analysed", "luo2019_piecewise", "master_m", {}, "supposes convex losses, and those of luo2019_piecewise"),
    (
        "sgd",
        "quadratic",
        "zinkevich2003",
        {},
        "the whole space is unbounded, and the theorem supposes a finite diameter",
    ),
    ("sgd", PERIODIC, "zinkevich2003", {"schedule": "constant"}, "about schedule=inv_sqrt, not constant"),
    ("sgd", PERIODIC, "zinkevich", {}, "unknown bound 'zinkevich'.*zinkevich2003"),
]


@pytest.mark.parametrize(("rule", "problem", "bound", "hyper", "words"), REFUSED, ids=name)
def test_refusals_name_the_hypothesis(rule: str, problem: str, bound: str, hyper: dict, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        audit(rule, problem, bound, hyper, None, 10)


def test_another_rule_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """The theorem says nothing of it."""
    (tmp_path / "mine.py").write_text(
        "from simlab.rule import Step\n\n\ndef sgd(t, alpha, g):\n    return Step(direction=-g, rate=alpha), ()\n"
    )
    with pytest.raises(BadInput, match=r"is about sgd of simlab\.rules, and this is another function of that name"):
        audit(f"{tmp_path}/mine.py:sgd", PERIODIC, "zinkevich2003", {}, 1, 10)
