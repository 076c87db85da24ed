"""Diagonal AdaGrad has R_T <= (D^2/(2 alpha) + alpha) sum_i ||g_{1:T,i}||_2.

    w = sqrt(s)/alpha grows with s = g_1^2 + ... + g_t^2
    e <= 2 alpha sqrt(s),   as 2 r (r - p) - (r^2 - p^2) = (r - p)^2

for r = sqrt(s + g^2) and p = sqrt(s). Duchi, Hazan and Singer (2011), "Adaptive subgradient methods", Theorem 5.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any, ClassVar

from proofs._growing import A0, Growing
from proofs._master import Master
from proofs._reading import root
from proofs._regret import (
    NOTATION,
    all_e,
    all_pv,
    all_z,
    alpha,
    g,
    own_e,
    own_pv,
    own_z,
    regret,
    scalar,
    side,
    x,
)
from simlab.bounds.duchi2011 import duchi2011
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import Point, induction, lemma, without

s, norms = letter("s"), letter("N")  # sum g^2 before the round; sum_i ||g_{1:T,i}||_2
SEEN = s + g * g > 0


class AdaGrad(Growing, Master):
    """The weights of AdaGrad and what they cost."""

    values: ClassVar = {"s": 0, "N": 0}

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.r, self.p = self.reading.sqrt(self.state["s"]), self.reading.sqrt(s)
        # what the steps below show
        self.r_positive = self.r > 0
        self.grow(self.r, self.p, {"s": self.state["s"], str(self.p): self.r})
        self.longer = self.size >= self.size_before
        self.still = own_z == 0
        self.spent, self.all_spent = own_e <= 2 * alpha * self.p, all_e <= 2 * alpha * norms
        self.all_weights, self.nothing = alpha * all_pv == norms, all_z == 0
        self.terms = self.read_terms(duchi2011.terms, norms=scalar(norms), hyper={"alpha": scalar(alpha)})
        self.holds = regret <= self.terms

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of the gradients."""
        return (*super().assumes, SEEN)

    def late(self, **more: Any) -> Point:
        """A point with r = 5 and p = 3."""
        return self.point(**({"s": 9, "g": 4, "w": 3, "pv": 3} | more))

    def read(self) -> Step:
        """What the code does in a round."""
        here = self.late()
        return lemma(
            "reading",
            "s' = s + g^2, and x moves by -alpha g/sqrt(s')",
            (
                Proof(self.seen.direction == g),
                Proof(self.state["s"] == s + g * g),
                Proof(self.rate == self.reading.divide(alpha, self.r)),
                Proof(self.y == x - self.reading.divide(alpha, self.r) * g),
            ),
            (),
            here,
            false=(
                ("uphill", self.y == x + self.rate * g, (), here),
                ("|g| for g^2", self.state["s"] == s + g, (), here),
                ("no root", self.rate * self.state["s"] == alpha, (), here),
            ),
        )

    def roots(self) -> Step:
        """(1 + r) r = r + s'."""
        return root(
            "root",
            "r > 0 once a gradient was not 0",
            self.r_positive,
            self.reading.about(self.r),
            SEEN,
            self.point(),
            "r",
            ("while all gradients were 0", self.point(g=0)),
        )

    def lengthens(self) -> Step:
        """(r + p)(r - p) = g^2."""
        ((_, is_r), (p_low, is_p)), here = self.about(self.r, self.p), self.late()
        given = (self.r_positive, is_r, p_low, is_p)
        return lemma(
            "longer",
            "r >= p",
            (
                Proof(
                    self.longer,
                    times=((self.r_positive,), (p_low,)),
                    by=((Square(g),),),
                    modulo=((1, is_r), (-1, is_p)),
                ),
            ),
            given,
            here,
            false=(
                ("r > p", self.r - self.p > 0, given, self.late(g=0)),
                ("by g", self.r >= self.p + g, given, here),
                ("without p^2 = s", self.longer, without(is_p, given), {**here, str(self.p): Q(9)}),
            ),
        )

    def rates(self) -> Step:
        """The rate and the weight, with the quotients of the code cleared."""
        ((is_rate,), (is_weight,)), here = self.about(self.rate, self.weight), self.late()
        given = (A0, self.r_positive, is_rate, is_weight)
        return lemma(
            "rates",
            "rate = alpha/r > 0 and w' = r/alpha",
            (
                Proof(self.positive, times=((self.r_positive,),), by=((A0,),), modulo=((1, is_rate),)),
                Proof(self.weighted, modulo=((self.r, is_weight), (-self.weight, is_rate))),
            ),
            given,
            here,
            false=(
                ("rate >= alpha", self.rate >= alpha, given, here),
                ("w' = alpha r", self.weight == alpha * self.r, given, self.late(alpha=2)),
                ("without alpha > 0", self.positive, without(A0, given), self.late(alpha=-1)),
            ),
        )

    def spends(self) -> Step:
        """r (2 alpha (r - p) - g^2/w') = alpha (r - p)^2."""
        facts = self.about(self.r, self.p, self.rate, self.weight, self.inverse)
        (_, is_r), (_, is_p), (is_rate,), (is_weight,), (is_inverse,) = facts
        given = (A0, self.r_positive, is_r, is_p, is_rate, is_weight, is_inverse)
        here, now, square, r = self.late(e=6), (*given, self.spent), g * g, self.r
        after = {"e": own_e + self.e_step, "s": self.state["s"], str(self.p): r}
        return induction(
            "energy",
            "e <= 2 alpha sqrt(s), by induction",
            base=(Proof(self.spent),),
            turn=(
                Proof(
                    self.spent,
                    times=((self.r_positive,),),
                    by=((self.r_positive, self.spent), (A0, Square(r - self.p))),
                    modulo=(
                        (alpha, is_r), (-alpha, is_p), (-square, is_rate),
                        (square * r * self.inverse, is_weight), (-square * r * self.rate, is_inverse),
                    ),
                ),
            ),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=given,
            witness=here,
            false=(
                ("alpha sqrt(s)", (own_e <= alpha * self.p).at(after), now, here),
                ("with the sum before", (own_e + self.e_step <= 2 * alpha * self.p), now, here),
                ("without the sum so far", self.spent.at(after), given, self.late(e=9)),
            ),
        )  # fmt: skip

    def everywhere(self) -> Step:
        """All coordinates together."""
        given, here = (self.sums_up, self.still, self.scaled, self.spent), self.late()
        after = {"PV": all_pv + own_pv, "Z": all_z + own_z, "E": all_e + own_e, "N": norms + self.p}
        now = (*given, self.all_weights, self.nothing, self.all_spent)
        return induction(
            "dimensions",
            "alpha PV = N, E <= 2 alpha N and Z = 0 for N = sum_i sqrt(s_i), by induction on the coordinates",
            base=(Proof(self.all_weights), Proof(self.nothing), Proof(self.all_spent)),
            turn=(
                Proof(self.all_weights, modulo=((1, self.all_weights), (alpha, self.sums_up), (1, self.scaled))),
                Proof(self.nothing, modulo=((1, self.nothing), (1, self.still))),
                Proof(self.all_spent, by=((self.all_spent,), (self.spent,))),
            ),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=given,
            witness=here,
            false=(
                ("PV = N", (all_pv == norms).at(after), now, self.late(alpha=2, w=Q(3, 2), pv=Q(3, 2))),
                ("E <= alpha N", (all_e <= alpha * norms).at(after), now, self.late(e=6)),
                ("without pv = w", self.all_weights.at(after), without(self.sums_up, now), self.late(pv=9)),
            ),
        )

    def corollary(self) -> Step:
        """The master terms are at most the terms of the bound."""
        ((is_half,),) = self.about(self.reading.divide(side * side, 2 * alpha))
        given = (A0, self.result, self.all_weights, self.nothing, self.all_spent, is_half)
        here = self.late(PV=1, N=1, E=2, R=3)
        return lemma(
            "corollary",
            "R <= (D^2/(2 alpha) + alpha) N",
            (
                Proof(
                    self.holds,
                    times=((A0,),),
                    by=((A0, self.result), (Q(1, 2), A0, self.all_spent)),
                    modulo=(
                        (norms / 2, is_half), (-side * side / 2, self.all_weights), (-alpha * side, self.nothing)
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("strictly", self.terms - regret > 0, given, here),
                ("with 2 R", self.terms - 2 * regret >= 0, given, here),
                ("without the energy", self.holds, without(self.all_spent, given), self.late(PV=1, N=1, E=8, R=6)),
            ),
        )  # fmt: skip


def argue(rule: str = "adagrad") -> Argument:
    """The argument about the rule as it runs."""
    of = AdaGrad(rule)
    return Argument(
        (
            of.read(),
            of.roots(),
            of.lengthens(),
            of.rates(),
            of.grows(),
            of.ascends(of.late()),
            of.quiet(),
            *of.common(),
            of.spends(),
            of.everywhere(),
            of.corollary(),
        ),
        assumes=of.assumes,
    )


duchi2011_holds = theorem(
    "duchi2011_holds",
    "Diagonal AdaGrad satisfies its regret bound: duchi2011 holds.\n\n"
    "Let adagrad play with alpha > 0 on a box F with sides of at most D; let the losses be convex and g_t a "
    "subgradient "
    "at x_t. Then for every u in F and every T\n\n"
    "    sum_t f_t(x_t) - f_t(u) <= (D^2/(2 alpha) + alpha) sum_i ||g_{1:T,i}||_2.\n\n"
    "Over the reals, for all gradients, all dimensions and all T.",
    "Duchi, Hazan and Singer 2011, Theorem 5 (diagonal, mirror descent form, delta = 0)",
    argue,
    remarks=NOTATION
    + "s = g_1^2 + ... + g_{t-1}^2, p = sqrt(s), r = sqrt(s + g^2). The rounds of a coordinate are counted "
    "from its first gradient that is not 0: before, it does not move, and adds 0 to every sum.",
)
