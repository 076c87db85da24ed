"""Online gradient descent with steps alpha/sqrt(t) has R_T <= D^2 sqrt(T)/(2 alpha) + alpha G^2 (sqrt(T) - 1/2).

The weights sqrt(t)/alpha grow, so the master inequality telescopes; sum 1/sqrt(t) <= 2 sqrt(T) - 1.
Zinkevich (2003), "Online convex programming and generalized infinitesimal gradient ascent", Theorem 1 (alpha = 1).
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import ClassVar

from proofs import _inv_sqrt
from proofs._growing import A0, Growing
from proofs._inv_sqrt import LATE, InvSqrt, harmonic
from proofs._master import Master
from proofs._regret import (
    NOTATION,
    all_e,
    all_pv,
    all_z,
    alpha,
    g,
    own_pv,
    own_z,
    regret,
    scalar,
    side,
    t,
    w,
    x,
)
from simlab.bounds.zinkevich2003 import zinkevich2003
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import induction, lemma, without

norm, most, dimension = letter("g^2"), letter("G"), letter("d")  # ||g_t||_2^2, G, d
BOUNDED = norm <= most * most


class Gradient(InvSqrt, Growing, Master):
    """The weights of gradient descent and what they cost."""

    values: ClassVar = {"h": 0, "d": 0, "G": 1, "g^2": 1}

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        # what the steps below show
        self.grow(self.r, self.p, {str(self.p): self.r, "t": t + 1})
        self.longer, self.still = self.longer_root, own_z == 0
        self.everywhere, self.nothing = all_pv == dimension * w, all_z == 0
        self.spent = all_e <= alpha * most * most * harmonic
        self.terms = self.read_terms(
            zinkevich2003.terms,
            t=scalar(t - 1),
            dimension=scalar(dimension),
            g_2=scalar(most),
            hyper={"alpha": scalar(alpha)},
        )
        self.holds = regret <= self.terms

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of the gradients."""
        return (*super().assumes, BOUNDED)

    def read(self) -> Step:
        """What the code does in a round."""
        two = {n: [letter(f"{n}_{i}") for i in (1, 2)] for n in ("x", "g", "m")}
        weights, here = {"w": [self.weight] * 2, "next": [self.x] * 2}, self.point(**LATE)
        rounds = self.before(**two, **weights), {**self.now, **two, **weights}
        energy = self.record(*rounds).energy[1]
        squares = sum((z * z for z in two["m"]), polynomial(0))
        return lemma(
            "reading",
            "x moves by -alpha g/sqrt(t); where all weights are w', sum_i m'_i^2/w' = (sum_i m'_i^2)/w'",
            (
                Proof(self.seen.direction == g),
                Proof(self.rate == alpha * self.rho),
                Proof(self.y == x - alpha * self.rho * g),
                Proof(energy == squares * self.inverse),
            ),
            (),
            here,
            false=(
                ("uphill", self.y == x + alpha * self.rho * g, (), here),
                ("without 1/sqrt(t)", self.rate == alpha, (), here),
                ("with 1/t", self.rate == alpha * self.rho * self.rho, (), here),
            ),
        )

    def rates(self) -> Step:
        """The rate and the weight, with the quotients of the code cleared."""
        ((is_rho,), (is_weight,)), here = self.about(self.rho, self.weight), self.point(**LATE)
        given = (A0, self.rho_positive, is_rho, is_weight)
        return lemma(
            "rates",
            "rate = alpha/sqrt(t) > 0 and w' = sqrt(t)/alpha",
            (
                Proof(self.positive, by=((A0, self.rho_positive),)),
                Proof(self.weighted, modulo=((self.r, is_weight), (-alpha * self.weight, is_rho))),
            ),
            given,
            here,
            false=(
                ("rate >= alpha", self.rate >= alpha, given, here),
                ("w' = alpha sqrt(t)", self.weight == alpha * self.r, given, self.point(**LATE, alpha=2)),
                ("without alpha > 0", self.positive, without(A0, given), self.point(**LATE, alpha=-1)),
            ),
        )

    def everywhere_same(self) -> Step:
        """All coordinates have the same weight."""
        given, here = (self.sums_up, self.still), self.point(w=1, pv=1)
        after = {"PV": all_pv + own_pv, "Z": all_z + own_z, "d": dimension + 1}
        now = (*given, self.everywhere, self.nothing)
        return induction(
            "dimensions",
            "PV = d w and Z = 0, by induction on the coordinates",
            base=(Proof(self.everywhere), Proof(self.nothing)),
            turn=(
                Proof(self.everywhere, modulo=((1, self.everywhere), (1, self.sums_up))),
                Proof(self.nothing, modulo=((1, self.nothing), (1, self.still))),
            ),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=given,
            witness=here,
            false=(
                ("PV = w", (all_pv == w).at(after), now, self.point(w=1, pv=1, PV=1, d=1)),
                ("PV = 2 d w", (all_pv == 2 * dimension * w).at(after), now, here),
                ("without pv = w", self.everywhere.at(after), without(self.sums_up, now), self.point(w=1, pv=2)),
            ),
        )

    def spends(self) -> Step:
        """||g||^2/w' <= alpha G^2/sqrt(t)."""
        (is_weight,), (is_inverse,) = self.about(self.weight, self.inverse)
        given, here = (A0, self.rho_positive, BOUNDED, is_weight, is_inverse), self.point(**LATE)
        after, now = {"E": all_e + norm * self.inverse, "h": harmonic + self.rho}, (*given, self.spent)
        return induction(
            "energy",
            "E <= alpha G^2 (1 + 1/sqrt(2) + ... + 1/sqrt(T)), by induction",
            base=(Proof(self.spent),),
            turn=(
                Proof(
                    self.spent,
                    by=((self.spent,), (A0, self.rho_positive, BOUNDED)),
                    modulo=((norm * self.inverse, is_weight), (-norm * self.rate, is_inverse)),
                ),
            ),
            start={"E": polynomial(0), "h": polynomial(0)},
            after=after,
            given=given,
            witness=here,
            false=(
                ("half of it", (2 * all_e <= alpha * most * most * harmonic).at(after), now, here),
                ("with the sum before", self.spent.at({**after, "h": harmonic}), now, here),
                (
                    "with larger gradients",
                    self.spent.at(after),
                    without(BOUNDED, now),
                    self.point(**LATE, **{"g^2": 9}),
                ),
            ),
        )

    def corollary(self) -> Step:
        """The master terms are at most the terms of the bound."""
        distance = self.reading.divide(dimension * side * side * self.p, 2 * alpha)
        ((is_distance,),) = self.about(distance)
        given = (A0, self.result, self.everywhere, self.nothing, self.scaled, self.spent, self.summed, is_distance)
        late = {"w": 1, "PV": 1, "d": 1, "h": 1, "E": 1, "t": 2, str(self.p): 1}
        here = {**self.point(**late, R=Q(5, 2)), str(self.p): Q(1), str(distance): Q(2)}
        half = Q(1, 2)
        return lemma(
            "corollary",
            "R <= d D^2 sqrt(T)/(2 alpha) + alpha G^2 (sqrt(T) - 1/2) with T = t - 1",
            (
                Proof(
                    self.holds,
                    times=((A0,),),
                    by=((A0, self.result), (half, A0, self.spent), (half, A0, A0, Square(most), self.summed)),
                    modulo=(
                        (half, is_distance),
                        (-alpha * side * side / 2, self.everywhere),
                        (-dimension * side * side / 2, self.scaled),
                        (-alpha * side, self.nothing),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("strictly", self.terms - regret > 0, given, here),
                ("with 2 R", self.terms - 2 * regret >= 0, given, here),
                ("with larger gradients", self.holds, without(self.spent, given), {**here, "E": Q(9), "R": Q(6)}),
            ),
        )


def argue(rule: str = "sgd") -> Argument:
    """The argument about the rule as it runs."""
    of = Gradient(rule)
    return Argument(
        (
            of.read(),
            of.root(),
            of.roots(),
            of.sums(),
            of.rates(),
            of.grows(),
            of.ascends(of.point(**LATE, w=Q(3, 4), pv=Q(3, 4))),
            of.quiet(),
            *of.common(),
            of.everywhere_same(),
            of.spends(),
            of.corollary(),
        ),
        assumes=of.assumes,
    )


zinkevich2003_holds = theorem(
    "zinkevich2003_holds",
    "Online gradient descent satisfies Zinkevich's regret bound: zinkevich2003 holds.\n\n"
    "Let sgd play with the step alpha/sqrt(t), alpha > 0, on a box F in d dimensions with sides of at most D; let the "
    "losses be convex, g_t a subgradient at x_t and ||g_t||_2 <= G. Then for every u in F and every T >= 1\n\n"
    "    sum_t f_t(x_t) - f_t(u) <= d D^2 sqrt(T)/(2 alpha) + alpha G^2 (sqrt(T) - 1/2).\n\n"
    "Over the reals, for all gradients, all dimensions and all T.",
    "Zinkevich 2003, Theorem 1 (alpha = 1)",
    argue,
    remarks=NOTATION + _inv_sqrt.NOTATION,
)
