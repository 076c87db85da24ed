"""Adam drifts the right way on every linear problem of period 2: D G < 0, whatever beta1, beta2 and the two gradients.

    d = g_1 - g_2,    G = g_1 + g_2,    k = (1 - beta1)(1 - beta2)
    r_1 r_2 >= -g_1 g_2,    as (1 + beta2)^2 (v_1 v_2 - g_1^2 g_2^2) = beta2 (g_1^2 - g_2^2)^2
    -2 W1 W2 r_1 r_2 (r_1 + r_2) D G = 2 alpha G^2 (2 (beta1 + beta2)(r_1 + r_2)^2 + k ((r_1 + r_2)^2 - d^2)),
    (r_1 + r_2)^2 - d^2 = 2 (r_1 r_2 + g_1 g_2)

Period 3 is another matter: see period_3_always_fails.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._periodic import A0, HIGH1, HIGH2, LOW1, LOW2, NOTATION, RANGES, Period, alpha, b1, b2
from simlab.checker import Proof, Square, letter
from simlab.claims import Argument, Step, theorem
from simlab.lemma import Point, lemma, without

g1, g2 = letter("g_1"), letter("g_2")
MOVES = (g1 + g2) * (g1 + g2) > 0  # G is not 0
W1 = (1,), (LOW1,)
W2 = (1,), (LOW2,)


class Two(Period):
    """The steady state on two gradients."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule, (g1, g2))
        r1, r2 = self.roots
        self.here = self.at()
        # what the steps below show
        self.cross = r1 * r2 + g1 * g2 >= 0
        self.right = self.drift * self.sum < 0

    def at(self, **more: Any) -> Point:
        """A steady point with r_1 = 9/5 and r_2 = 13/5."""
        return self.point(**({"beta1": Q(1, 2), "beta2": Q(7, 18), "g_1": -1, "g_2": 3} | more))

    def positives(self) -> Step:
        """W2 (g_1^2 + beta2 g_2^2) = beta2 G^2 + (g_1 - beta2 g_2)^2."""
        given = (LOW2, MOVES, *self.squares)
        turns = zip(self.positive, self.squares, (g1 - b2 * g2, g2 - b2 * g1), strict=True)
        big = self.point(beta2=Q(1, 2), g_1=1, g_2=0)
        return lemma(
            "positive",
            "v_1 > 0 and v_2 > 0",
            tuple(
                Proof(
                    claim,
                    times=tuple((*a, *b) for a in W2 for b in W2),
                    by=((LOW2, MOVES), (Square(rest),)),
                    modulo=((self.w2, square),),
                )
                for claim, square, rest in turns
            ),
            given,
            self.here,
            false=(
                ("v_1 >= 1", self.v[0] >= 1, given, big),
                ("v_2 >= 1", self.v[1] >= 1, given, big),
                ("without G^2 > 0", self.positive[0], without(MOVES, given), self.point(beta2=Q(1, 2), g_1=0, g_2=0)),
            ),
        )

    def crossed(self) -> Step:
        """With w = r_1 r_2 + g_1 g_2: 2 r_1 r_2 w = w^2 + (r_1 r_2)^2 - (g_1 g_2)^2."""
        (r1, r2), (v1, v2), s1 = self.roots, self.v, self.sums2[0]
        (_, e1), (_, e2), (f1, f2) = *map(self.reading.about, self.roots), self.squares
        w, given = self.cross.polynomial, (LOW2, *self.rooted, e1, e2, f1, f2)
        return lemma(
            "cross",
            "r_1 r_2 + g_1 g_2 >= 0",
            (
                Proof(
                    self.cross,
                    times=tuple((2, *a, *b, *self.rooted) for a in W2 for b in W2),
                    by=((Square(self.w2 * w),), (LOW2, Square(g1 * g1 - g2 * g2))),
                    modulo=(
                        (self.w2 * self.w2 * r2 * r2, e1),
                        (self.w2 * self.w2 * v1, e2),
                        (self.w2 * v2, f1),
                        (s1, f2),
                    ),
                ),
            ),
            given,
            self.here,
            false=(
                ("half", r1 * r2 + 2 * g1 * g2 >= 0, given, self.here),
                ("the other root", self.cross, without(self.rooted[1], given), {**self.here, str(r2): Q(-13, 5)}),
                ("without the root of v_1", self.cross, without(e1, given), {**self.here, str(r1): Q(1)}),
            ),
        )

    def sign(self) -> Step:
        """The identity at the top."""
        (r1, r2), whole, (h1, h2) = self.roots, self.whole[1], self.means
        (_, e1), (_, e2), (f1, f2), s = *map(self.reading.about, self.roots), self.squares, self.sum
        given = (*RANGES, MOVES, *self.rooted, self.cross, self.cleared, h1, h2, e1, e2, f1, f2, whole)
        d, k, each = g1 - g2, (1 - b1) * (1 - b2), self.rooted
        turn, back = alpha * (1 - b1) * s * d, alpha * s * s * k
        return lemma(
            "sign",
            "D G < 0",
            (
                Proof(
                    self.right,
                    times=tuple((2, *a, *b, *each, r) for a in W1 for b in W2 for r in each),
                    by=(
                        *((2, A0, MOVES, b, r, q) for b in (LOW1, LOW2) for r in each for q in each),
                        (2, A0, MOVES, HIGH1, HIGH2, self.cross),
                    ),
                    modulo=(
                        (-2 * self.w1 * self.w2 * s * (r1 + r2), self.cleared),
                        (2 * self.w2 * s * alpha * (r1 + r2) * r2, h1),
                        (2 * self.w2 * s * alpha * (r1 + r2) * r1, h2),
                        (turn * self.w2 + back, e2),
                        (back - turn * self.w2, e1),
                        (turn, f2),
                        (-turn, f1),
                        (back, whole),
                    ),
                ),
            ),
            given,
            self.here,
            false=(
                ("D < 0", self.drift < 0, given, self.at(g_1=1, g_2=-3)),
                ("D G < -alpha G^2", self.drift * s < -alpha * s * s, given, self.here),
                ("without alpha > 0", self.right, without(A0, given), self.at(alpha=-1)),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Two(rule)
    steps = (
        of.read(),
        of.steady(of.here),
        of.positives(),
        *(of.root(i, of.here) for i in range(2)),
        of.crossed(),
        of.clear(of.here),
        of.sign(),
    )
    return Argument(steps, assumes=(*of.reading.defined, *RANGES, *of.closed, MOVES))


period_2_never_fails = theorem(
    "period_2_never_fails",
    "Adam drifts the right way on every linear problem of period 2.\n\n"
    "Let 0 <= beta1 < 1, 0 < beta2 < 1, alpha > 0 and g_1, g_2 any gradients with G = g_1 + g_2 not 0, repeated for "
    "ever. In the steady state of adam_analysed (steady_state: the m and v that every run approaches) the drift "
    "D = -alpha (m_1/sqrt(v_1) + m_2/sqrt(v_2)), by which x moves in a period without projection and schedule, has "
    "D G < 0: x drifts towards the best decision.\n\nOver the reals, for all real beta1, beta2 and gradients.",
    "this project; the smallest period in the family of Reddi, Kale and Kumar 2018, Theorem 1",
    argue,
    remarks=NOTATION + "What a drift means for the decisions is drift_decides.",
)
