"""Where the condition of Luo et al.'s Theorem 1 comes from, and what it buys: every period moves Adam the wrong way.

    5 beta2^(C-2) <= (1 - beta2)/(4 - beta2)   implies   1/sqrt(N v_N) > 2/sqrt((N + 1) v_(N+1)) for N = k C + 1

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Theorem 1.
"""

from __future__ import annotations

from fractions import Fraction as Q

from proofs._luo2019 import B0, B1, NOTATION, P0, P1, V0, Period, b, p, v
from simlab.checker import Proof
from simlab.claims import Argument, Step, theorem
from simlab.condition import sufficient
from simlab.lemma import induction, lemma, without

LEFT, RIGHT = sufficient(b)
CONDITION = LEFT * p <= RIGHT
V5 = v <= 5 * p
P = Q(1, 75)  # the witness's beta2^(C-2)


def constants(period: Period) -> Step:
    """5 = 1^2 + 2^2 and 4 - beta2 = (2/1)^2 - beta2, with the gradients of the problem."""
    g1, g2 = (seen.direction.value({}) for seen in (period.first, period.second))
    squares, ratio = g1 * g1 + g2 * g2, (g2 / g1) * (g2 / g1)
    half = {"beta2": Q(1, 2)}
    return lemma(
        "constants",
        "the condition's 5 (4 - beta2) is (1^2 + 2^2) (2^2/1^2 - beta2)",
        (Proof(squares * (ratio - b) == LEFT), Proof(1 - b == RIGHT)),
        false=(
            ("1 + 2 for 1^2 + 2^2", (abs(g1) + abs(g2)) * (ratio - b) == LEFT, (), half),
            ("2 - beta2 for 4 - beta2", squares * (abs(g2 / g1) - b) == LEFT, (), half),
            ("4 + beta2", squares * (ratio + b) == LEFT, (), half),
        ),
    )


def bound(period: Period) -> Step:
    """v <= 5 p: a spike of size 1^2 + 2^2 decays for C - 2 rounds."""
    given, here = (B0, B1, P0, P1), {"beta2": Q(1, 2), "p": Q(1, 8), "v": Q(1, 8)}
    after = p * period.v2
    return induction(
        "bound",
        "0 <= v_(kC) <= 5 beta2^(C-2), by induction on k: v_0 = 0 and v_((k+1)C) = beta2^(C-2) v2",
        base=(Proof(V0), Proof(V5, by=((5, P0),))),
        turn=(
            Proof(V0, by=((P0, B0, B0, V0), (4, P0, B1), (P0, B0, B1))),
            Proof(V5, by=((P0, B0, B0, V5), (5, P0, B0, B0, P1), (P0, B1), (4, P0, B0, B1))),
        ),
        start={"v": 0},
        after={"v": after},
        given=given,
        witness=here,
        false=(
            ("3 for 5", after <= 3 * p, (*given, V0, v <= 3 * p), {"beta2": Q(1, 100), "p": Q(1, 100), "v": Q(0)}),
            ("without p < 1", after <= 5 * p, (B0, B1, P0, V0, V5), {"beta2": Q(9, 10), "p": Q(2), "v": Q(10)}),
            ("from v_0 = 1", 5 * p >= 1, given, {"beta2": Q(1, 2), "p": Q(1, 8)}),
        ),
    )


def drift(period: Period) -> Step:
    """v2 - 4 v1 in terms of v."""
    v1, v2, half = period.v1, period.v2, {"beta2": Q(1, 2), "v": Q(1)}
    return lemma(
        "drift",
        "v2 - 4 v1 = beta2 ((1 - beta2) - (4 - beta2) v)",
        (Proof(v2 - 4 * v1 == b * ((1 - b) - (4 - b) * v)),),
        false=(
            ("3 for 4 on the left", v2 - 3 * v1 == b * ((1 - b) - (4 - b) * v), (), half),
            ("4 + beta2", v2 - 4 * v1 == b * ((1 - b) - (4 + b) * v), (), half),
            ("without the factor beta2", v2 - 4 * v1 == (1 - b) - (4 - b) * v, (), half),
        ),
    )


def dominance(period: Period) -> Step:
    """v2 >= 4 v1: beta2 times the condition's slack, plus beta2 (4 - beta2) (5 p - v)."""
    given, here = (B0, B1, CONDITION, V5), period.point(p=P)
    weaker = 3 * (4 - b) * p <= 1 - b
    return lemma(
        "dominance",
        "v2 >= 4 v1 under the condition",
        (Proof(period.dominance, by=((B0, CONDITION), (3, B0, V5), (B0, B1, V5))),),
        given,
        here,
        false=(
            (
                "3 for 5 in the condition",
                period.dominance,
                (B0, B1, weaker, V5),
                {"beta2": Q(1, 2), "p": Q(1, 21), "v": Q(5, 21)},
            ),
            ("v2 > 4 v1", period.v2 - 4 * period.v1 > 0, given, {"beta2": Q(1, 2), "p": Q(1, 35), "v": Q(1, 7)}),
            (
                "with v <= 4 for v <= 5 p",
                period.dominance,
                (*without(V5, given), v <= 4),
                {"beta2": Q(1, 2), "p": Q(1, 64), "v": Q(3)},
            ),
        ),
    )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    period = Period(rule)
    return Argument(
        (
            period.read(),
            constants(period),
            period.powers(),
            period.zeros(),
            bound(period),
            drift(period),
            dominance(period),
            *period.goes_right(),
        ),
        assumes=(*period.assumes, CONDITION),
    )


luo2019_condition = theorem(
    "luo2019_condition",
    "The paper's condition on C makes Adam (beta1 = 0) move away from the best decision in every period.\n\n"
    "Let 0 < beta2 < 1, C >= 3, 5 beta2^(C-2) <= (1 - beta2)/(4 - beta2), alpha > 0 and v_0 = 0. On "
    "luo2019_periodic, adam_analysed with beta1 = 0 (and rmsprop) moves by 0 in the rounds with gradient 0, and in "
    "every period its other two moves, before projection, go to the right, away from the best decision -2: "
    "alpha/sqrt(N v_N) > 2 alpha/sqrt((N + 1) v_(N+1)) with N = k C + 1 for every k >= 0.\n\n"
    "Over the reals, for all real beta2. The 5 is 1^2 + 2^2, from the bound v_(kC) <= 5 beta2^(C-2); the 4 - beta2 "
    "is 2^2/1^2 - beta2, from v_(N+1) - 4 v_N.",
    "Luo, Xiong, Liu and Sun 2019, Theorem 1, the condition on C",
    argue,
    remarks=NOTATION + "The bound v <= 4 right before round N does not do: it must decay for C - 2 rounds first. With "
    "4 for 5 the condition still suffices, since v <= 4 everywhere; 16 beta2^(C-2) < 1 is sharp (luo2019_sharp).",
)
