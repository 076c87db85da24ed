"""AMSGrad's moving average against its second moment, for any beta1_t <= beta (Reddi et al.'s Lemma 2, sharpened).

    M' = beta1 M + (1 - beta1) g^2  >=  m'^2        U' = gamma U + |g|,   gamma = beta/sqrt(beta2)
    a M <= sqrt(v) U,   so   a m'^2/w' <= alpha U'/r,   a g^2/w' <= alpha |g|/r,   a m^2/w' <= alpha U/r

with a = sqrt(1 - beta2) and r = sqrt(t). Reddi, Kale and Kumar (2018), Lemma 2 has a factor 1/(1 - beta) besides.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import ClassVar

from proofs._amsgrad import AmsGrad
from proofs._master import Master
from proofs._reading import positive_root, root
from proofs._regret import g, m
from proofs._vhat import BELOW, BETA2, beta2, v, vhat
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import induction, lemma, standing, without

beta, square, decayed = letter("beta"), letter("M"), letter("U")
BETA = beta < 1


class Lemma2(AmsGrad, Master):
    """The moving averages of g^2 and |g|, facts about them, and the steps that show these facts."""

    values: ClassVar = {**AmsGrad.values, "beta": Q(1, 2), "M": 0, "U": 0}

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        sqrt, beta1 = self.reading.sqrt, self.beta
        self.decay, self.a = sqrt(beta2), sqrt(1 - beta2)
        self.gamma = self.reading.divide(beta, self.decay)
        self.s, self.s_before = sqrt(self.v), sqrt(v)
        self.square_after = beta1 * square + (1 - beta1) * g * g
        self.decayed_after = self.gamma * decayed + self.size_g
        self.at_most, self.contracts = beta - beta1 >= 0, 1 - self.gamma > 0  # what is supposed
        # what the steps below show
        self.decay_positive, self.a_positive = self.decay > 0, self.a > 0
        self.beta_least, self.gamma_low = beta >= 0, self.gamma >= 0
        self.s_positive, self.keeps, self.takes = (
            self.s > 0,
            self.s >= self.decay * self.s_before,
            self.s >= self.a * self.size_g,
        )
        self.over_s, self.hat, self.over_before = self.q_root >= self.s, vhat >= v, self.q_root >= self.s_before
        self.jensen, self.decayed_low = square >= m * m, decayed >= 0
        self.dominated = self.a * square <= self.s_before * decayed
        self.later = {
            "M": self.square_after, "m": self.mean, "U": self.decayed_after, "v": self.v, str(self.s_before): self.s,
        }  # fmt: skip
        self.claims = self.jensen, self.decayed_low, self.dominated
        self.claims_after = tuple(f.at(self.later) for f in self.claims)
        alpha_rho = letter("alpha") * self.rho
        self.fresh = self.a * self.e_step <= alpha_rho * self.decayed_after
        self.plain = self.a * g * g * self.inverse <= alpha_rho * self.size_g
        self.stale = self.a * m * m * self.inverse <= alpha_rho * decayed

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides: beta1_t <= beta < 1 and gamma < 1."""
        return (*super().assumes, BETA, self.at_most, self.contracts)

    def constants(self) -> Step:
        """(1 + c) c = c + beta2, (1 + a) a = a + 1 - beta2."""
        (low, is_decay), (a_low, is_a) = self.about(self.decay, self.a)
        given, here = (BETA2, BELOW, self.beta_low, self.at_most, low, is_decay, a_low, is_a), self.point()
        return lemma(
            "constants",
            "sqrt(beta2) > 0, sqrt(1 - beta2) > 0 and beta >= 0",
            (
                positive_root(self.decay_positive, (low, is_decay), (BETA2,)),
                positive_root(self.a_positive, (a_low, is_a), (BELOW,)),
                Proof(self.beta_least, by=((self.beta_low,), (self.at_most,))),
            ),
            given,
            here,
            false=(
                ("sqrt(beta2) > 4/5", self.decay > Q(4, 5), given, here),
                ("without beta2 < 1", self.a_positive, without(BELOW, given), self.point(beta2=1)),
                ("without beta1_t >= 0", self.beta_least, without(self.beta_low, given), self.point(beta1=-2, beta=-1)),
            ),
        )

    def ratio(self) -> Step:
        """gamma sqrt(beta2) = beta."""
        ((is_gamma,),), here = self.about(self.gamma), self.point()
        given = (self.beta_least, self.decay_positive, is_gamma)
        return lemma(
            "gamma",
            "gamma = beta/sqrt(beta2) >= 0",
            (
                Proof(
                    self.gamma_low, times=((self.decay_positive,),), by=((self.beta_least,),), modulo=((1, is_gamma),)
                ),
            ),
            given,
            here,
            false=(
                ("gamma >= 1", self.gamma >= 1, given, here),
                ("without beta >= 0", self.gamma_low, without(self.beta_least, given), self.point(beta=-1)),
                ("another gamma", self.gamma_low, without(is_gamma, given), {**here, str(self.gamma): Q(-1)}),
            ),
        )

    def root_v(self) -> Step:
        """(1 + s) s = s + v'."""
        return root(
            "root of v",
            "s = sqrt(v') > 0",
            self.s_positive,
            self.reading.about(self.s),
            self.seen_v,
            self.point(),
            "s",
            ("without v' > 0", self.point(g=0)),
        )

    def roots_v(self) -> Step:
        """The differences of the squares are (1 - beta2) g^2, beta2 v and vhat' - v'."""
        facts = self.about(self.s, self.s_before, self.decay, self.a, self.q_root)
        (_, is_s), (low, is_before), (_, is_decay), (_, is_a), (_, is_root) = facts
        s0, d0, a0, size, square_g = self.s_positive, self.decay_positive, self.a_positive, *self.sizes
        given = (
            s0, d0, a0, size, square_g, low, is_s, is_before, is_decay, is_a, is_root, self.root_positive,
            self.vhat_above, BETA2, BELOW,
        )  # fmt: skip
        before, here = self.s_before, self.point(v=0)
        return lemma(
            "roots of v",
            "s >= sqrt(beta2) s_0, s >= a |g| and sqrt(vhat') >= s",
            (
                Proof(
                    self.keeps,
                    times=((s0,), (d0, low)),
                    by=((BELOW, Square(g)),),
                    modulo=((1, is_s), (-before * before, is_decay), (-beta2, is_before)),
                ),
                Proof(
                    self.takes,
                    times=((s0,), (a0, size)),
                    by=((BETA2, Square(before)),),
                    modulo=(
                        (1, is_s),
                        (-beta2, is_before),
                        (-self.size_g * self.size_g, is_a),
                        (-(1 - beta2), square_g),
                    ),
                ),
                Proof(
                    self.over_s,
                    times=((self.root_positive,), (s0,)),
                    by=((self.vhat_above,),),
                    modulo=((1, is_root), (-1, is_s)),
                ),
            ),
            given,
            here,
            false=(
                ("s >= 2 a |g|", self.s >= 2 * self.a * self.size_g, given, here),
                ("s = sqrt(beta2) s_0", self.s == self.decay * before, given, here),
                (
                    "without vhat' >= v'",
                    self.over_s,
                    without(self.vhat_above, given),
                    {**here, str(self.q_root): Q(1, 9), str(self.vhat): Q(1, 81)},
                ),
            ),
        )

    def hats(self) -> Step:
        """vhat' = max(vhat, v') >= v'."""
        here, after, given = self.point(), {"v": self.v, "vhat": self.vhat}, (self.vhat_above,)
        now = (*given, self.hat)
        return induction(
            "vhat above v",
            "vhat >= v, by induction",
            base=(Proof(self.hat),),
            turn=(Proof(self.hat, by=((self.vhat_above,),)),),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=given,
            witness=here,
            false=(
                ("vhat > v", (vhat > v).at(after), now, here),
                ("vhat >= 2 v", (vhat >= 2 * v).at(after), now, here),
                ("vhat stays", (vhat >= v).at({"v": self.v}), now, here),
            ),
        )

    def root_before(self) -> Step:
        """sqrt(vhat') >= sqrt(vhat) >= sqrt(v)."""
        (_, is_root), (low, is_before) = self.about(self.q_root, self.s_before)
        up, _, _ = self.reading.about(self.vhat)
        given, here = (self.root_positive, is_root, low, is_before, up, self.hat), self.point(vhat=1, v=1)
        return lemma(
            "root before",
            "sqrt(vhat') >= s_0",
            (
                Proof(
                    self.over_before,
                    times=((self.root_positive,), (low,)),
                    by=((up,), (self.hat,)),
                    modulo=((1, is_root), (-1, is_before)),
                ),
            ),
            given,
            here,
            false=(
                ("sqrt(vhat') > s_0", self.q_root > self.s_before, given, here),
                ("by 1", self.q_root >= self.s_before + 1, given, here),
                ("without vhat >= v", self.over_before, without(self.hat, given), self.point(vhat=1, v=4, g=0)),
            ),
        )

    def moments_squared(self) -> tuple[Step, Step]:
        """M' - m'^2 = beta1 (M - m^2) + beta1 (1 - beta1)(m - g)^2."""
        ((low, _), (is_gamma,)), size, square_g = self.about(self.s_before, self.gamma), *self.sizes
        b0, more = self.beta_low, self.at_most
        given = (
            BETA, b0, more, self.gamma_low, self.a_positive, self.keeps, self.takes, low, is_gamma, size, square_g,
        )  # fmt: skip
        rest = ((BETA,), (more,))  # 1 - beta1 = (1 - beta) + (beta - beta1)
        turn = (
            Proof(self.jensen, by=((b0, self.jensen), *((*k, b0, Square(m - g)) for k in rest))),
            Proof(self.decayed_low, by=((self.gamma_low, self.decayed_low), (size,))),
            Proof(
                self.dominated,
                by=(
                    (b0, self.dominated),
                    (more, low, self.decayed_low),
                    (self.gamma_low, self.decayed_low, self.keeps),
                    (size, self.takes),
                    (self.a_positive, b0, Square(g)),
                ),
                modulo=((self.s_before * decayed, is_gamma), (self.a, square_g)),
            ),
        )
        here, now = self.point(beta1=Q(1, 2)), (*given, *self.claims)
        false = (
            ("M >= 2 m^2", (square >= 2 * m * m).at(self.later), now, self.point(beta1=0)),
            ("2 a M <= s U", (2 * self.a * square <= self.s_before * decayed).at(self.later), now, self.point(beta1=0)),
            ("without M >= m^2 so far", self.jensen.at(self.later), without(self.jensen, now), {**here, "m": Q(9)}),
        )
        return standing(
            "moments",
            "M >= m^2, U >= 0 and a M <= sqrt(v) U",
            turn,
            self.claims_after,
            start=dict.fromkeys(self.later, polynomial(0)),
            after=self.later,
            given=given,
            witness=here,
            false=false,
        )

    def steps(self) -> Step:
        """sqrt(vhat')/w' = alpha/sqrt(t)."""
        (is_inverse,), (is_rho,) = self.about(self.inverse, self.rho)
        (jensen, low, dominated), (size, square_g) = self.claims_after, self.sizes
        given = (
            self.light, self.a_positive, *self.claims, *self.claims_after, self.over_s, self.over_before, self.takes,
            size, square_g, is_inverse, is_rho, self.weighted,
        )  # fmt: skip
        here, light, a = self.point(vhat=1, t=4), self.light, self.a_positive
        return lemma(
            "step",
            "a m'^2/w' <= alpha U'/sqrt(t), a g^2/w' <= alpha |g|/sqrt(t) and a m^2/w' <= alpha U/sqrt(t)",
            (
                Proof(
                    self.fresh,
                    by=((light, a, jensen), (light, dominated), (light, low, self.over_s)),
                    modulo=self.cleared_rate(self.decayed_after),
                ),
                Proof(
                    self.plain,
                    by=((light, size, self.takes), (light, size, self.over_s)),
                    modulo=(*self.cleared_rate(self.size_g), (self.a * self.inverse, square_g)),
                ),
                Proof(
                    self.stale,
                    by=((light, a, self.jensen), (light, self.dominated), (light, self.decayed_low, self.over_before)),
                    modulo=self.cleared_rate(decayed),
                ),
            ),
            given,
            here,
            false=(
                (
                    "a half of the first",
                    2 * self.fresh.polynomial >= self.decayed_after * letter("alpha") * self.rho,
                    given,
                    self.point(beta1=0, t=4),
                ),
                ("g for g^2", self.a * 99 * g * self.inverse <= letter("alpha") * self.rho * self.size_g, given, here),
                ("another 1/w'", self.plain, without(is_inverse, given), {**here, str(self.inverse): Q(99)}),
            ),
        )
