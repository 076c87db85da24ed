"""Weights in a corridor that do not grow fast: r (w' - w) <= M, so that PV <= w_1 + M (h - 1), h the sum of 1/sqrt(t).

M  >=  t/eta_l(t) - (t - 1)/eta_u(t - 1)
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from typing import ClassVar

from proofs._corridor import POSITIVE, UP, Corridor, high_before, low
from proofs._inv_sqrt import LATE, harmonic
from proofs._regret import NONNEGATIVE, own_pv, t, w, w_1
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import induction, lemma, without

spread = letter("M")
LARGE, GROWS = spread > 0, t * high_before - (t - 1) * low <= spread * low * high_before


class Slow(Corridor):
    """How the weights grow, and the steps that show it."""

    values: ClassVar = {**Corridor.values, "M": 1}

    def __init__(self, rule: Callable) -> None:
        super().__init__(rule)
        self.step_up = spread * self.rho  # M/sqrt(t)
        # what the steps below show
        self.growth = self.r * (self.weight - w) <= spread
        self.small, self.rising = self.weight - w <= self.step_up, self.pv_step <= self.step_up
        self.varied, self.begun = own_pv <= w_1 + spread * (harmonic - 1), harmonic >= 1

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of M."""
        return (*super().assumes, LARGE, GROWS)

    def grow(self) -> Step:
        """eta_l eta_u (M - r (w' - w)) >= eta_u (t - r w' eta_l) + eta_l (r w eta_u - (t - 1)), eta_u of the round "
        "before."""
        (_, is_r), (low_p, is_p) = self.about(self.r, self.p)
        r0, r = self.r_positive, self.r
        given = (
            GROWS, POSITIVE, UP, r0, self.heavy, self.above, NONNEGATIVE, self.below_before, low_p, self.longer_root,
            self.weighted, self.scaled, is_r, is_p,
        )  # fmt: skip
        here = self.point()
        return lemma(
            "growth",
            "sqrt(t) (w' - w) <= M",
            (
                Proof(
                    self.growth,
                    times=((POSITIVE, UP),),
                    by=(
                        (GROWS,),
                        (UP, r0, self.heavy, self.above),
                        (POSITIVE, r0, NONNEGATIVE, self.below_before),
                        (POSITIVE, low_p, self.longer_root),
                    ),
                    modulo=(
                        (-high_before * r, self.weighted),
                        (-high_before, is_r),
                        (low * r, self.scaled),
                        (low, is_p),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("M/2", 2 * r * (self.weight - w) <= spread, given, here),
                (
                    "without w etahat = p",
                    self.growth,
                    without(self.scaled, given),
                    self.point(etahat=2, **LATE, w=0, M=Q(41, 32)),
                ),
                ("with a smaller M", self.growth, without(GROWS, given), self.point(M=Q(1, 2))),
            ),
        )

    def rise_is_small(self) -> tuple[Step, Step]:
        """c = M rho - max(0, w' - w) obeys (a + b) c = c^2 + a b for a = M rho - (w' - w) and b = M rho > 0."""
        ((is_rho,),), (_, _, is_rise) = self.about(self.rho), self.reading.about(self.rise)
        r0, rho0, here = self.r_positive, self.rho_positive, self.point()
        given, more = (r0, self.growth, is_rho), (self.small, LARGE, rho0, is_rise)
        return (
            lemma(
                "small growth",
                "w' - w <= M/sqrt(t)",
                (Proof(self.small, times=((r0,),), by=((self.growth,),), modulo=((spread, is_rho),)),),
                given,
                here,
                false=(
                    ("half of it", 2 * (self.weight - w) <= self.step_up, given, here),
                    ("0", self.weight <= w, given, here),
                    ("with a smaller M", self.small, without(self.growth, given), self.point(M=Q(1, 2))),
                ),
            ),
            lemma(
                "rise",
                "max(0, w' - w) <= M/sqrt(t)",
                (
                    Proof(
                        self.rising,
                        times=((self.small,), (LARGE, rho0)),
                        by=((Square(self.step_up - self.pv_step),), (self.small, LARGE, rho0)),
                        modulo=((-1, is_rise),),
                    ),
                ),
                more,
                here,
                false=(
                    ("half of it", 2 * self.pv_step <= self.step_up, more, here),
                    ("0", self.pv_step <= 0, more, here),
                    ("with a smaller M", self.rising, without(self.small, more), self.point(M=Q(1, 2))),
                ),
            ),
        )

    def vary(self) -> Step:
        """The positive variation of one coordinate, from its first round on."""
        given, here = (self.rising, self.rho_positive), self.point(h=1, w_1=1, pv=1, w=1)
        after, claims = {"pv": own_pv + self.pv_step, "h": harmonic + self.rho}, (self.varied, self.begun)
        now = (*given, *claims)
        return induction(
            "variation so far",
            "pv <= w_1 + M (h - 1) and h >= 1, by induction from the first round on",
            base=tuple(map(Proof, claims)),
            turn=(
                Proof(self.varied, by=((self.varied,), (self.rising,))),
                Proof(self.begun, by=((self.begun,), (self.rho_positive,))),
            ),
            start={"pv": w_1, "h": polynomial(1)},
            after=after,
            given=given,
            witness=here,
            false=(
                ("pv <= w_1", (own_pv <= w_1).at(after), now, self.point(h=1, w_1=1, pv=1)),
                ("h >= 3", (harmonic >= 3).at(after), now, here),
                ("without the sum so far", self.varied.at(after), given, self.point(h=1, w_1=1, pv=9)),
            ),
        )
