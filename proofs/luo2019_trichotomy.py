"""Luo et al.'s problem around the threshold: the sign of the drift, and linear regret up to 16 beta2^(C-2) = 1.

    16 beta2^(C-2) < 1, = 1, > 1   <=>   D > 0, = 0, < 0                      (luo2019_sharp has the identity behind it)
    16 beta2^(C-2) <= 1:  every period from k1 on begins at x >= z > -2, and costs 2 + z at least against u = -2

At D = 0 the net move of a period is still to the right, since the 2 comes a round later, with a smaller 1/sqrt(t).
The problem is that of Luo, Xiong, Liu and Sun (2019), Theorem 1; the proof is this project's.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._luo2019 import A0, B0, alpha, b, p, x
from proofs._luo2019_walls import INSIDE, LOW, SHARP, SHORT, WALLS
from proofs.luo2019_regret import LONG, NEVER, WITHIN, C, Regret, k, k1, regret, t
from proofs.luo2019_sharp import LEFT, NOT_RIGHT, RIGHT
from simlab.checker import Fact, Proof, Square, letter
from simlab.claims import Argument, Step, theorem
from simlab.lemma import induction, lemma, without

NEUTRAL, OVER = LEFT * p == RIGHT, LEFT * p > RIGHT
Z, X_K1 = letter("z"), letter("x_k1")
ABOVE, BELOW, REACHED = Z >= -2, Z <= 0, X_K1 >= Z
STAYS, LINEAR = x >= Z, regret >= (2 + Z) * (k - k1)


class Trichotomy(Regret):
    """The drift, and what a period does and costs, if 16 p <= 1."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        # what the steps below show
        self.leaves = self.x2 > -2
        self.price = self.whole >= 2 + Z
        due = (2 + Z) * (t - C * (k1 + 1)) - 4 * C
        self.bound = tuple(C * (regret + part) >= due for part in (self.begun, self.whole))

    def signs_of_drift(self) -> tuple[Step, ...]:
        """D has the sign of 1 - 16 p, in three cases."""
        r1_, r2_ = self.real
        scale = ((r1_, r2_, r2_), (2, r1_, r1_, r2_))  # D times this is alpha kappa beta2 (1 - 16 p)
        weight, parts = alpha * self.kappa * b, (A0, self.positives[0], B0)
        given = (*parts, *self.real, self.sign)
        wrong, neutral, right = self.point(), self.point(Q(1, 2), Q(1)), self.point(Q(1, 2), Q(9, 10))
        up, zero, down = self.drift > 0, self.drift == 0, self.drift < 0
        return (
            lemma(
                "wrong way",
                "D > 0 if 16 beta2^(C-2) < 1",
                (Proof(up, times=scale, by=((*parts, SHARP),), modulo=((1, self.sign),)),),
                (*given, SHARP),
                wrong,
                false=(
                    ("D > alpha", self.drift > alpha, (*given, SHARP), wrong),
                    ("at equality", up, (*given, NOT_RIGHT), neutral),
                    ("without the condition", up, given, right),
                ),
            ),
            lemma(
                "neutral",
                "D = 0, and v2* = 4 v1*, if 16 beta2^(C-2) = 1",
                (
                    Proof(zero, times=scale, modulo=((1, self.sign), (-weight, NEUTRAL))),
                    Proof(self.v2_ == 4 * self.v1_, modulo=((1, self.gap), (-self.kappa * b, NEUTRAL))),
                ),
                (*given, self.gap, NEUTRAL),
                neutral,
                false=(
                    ("v2* = 3 v1*", self.v2_ == 3 * self.v1_, (*given, self.gap, NEUTRAL), neutral),
                    ("below", zero, (*given, self.gap, SHARP), wrong),
                    ("above", zero, (*given, self.gap, OVER), right),
                ),
            ),
            lemma(
                "right way",
                "D < 0 if 16 beta2^(C-2) > 1",
                (Proof(down, times=scale, by=((*parts, OVER),), modulo=((-1, self.sign),)),),
                (*given, OVER),
                right,
                false=(
                    ("D < -alpha", self.drift < -alpha, (*given, OVER), right),
                    ("15 for 16", down, (*given, 17 * p > 1), neutral),
                    ("without the condition", down, given, wrong),
                ),
            ),
        )

    def turns(self) -> Step:
        """s1 > 0 > s2."""
        n_, n1_, r1_, r2_ = self.rooted
        (s1, s2), (e1, e2), here = self.moves, self.rates, self.point()
        given = (A0, *self.rooted, e1, e2)
        return lemma(
            "turns",
            "s1 > 0 > s2",
            (
                Proof(self.right, times=((n_, r1_),), by=((A0,),), modulo=((1, e1),)),
                Proof(self.left, times=((n1_, r2_),), by=((2, A0),), modulo=((-1, e2),)),
            ),
            given,
            here,
            false=(
                ("s1 > 2", s1 > 2, given, here),
                ("s2 > -1", s2 > -1, given, here),
                ("without alpha > 0", self.right, without(A0, given), self.point(alpha=Q(-1))),
            ),
        )

    def above(self) -> tuple[Step, Step]:
        """With A = raised + s2 - z, B = 2 + s2 - z, Y = y + s2 - z: (A - Y)(B - Y) = 0, so (A + B) Y = A B + Y^2."""
        s2 = self.moves[1]
        walls = (self.up, self.forward, self.bounded, self.y_is, self.keeps)

        def proof(claim: Fact, floor: Any, below: tuple, least: Fact) -> Proof:
            """x2 >= floor from x >= floor (`least`), where 0 >= floor is the product `below`."""
            ahead, wall = ((self.up,), (least,), (self.forward,)), ((self.bounded,), below)
            return Proof(
                claim,
                times=(*ahead, *wall),
                by=(
                    *((*a, self.keeps) for a in (*ahead, *wall)),
                    *((*a, *c) for a in ahead for c in wall),
                    (Square(self.y + s2 - floor),),
                ),
                modulo=((-1, self.y_is),),
            )

        here = self.point(x_k1=Q(0), z=Q(0))
        given, now = (BELOW, REACHED, *walls), (BELOW, REACHED, *walls, STAYS)
        far = self.point(x=Q(-2))
        return (
            lemma(
                "leaves",
                "x > -2 after every period from which on 4 (1 - beta2)(N + 1) >= alpha^2",
                (proof(self.leaves, -2, (2,), LOW),),
                (LOW, *walls),
                far,
                false=(
                    ("x > -1", self.x2 > -1, (LOW, *walls), self.point(x=Q(-2), alpha=Q(1, 10))),
                    ("without x >= -2", self.leaves, walls, self.point(x=Q(-4))),
                    ("without s2 >= -2", self.leaves, without(self.bounded, (LOW, *walls)), self.point(alpha=Q(9))),
                ),
            ),
            induction(
                "stays",
                "x >= z at the start of every period from k1 on, for any z <= 0, by induction",
                base=(Proof(STAYS, by=((REACHED,),)),),
                turn=(proof(STAYS, Z, (BELOW,), STAYS),),
                start={"x": X_K1},
                after={"x": self.x2},
                given=given,
                witness=here,
                false=(
                    ("x >= z + 1", self.x2 >= Z + 1, now, here),
                    ("without z <= 0", self.x2 >= Z, without(BELOW, now), self.point(x=Q(2), x_k1=Q(2), z=Q(2))),
                    ("without x >= z", self.x2 >= Z, given, self.point(x=Q(-2), x_k1=Q(0), z=Q(0))),
                ),
            ),
        )

    def prices(self) -> Step:
        """A period that begins at x >= z costs 2 + z."""
        given, here = (STAYS, self.gains), self.point(alpha=Q(1, 10), z=Q(0))
        low = self.point(x=Q(-2), alpha=Q(1, 10), z=Q(0))
        return lemma(
            "price",
            "a period that begins at x >= z costs 2 + z at least",
            (Proof(self.price, by=((2, self.gains), (STAYS,))),),
            given,
            here,
            false=(
                ("3 + z", self.whole >= 3 + Z, given, here),
                ("without x >= z", self.price, (self.gains,), low),
                ("without y >= x", self.price, (STAYS,), {**here, str(self.y): Q(-2)}),
            ),
        )

    def linear(self) -> Step:
        """The regret grows by 2 + z a period from k1 on."""
        given, here = (NEVER, self.price), self.point(R=Q(0), k=Q(5), k1=Q(5), alpha=Q(1, 10), z=Q(0))
        later, now = regret + self.whole, (NEVER, self.price, LINEAR)
        due = later >= (2 + Z) * (k + 1 - k1)
        return induction(
            "linear",
            "R_(kC) >= (2 + z)(k - k1) for k >= k1, by induction on k",
            base=(Proof(LINEAR, by=((NEVER,),)),),
            turn=(Proof(LINEAR, by=((LINEAR,), (self.price,))),),
            start={"R": regret, "k": k1},
            after={"R": later, "k": k + 1},
            given=given,
            witness=here,
            false=(
                ("(3 + z)(k - k1)", later >= (3 + Z) * (k + 1 - k1), now, here),
                ("without the price", due, (NEVER, LINEAR), {**here, "x": Q(2), str(self.y): Q(0)}),
                ("without the regret so far", due, given, {**here, "k": Q(50)}),
            ),
        )

    def total(self) -> Step:
        """R_T >= (2 + z)(T/C - k1 - 1) - 4, within a period too."""
        given = (LONG, WITHIN, ABOVE, LINEAR, *self.at_least)
        here = self.point(R=Q(0), k=Q(5), k1=Q(5), C=Q(8), T=Q(48), x=Q(2), z=Q(0))
        per = ((3,), (LONG,))  # C = 3 + (C - 3)
        rest = ((ABOVE, WITHIN), *((*c, LINEAR) for c in per))
        begun, whole = self.at_least
        part = C * (regret + self.begun)
        return lemma(
            "total",
            "C R_T >= (2 + z)(T - C (k1 + 1)) - 4 C for T in period k >= k1, after its first round and its second",
            (
                Proof(self.bound[0], by=(*rest, *((*c, begun) for c in per))),
                Proof(self.bound[1], by=(*rest, *((*c, f) for c in per for f in (whole, 4)))),
            ),
            given,
            here,
            false=(
                ("3 for 4", part >= (2 + Z) * (t - C * (k1 + 1)) - 3 * C, given, here),
                ("k1 for k1 + 1", part >= (2 + Z) * (t - C * k1) - 4 * C, given, here),
                ("without T <= C (k + 1)", self.bound[0], without(WITHIN, given), {**here, "T": Q(99)}),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Trichotomy(rule)
    return Argument(
        (
            of.read(),
            of.powers(),
            of.zeros(),
            of.denominator(),
            *of.drifts(),
            *of.signs_of_drift(),
            of.approach(),
            of.dominates(),
            *of.goes_right(),
            of.turns(),
            of.bounds(),
            of.feasible(),
            of.clips(),
            *of.above(),
            of.losses(),
            of.prices(),
            of.never(),
            of.linear(),
            of.total(),
        ),
        # each step names the one of the three cases, or the union of two, that it is about
        assumes=(*of.assumes, *INSIDE, SHARP, NEUTRAL, OVER, NOT_RIGHT, SHORT, ABOVE, BELOW, REACHED, LONG, WITHIN),
    )


luo2019_trichotomy = theorem(
    "luo2019_trichotomy",
    "On Luo et al.'s problem D > 0, = 0, < 0 as 16 beta2^(C-2) < 1, = 1, > 1; up to 1 regret is linear.\n\n"
    "Let 0 < beta2 < 1, C >= 3 and alpha > 0. On luo2019_periodic, for adam_analysed with beta1 = 0 and rmsprop:\n\n"
    "(a) The drift D of the steady state is > 0, = 0, < 0 as 16 beta2^(C-2) is < 1, = 1, > 1; at D = 0, v2* = 4 v1*.\n"
    "(b) Let 16 beta2^(C-2) <= 1, v_0 = 0 and x_1 in F, and 4 (1 - beta2)(k0 C + 2) >= alpha^2. Then every period "
    "k > k0 begins at x > -2. Let k1 > k0 and z = min(x, 0) at its start, so -2 < z <= 0. Then every period from k1 on "
    "begins at x >= z, and R_T >= (2 + z)(T/C - k1 - 1) - 4 for every T > k1 C. So R_T/T does not go to 0: the "
    "neutral case 16 beta2^(C-2) = 1 fails too.\n\nOver the reals, for all real beta2 and all T.",
    "this project; the problem is that of Luo, Xiong, Liu and Sun 2019, Theorem 1",
    argue,
    remarks=WALLS + "Where D > 0, luo2019_escape and luo2019_regret say more: x passes 0 and R_T >= 2T/C - constant. "
    "Where D < 0, x goes to -2 and regret is O(sqrt(T)): steps_settle, drift_decides, drift_regret. Equality occurs: "
    "(beta2, C) = (1/2, 6), (1/4, 4), (1/16, 3).",
)
