"""Golden regrets and decisions: digits from elsewhere, met by balls to the last one and by floats to 1e-12."""

from __future__ import annotations

from itertools import product
from math import comb
from typing import Any, NamedTuple

import pytest

import simlab
from simlab.ops import sqrt, where
from simlab.rules.adabound import adabound_with, eta_l
from simlab.rules.adagrad import adagrad
from simlab.rules.amsbound import amsbound_with
from tests.simlab.golden import BITS, ball, fine_balls, met  # noqa: F401 the fixture is used by being here


def late(t, alpha_star, gamma):
    """gamma in rounds 1 and 2, then 1."""
    return where(t < 3, gamma, 1)


def one(t, alpha_star, gamma):
    """1"""
    return 1


def level(t, alpha_star, gamma):
    """alpha_star"""
    return alpha_star


def adagrad_root2(t, alpha, g, s=0):
    """AdaGrad with the step alpha sqrt(2), which no rational alpha can name."""
    return adagrad(t, alpha * sqrt(2), g, s)


class Fact(NamedTuple):
    """What a run must show: R_t and x_t by round."""

    item: str
    rule: Any
    problem: str
    hyper: dict[str, Any]
    x0: int
    regret: dict[int, str]
    x: dict[int, str] = {}  # noqa: RUF012 never changed

    @property
    def rounds(self) -> int:
        return max([*self.regret, *self.x])


REDDI = {"C": 3, "alpha": "1/2", "beta1": 0, "beta2": "1/10"}
UP = {"gradients": -1, "beta1": 0}  # f_t(x) = -x, so every round wants x higher
BOUNDED = {"AdaBound": adabound_with, "AMSBound": amsbound_with}  # one rule where v_t never falls
FACTS = [
    Fact(
        "descent at a constant step",
        "sgd",
        "linear_periodic",
        {"gradients": "-1,-1,1,-1", "alpha": 1, "schedule": "constant"},
        -1,
        {4: "4"},
        {1: "-1", 2: "0", 3: "1", 4: "0"},
    ),
    Fact(
        "Adam",
        "adam_analysed",
        "reddi2018_periodic",
        REDDI,
        1,
        {
            3: "2.7837235181715222137255",
            9: "7.397892328621159880282619",
            99: "70.5379227590043130469283",
            999: "680.1703063828702771623648",
        },
        {2: "0.4729537233052701113335177", 3: "0.7433227585232076749409823", 4: "1", 5: "0.7382019539611709096336514"},
    ),
    Fact("Adam, longer", "adam_analysed", "reddi2018_periodic", REDDI, 1, {3000: "2024.459171796355573284357"}),
    Fact(
        "bias-corrected Adam",
        "adam",
        "reddi2018_periodic",
        {**REDDI, "epsilon": 0, "schedule": "inv_sqrt"},
        1,
        {135: "95.22967674172497000023511", 999: "680.117543724002170437819"},
        {2: "0.5", 3: "0.7690137934244851671363571"},
    ),
    Fact(
        "bias-corrected Adam, alpha = 9/10",
        "adam",
        "reddi2018_periodic",
        {**REDDI, "alpha": "9/10", "epsilon": 0, "schedule": "inv_sqrt"},
        1,
        {129: "95.20386886636741788939931"},
    ),
    Fact(
        "AMSGrad without momentum",
        "amsgrad",
        "reddi2018_periodic",
        REDDI,
        1,
        {10: "11.51853193197261597308815", 100: "43.36369465158934874423666", 1000: "68.61134414921708786352898"},
    ),
    Fact(
        "AMSGrad, geometric beta1",
        "amsgrad",
        "reddi2018_periodic",
        {**REDDI, "beta1": "1/2", "beta2": "9/10", "beta1_schedule": "geometric", "lambda": "9/10"},
        1,
        {100: "22.44852934300867119812539"},
    ),
    Fact(
        "AMSGrad, constant beta1",
        "amsgrad",
        "reddi2018_periodic",
        {**REDDI, "beta1": "1/2", "beta2": "9/10"},
        1,
        {100: "16.56966320632120454449009"},
    ),
    *(
        Fact(
            f"{name} with a late lower bound",
            family(late, one),
            "linear_periodic",
            {**UP, "alpha": "1/200", "beta2": "1/2", "gamma": "1/100"},
            -1,
            {3: "5.972928932188134524755992"},
            {3: "-0.9829289321881345247559916"},
        )
        for name, family in BOUNDED.items()
    ),
    Fact(
        "AdaBound",
        "adabound",
        "reddi2018_periodic",
        {**REDDI, "alpha_star": "1/2", "gamma": "9/10"},
        1,
        {10: "12.81217905059371946383189", 100: "30.11107035937235629169978", 1000: "66.01735981212181615667733"},
    ),
    Fact(
        "AMSBound",
        "amsbound",
        "reddi2018_periodic",
        {**REDDI, "alpha_star": "1/2", "gamma": "9/10"},
        1,
        {1000: "63.46304200966697929110232"},
    ),
    Fact(
        "AdaGrad",
        adagrad_root2,
        "reddi2018_periodic",
        {"C": 3, "alpha": 1},
        1,
        {3: "4.381213529246232158321543", 10: "12.38926792429408270116157", 1000: "82.55884910930869735129"},
    ),
    Fact(
        "descent",
        "sgd",
        "reddi2018_periodic",
        {"C": 3, "alpha": 1},
        1,
        {3: "5.292893218813452475599156", 1000: "107.7870381844150053599264"},
    ),
    Fact(
        "Adam on Luo's problem",
        "adam_analysed",
        "luo2019_periodic",
        {"C": 8, "alpha": "1/2", "beta1": 0, "beta2": "1/2"},
        0,
        {8: "3.414213562373095048801689", 80: "26.18080557909431828057493", 800: "248.6476427055879349076513"},
        {2: "0.70710678118654752440084", 3: "0.2357022603955158414669481", 10: "0.467367456535819503775863"},
    ),
    *(
        Fact(
            f"{name} under a constant gradient",
            family(eta_l, level),
            "linear_periodic",
            {**UP, "alpha": "1e-6", "beta2": "999/1000", "alpha_star": "1/2", "gamma": "1/1000"},
            -1,
            {1000: "435.4611848802170832977941"},
        )
        for name, family in BOUNDED.items()
    ),
]
LONG = [
    Fact("Adam", "adam_analysed", "reddi2018_periodic", REDDI, 1, {10**5: "66812.55158122887278109649"}),
    Fact("AMSGrad", "amsgrad", "reddi2018_periodic", REDDI, 1, {10**5: "234.1850561959379872703229"}),
]
LONGER = [
    Fact("Adam", "adam_analysed", "reddi2018_periodic", REDDI, 1, {10**6: "667116.1560038777218341550"}),
    Fact("AMSGrad", "amsgrad", "reddi2018_periodic", REDDI, 1, {10**6: "631.9829169015439627822794"}),
]
LONGEST_IN_TORCH = 1000  # rounds: each costs some 0.3 ms


def check(fact: Fact, backend: str) -> None:
    record = "all" if fact.rounds <= 3000 else 1
    run = simlab.run(
        fact.rule,
        fact.problem,
        hyper=fact.hyper,
        x0=fact.x0,
        rounds=fact.rounds,
        backend=backend,
        record=record,
        bits=BITS,
    )
    rows = {t: i for i, t in enumerate(run.records.t)}
    for t, printed in fact.regret.items():
        assert met(run.regrets[rows[t]], printed), (t, run.regrets[rows[t]], printed)
    for t, printed in fact.x.items():
        assert met(run.records.x[rows[t]], printed), (t, run.records.x[rows[t]], printed)


def on(backend: str, facts: list[Fact], **kwargs: Any) -> list[Any]:
    return [pytest.param(f, backend, id=f"{backend}, {f.item}, T = {f.rounds}", **kwargs) for f in facts]


@pytest.mark.parametrize(
    ("fact", "backend"),
    [
        *on("arb", [*FACTS, *LONG]),
        *on("arb", LONGER, marks=pytest.mark.slow),
        *on("reference", FACTS),
        *on("numba", [*FACTS, *LONG, *LONGER]),
        *on("torch", [f for f in FACTS if f.rounds <= LONGEST_IN_TORCH]),
    ],
)
def test_the_printed_digits_are_met(fact, backend):
    """Every digit by balls, 1e-12 by floats."""
    check(fact, backend)


def test_a_digit_that_differs_is_noticed():
    fact = FACTS[1]
    wrong = fact._replace(regret={9: "7.397892328621159880282620"})
    with pytest.raises(AssertionError):
        check(wrong, "arb")


def test_second_moments_of_adam():
    """rate_t = alpha/(sqrt(t) sqrt(v_t)) gives v_t back."""
    run = simlab.run("adam_analysed", "reddi2018_periodic", hyper=REDDI, x0=1, rounds=4, backend="arb", bits=BITS)
    for t, rate, v in zip(run.records.t, run.records.rate, ("8.1", "1.71", "1.071", "8.2071"), strict=True):
        assert abs(1 / (4 * t * rate * rate) - ball(v)) < 1e-50


@pytest.mark.parametrize("rule", list(simlab.rules))
def test_mean_regret_over_all_sign_sequences(rule):
    """x_t cannot know g_t, so over all 2^T sequences of signs on [-1, 1] the mean of R_T is E|S_T|, for every rule."""
    rounds = 6
    runs = [
        simlab.run(
            rule,
            "linear_periodic",
            hyper={"gradients": signs, "alpha": "1/2"},
            x0="1/3",
            rounds=rounds,
            backend="reference",
            record=1,
        )
        for signs in product((1, -1), repeat=rounds)
    ]
    half = -(-rounds // 2)
    expected = 2 * half * comb(rounds, half) / 2**rounds
    assert expected == 15 / 8
    assert sum(run.regret for run in runs) / len(runs) == pytest.approx(expected, abs=1e-14)
