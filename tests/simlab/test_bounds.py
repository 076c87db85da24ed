"""Bounds along a run meet values computed independently to 25 digits, and hold where the theorems are right."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from flint import arb

import simlab
from simlab import catalog
from simlab.bounds.savarese2019_theorem_3 import widening
from simlab.corridor import corridor
from simlab.errors import BadInput
from simlab.history import History, filled, history
from simlab.rules.padam import padam_with
from tests.simlab.golden import BITS, ball, fine_balls, met  # noqa: F401 the fixture is used by being here
from tests.simlab.test_golden_regret import BOUNDED, REDDI, UP, eta_l, late, level, one


class Fact(NamedTuple):
    """What bounds must be along a run, by T; digits that are printed."""

    rule: Any
    hyper: dict[str, Any]
    values: dict[str, dict[int, str]]
    problem: str = "reddi2018_periodic"
    x0: int = 1

    def along(self, backend: str) -> History:
        rounds = max(t for values in self.values.values() for t in values)
        options = {"x0": self.x0, "rounds": rounds, "record": "all", "backend": backend, "bits": BITS}
        return history(simlab.run(self.rule, self.problem, hyper=self.hyper, **options))


ROOT2 = "1.414213562373095048801688724209698078569671875376948073176679737990732478"
THEOREM_4 = {10: "78.68217689032244758330245", 100: "253.2523829657285540434532", 1000: "814.5595158479997466797161"}
FAST = {**REDDI, "beta1": "1/2", "beta2": "9/10"}
FACTS = {
    "Kingma and Ba": Fact(
        "adam",
        {**REDDI, "epsilon": 0, "schedule": "inv_sqrt"},
        {"kingma2015_theorem_4_1": {135: "94.6837857046341222141507", 999: "237.9835723986542236779604"}},
    ),
    "Kingma and Ba, alpha = 9/10": Fact(
        "adam",
        {**REDDI, "alpha": "9/10", "epsilon": 0, "schedule": "inv_sqrt"},
        {"kingma2015_theorem_4_1": {129: "94.35535596420367873283116"}},
    ),
    "AMSGrad": Fact(
        "amsgrad",
        REDDI,
        {
            "reddi2018_theorem_4": THEOREM_4,
            "reddi2018_corollary_1": THEOREM_4,  # beta1 = 0, so they agree
            "alacaoglu2020": {
                10: "42.4447217763661144603782",
                100: "138.6594881967616103330457",
                1000: "452.184964706069644232799",
            },
            "master_m": {
                10: "38.21335483164018445523925",
                100: "120.862428744925822537271",
                1000: "382.4547441378856465643811",
            },
            "master_a": {1000: "382.4547441378856465643811"},
        },
    ),
    "AMSGrad, geometric beta1": Fact(
        "amsgrad",
        {**FAST, "beta1_schedule": "geometric", "lambda": "9/10"},
        {
            "reddi2018_theorem_4": {100: "1110.765428481920042535861"},
            "reddi2018_theorem_4_repaired": {100: "181.2272717285906212201737"},
            "master_m": {100: "112.2353262044045813883129"},
        },
    ),
    "AMSGrad, constant beta1": Fact("amsgrad", FAST, {"alacaoglu2020": {100: "243.9931353895899038073055"}}),
    "AdaBound": Fact(
        "adabound",
        {**REDDI, "alpha_star": "1/2", "gamma": "9/10"},
        {
            "luo2019_theorem_4": {10: "64.6378429217253376724185", 1000: "717.9644075125125"},
            "luo2019_corollary_4_1": {10: "64.6378429217253376724185"},
            "savarese2019_theorem_3": {
                10: "112.6543180747500266",
                100: "420.0565421137008262",
                1000: "1388.861916478369686",
            },
            "master_m": {10: "20.51952411650855074", 100: "59.20562226791492758", 1000: "184.8205417728305189"},
        },
    ),
    "AdaGrad": Fact(
        "adagrad",
        {"C": 3, "alpha": ROOT2},
        {
            "duchi2011": {
                3: "9.38083151964685910913126",
                10: "18.33030277982336002635219",
                1000: "171.3942822850283999519856",
            }
        },
    ),
    "descent": Fact(
        "sgd",
        {"C": 3, "alpha": 1},
        {"zinkevich2003": {3: "14.55255888325765022880191", 1000: "343.3505426185217265198783"}},
    ),
    "descent at a constant step": Fact(
        "sgd",
        {"gradients": "-1,-1,1,-1", "alpha": 1, "schedule": "constant"},
        {"zinkevich2003_constant": {4: "4"}},
        "linear_periodic",
        -1,
    ),
    **{
        f"{name} with a late lower bound": Fact(
            family(late, one),
            {**UP, "alpha": "1/200", "beta2": "1/2", "gamma": "1/100"},
            {bound: {3: "5.928203230275509174109785"}},
            "linear_periodic",
            -1,
        )
        for (name, family), bound in zip(BOUNDED.items(), ("luo2019_theorem_4", "luo2019_theorem_5"), strict=True)
    },
    "AdaBound under a constant gradient": Fact(
        BOUNDED["AdaBound"](eta_l, level),
        {**UP, "alpha": "1e-6", "beta2": "999/1000", "alpha_star": "1/2", "gamma": "1/1000"},
        {"luo2019_theorem_4": {1000: "284.1049894151541398799004"}},
        "linear_periodic",
        -1,
    ),
}


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("backend", ["arb", "reference"])
def test_the_printed_digits_are_met(name: str, backend: str) -> None:
    """Every digit in balls, 1e-12 in floats."""
    fact = FACTS[name]
    run = fact.along(backend)
    for bound, values in fact.values.items():
        curve = simlab.bounds[bound](run)
        for t, printed in values.items():
            assert met(curve[t - 1], printed), (bound, t, curve[t - 1], printed)


def test_terms_and_halves() -> None:
    """The three terms of Theorem 4 by themselves; Theorem 4 is twice its repair where beta1 = 0; the sharp constant."""
    terms = simlab.bounds["reddi2018_theorem_4"].terms(FACTS["AMSGrad, geometric beta1"].along("arb"))
    for term, printed in (
        ("distance", "318.071768375139829"),
        ("momentum", "182.064951836459005"),
        ("energy", "610.628708270321208"),
    ):
        assert met(terms[term][-1], printed)
    plain = FACTS["AMSGrad"].along("arb")
    halves = simlab.bounds["reddi2018_theorem_4"](plain) - 2 * simlab.bounds["reddi2018_theorem_4_repaired"](plain)
    assert all(abs(v) < 1e-50 for v in halves)
    terms = simlab.bounds["alacaoglu2020"].terms(FACTS["AMSGrad, constant beta1"].along("arb"))
    assert met(terms["distance"][-1] + terms["energy"][-1] * 3 / 4, "222.7538225890849065295066")


def test_savareses_condition() -> None:
    """h(t) = t/eta_l(t) - (t-1)/eta_u(t-1) grows towards (1 + 2/gamma)/alpha_star for the paper's bound functions."""
    hyper = {"alpha_star": "1/10", "gamma": "1/1000"}
    run = history(simlab.run("adabound", "reddi2018_periodic", hyper=hyper, backend="arb", bits=BITS, record="all"))
    found, (lower, upper) = widening(run), corridor(run)
    for t, printed in {1: "10010", 2: "10019.99000999001", 10: "10099.19722497522299", 1000: "15007.49874937"}.items():
        assert met(found[t - 1], printed)
    assert all(a < b for a, b in pairwise(found))
    assert found[-1] < 10 * (1 + 2000) == 20010
    assert met(upper[0], "100.1")
    assert abs(lower[0] * 10010 - 1) < 1e-50


def test_numbers_that_the_proofs_lean_on() -> None:
    """Scalar facts, exactly or in balls."""
    roots = np.cumsum([1 / arb(t).sqrt() for t in range(1, 101)])
    for t, printed in ((10, "5.020997899292666500506203"), (100, "18.58960382478415342235816")):
        assert met(roots[t - 1], printed)
    assert all(r <= 2 * arb(t).sqrt() - 1 for t, r in enumerate(roots[1:], 2))
    harmonic = np.cumsum([ball(Q(1, t)) for t in range(1, 32)])  # Lemma 10.3 of Adam's proof: H_T <= 2 sqrt(H_T)?
    for t, left, right in (
        (30, "3.994987130920391", "3.997492779690986"),
        (31, "4.027245195436520", "4.013599479487967"),
    ):
        assert met(harmonic[t - 1], left)
        assert met(2 * harmonic[t - 1].sqrt(), right)
    for b in (Q(i, 7) for i in range(4)):  # a cubic and a quadratic, so four points make them identities
        assert Q(125, 216) - (Q(1, 2) + 2 * b) * (1 - b) ** 2 == 2 * (b - Q(1, 6)) ** 2 * (Q(17, 12) - b)
        assert Q(25, 32) - (Q(1, 2) + 2 * b) * (1 - b) == 2 * (b - Q(3, 8)) ** 2

    def first_cycle(b: Q) -> arb:
        """Adam's two steps up over its step down in the first cycle of Reddi et al.'s problem, beta2 = b."""
        return 1 / ball(2 * (2 - b)).sqrt() + 1 / ball(3 * (1 + 2 * b - b * b)).sqrt()

    values = [first_cycle(Q(i, 1000)) for i in range(1, 201)]
    assert met(values[-1], "1.0221200")
    assert all(a > b for a, b in pairwise(values))
    assert met(1 / arb(2).sqrt() + 1 / arb(3).sqrt(), "1.28446")
    assert 1 / arb(2).sqrt() + 1 / arb(3).sqrt() < arb(2).sqrt()


def test_the_step_that_tran_and_phong_found() -> None:
    """w_t/(1 - beta1_t) falls by 0.14 from the first round to the second where beta1_t does: not in AdamX."""
    hyper = {"gradients": "1,0", "alpha": 1, "beta1": "9/10", "beta1_schedule": "geometric", "lambda": "1/1000"}
    ratio = {}
    for rule in ("amsgrad", "adamx"):
        run = history(simlab.run(rule, "linear_periodic", hyper=hyper, rounds=2, backend="arb", bits=BITS))
        w = run.w[:, 0] / (1 - run.beta1)
        ratio[rule] = w[1] / w[0]
    assert met(ratio["amsgrad"], "0.1415487501124106744872074")
    assert abs(ratio["adamx"] ** 2 - 2) < 1e-50


# --- hold where they are right ----------------------------------------------------------------------------------------

ABOUT = [(name, rule) for name in simlab.bounds for rule in catalog.bound(name).rules]
CURVED = {"hazan2007": "1", "mukkamala2017": "40", "sadam": "40"}  # alpha >= G_inf^2/sigma on the problem below


def beta1_of(theorem: Any) -> dict[str, Any]:
    """The beta1 schedule that a theorem supposes."""
    return {"beta1_schedule": theorem.beta1_schedule} | (
        {"lambda": "2/3"} if theorem.beta1_schedule == "geometric" else {}
    )


def given(name: str, rule: str) -> tuple[str, dict[str, Any]]:
    """A problem in three dimensions that the theorem is about, and hyperparameters."""
    theorem, hyper = catalog.bound(name), {"alpha": "1/3"}
    if "beta1" in simlab.rules[rule].hyper:
        hyper |= beta1_of(theorem)
    hyper["schedule"] = theorem.schedule or simlab.rules[rule].schedule
    if name in CURVED:
        center = {"curvature": "1,2,3", "center": "1/3,-1/2,2", "lower": -1, "upper": 1}
        return "quadratic", {**hyper, **center, "alpha": CURVED[name]}
    return "least_squares", hyper


@pytest.mark.parametrize(("name", "rule"), ABOUT)
def test_every_bound_holds_on_vectors(name: str, rule: str) -> None:
    """In three dimensions, for each rule that the bound is about; so does every step of its proof, and they add up."""
    problem, hyper = given(name, rule)
    run = simlab.run(rule, problem, rounds=60, record="all", hyper=hyper, backend="reference")
    assert about(run, simlab.bounds[name])


def about(run: Any, theorem: Any) -> bool:
    """Whether the bound and every row of its ledger hold along a run, to rounding; the rows must add up."""
    seen = history(run)
    terms, curve = theorem.terms(seen), theorem(seen)
    rows = theorem.ledger(seen, seen.point, terms)
    scale = max(abs(v) for row in rows for v in (row.left, row.right))
    assert sum(row.slack for row in rows) == pytest.approx(curve[-1] - seen.regret[-1], abs=1e-12 * scale)
    assert abs(next(row.slack for row in rows if row.name == "moment")) <= 1e-12 * scale
    gap = max(best.gap for best in seen.best)
    return bool(np.all(seen.regret <= curve)) and all(row.slack >= -gap - 1e-12 * scale for row in rows)


def test_the_master_bounds_are_about_every_rule_that_averages() -> None:
    """The rules found whose direction is m_t, corrected or not, or g_t; of others the moment row is no identity."""
    averaging = set()
    for rule in simlab.rules:
        run = simlab.run(rule, "least_squares", rounds=20, record="all", hyper={"alpha": "1/3"}, backend="reference")
        seen = history(run)
        rows = simlab.bounds["master_m"].ledger(seen, seen.point, simlab.bounds["master_m"].terms(seen))
        averaging |= {rule} if abs(rows[1].slack) < 1e-12 * abs(rows[1].left) else set()
    assert averaging == set(simlab.bounds["master_m"].rules) == set(simlab.bounds["master_a"].rules)


@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_padam_with_other_powers(halvings: int) -> None:
    """The power is read from the rule; with 1/2 Padam is AMSGrad, bit for bit, and so is its bound."""
    options = {"rounds": 100, "record": "all", "hyper": {"alpha": "1/3"}, "backend": "reference"}
    run = simlab.run(padam_with(halvings), "least_squares", **options)
    assert about(run, simlab.bounds["padam"])
    amsgrad = simlab.run("amsgrad", "least_squares", **options)
    assert np.array_equal(run.x, amsgrad.x) == (halvings == 1)
    ours, theirs = simlab.bounds["padam"], simlab.bounds["reddi2018_theorem_4_repaired"]
    if halvings == 1:
        np.testing.assert_allclose(ours(history(run)), theirs(history(amsgrad)), rtol=1e-12)
    with pytest.raises(BadInput, match="halvings is at least 1; got 0"):
        padam_with(0)


def test_equal_where_they_must_be() -> None:
    """SAdam's bound is SC-AdaGrad's where beta1 = 0 and gamma = 1, AdamNC's is AdaGrad's where beta1 = 0."""
    quadratic = {"curvature": "2", "center": "1/3", "lower": -1, "upper": 1, "alpha": 20}
    pairs = [
        (("sadam", "sadam", {**quadratic, "beta1": 0, "gamma": 1}), ("sc_adagrad", "mukkamala2017", quadratic)),
        (
            ("adamnc", "reddi2018_theorem_5_sharpened", {**quadratic, "beta1": 0}),
            ("adagrad", "duchi2011", quadratic),
        ),
    ]
    for pair in pairs:
        curves = []
        for rule, bound, hyper in pair:
            run = simlab.run(rule, "quadratic", hyper=hyper, x0=1, rounds=50, record="all", backend="reference")
            curves.append(simlab.bounds[bound](history(run)))
        np.testing.assert_allclose(*curves, rtol=1e-13)


COROLLARIES = [  # corollary, theorem, rule, hyperparameters, and whether the two are one where beta1 = 0
    ("reddi2018_corollary_1", "reddi2018_theorem_4", "amsgrad", {}, True),
    ("reddi2018_corollary_1_inv", "reddi2018_theorem_4", "amsgrad", {}, True),
    ("luo2019_corollary_4_1", "luo2019_theorem_4", "adabound", {"gamma": "1/4"}, True),
    ("luo2019_corollary_4_1_inv", "luo2019_theorem_4", "adabound", {"gamma": "1/4"}, True),
    ("savarese2019_corollary", "savarese2019_theorem_3", "adabound", {"gamma": "1/4"}, False),
]


@pytest.mark.parametrize(("name", "theorem", "rule", "hyper", "one"), COROLLARIES)
def test_a_corollary_follows(name: str, theorem: str, rule: str, hyper: dict[str, Any], one: bool) -> None:
    """It is never below its theorem; where beta1 = 0 it is the theorem, if it is about momentum alone."""
    corollary, parent = simlab.bounds[name], simlab.bounds[theorem]
    for beta1 in ("1/2", "0"):
        given = {"alpha": "1/3", **hyper, "beta1": beta1, **(beta1_of(corollary) if beta1 != "0" else {})}
        run = simlab.run(rule, "least_squares", rounds=200, record="all", hyper=given, backend="reference")
        above = corollary(history(run)) / parent(history(run))
        assert above.min() >= 1
        assert above[-1] < 5  # and not far above it
        assert (above.max() == 1) == (one and beta1 == "0")


def test_the_repaired_bound_of_adabound() -> None:
    """The corridor alone says more than the run's own weights do, and at most (1 + 4/gamma) sqrt(T)/alpha_star."""
    hyper = {"alpha_star": "1/10", "gamma": "1/100", "beta1": 0}
    for rule in ("adabound", "amsbound"):
        run = history(simlab.run(rule, "reddi2018_periodic", hyper=hyper, record="all", backend="reference"))
        weights = 2 * simlab.bounds["adabound_repaired"].terms(run)["distance"] / run.d_inf**2
        assert np.all(weights > run.variation)
        assert np.all(weights <= 401 * np.sqrt(run.t) * 10)


def test_the_logarithmic_bound_is_attained_in_the_first_round() -> None:
    """Step 1/(sigma t) on sigma (x - 1)^2/2: R_1 = G^2/(2 sigma), exactly; later rounds leave it."""
    hyper = {"curvature": "1/2", "center": 1, "lower": -1, "upper": 1, "alpha": 2, "schedule": "inv"}
    run = history(simlab.run("sgd", "quadratic", hyper=hyper, x0=-1, rounds=20, record="all", backend="reference"))
    curve = simlab.bounds["hazan2007"](run)
    assert run.regret[0] == curve[0] == 1
    assert np.all(run.regret[1:] < curve[1:])


def test_what_is_refused() -> None:
    run = simlab.run("sgd", "quadratic", rounds=10, record="all", backend="reference")
    with pytest.raises(BadInput, match="unbounded"):
        history(run)
    run = simlab.run("sgd", "reddi2018_periodic", rounds=100, record=5, backend="reference")
    with pytest.raises(BadInput, match="every round"):
        history(run)


def test_weights_before_the_first_gradient() -> None:
    """A weight of 0 is the first positive one of its coordinate; a ball around 0 is not 0, and stays."""
    near = arb(0, 1e-9)
    for first, kept in ((arb(0), False), (near, True)):
        found = filled(np.array([[first], [arb(2)]], dtype=object))
        assert found[0, 0].contains(0) == kept
    assert filled(np.zeros((3, 1))).tolist() == [[0], [0], [0]]


@pytest.mark.parametrize("name", simlab.bounds)
def test_what_is_said_of_a_theorem_is_there(name: str) -> None:
    """One that is false names the claim that refutes it, one that is shown the theorem that shows it; never both."""
    bound = simlab.bounds[name]
    claims = catalog.claim_modules()
    assert not bound.false or bound.false in claims
    assert not (bound.false and f"{name}_holds" in claims)
    assert ("shown by" in bound.status) == (f"{name}_holds" in claims)
