"""AdaBound and AMSBound satisfy Savarese's Theorem 3: their corridor lets the weights grow slowly enough.

    r (w' - w)  <=  t/eta_l(t) - (t - 1)/eta_u(t - 1)  <=  M,   so   PV <= w_1 + 2 M (sqrt(T) - 1)
    (1/2 + 2 beta)(1 - beta)  <=  25/32

with r = sqrt(t) and w = sqrt(t - 1)/etahat. Savarese (2019), "On the convergence of AdaBound and its connection to
SGD", Theorem 3, here for any beta1_t <= beta1.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from typing import ClassVar

from proofs import _inv_sqrt
from proofs._corridor import (
    BOUNDED,
    CAPPED,
    HEAVY,
    eta_l,
    eta_u,
    gg,
    mm,
    most,
    widest,
)
from proofs._inv_sqrt import harmonic
from proofs._regret import (
    NOTATION,
    SOME,
    all_pv,
    all_z,
    column,
    g,
    m,
    own_pv,
    regret,
    scalar,
    side,
    t,
    w_1,
)
from proofs._slow import LARGE, Slow, spread
from proofs._young import Young
from simlab.bounds.savarese2019_theorem_3 import savarese2019_theorem_3, widening
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.corridor import corridor
from simlab.lemma import induction, lemma, without
from simlab.rules.adabound import adabound_with
from simlab.rules.amsbound import amsbound_with

beta, dimension = letter("beta"), letter("d")
all_w1, all_b, all_b1, later_b = (letter(n) for n in ("W_1", "B", "B_1", "B_2"))  # of w_1; of beta1_t w_t
ys, ws = (letter(n) for n in ("ys", "ws"))  # of one round
SPLIT, BETA = all_b == all_b1 + later_b, beta < 1


class Savarese(Slow, Young):
    """What the momentum costs, and the steps to the bound."""

    values: ClassVar = {
        **Slow.values, "d": 0, "beta": Q(1, 2), "W_1": 0, "B": 0, "B_1": 0, "B_2": 0, "ys": 0, "ws": 0,
    }  # fmt: skip

    def __init__(self, rule: Callable, more: Callable) -> None:
        super().__init__(rule)
        self.twin = Young(more(eta_l, eta_u), reading=self.reading)
        self.at_most = beta - self.beta >= 0  # what is supposed
        # what the steps below show
        self.dear = (g * g + m * m) * self.inverse <= self.capped * (g * g + m * m)
        self.young_facts = ys <= self.capped * (gg + mm), ws >= 0
        self.surprised = all_z - side * side / 2 * all_b <= widest * most * most * 2 * beta * harmonic
        self.later_low, self.constant = later_b >= 0, (Q(1, 2) + 2 * beta) * (1 - beta) <= 1
        self.everywhere = (
            all_pv <= all_w1 + dimension * spread * (harmonic - 1),
            all_b1 <= beta * all_w1,
            all_w1 >= 0,
            dimension >= 0,
        )
        self.terms = self.read_terms(
            savarese2019_theorem_3.terms,
            known={widening: lambda h: scalar(spread), corridor: lambda h: ((), (scalar(widest),))},
            hyper={"beta1": scalar(beta)},
            w=column(all_w1, later_b).reshape(2, 1),  # the first weights, and the sum of beta1_t w_t from t = 2 on
            beta1=column(self.beta, 1),
            t=scalar(t - 1),
            dimension=scalar(dimension),
            g_2=scalar(most),
        )
        self.holds = regret <= self.terms

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of beta1."""
        return (*super().assumes, BETA, SPLIT, self.at_most)

    def read(self) -> Step:
        """What the code does in a round."""
        here, twin = self.point(), self.twin
        return lemma(
            "reading",
            "x moves by -etahat m'/sqrt(t), etahat = min(max(alpha/sqrt(v'), eta_l), eta_u), or with vhat' for v'",
            (
                Proof(self.rate == self.rho * self.etahat),
                Proof(self.seen.direction == self.mean),
                Proof(twin.rate == self.rho * self.clip(twin)[1]),
                Proof(twin.seen.direction == self.mean),
            ),
            (),
            here,
            false=(
                ("without 1/sqrt(t)", self.rate == self.etahat, (), self.point(t=4)),
                ("uphill", self.seen.direction == -self.mean, (), here),
                ("without the clip from above", self.etahat == self.inner, (), self.point(alpha=9)),
            ),
        )

    def price(self) -> Step:
        """1/w' <= R_inf/sqrt(t)."""
        rho0, sizes = self.rho_positive, (Square(g), Square(m))
        given = (rho0, self.roof, CAPPED, *(e for _, e in self.cleared_rate(1)))
        here, both = self.point(beta1=Q(1, 2), alpha=2), g * g + m * m
        return lemma(
            "price of Young",
            "(g^2 + m^2)/w' <= R_inf (g^2 + m^2)/sqrt(t)",
            (
                Proof(
                    self.dear,
                    by=tuple((rho0, f, k) for f in (self.roof, CAPPED) for k in sizes),
                    modulo=self.cleared_rate(both),
                ),
            ),
            given,
            here,
            false=(
                ("half of it", 2 * both * self.inverse <= self.capped * both, given, here),
                ("0", both * self.inverse <= 0, given, here),
                ("with a smaller R_inf", self.dear, without(CAPPED, given), self.point(alpha=2, R_inf=1)),
            ),
        )

    def add_young(self) -> Step:
        """One round, all coordinates together."""
        parts, here = (self.dear, self.heavy), self.point(gg=0)
        after = {"ys": ys + (g * g + m * m) * self.inverse, "ws": ws + self.weight, "mm": mm + m * m, "gg": gg + g * g}
        now = (*parts, *self.young_facts)
        return induction(
            "round of Young",
            "the same for the sums over the coordinates, and ws >= 0, by induction on the coordinates",
            base=tuple(map(Proof, self.young_facts)),
            turn=tuple(Proof(f, by=((f,), (part,))) for f, part in zip(self.young_facts, parts, strict=True)),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=parts,
            witness=here,
            false=(
                ("ys <= 0", (ys <= 0).at(after), now, here),
                ("ws >= 9", (ws >= 9).at(after), now, here),
                (
                    "without the last",
                    self.young_facts[0].at(after),
                    without(self.dear, now),
                    {**here, str(self.inverse): Q(9)},
                ),
            ),
        )

    def spend_young(self) -> Step:
        """beta1 (gg + mm) <= 2 beta G^2."""
        (surprise, heavy), b0, more, rho0 = self.young_facts, self.beta_low, self.at_most, self.rho_positive
        given, claims = (
            (*self.young_facts, self.moderate, BOUNDED, b0, more, rho0, HEAVY),
            (self.surprised, self.later_low),
        )
        after = {
            "Z": all_z + self.beta * (side * side / 2 * ws + ys), "h": harmonic + self.rho,
            "B": all_b + self.beta * ws, "B_2": later_b + self.beta * ws,
        }  # fmt: skip
        now, here = (*given, *claims), self.point(beta1=Q(1, 2), ys=2, ws=1)
        return induction(
            "momentum",
            "Z - D^2/2 B <= 2 beta R_inf G^2 h and B_2 >= 0, by induction on the rounds",
            base=tuple(map(Proof, claims)),
            turn=(
                Proof(
                    self.surprised,
                    by=(
                        (self.surprised,),
                        (b0, surprise),
                        (HEAVY, rho0, b0, BOUNDED),
                        (HEAVY, rho0, b0, self.moderate),
                        (2, HEAVY, rho0, more, Square(most)),
                    ),
                ),
                Proof(self.later_low, by=((self.later_low,), (b0, heavy))),
            ),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=given,
            witness=here,
            false=(
                ("B_2 >= 1", (later_b >= 1).at(after), now, here),
                (
                    "without D^2/2 B",
                    self.surprised.at({**after, "B": all_b}),
                    now,
                    self.point(beta1=Q(1, 2), ys=2, ws=9),
                ),
                (
                    "without the sum so far",
                    self.surprised.at(after),
                    without(self.surprised, now),
                    {**here, "Z": Q(99)},
                ),
            ),
        )

    def add_up_weights(self) -> Step:
        """All coordinates together."""
        parts = (self.varied, SOME, self.at_most)
        after = {"PV": all_pv + own_pv, "W_1": all_w1 + w_1, "d": dimension + 1, "B_1": all_b1 + self.beta * w_1}
        one, two, three, four = self.everywhere
        now, here = (*parts, *self.everywhere), self.point(h=1, w_1=1, pv=1)
        return induction(
            "dimensions",
            "PV <= W_1 + d M (h - 1) and B_1 <= beta W_1, W_1, d >= 0, by induction on the coordinates",
            base=tuple(map(Proof, self.everywhere)),
            turn=(
                Proof(one, by=((one,), (self.varied,))),
                Proof(two, by=((two,), (self.at_most, SOME))),
                Proof(three, by=((three,), (SOME,))),
                Proof(four, by=((four,), (1,))),
            ),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=parts,
            witness=here,
            false=(
                ("PV <= 0", (all_pv <= 0).at(after), now, here),
                ("W_1 >= 9", (all_w1 >= 9).at(after), now, here),
                ("without the last coordinate's", one.at(after), without(self.varied, now), {**here, "pv": Q(9)}),
            ),
        )

    def constants_fit(self) -> Step:
        """1 - (1/2 + 2 b)(1 - b) = 2 (b - 3/8)^2 + 7/32."""
        here = self.point()
        least = (Q(1, 2) + 2 * beta) * (1 - beta)
        return lemma(
            "constant",
            "(1/2 + 2 beta)(1 - beta) <= 1",
            (Proof(self.constant, by=((2, Square(beta - Q(3, 8))), (Q(7, 32),))),),
            (),
            here,
            false=(
                ("<= 1/2", least <= Q(1, 2), (), self.point(beta=Q(3, 8))),
                ("<= 3/4", least <= Q(3, 4), (), self.point(beta=Q(3, 8))),
                ("3 beta for 2 beta", (Q(1, 2) + 3 * beta) * (1 - beta) <= 1, (), self.point(beta=Q(5, 12))),
            ),
        )

    def corollary(self) -> Step:
        """The master terms are at most the terms of the bound."""
        divide, square, half, rest = self.reading.divide, side * side, Q(1, 2), 1 - beta
        (is_half,), (is_ratio,) = self.about(divide(square, 2 * rest), divide(widest, rest))
        varied, first, w1_low, d_low = self.everywhere
        b0, more, h1 = self.beta_low, self.at_most, self.begun
        given = (
            BETA, HEAVY, LARGE, b0, more, h1, self.result, *self.everywhere, self.spent, self.surprised, self.summed,
            self.later_low, self.constant, SPLIT, is_half, is_ratio,
        )  # fmt: skip
        here = {**self.point(h=1, t=2, W_1=1, PV=1, d=1, R=2), str(self.p): Q(1)}
        d2, g2, least = (half, Square(side)), (HEAVY, Square(most)), ((b0,), (more,))  # beta = beta1 + (beta - beta1)
        return lemma(
            "corollary",
            "R <= D^2/(2 (1 - beta)) (2 d M (sqrt(T) - 1) + W_1 + B_2) + R_inf/(1 - beta) (2 sqrt(T) - 1) G^2",
            (
                Proof(
                    self.holds,
                    times=((BETA,),),
                    by=(
                        (BETA, self.result),
                        (*d2, BETA, varied),
                        (half, BETA, self.spent),
                        (BETA, self.surprised),
                        (*d2, BETA, first),
                        (*d2, d_low, LARGE, self.summed),
                        *((*d2, *k, d_low, LARGE, h1) for k in least),
                        (*d2, w1_low, Square(beta)),
                        *((*d2, *k, self.later_low) for k in least),
                        (*g2, self.summed),
                        (*g2, self.constant, h1),
                        (*g2, self.constant),
                    ),
                    modulo=(
                        ((2 * dimension * spread * (self.p - 1) + all_w1 + later_b) / 2, is_half),
                        ((2 * self.p - 1) * most * most, is_ratio),
                        (-rest * square / 2, SPLIT),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("with 9 R", self.terms - 9 * regret >= 0, given, here),
                (
                    "without M",
                    self.terms.at({"M": 0}) - regret >= 0,
                    given,
                    {**self.point(h=2, M=99, t=Q(10), d=1, W_1=1, PV=99, R=99), str(self.p): Q(3)},
                ),
                ("without the energy", self.holds, without(self.spent, given), {**here, "E": Q(99), "R": Q(51)}),
            ),
        )


def argue(rule: Callable = adabound_with, twin: Callable = amsbound_with) -> Argument:
    """The argument about rules with any bound functions, which their makers take."""
    of = Savarese(rule, twin)
    return Argument(
        (
            of.read(),
            of.book(),
            of.root(),
            of.roots(),
            of.sums(),
            of.corridor_holds(),
            of.rates(),
            of.follows(),
            *of.common(),
            of.grow(),
            *of.rise_is_small(),
            of.vary(),
            of.prices(),
            of.add_round(),
            of.spend(),
            of.price(),
            of.add_young(),
            of.spend_young(),
            of.add_up_weights(),
            of.constants_fit(),
            of.corollary(),
        ),
        assumes=of.assumes,
    )


savarese2019_theorem_3_holds = theorem(
    "savarese2019_theorem_3_holds",
    "AdaBound and AMSBound satisfy Savarese's Theorem 3 for any beta1_t <= beta1.\n\n"
    "Let adabound or amsbound play with any bound functions 0 < eta_l(t) <= eta_u(t) <= R_inf and M > 0 such that "
    "t/eta_l(t) - (t-1)/eta_u(t-1) <= M for every t <= T, with 0 <= beta1_t <= beta1 < 1 in any order, on a box F in d "
    "dimensions with sides of at most D; let the losses be convex, g_t a subgradient at x_t and ||g_t||_2 <= G. Then "
    "for "
    "every u in F, with w_{t,i} = sqrt(t)/etahat_{t,i},\n\n"
    "    sum_t f_t(x_t) - f_t(u) <= D^2/(2 (1 - beta1)) (2 d M (sqrt(T) - 1) + sum_i w_{1,i} + sum_{t=2}^T beta1_t "
    "sum_i "
    "w_{t,i})\n        + (2 sqrt(T) - 1) R_inf G^2/(1 - beta1).\n\n"
    "Over the reals, for all gradients, all dimensions and all T.",
    "Savarese 2019, Theorem 3; for beta1_t that is not monotone the proof is this project's",
    argue,
    remarks=NOTATION + _inv_sqrt.NOTATION + "beta is the paper's beta1 and beta1 that of the round; etahat_before and "
    "eta_u_before are those of the round before (in round 1 any positive numbers). gg, mm, mm_next, es, ys and ws sum "
    "g^2, "
    "m^2, m'^2, m'^2/w', (g^2 + m^2)/w' and w' over the coordinates; z sums what Young's inequality gives; B = B_1 + "
    "B_2 "
    "sums beta1_t w_t, in round 1 and later. Only eta_l <= etahat <= eta_u is used of the clip.",
)
