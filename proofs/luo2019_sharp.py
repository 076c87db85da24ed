"""The sharp threshold of Luo et al.'s problem: Adam (beta1 = 0) drifts the wrong way if and only if 16 beta2^(C-2) < 1.

    steady state    kappa = (1 - beta2)/(1 - beta2^C),   v1* = kappa (1 + 4 beta2^(C-1)),   v2* = kappa (4 + beta2)
    v2* - 4 v1*     = kappa beta2 (1 - 16 beta2^(C-2))
    drift           D = alpha/sqrt(v1*) - 2 alpha/sqrt(v2*) has the sign of 1 - 16 beta2^(C-2)
    v_t - v*_t      = beta2^t (v_0 - v*_0), exactly

The problem is that of Luo, Xiong, Liu and Sun (2019), Theorem 1; the threshold is this project's.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._luo2019 import B0, B1, NOTATION, P0, P1, V0, N, Period, alpha, arguments, b, moment, p, v, x
from proofs._reading import positive_root
from proofs.steady_state import decay
from simlab import catalog
from simlab.checker import Polynomial, Proof, letter
from simlab.claims import Argument, Step, theorem
from simlab.condition import sharp
from simlab.lemma import induction, lemma, without
from simlab.ops import rebind

LEFT, RIGHT = sharp(b)
NOT_RIGHT = LEFT * p <= RIGHT  # the sharp condition, the neutral case included
DENOMINATOR = 1 - p * b * b > 0  # 1 - beta2^C


class Steady(Period):
    """The periodic steady state of v, and the drift there."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        divide, sqrt, about = self.reading.divide, self.reading.sqrt, self.reading.about
        self.kappa = divide(1 - b, DENOMINATOR.polynomial)
        (self.ratio,) = about(self.kappa)
        self.before = p * self.kappa * (4 + b)
        first, self.v1_ = self.play(N, 1, x, self.before, schedule="constant")
        second, self.v2_ = self.play(N + 1, 2, x, self.v1_, schedule="constant")
        self.drift = -(first.rate * first.direction + second.rate * second.direction)
        self.r1, self.r2 = sqrt(self.v1_), sqrt(self.v2_)
        # what the steps below show
        self.positives = self.kappa > 0, self.v1_ > 0, self.v2_ > 0
        self.gap = self.v2_ - 4 * self.v1_ == self.kappa * b * (1 - 16 * p)
        self.real = self.r1 > 0, self.r2 > 0
        self.sign = self.drift * self.r1 * self.r2 * (self.r2 + 2 * self.r1) == alpha * self.kappa * b * (1 - 16 * p)
        self.below = v <= self.before

    def contraction(self) -> Step:
        """Two runs of v on the same gradients, whatever they are, approach each other."""
        g, w = letter("g"), letter("w")
        rule = rebind(catalog.rule(self.rule).function, self.reading)

        def after(before: Any) -> Polynomial:
            state, hyper = arguments(self.rule, before)
            return moment(self.rule, rule(N, alpha, g, *state, *hyper)[1])

        gap, point = after(v) - after(w), {"beta2": Q(1, 2), "v": Q(1), "w": Q(0), "g": Q(1)}
        return lemma(
            "contraction",
            "v' - w' = beta2 (v - w) for two second moments that see the same gradient, whatever it is",
            (Proof(gap == b * (v - w)),),
            false=(
                ("the gap stays", gap == v - w, (), point),
                ("by beta2^2", gap == b * b * (v - w), (), point),
                ("the gradient enters", gap == b * (v - w) + (1 - b) * g * g, (), point),
            ),
        )

    def denominator(self) -> Step:
        """1 - beta2^C > 0."""
        given, here = (B0, B1, P0, P1), self.point()
        return lemma(
            "denominator",
            "beta2^C < 1",
            (Proof(DENOMINATOR, by=((P1,), (P0, B1), (P0, B0, B1))),),
            given,
            here,
            false=(
                ("2 beta2^C < 1", 1 - 2 * p * b * b > 0, given, {"beta2": Q(9, 10), "p": Q(9, 10)}),
                ("without beta2 < 1", DENOMINATOR, without(B1, given), {"beta2": Q(2), "p": Q(1, 2)}),
                ("without p < 1", DENOMINATOR, without(P1, given), {"beta2": Q(1, 2), "p": Q(5)}),
            ),
        )

    def state(self, fixed: Any) -> Step:
        """The period's only fixed point."""
        w, k, (v1, v2) = letter("fixed"), self.kappa, (self.v1_, self.v2_)
        given, here = (DENOMINATOR, self.ratio, fixed), self.point()
        here = {**here, "fixed": here["v"]}
        return lemma(
            "steady state",
            "v after a period is v before it if and only if v = beta2^(C-2) kappa (4 + beta2); then "
            "v1* = kappa (1 + 4 beta2^(C-1)) and v2* = kappa (4 + beta2)",
            (
                Proof(p * v2 == self.before, modulo=((-p * (4 + b), self.ratio),)),
                Proof(w == self.before, times=((DENOMINATOR,),), modulo=((-1, fixed), (-p * (4 + b), self.ratio))),
                Proof(v1 == k * (1 + 4 * p * b), modulo=((-1, self.ratio),)),
                Proof(v2 == k * (4 + b), modulo=((-4 - b, self.ratio),)),
            ),
            given,
            here,
            false=(
                ("v1* = kappa (1 + 4 beta2^C)", v1 == k * (1 + 4 * p * b * b), given, here),
                ("v2* = kappa (4 + beta2^2)", v2 == k * (4 + b * b), given, here),
                ("any v", w == self.before, without(fixed, given), {**here, "fixed": Q(1)}),
            ),
        )

    def difference(self) -> Step:
        """v2* - 4 v1*."""
        v1, v2, k, here = self.v1_, self.v2_, self.kappa, self.point()
        return lemma(
            "gap",
            "v2* - 4 v1* = kappa beta2 (1 - 16 beta2^(C-2))",
            (Proof(self.gap, modulo=((-b, self.ratio),)),),
            (self.ratio,),
            here,
            false=(
                ("15 for 16", v2 - 4 * v1 == k * b * (1 - 15 * p), (self.ratio,), here),
                ("3 for 4", v2 - 3 * v1 == k * b * (1 - 16 * p), (self.ratio,), here),
                ("beta2^(C-1) for beta2^(C-2)", v2 - 4 * v1 == k * b * (1 - 16 * p * b), (self.ratio,), here),
            ),
        )

    def factor(self) -> Step:
        """kappa > 0."""
        k, given, here = self.positives[0], (B0, B1, P0, DENOMINATOR, self.ratio), self.point()
        return lemma(
            "kappa",
            "kappa > 0",
            (Proof(k, times=((DENOMINATOR,),), by=((B1,),), modulo=((1, self.ratio),)),),
            given,
            here,
            false=(
                ("kappa > 1", self.kappa > 1, given, here),
                ("without beta2 < 1", k, without(B1, given), self.reading.point(beta2=2, p=Q(1, 8))),
                ("without beta2^C < 1", k, without(DENOMINATOR, given), self.reading.point(beta2=Q(1, 2), p=8)),
            ),
        )

    def steady_moments(self) -> Step:
        """v1*, v2* > 0."""
        k, v1, v2 = self.positives
        given, here = (B0, B1, P0, k), self.point()
        return lemma(
            "steady moments",
            "v1* > 0 and v2* > 0",
            (
                Proof(v1, by=((B1,), (4, B0, P0, k), (B0, B0, P0, k))),
                Proof(v2, by=((4, B1), (B0, B1), (4, B0, B0, P0, k), (B0, B0, B0, P0, k))),
            ),
            given,
            here,
            false=(
                ("v1* >= 1", self.v1_ >= 1, given, here),
                ("v2* >= 4", self.v2_ >= 4, given, here),
                ("without kappa > 0", v1, without(k, given), {**here, str(self.kappa): Q(-9)}),
            ),
        )

    def steady_roots(self) -> Step:
        """The square roots of v1* and v2* are positive."""
        (low1, e1), (low2, e2), here = *map(self.reading.about, (self.r1, self.r2)), self.point()
        _, v1, v2 = self.positives
        given = (v1, v2, low1, e1, low2, e2)
        return lemma(
            "steady roots",
            "the square roots of v1* and v2* are positive",
            (
                positive_root(self.real[0], (low1, e1), (v1,)),
                positive_root(self.real[1], (low2, e2), (v2,)),
            ),
            given,
            here,
            false=(
                ("sqrt(v1*) > 1", self.r1 > 1, given, here),
                ("sqrt(v2*) > 2", self.r2 > 2, given, here),
                ("the other root", self.real[0], without(low1, given), {**here, str(self.r1): -Q(1, 2)}),
            ),
        )

    def signed(self) -> Step:
        """The drift is 1 - 16 p times positive factors."""
        r1, r2, both, here = self.r1, self.r2, self.r2 + 2 * self.r1, self.point()
        (_, e1), (_, e2) = map(self.reading.about, (r1, r2))
        (f1,), (f2,) = (self.reading.about(self.reading.divide(alpha, r)) for r in (r1, r2))
        scale, given = self.drift * r1 * r2 * both, (e1, e2, f1, f2, self.gap)
        return lemma(
            "drift",
            "D sqrt(v1* v2*) (sqrt(v2*) + 2 sqrt(v1*)) = alpha kappa beta2 (1 - 16 beta2^(C-2)), for D = "
            "minus the sum of rate times direction over a period, without 1/sqrt(t)",
            (
                Proof(
                    self.sign,
                    modulo=((r2 * both, f1), (-2 * r1 * both, f2), (alpha, e2), (-4 * alpha, e1), (alpha, self.gap)),
                ),
            ),
            given,
            here,
            false=(
                ("the other sign", scale == -alpha * self.kappa * b * (1 - 16 * p), given, here),
                ("15 for 16", scale == alpha * self.kappa * b * (1 - 15 * p), given, here),
                ("without beta2", scale == alpha * self.kappa * (1 - 16 * p), given, here),
            ),
        )

    def drifts(self) -> tuple[Step, ...]:
        """The steps from 1 - beta2^C > 0 to the sign of the drift."""
        return self.factor(), self.difference(), self.steady_moments(), self.steady_roots(), self.signed()

    def approach(self) -> Step:
        """From v_0 = 0, v stays below its steady state."""
        k, after = self.positives[0], p * self.v2
        given, here = (B0, B1, P0, k, self.ratio), self.point()
        return induction(
            "below",
            "0 <= v_(kC) <= v*_(kC) from v_0 = 0, by induction on k",
            base=(Proof(V0), Proof(self.below, by=((4, P0, k), (P0, B0, k)))),
            turn=(
                Proof(V0, by=((P0, B0, B0, V0), (4, P0, B1), (P0, B0, B1))),
                Proof(self.below, by=((P0, B0, B0, self.below),), modulo=((p * (4 + b), self.ratio),)),
            ),
            start={"v": 0},
            after={"v": after},
            given=given,
            witness=here,
            false=(
                ("half the steady state", after <= Q(1, 2) * self.before, (*given, V0, self.below), here),
                ("strictly", after < self.before, (*given, V0, self.below), here),
                ("from any v_0", after <= self.before, (*given, V0), {**here, "v": Q(4)}),
            ),
        )

    def dominates(self) -> Step:
        """v2 >= 4 v1 from v_0 = 0 on, if 16 p <= 1."""
        k, given = self.positives[0], (B0, B1, self.positives[0], self.ratio, self.below, NOT_RIGHT)
        here, neutral = self.point(), self.reading.point(beta2=Q(1, 2), p=Q(1, 16), v=Q(1, 7))
        return lemma(
            "dominance",
            "v2 >= 4 v1 from v_0 = 0 on, if 16 beta2^(C-2) <= 1",
            (
                Proof(
                    self.dominance,
                    by=((3, B0, self.below), (B0, B1, self.below), (k, B0, NOT_RIGHT)),
                    modulo=((-b, self.ratio),),
                ),
            ),
            given,
            here,
            false=(
                ("v2 > 4 v1", self.v2 - 4 * self.v1 > 0, given, neutral),
                (
                    "15 for 16",
                    self.dominance,
                    (*without(NOT_RIGHT, given), 15 * p <= 1),
                    self.reading.point(beta2=Q(1, 2), p=Q(1, 15), v=Q(9, 59)),
                ),
                ("from any v_0", self.dominance, without(self.below, given), {**here, "v": Q(4)}),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Steady(rule)
    fixed = p * of.v2.at({"v": letter("fixed")}) == letter("fixed")
    return Argument(
        (
            of.read(),
            of.powers(),
            of.zeros(),
            of.contraction(),
            decay(b, "t", "v_t - v*_t = beta2^t (v_0 - v*_0)"),
            of.denominator(),
            of.state(fixed),
            *of.drifts(),
            of.approach(),
            of.dominates(),
            *of.goes_right(),
        ),
        assumes=(*of.assumes, NOT_RIGHT, fixed),
    )


luo2019_sharp = theorem(
    "luo2019_sharp",
    "Adam (beta1 = 0) drifts away from the best decision if and only if 16 beta2^(C-2) < 1.\n\n"
    "Let 0 < beta2 < 1, C >= 3, alpha > 0. On luo2019_periodic, for adam_analysed with beta1 = 0 and rmsprop:\n\n"
    "(a) v_t = v*_t + beta2^t (v_0 - v*_0) for every v_0, where v* is the only periodic v; in rounds 1 and 2 of a "
    "period v1* = kappa (1 + 4 beta2^(C-1)), v2* = kappa (4 + beta2), kappa = (1 - beta2)/(1 - beta2^C).\n"
    "(b) The drift D = alpha/sqrt(v1*) - 2 alpha/sqrt(v2*), by which x moves to the right in a period of the "
    "steady state without the schedule 1/sqrt(t), has the sign of 1 - 16 beta2^(C-2).\n"
    "(c) If 16 beta2^(C-2) <= 1 and v_0 = 0, the net move of every period, before projection, is to the right, "
    "away from the best decision -2.\n\nOver the reals, for all real beta2 and all rounds.",
    "the sharp form of the condition in Luo, Xiong, Liu and Sun 2019, Theorem 1",
    argue,
    remarks=NOTATION + "Where the decisions go is not part of this statement (for D > 0 see luo2019_regret). Equality "
    "occurs: (beta2, C) = (1/2, 6), (1/4, 4), (1/16, 3).",
)
