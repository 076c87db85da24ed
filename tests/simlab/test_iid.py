"""Drifts under random gradients, against values computed independently, enumerations, simulations and closed forms."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab import catalog, iid
from simlab.errors import BadInput
from simlab.iid import iid_drift, iid_verdict, reshuffled
from simlab.ops import divide, maximum, sqrt
from simlab.orbit import orbit
from simlab.rule import Step, settle
from simlab.trajectory import precision

ADAM = "adam_analysed"


def meets(ball: arb, printed: str, ulps: float = 0.5) -> bool:
    """The ball lies within so many units of the printed value's last digit."""
    digits = len(printed.partition(".")[2])
    with precision(200):
        return abs(ball - arb(printed)) <= arb(10) ** -digits * ulps


def rare(large: Any, small: Any, chance: Any) -> tuple[list, list]:
    """(values, probabilities) of two gradients."""
    return [large, small], [Q(chance), 1 - Q(chance)]


SYNTHETIC = rare(1010, -10, "0.01")
UNIFORM = {n: rare(n, -1, Q(1, n)) for n in (5, 10, 20, 50)}  # one function of n, drawn uniformly


def toy(k: int) -> tuple[list, list]:
    """The toy problem of ADOPT's paper."""
    return rare(k * k, -k, Q(1, k))


# --- printed values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "hyper", "printed"),
    [
        (SYNTHETIC, {"beta2": "0.99"}, "0.059138958675"),
        (SYNTHETIC, {}, "0.0029710549805"),
        (toy(10), {"beta2": "0.9"}, "0.0618671"),
        (toy(10), {"beta2": "0.99"}, "-0.0179927"),
        (toy(10), {}, "-0.028979765943"),
        (toy(50), {"beta2": "0.9"}, "0.3725503"),
        (toy(50), {"beta2": "0.99"}, "0.0329174"),
        (toy(50), {}, "0.000606095962"),
        (UNIFORM[10], {"beta1": 0, "beta2": "0.9"}, "0.112850"),
        (UNIFORM[10], {"beta1": 0, "beta2": "0.96"}, "0.02529"),
    ],
    ids=str,
)
def test_printed_drifts(problem: tuple, hyper: dict, printed: str) -> None:
    drift = iid_drift(ADAM, *problem, hyper)
    assert meets(drift, printed)
    assert drift.rad() < abs(drift.mid()) / 10**12


@pytest.mark.parametrize(
    ("delta", "beta1", "beta2", "least"),
    [
        ("0.01", 0, "0.9", 2),
        ("0.01", 0, "0.99", 4),
        ("0.01", "0.9", "0.99", 4),
        ("0.01", "0.9", "0.999", 22),
        ("0.1", 0, "0.9", 4),
        ("0.1", 0, "0.99", 22),
        ("0.1", "0.9", "0.99", 23),
        ("0.1", "0.9", "0.999", 203),
        ("1", 0, "0.5", 6),
        ("1", 0, "0.9", 24),
        ("1", 0, "0.99", 209),
        ("1", "0.9", "0.9", 32),
        ("1", "0.9", "0.99", 216),
        ("1", "0.9", "0.999", 2032),
    ],
)
def test_smallest_large_gradients(delta: str, beta1: Any, beta2: str, least: int) -> None:
    """Reddi et al.'s stochastic problem: Adam is wrong from this C on (checked there and one below)."""
    for C, word in ((least, "wrong"), (least - 1, "right")):
        chance = (1 + Q(delta)) / (C + 1)
        problem = rare(C, -1, chance)
        got = iid_verdict(ADAM, *problem, {"beta1": beta1, "beta2": beta2})
        assert got.total == Q(delta)
        assert (got.word, got.grade) == (word, "enclosed")


@pytest.mark.parametrize(
    ("n", "beta1", "printed"),
    [
        (5, 0, "0.8985881602"),
        (10, 0, "0.9777373690"),
        (20, 0, "0.9947357430"),
        (50, 0, "0.9991836632"),
        (10, "0.9", "0.9730553975"),
        (20, "0.9", "0.9944931476"),
        (50, "0.9", "0.9991777989"),
    ],
)
def test_critical_weights(n: int, beta1: Any, printed: str) -> None:
    """The sign of the drift of (n, -1^(n-1)) changes at a beta2 that rounds to the printed one or is beside it."""
    ulp = Q(1, 10**10)
    for beta2, word in ((Q(printed) - ulp, "wrong"), (Q(printed) + ulp, "right")):
        assert iid_verdict(ADAM, *UNIFORM[n], {"beta1": beta1, "beta2": beta2}).word == word


def test_a_drift_sets_the_speed() -> None:
    """Unconstrained, x_T/sqrt(T) -> 2 alpha D: printed for Zhang et al.'s problem, one as 2D."""
    assert meets(2 * iid_drift(ADAM, *UNIFORM[10], {"beta1": 0, "beta2": "1/2"}), "0.99803")
    assert meets(2 * iid_drift(ADAM, *UNIFORM[20], {"beta1": "0.9", "beta2": "0.9"}), "0.344")


@pytest.mark.parametrize(("beta2", "printed"), [("0.9", "0.05880985968"), ("0.99", "0.09596084167")])
def test_where_squared_losses_balance(beta2: str, printed: str) -> None:
    """(x - c)^2/2 with c = 1 in one of ten draws, else 0: the x of no drift is not the mean of c, 1/10."""
    ulp = Q(1, 10**11)
    for x, up in ((Q(printed) - ulp, True), (Q(printed) + ulp, False)):
        drift = iid_verdict("rmsprop", *rare(x - 1, x, "0.1"), {"beta2": beta2}).drift
        assert drift > 0 if up else drift < 0


# --- independent computations ---------------------------------------------------------------------------------------


def enumerated(values: list, chances: list, beta1: float, beta2: float, rounds: int) -> float:
    """-E m/sqrt(v) over all sequences of the last gradients, from the mean m and v before them."""
    m, v = np.array([np.dot(chances, values)], float), np.array([np.dot(chances, np.square(values))], float)
    p = np.ones(1)
    for _ in range(rounds):
        m = np.concatenate([beta1 * m + (1 - beta1) * g for g in values])
        v = np.concatenate([beta2 * v + (1 - beta2) * g * g for g in values])
        p = np.concatenate([p * chance for chance in chances])
    return -float(np.sum(p * m / np.sqrt(v)))


@pytest.mark.parametrize(
    ("values", "chances", "beta1", "beta2", "rounds", "tolerance"),
    [
        ([100, -10], ["0.1", "0.9"], "0.9", "0.1", 16, 1e-12),
        ([2500, -50], ["0.02", "0.98"], "0.9", "0.1", 16, 1e-12),
        ([100, -10], ["0.1", "0.9"], "0.9", "0.5", 20, 5e-6),
        ([3, -1, 2, -5], ["0.1", "0.2", "0.3", "0.4"], "0.5", "0.2", 9, 2e-6),
    ],
)
def test_enumerated_drifts(values: list, chances: list, beta1: str, beta2: str, rounds: int, tolerance: float) -> None:
    """Short memories, by brute force; also where beta1 > sqrt(beta2)."""
    found = enumerated(values, [float(Q(c)) for c in chances], float(Q(beta1)), float(Q(beta2)), rounds)
    ball = iid_drift(ADAM, values, chances, {"beta1": beta1, "beta2": beta2})
    assert found == pytest.approx(float(ball.mid()), rel=tolerance)


@pytest.mark.parametrize(
    ("rule", "values", "chances", "hyper"),
    [
        (ADAM, [10, -1], ["0.1", "0.9"], {"beta1": "0.9", "beta2": "0.9"}),
        ("nadam", [7, 2, -3], ["1/4", "1/4", "1/2"], {"beta1": "0.5", "beta2": "0.8"}),
        ("adopt", [4, 0, -1], ["1/4", "1/8", "5/8"], {"beta1": "0.9", "beta2": "0.9"}),
        ("rmsprop", [4, 0, -1], ["1/4", "1/4", "1/2"], {"beta2": "0.75"}),
    ],
)
def test_simulated_drifts(rule: str, values: list, chances: list, hyper: dict) -> None:
    """The mean move of the rule's own source over independent runs is within four standard errors."""
    spec = catalog.rule(rule)
    known = settle(spec.hyper, {n: Q(v) for n, v in hyper.items()}, rule)
    bound = {n: float(v) for n, v in known.items() if n != "alpha"}
    generator = np.random.Generator(np.random.Philox(7))
    runs, rounds, still = 20_000, 300, 150
    state = tuple(np.full(runs, float(s)) for s in spec.state.values())
    total = np.zeros(runs)
    for t in range(1, rounds + 1):
        g = generator.choice(np.array(values, float), runs, p=[float(Q(c)) for c in chances])
        step, state = spec.function(t, 1.0, g, *state, **bound)
        if t > still:
            total -= np.where(step.direction == 0, 0.0, step.rate * step.direction)
    means = total / (rounds - still)
    error = np.std(means) / np.sqrt(runs)
    drift = float(iid_drift(rule, values, chances, hyper).mid())
    assert abs(np.mean(means) - drift) < 4 * error
    assert error < abs(drift) / 20


@settings(max_examples=30)
@given(
    st.lists(st.integers(-6, 6), min_size=1, max_size=6).filter(any),
    st.sampled_from(["1/2", "9/10", "99/100"]),
    st.sampled_from([0, "1/2", "9/10"]),
)
def test_one_block_is_a_periodic_problem(gradients: list[int], beta2: str, beta1: Any) -> None:
    """The integral and the periodic steady state, two ways to one number."""
    for rule in (ADAM, "nadam", "amsgrad"):
        spec = catalog.rule(rule)
        hyper = {"beta1": Q(beta1), "beta2": Q(beta2)}
        with precision(128):
            steady = orbit(spec, [Q(g) for g in gradients], settle(spec.hyper, hyper, rule)).drift
        drift = iid_drift(rule, [tuple(gradients)], [1], hyper)
        assert abs(drift - steady) <= drift.rad() + abs(steady) / 10**30 + arb(10) ** -30
        assert drift.rad() <= arb(10) ** -12


@pytest.mark.parametrize(
    ("rule", "hyper"), [(ADAM, {}), ("nadam", {"beta2": "0.9"}), ("momentum", {}), ("adopt", {"beta2": "0.9"})]
)
def test_a_block_of_two_independent_gradients_moves_twice_as_far(rule: str, hyper: dict) -> None:
    single = iid_drift(rule, [5, -1], ["1/4", "3/4"], hyper)
    chances = {5: Q(1, 4), -1: Q(3, 4)}
    pairs = [(a, b) for a in chances for b in chances]
    double = iid_drift(rule, pairs, [chances[a] * chances[b] for a, b in pairs], hyper)
    assert double.overlaps(2 * single)


def test_reshuffling() -> None:
    """One of ten functions a round: the order alone decides, at beta2 = 96/100."""
    gradients = [Q(10)] + [Q(-1)] * 9
    blocks = reshuffled(gradients)
    assert len(blocks[0]) == 10
    assert len({tuple(b) for b in blocks[0]}) == 10
    assert abs(iid_drift(ADAM, *blocks, {"beta1": 0, "beta2": "0.9"}) - arb("0.46993")) < arb("0.00028")
    for beta2, words in (("0.9", ("wrong", "wrong", "wrong")), ("0.96", ("right", "right", "wrong"))):
        hyper = {"beta1": 0, "beta2": beta2}
        cyclic = iid_verdict(ADAM, [tuple(gradients)], [1], hyper)
        shuffled, independent = iid_verdict(ADAM, *blocks, hyper), iid_verdict(ADAM, *UNIFORM[10], hyper)
        assert (cyclic.word, shuffled.word, independent.word) == words
        assert cyclic.drift < shuffled.drift < 10 * independent.drift
    assert sorted(reshuffled([Q(1), Q(1), Q(2)])[0]) == [(1, 1, 2), (1, 2, 1), (2, 1, 1)]
    with pytest.raises(BadInput, match="3628800 distinct orders"):
        reshuffled([Q(g) for g in range(10)])


# --- closed forms ----------------------------------------------------------------------------------------------------


def test_closed_forms() -> None:
    one_in_four = rare(4, -1, "1/4")
    assert iid_drift("signsgd", *one_in_four, {}) == arb("0.5")
    assert iid_drift("rmsprop", *one_in_four, {"beta2": 0}) == arb("0.5")
    assert iid_drift("sgd", *one_in_four, {}) == arb("-0.25")
    assert iid_drift("momentum", *one_in_four, {"beta1": "3/4"}).contains(-1)
    assert iid_drift("amsgrad", *one_in_four, {}).contains(arb(-1) / 16)
    for rule in (ADAM, "nadam", "amsgrad", "adopt", "rmsprop"):
        assert iid_drift(rule, [-7], [1], {}).contains(1)
    assert iid_verdict("signsgd", [1, -1, 3], ["1/4", "1/2", "1/4"], {})[2:] == ("neutral", "proved")
    assert iid_verdict("sgd", [1, -1], ["1/2", "1/2"], {}).word == ""
    assert iid_verdict("signsgd", *one_in_four, {})[2:] == ("wrong", "enclosed")


def test_bias_correction_and_scale_do_not_change_the_drift() -> None:
    plain = iid_drift(ADAM, *SYNTHETIC, {"beta2": "0.99"})
    assert iid_drift("adam", *SYNTHETIC, {"beta2": "0.99", "epsilon": 0}).overlaps(plain)
    for epsilon in (1, 10):  # below every root of v
        assert iid_drift("adopt", *SYNTHETIC, {"epsilon": epsilon, "beta2": "0.9"}).overlaps(
            iid_drift("adopt", *SYNTHETIC, {"beta2": "0.9"})
        )
    with pytest.raises(BadInput, match="its state 'm'"):
        iid_drift("adopt", *SYNTHETIC, {"epsilon": 11, "beta2": "0.9"})
    assert iid_drift(ADAM, *rare("-101/3", "1/3", "0.01"), {"beta2": "0.99"}).overlaps(-plain)


@pytest.mark.parametrize(
    ("values", "chances", "hyper"),
    [
        ([100, -10], ["0.1", "0.9"], {"beta2": "0.9"}),
        ([100, -10], ["0.1", "0.9"], {"beta1": 0, "beta2": "0.9"}),
        ([3, 0, -1], ["0.2", "0.2", "0.6"], {"beta2": "0.9"}),
        ([20, 21], ["0.4", "0.6"], {"beta1": 0, "beta2": "0.99"}),
        ([20, 21], ["0.4", "0.6"], {"beta1": "0.999", "beta2": "0.99"}),
    ],
)
def test_balls_of_few_bits_hold_those_of_many(values: list, chances: list, hyper: dict) -> None:
    """The errors of starting, of ending and of the step, where they are large."""
    law = iid._law(ADAM, values, chances, hyper)
    sharp = iid._drift(law, 120)
    assert sharp.rad() < arb(2) ** -110
    for bits in (*range(1, 12), 20, 40, 80):
        ball = iid._drift(law, bits)
        assert ball.contains(sharp)
        assert ball.rad() < 20 * arb(2) ** -bits


@pytest.mark.parametrize("step", [1, 2, 4])
def test_the_error_of_the_trapezoid_rule(step: int) -> None:
    """Within the bound for every y, and not much below it for the worst."""
    u = np.arange(-200, 40) * float(step)
    errors = [
        abs(step / np.sqrt(np.pi) * np.sum(np.exp(u / 2 - np.exp(u) * y)) * np.sqrt(y) - 1)
        for y in np.exp(np.linspace(0, step, 50))
    ]
    bound = float(iid.trapezoid_error(arb(step)))
    assert bound / 2 < max(errors) <= bound


def test_what_is_refused() -> None:
    for rule, words in (
        ("adamax", "its state 'u' is not a filter"),
        ("adabelief", "its state 's' is not a filter"),
        ("adagrad", "its state 's' has no stationary law"),
        ("adam", "its step is not a filter"),
        ("lion", "its step is not a filter"),
        ("adabound", "its step is not a filter"),
    ):
        with pytest.raises(BadInput, match=words):
            iid_drift(rule, [4, -1], ["1/4", "3/4"], {})
    for values, chances, words in (
        ([1, 2], ["1/2"], "one probability for each"),
        ([], [], "one probability for each"),
        ([(1, 2), 3], ["1/2", "1/2"], "one probability for each"),
        ([1, 2], ["1/2", "1/4"], "add up to 1"),
        ([1, 2], ["3/2", "-1/2"], "are > 0"),
    ):
        with pytest.raises(BadInput, match=words):
            iid_drift(ADAM, values, chances, {})
    with pytest.raises(BadInput, match="gradients are 0 too often"):
        iid_drift(ADAM, [1, 0], ["1/10", "9/10"], {"beta2": "1/2"})
    with pytest.raises(BadInput, match="so near 1"):
        iid_drift(ADAM, [1, -2], ["1/2", "1/2"], {"beta2": "0.99999999"})

    def uphill(t, alpha, g, v=0):
        """A root of what can be negative.

        Reference: nobody.
        """
        v = divide(v + g, 2)
        return Step(direction=g, rate=divide(alpha, sqrt(v))), (v,)

    def two(t, alpha, g, a=0, b=0, peak=0):
        """The largest of a sum whose parts are not largest together.

        Reference: nobody.
        """
        a, b = divide(a + maximum(g, 0), 2), divide(b + maximum(-g, 0), 2)
        peak = maximum(peak, a + b)
        return Step(direction=g, rate=divide(alpha, peak)), (a, b, peak)

    with pytest.raises(BadInput, match="its state 'peak' is not a filter or a running maximum"):
        iid_drift(two, [1, -2], ["1/2", "1/2"], {})
    with pytest.raises(BadInput, match="not a filter"):
        iid_drift(uphill, [1, -2], ["1/2", "1/2"], {})

    def twice(t, alpha, g, v=0, m=0):
        """Two roots, of which one is in the state.

        Reference: nobody.
        """
        after = divide(m + divide(g, sqrt(v)), 2)
        return Step(direction=m, rate=divide(alpha, sqrt(g * g))), (divide(v + g * g, 2), after)

    with pytest.raises(BadInput, match="its state 'm' has roots in it"):
        iid_drift(twice, [1, -2], ["1/2", "1/2"], {})
