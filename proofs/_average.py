"""AMSGrad's moving average of |g| against its second moment, for a constant beta1.

    A' = beta1 A + (1 - beta1) |g|  >=  |m'|
    (beta2 - beta1^2)(1 - beta2) A^2  <=  beta2 (1 - beta1)^2 v,    so    K A' <= (1 - beta1) sqrt(vhat')
    K m'^2/w'  <=  (1 - beta1) alpha A'/sqrt(t),    K^2 = (1 - beta2)(1 - beta1^2/beta2)

Alacaoglu, Malitsky, Mertikopoulos and Cevher (2020), "A new regret analysis for Adam-type algorithms".
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import ClassVar

from proofs._amsgrad import AmsGrad
from proofs._reading import root
from proofs._regret import alpha, m
from proofs._vhat import BELOW, BETA2, beta2, v
from proofs.master_a_holds import Averaged
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import lemma, standing, without

FAIR = Q(12, 25)  # a beta1 for which K is rational, with beta2 = 16/25
mean = letter("A")  # of |g|


class Average(AmsGrad, Averaged):
    """The moving average, facts about it, and the steps that show these facts."""

    values: ClassVar = {**AmsGrad.values, **Averaged.values, "A": 0}

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        beta1, (divide, sqrt) = self.beta, (self.reading.divide, self.reading.sqrt)
        self.gamma, self.rest = divide(beta1 * beta1, beta2), 1 - beta1
        self.radicand = (1 - beta2) * (1 - self.gamma)
        self.k = sqrt(self.radicand)
        self.mean_after = beta1 * mean + self.rest * self.size_g
        self.apart = beta2 - beta1 * beta1 > 0  # what is supposed
        # what the steps below show
        self.k_square, self.k_positive = self.radicand > 0, self.k > 0
        self.beyond = mean - m >= 0, mean + m >= 0
        self.fades = beta2 * self.rest * self.rest * v >= (beta2 - beta1 * beta1) * (1 - beta2) * mean * mean
        self.later = {"A": self.mean_after, "m": self.mean, "v": self.v}
        self.beyond_after, self.fades_after = tuple(f.at(self.later) for f in self.beyond), self.fades.at(self.later)
        self.mean_low, self.small = self.mean_after >= 0, self.k * self.mean_after <= self.rest * self.q_root
        self.step = self.k * self.e_step <= self.rest * alpha * self.mean_after * self.rho

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides: beta1^2 < beta2."""
        return (*super().assumes, self.apart)

    def constant(self) -> Step:
        """beta2 K^2 = (1 - beta2)(beta2 - beta1^2)."""
        ((is_gamma,),) = self.about(self.gamma)
        given, here = (BETA2, BELOW, self.apart, is_gamma), self.point()
        return lemma(
            "constant",
            "(1 - beta2)(1 - beta1^2/beta2) > 0",
            (Proof(self.k_square, times=((BETA2,),), by=((BELOW, self.apart),), modulo=((beta2 - 1, is_gamma),)),),
            given,
            here,
            false=(
                ("> 1", self.radicand > 1, given, here),
                ("without beta2 < 1", self.k_square, without(BELOW, given), self.point(beta2=4)),
                ("without beta1^2 < beta2", self.k_square, without(self.apart, given), self.point(beta1=Q(9, 10))),
            ),
        )

    def constant_root(self) -> Step:
        """(1 + K) K = K + K^2."""
        return root(
            "root of the constant",
            "K > 0",
            self.k_positive,
            self.reading.about(self.k),
            self.k_square,
            self.point(),
            "K",
            ("without K^2 > 0", self.point(beta2=1)),
        )

    def averages(self) -> tuple[Step, Step]:
        """The last square is ((beta2 - beta1^2) A - beta1 (1 - beta1) |g|)^2."""
        (up, down, _), size = self.reading.about(self.size_g), self.sizes[1]
        beta1, rest, gap = self.beta, self.rest, beta2 - self.beta * self.beta
        given = (self.beta_low, self.share, BETA2, BELOW, up, down, size)
        ahead, behind = self.beyond
        spread = gap * mean - beta1 * rest * self.size_g
        turn = (
            Proof(ahead, by=((self.beta_low, ahead), (self.share, up))),
            Proof(behind, by=((self.beta_low, behind), (self.share, down))),
            Proof(
                self.fades,
                by=((BETA2, self.fades), (BELOW, Square(spread))),
                modulo=((-beta2 * (1 - beta2) * rest * rest, size),),
            ),
        )
        here = self.point(beta1=Q(1, 2), g=-1)
        now = (*given, *self.beyond, self.fades)
        false = (
            ("A' >= -2 m'", (mean + 2 * m >= 0).at(self.later), now, here),
            ("without beta2 on the right", self.tighter().at(self.later), now, here),
            (
                "without A >= m so far",
                ahead.at(self.later),
                without(ahead, now),
                self.point(beta1=Q(1, 2), m=9, g=0, vhat=1),
            ),
        )
        return standing(
            "average",
            "A >= |m| and (beta2 - beta1^2)(1 - beta2) A^2 <= beta2 (1 - beta1)^2 v",
            turn,
            (*self.beyond_after, self.fades_after),
            start=dict.fromkeys(self.later, polynomial(0)),
            after=self.later,
            given=given,
            witness=here,
            false=false,
        )

    def tighter(self) -> Fact:
        """The claim with 16 times as much on the right."""
        return beta2 * self.rest * self.rest * v >= 16 * (beta2 - self.beta * self.beta) * (1 - beta2) * mean * mean

    def smallness(self) -> Step:
        """(K A' + (1 - beta1) q)((1 - beta1) q - K A') >= 0 for q = sqrt(vhat')."""
        (is_gamma,), (k_low, is_k), (_, is_root) = self.about(self.gamma, self.k, self.q_root)
        given = (
            BETA2, self.share, k_low, is_k, is_gamma, self.root_positive, is_root, self.vhat_above, self.fades_after,
            *self.beyond_after,
        )  # fmt: skip
        a, rest, q, half = self.mean_after, self.rest, self.q_root, Q(1, 2)
        ahead, behind = self.beyond_after
        here = self.point(beta1=FAIR)
        return lemma(
            "small average",
            "A' >= 0 and K A' <= (1 - beta1) sqrt(vhat')",
            (
                Proof(self.mean_low, by=((half, ahead), (half, behind))),
                Proof(
                    self.small,
                    times=(
                        (BETA2, self.share, self.root_positive),
                        (half, BETA2, k_low, ahead),
                        (half, BETA2, k_low, behind),
                    ),
                    by=((self.fades_after,), (BETA2, self.share, self.share, self.vhat_above)),
                    modulo=((beta2 * rest * rest, is_root), (-beta2 * a * a, is_k), ((1 - beta2) * a * a, is_gamma)),
                ),
            ),
            given,
            here,
            false=(
                ("A' >= 1", a >= 1, given, here),
                ("K A' <= (1 - beta1) sqrt(vhat')/2", 2 * self.k * a <= rest * q, given, here),
                (
                    "without vhat' >= v'",
                    self.small,
                    without(self.vhat_above, given),
                    {**here, "vhat": Q(-1), str(q): Q(1, 9), str(self.vhat): Q(1, 81)},
                ),
            ),
        )

    def costs(self) -> Step:
        """K m'^2/w' <= K A'^2/w' <= (1 - beta1) A' sqrt(vhat')/w'."""
        (is_inverse,), (is_rho,) = self.about(self.inverse, self.rho)
        ahead, behind = self.beyond_after
        given = (
            self.light, self.k_positive, ahead, behind, self.mean_low, self.small, is_inverse, self.weighted, is_rho,
        )  # fmt: skip
        here, share = self.point(beta1=FAIR, vhat=1), self.rest * self.mean_after
        return lemma(
            "step",
            "K m'^2/w' <= (1 - beta1) alpha A'/sqrt(t)",
            (
                Proof(
                    self.step,
                    by=((self.light, self.k_positive, ahead, behind), (self.light, self.mean_low, self.small)),
                    modulo=self.cleared_rate(share),
                ),
            ),
            given,
            here,
            false=(
                (
                    "a quarter of it",
                    4 * self.k * self.e_step <= self.rest * alpha * self.mean_after * self.rho,
                    given,
                    self.point(),
                ),
                ("without K", self.e_step <= self.rest * alpha * self.mean_after * self.rho, given, self.point()),
                ("another 1/w'", self.step, without(is_inverse, given), {**here, str(self.inverse): Q(99)}),
            ),
        )

    def fresh(self) -> tuple[Step, ...]:
        """The steps about the average and what a round costs."""
        return (
            self.constant(), self.constant_root(), *self.averages(), self.smallness(), self.lightness(), self.costs(),
        )  # fmt: skip
