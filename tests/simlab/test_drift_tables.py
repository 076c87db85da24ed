"""Tables of drifts and limits of rules on periodic linear problems: every one traced from the rule's own source.

The printed digits were computed elsewhere, from closed formulas; see simlab/orbit.py for D, G and the words.
"""

from __future__ import annotations

import math
from fractions import Fraction as Q

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

import simlab
from simlab import catalog, exact
from simlab.backends import reference
from simlab.orbit import Verdict, orbit
from simlab.rule import settle
from simlab.trajectory import precision
from tests.simlab.golden import root_sums
from tests.simlab.test_orbit import drift, meets

LUO, REDDI = "-1,2,0*{}", "{},-1*{}"


def luo(C: int) -> str:
    return LUO.format(C - 2)


def reddi(C: int) -> str:
    return REDDI.format(C, C - 1)


def universal(N: int) -> str:
    return f"{2 * N + 1},{-N}*2"


def block(length: int, C: int) -> str:
    return f"-1*{length},2*{length},0*{C - 2 * length}"


def burst(n: int, quiet: int) -> str:
    return f"1*{n + 1},0*{quiet},-1*{n}"


def adam(gradients: str, beta1: object, beta2: object, rule: str = "adam_analysed") -> Verdict:
    return drift(rule, gradients, beta1=beta1, beta2=beta2)


weights = st.fractions(Q(1, 50), Q(49, 50), max_denominator=50)


# --- Luo et al. 2019, Theorem 1: (-1, 2, 0, ..., 0), beta1 = 0 --------------------------------------------------------


@pytest.mark.parametrize(
    ("C", "beta2", "printed"),
    [
        (2774, "0.999", "0.00218402982999948"),
        (2773, "0.999", "-0.000553700003779569"),
        (27727, "0.9999", "0.000432216412778648"),
        (27726, "0.9999", "-0.000433797491150381"),
    ],
)
def test_the_sharp_period(C: int, beta2: str, printed: str) -> None:
    found = drift("rmsprop", luo(C), beta2=beta2)
    assert meets(found.orbit.drift, printed)
    assert (found.word, found.grade) == ("wrong" if 16 * Q(beta2) ** (C - 2) < 1 else "right", "enclosed")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(3, 8), weights)
def test_two_gradients_and_a_rest(a: int, more: int, C: int, beta2: Q) -> None:
    """(-a, b, 0, ..., 0) with b > a: wrong iff beta2^(C-2) < (a/b)^4, and neutral only where they are equal."""
    b = a + more
    left, right = beta2 ** (C - 2), Q(a, b) ** 4
    word = "wrong" if left < right else "right" if left > right else "neutral"
    assert drift("rmsprop", f"{-a},{b},0*{C - 2}", beta2=beta2).word == word


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 12), weights, weights)
def test_a_closed_form_with_momentum(C: int, beta1: Q, beta2: Q) -> None:
    """D = (1-b1)/(1-b1^C) ((1-2 b1^(C-1))/sqrt v1 - (2-b1) (1-c^(C-1))/((1-c) sqrt v2)), c = b1/sqrt b2."""
    with precision(200):
        b1, b2 = (arb(b.numerator) / b.denominator for b in (beta1, beta2))
        k, c = (1 - b2) / (1 - b2**C), b1 / b2.sqrt()
        v1, v2 = k * (1 + 4 * b2 ** (C - 1)), k * (4 + b2)
        ratio = sum((c**j for j in range(C - 1)), arb(0))
        closed = (1 - b1) / (1 - b1**C) * ((1 - 2 * b1 ** (C - 1)) / v1.sqrt() - (2 - b1) * ratio / v2.sqrt())
        assert abs(adam(luo(C), beta1, beta2).orbit.drift - closed) < 1e-30


@pytest.mark.parametrize(
    ("beta2", "printed", "C"),
    [("0.5", "0.060660172", 60), ("0.9", "0.160195772", 400), ("0.99", "0.187803162", 4000)]
    + [pytest.param("0.999", "0.190664019", 40_000, marks=pytest.mark.slow)],
)
def test_the_largest_beta1_that_fails(beta2: str, printed: str, C: int) -> None:
    """(sqrt(4 + b2) - 2)/(sqrt((4 + b2)/b2) - 1), the limit for long periods: half a digit below wrong, above right."""
    half = Q(1, 2 * 10**9)
    assert Q(beta2) ** C < Q(1, 10**16)
    assert adam(luo(C), Q(printed) - half, beta2).word == "wrong"
    assert adam(luo(C), Q(printed) + half, beta2).word == "right"


@pytest.mark.parametrize(("beta2", "C", "printed"), [("0.9", 50, "0.0604981687"), ("0.5", 8, "0.0639844302")])
def test_the_largest_epsilon_that_fails(beta2: str, C: int, printed: str) -> None:
    """Adam's epsilon, added to the root, saves it from sqrt(v2) - 2 sqrt(v1) on."""
    half = Q(1, 2 * 10**10)
    for epsilon, word in ((Q(printed) - half, "wrong"), (Q(printed) + half, "right")):
        assert drift("adam", luo(C), beta1=0, beta2=beta2, epsilon=epsilon).word == word


@pytest.mark.parametrize(
    ("beta2", "C", "printed"),
    [("0.5", 8, "1.3307266186"), ("0.9", 50, "2.849770810394579549837286"), ("0.99", 730, "8.9503141244")],
)
def test_the_distance_from_the_wrong_end(beta2: str, C: int, printed: str) -> None:
    """sqrt(t) (2 - x_t)/alpha -> 2/sqrt(v2) before every phase but the second, where x is at the wall."""
    with precision(128):
        behind = drift("rmsprop", luo(C), beta2=beta2).orbit.behind()
    assert behind[1] == 0
    assert all(meets(b, printed) for i, b in enumerate(behind) if i != 1)


@pytest.mark.parametrize(
    ("beta2", "C", "printed"), [("0.5", 4, "1.1180"), ("0.9", 20, "0.47761"), ("0.99", 200, "0.149915")]
)
def test_regret_below_the_sharp_period(beta2: str, C: int, printed: str) -> None:
    """R_T/sqrt(T) -> 4 alpha/(C sqrt(v1))."""
    found = drift("rmsprop", luo(C), beta2=beta2).orbit
    with precision(128):
        average, rooted = found.regret()
    assert average == 0
    assert meets(rooted, printed)


@pytest.mark.parametrize(
    ("C", "beta2", "plain", "corrected"),
    [
        (6, "1/2", None, "0.282590217385675502"),
        (4, "1/4", "0.507467971743413629", "0.377731425870150546"),
        (3, "1/16", "0.500755600465061569", "0.469373081560438762"),
    ],
)
def test_how_far_the_neutral_case_goes(C: int, beta2: str, plain: str | None, corrected: str) -> None:
    """16 beta2^(C-2) = 1, alpha = 1: what a run has gone, and the Hurwitz zeta tail of what is left.

    What is left is that of the steady state: v and its correction miss that by beta2^t alone.
    """
    periods = math.ceil(70 / math.log2(1 / Q(beta2)) / C)
    for rule, printed, more in (("rmsprop", plain, {}), ("adam", corrected, {"beta1": 0, "epsilon": 0})):
        if printed is None:
            continue
        hyper = {"beta2": beta2, "alpha": 1, "schedule": "inv_sqrt", "C": C, **more}
        run = simlab.run(rule, "luo2019_periodic", hyper=hyper, rounds=C * periods, backend="arb", record=1)
        u = drift("rmsprop", luo(C), beta2=beta2).orbit.moves
        with precision(128):
            tail = sum((a * b for a, b in zip(u, root_sums(C, periods), strict=True)), arb(0))
            assert meets(run.x_last - tail, printed)


@pytest.mark.parametrize(
    ("beta2", "C", "printed"),
    [("0.5", 8, "7.3e4"), ("0.9", 50, "1.4e5"), ("0.99", 730, "2.0e6"), ("0.999", 9614, "3.3e7")]
    + [pytest.param("0.9999", 119181, "5.1e8", marks=pytest.mark.slow)],
)
def test_the_horizon_at_the_papers_period(beta2: str, C: int, printed: str) -> None:
    """(W P/(2 alpha D))^2 with W = 4 and alpha = 1: the rounds in which x crosses F."""
    found = drift("rmsprop", luo(C), beta2=beta2)
    assert found.word == "wrong"
    assert meets((2 * C / found.orbit.drift) ** 2, printed)


@pytest.mark.parametrize(("length", "C"), [(15, 6579), (20, 4069), (30, 3354), (50, 3063), (100, 3023), (200, 3187)])
def test_blocks_defeat_default_adam(length: int, C: int) -> None:
    """(-1)^L 2^L 0^(C-2L): C is the least that fails."""
    assert adam(block(length, C), "0.9", "0.999").word == "wrong"
    assert adam(block(length, C - 1), "0.9", "0.999").word == "right"


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 6, 12])
def test_short_blocks_do_not(length: int) -> None:
    assert adam(block(length, 60_000), "0.9", "0.999").word == "right"


# --- Reddi et al. 2018 ------------------------------------------------------------------------------------------------

LONG_PERIOD = [  # beta1, beta2, the least C that fails, D there, D one below
    ("0", "0.5", 4, "3.983373e-1", "-3.617048e-2"),
    ("0", "0.9", 7, "2.401566e-2", "-8.975162e-2"),
    ("0", "0.99", 21, "8.637002e-3", "-1.266199e-2"),
    ("0", "0.999", 64, "4.366224e-4", "-3.470777e-3"),
    ("0", "0.9999", 201, "2.397785e-4", "-4.632867e-4"),
    ("0.9", "0.9", 14, "4.898555e-2", "-1.369021e-2"),
    ("0.9", "0.95", 17, "7.248894e-3", "-3.347262e-2"),
    ("0.9", "0.99", 30, "3.939054e-3", "-1.260855e-2"),
    ("0.9", "0.9999", 210, "9.408414e-5", "-5.942587e-4"),
    ("0.99", "0.999", 136, "1.779233e-3", "-9.324523e-5"),
]


@pytest.mark.parametrize(("beta1", "beta2", "C", "at", "below"), LONG_PERIOD)
def test_the_least_long_period_that_fails(beta1: str, beta2: str, C: int, at: str, below: str) -> None:
    """(C, -1, ..., -1), Theorem 2."""
    for period, printed, word in ((C, at, "wrong"), (C - 1, below, "right")):
        found = adam(reddi(period), beta1, beta2)
        assert meets(found.orbit.drift, printed), found.orbit.drift
        assert found.word == word
    assert all(adam(reddi(c), beta1, beta2).word == "right" for c in range(3, min(C, 60)))


@given(st.fractions(2, 1000, max_denominator=9))
def test_the_three_round_problem_always_fails(C: Q) -> None:
    """(C, -1, -1) with beta2 = 1/(1 + C^2), Theorem 1: sqrt(kappa) D > 0.545, kappa = (1 - beta2)/(1 - beta2^3)."""
    beta2 = 1 / (1 + C * C)
    kappa = (1 - beta2) / (1 - beta2**3)
    found = drift("rmsprop", f"{C},-1,-1", beta2=beta2).orbit.drift
    assert found**2 * kappa.numerator / kappa.denominator > arb("0.545") ** 2
    assert found > 0


def test_average_regret_at_the_wrong_end() -> None:
    """Reddi et al.'s experiment: R_T/T -> W G/P = 20/101."""
    found = adam("1010,-10*100", "0.9", "0.99").orbit
    assert found.regret() == (Q(10, 101), None)


def test_adagrads_distance() -> None:
    """(10, -1, ..., -1): sqrt(t) (x_t + 1)/alpha before phases 3 and 6."""
    with precision(128):
        behind = drift("adagrad", reddi(10)).orbit.behind()
    assert meets(behind[2], "0.3028913")
    assert meets(behind[5], "1.2115651")


# --- Zhang et al. 2022, on their linear branch ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "beta1", "beta2", "printed"),
    [(10, "0", "0.9", "0.38151"), (10, "0", "0.96", "-0.0310"), (20, "0.9", "0.9", "0.549")],
)
def test_drift_of_an_epoch(n: int, beta1: str, beta2: str, printed: str) -> None:
    assert meets(adam(reddi(n), beta1, beta2).orbit.drift, printed)


# --- methods of signs, and ADOPT --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("C", "drift_of_lion"), [(10, 0), (50, 18), (101, 25), (1000, 560)])
def test_signs_on_the_long_period(C: int, drift_of_lion: int) -> None:
    """Lion with (9/10, 99/100); sign descent counts one against the others."""
    found = drift("lion", reddi(C))
    assert found.orbit.drift == drift_of_lion
    assert found.word == ("wrong" if drift_of_lion else "neutral")
    assert drift("signsgd", reddi(C)).orbit.drift == C - 2


@pytest.mark.parametrize(("beta2", "N"), [("0.5", 3), ("0.9", 13), ("0.99", 133), ("0.999", 1333)])
def test_adopt_is_not_safe_on_cycles(beta2: str, N: int) -> None:
    """(-2N, N+1, N): N is the least that fails, and D does not depend on beta1."""
    for n, word in ((N, "wrong"), (N - 1, "right")):
        some = [drift("adopt", f"{-2 * n},{n + 1},{n}", beta1=b, beta2=beta2) for b in ("0", "0.9")]
        assert [s.word for s in some] == [word, word]
        assert some[0].orbit.drift.overlaps(some[1].orbit.drift)


# --- short periods ----------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(-60, 60), st.integers(-60, 60), st.sampled_from([Q(0), Q(1, 2), Q(9, 10)]), weights)
def test_period_two_never_fails(a: int, b: int, beta1: Q, beta2: Q) -> None:
    if a + b:
        assert adam(f"{a},{b}", beta1, beta2).word == "right"


@settings(max_examples=40, deadline=None)
@given(weights, weights, st.booleans())
def test_period_three_can_always_fail(beta1: Q, beta2: Q, momentum: bool) -> None:
    """D(2, -1, -1) > 0 whatever the constants, so D(2N+1, -N, -N) > 0 from some N on."""
    beta1 = beta1 if momentum else Q(0)
    assert adam("2,-1,-1", beta1, beta2).orbit.drift > 0
    first_order = Q(4, 3) * (1 + beta1 + beta1**2) / ((1 - beta1**2) * (1 - beta2))
    assert adam(universal(math.ceil(2 * first_order)), beta1, beta2).word == "wrong"


UNIVERSAL = [  # beta1, beta2, the least N that fails, D there
    ("0", "0.1", 1, "0.680949601994"),
    ("0", "0.5", 2, "0.138384478052"),
    ("0", "0.9", 12, "0.00163365325335"),
    ("0", "0.99", 132, "1.55562493988e-5"),
    ("0", "0.999", 1332, "1.54767987241e-7"),
    ("0.5", "0.9", 29, "3.64014068882e-4"),
    ("0.9", "0.5", 29, "1.49325974213e-5"),
    ("0.9", "0.9", 180, "3.15412854026e-6"),
    ("0.9", "0.99", 1892, "1.52871715838e-7"),
    ("0.9", "0.999", 19007, "8.67005347613e-12"),
]


@pytest.mark.parametrize(("beta1", "beta2", "N", "printed"), UNIVERSAL)
def test_the_least_universal_problem_that_fails(beta1: str, beta2: str, N: int, printed: str) -> None:
    """(2N+1, -N, -N); the least N is near its first order in 1 - beta2."""
    found = adam(universal(N), beta1, beta2)
    assert meets(found.orbit.drift, printed), found.orbit.drift
    assert found.word == "wrong"
    assert adam(universal(N - 1), beta1, beta2).word == "right"


SMALLEST = [  # beta1, beta2, the smallest integers of period 3 that fail (G = 1), D if printed
    ("0", "0.5", "4,-1,-2", "0.0871681516694"),
    ("0", "0.9", "22,-7,-14", "0.00219907776873"),
    ("0.5", "0.9", "58,-26,-31", None),
    ("0.9", "0.5", "56,-33,-22", None),
    ("0", "0.99", "226,-74,-151", "1.25691491796e-5"),
    ("0.9", "0.9", "361,-183,-177", None),
    pytest.param("0", "0.999", "2269,-743,-1525", "1.52306350274e-7", marks=pytest.mark.slow),
    pytest.param("0.9", "0.99", "3783,-1860,-1922", None, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("beta1", "beta2", "gradients", "printed"), SMALLEST)
def test_the_smallest_three_integers(beta1: str, beta2: str, gradients: str, printed: str | None) -> None:
    """They fail, and no three integers of sum 1 that are all smaller in size do (in floats: D is far below 0)."""
    found = adam(gradients, beta1, beta2)
    assert found.word == "wrong"
    assert printed is None or meets(found.orbit.drift, printed)
    most = float(max(map(abs, exact.sequence(gradients)))) - 1
    rule = catalog.rule("adam_analysed")
    hyper = settle(rule.hyper, {"beta1": Q(beta1), "beta2": Q(beta2)}, "the rule")
    for largest in np.array_split(np.arange(1, most + 1), math.ceil(most / 300)):
        a, b = np.meshgrid(largest, np.arange(-most, most + 1), indexing="ij")
        c = 1 - a - b
        kept = (b <= a) & (c <= a) & (c >= -most)  # a is the largest and first: D does not change under rotation
        assert orbit(rule, (a[kept], b[kept], c[kept]), hyper, reference).drift.max() < -1e-9


@pytest.mark.parametrize(
    ("n", "quiet", "beta1", "beta2", "period"),
    [(46, 95, "0.9", "0.999", 188), (19, 37, "0.9", "0.99", 76), (13, 30, "0", "0.99", 57)],
)
def test_bursts_of_ones(n: int, quiet: int, beta1: str, beta2: str, period: int) -> None:
    """1^(n+1) 0^z (-1)^n: losses with slopes 1, 0 and -1 alone."""
    found = adam(burst(n, quiet), beta1, beta2)
    assert (found.word, len(found.orbit.gradients)) == ("wrong", period)
    if beta2 == "0.999":
        assert meets(found.orbit.drift, "3.299e-4")


# --- all methods against all problems ---------------------------------------------------------------------------------

METHODS = [  # rule, beta1, beta2
    ("sgd", None, None),
    ("amsgrad", "0.9", "0.999"),
    ("signsgd", None, None),
    ("lion", "0.9", "0.99"),
    ("rmsprop", None, "0.9"),
    ("rmsprop", None, "0.99"),
    ("rmsprop", None, "0.999"),
    ("adam_analysed", "0.9", "0.99"),
    ("adam_analysed", "0.9", "0.999"),
    ("nadam", "0.9", "0.999"),
    ("adamax", "0.9", "0.999"),
    ("adabelief", "0.9", "0.999"),
    ("adopt", "0.9", "0.999"),
]
MATRIX = {  # the drift times the sign of G, to the digits printed, in the order of METHODS
    luo(50): "-1 -3.12 0 -4.8e1 0.269 -2.24 -3.06 -2.90 -3.13 -3.13 -0.502 -3.33 -3.17",
    luo(2774): "-1 -1.37e1 0 -2.77e3 0.305 1.05 0.00218 -4.16 -1.24e1 -1.12e1 -0.455 -1.31e1 0.0175",
    "3,-1,-1": "-1 -0.522 1 -3 -0.443 -0.515 -0.521 -0.522 -0.522 -0.522 -0.334 -0.560 -0.523",
    reddi(10): "-1 -0.302 8 0 0.382 -0.235 -0.296 -0.290 -0.302 -0.301 -0.0995 -0.320 -0.310",
    reddi(74): "-1 -0.113 72 20 23.9 1.38 0.0397 1.04 0.00181 0.00559 0.0147 -0.00130 -0.272",
    "1010,-10*100": "-10 -0.0966 99 25 44.3 2.28 0.149 1.90 0.105 0.109 0.0327 0.107 -0.351",
    "76029,-38014*2": "-1 -1.86e-5 1 1 0.0560 0.0053 5.1e-4 3.6e-4 1.86e-5 6.8e-5 9.2e-5 2e-5 -5.5e-4",
    burst(46, 95): "-1 -1.39 -1 -60 8.07 12.7 0.147 9.55 3.3e-4 0.0149 -1.09 1.26 0.150",
    "-5332,2667,2666": "-1 -2.65e-4 -1 -1 -0.0563 -0.0056 -8e-4 -6.4e-4 -3.0e-4 -3.5e-4 -2.9e-4 -3.2e-4 2.65e-4",
    block(100, 3023): "-100 -1.43e2 0 -2.79e3 4.15 49.5 3.77 25.8 0.0145 0.390 -4.59 1.57e2 3.88",
}


@pytest.mark.parametrize("gradients", MATRIX)
def test_every_method_on_every_problem(gradients: str) -> None:
    side = 1 if sum(exact.sequence(gradients)) > 0 else -1
    for (rule, beta1, beta2), printed in zip(METHODS, MATRIX[gradients].split(), strict=True):
        hyper = {n: v for n, v in (("beta1", beta1), ("beta2", beta2)) if v is not None}
        found = drift(rule, gradients, **hyper)
        assert meets(side * found.orbit.drift, printed), (rule, hyper, found.orbit.drift)
        assert found.word == ("neutral" if printed == "0" else "right" if printed[0] == "-" else "wrong")
    for rule in ("adagrad", "adabound", "amsbound"):
        assert drift(rule, gradients).word == "right"
