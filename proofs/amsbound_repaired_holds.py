"""AMSBound has regret O(sqrt(T)) under Luo et al.'s hypotheses, with the largest 1/etahat of the run for the last one.

    PV_i  <=  sqrt(T) max_t 1/etahat_{t,i},      E  <=  R_inf G^2 (2 sqrt(T) - 1)

Luo, Xiong, Liu and Sun (2019), Theorem 5, has 1/etahat_{T,i} there, and is false.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from typing import ClassVar

from proofs import _inv_sqrt, _vhat
from proofs._corridor import HEAVY, most, widest
from proofs._crest import Crest
from proofs._regret import NOTATION, all_pv, all_z, column, own_pv, regret, scalar, side, t
from simlab.bounds.amsbound_repaired import amsbound_repaired, peak
from simlab.checker import Proof, Square, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.corridor import corridor
from simlab.lemma import induction, lemma, without
from simlab.rules.amsbound import amsbound_with

tops = letter("Ks")  # the sum of K over the coordinates


class Repaired(Crest):
    """The sums over the coordinates, and the steps to the bound."""

    values: ClassVar = {**Crest.values, "Ks": 0}

    def __init__(self, rule: Callable) -> None:
        super().__init__(rule)
        # what the steps below show
        self.all_varied = all_pv <= self.p * tops
        self.terms = self.read_terms(
            amsbound_repaired.terms,
            known={peak: lambda h: scalar(tops), corridor: lambda h: ((), (scalar(widest),))},
            t=scalar(t - 1),
            g_2=scalar(most),
            surprise=column(all_z),
        )
        self.holds = regret <= self.terms

    def read(self) -> Step:
        """What the code does in a round, and what it calls the peak."""
        divide, maximum, here = self.reading.divide, self.reading.maximum, self.point(m=0, g=-1)
        then, one, two, three, four = (letter(n) for n in ("s", "w_a", "w_b", "w_c", "w_d"))
        one_peak, other = (
            maximum(divide(a, self.reading.sqrt(then)), divide(b, self.r)) for a, b in ((one, three), (two, four))
        )
        _, both = self.heights(column(then, t), column(one, two, three, four).reshape(2, 2))
        return lemma(
            "reading",
            "v' = beta2 v + (1 - beta2) g^2, vhat' = max(vhat, v'), m' = beta1 m + (1 - beta1) g, and x moves by "
            "-etahat m'/sqrt(t), etahat = min(max(alpha/sqrt(vhat'), eta_l), eta_u); the bound's peak is the sum over "
            "the coordinates of the maximum K of w/sqrt(t) over the rounds",
            (
                Proof(self.v == self.average),
                Proof(self.vhat == maximum(letter("vhat"), self.average)),
                Proof(self.state["m"] == self.mean),
                Proof(self.seen.direction == self.mean),
                Proof(self.rate == self.rho * self.etahat),
                Proof(both == one_peak + other),
                Proof(self.top == maximum(self.top_before, self.slope)),
            ),
            (),
            here,
            false=(
                ("without 1/sqrt(t)", self.rate == self.etahat, (), self.point(t=4)),
                ("v' for vhat'", self.vhat == self.v, (), self.point(vhat=9)),
                ("without the clip from above", self.etahat == self.inner, (), self.point(alpha=9)),
            ),
        )

    def add_up_variation(self) -> Step:
        """All coordinates together."""
        after, now = {"PV": all_pv + own_pv, "Ks": tops + self.top_before}, (self.varied, self.all_varied)
        here = self.late(K=Q(3, 5))
        return induction(
            "dimensions",
            "PV <= sqrt(T) sum_i K_i, by induction on the coordinates",
            base=(Proof(self.all_varied),),
            turn=(Proof(self.all_varied, by=((self.all_varied,), (self.varied,))),),
            start=dict.fromkeys(after, polynomial(0)),
            after=after,
            given=(self.varied,),
            witness=here,
            false=(
                ("half of it", (2 * all_pv <= self.p * tops).at(after), now, here),
                ("PV <= sum_i K_i/2", (2 * all_pv <= tops).at(after), now, here),
                ("without the last coordinate's", self.all_varied.at(after), (self.all_varied,), self.late()),
            ),
        )

    def corollary(self) -> Step:
        """The master terms are at most the terms of the bound."""
        half, given = Q(1, 2), (HEAVY, self.result, self.all_varied, self.spent, self.summed)
        here = {**self.point(h=1, t=2, PV=1, Ks=1, R=2), str(self.p): Q(1)}
        return lemma(
            "corollary",
            "R <= D^2/2 sqrt(T) sum_i K_i + R_inf/2 (2 sqrt(T) - 1) G^2 + D Z",
            (
                Proof(
                    self.holds,
                    by=(
                        (self.result,),
                        (half, Square(side), self.all_varied),
                        (half, self.spent),
                        (half, HEAVY, Square(most), self.summed),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("with 2 R", self.terms - 2 * regret >= 0, given, here),
                (
                    "without the peak",
                    self.terms.at({"Ks": polynomial(0)}) - regret >= 0,
                    given,
                    here,
                ),
                ("without the energy", self.holds, without(self.spent, given), {**here, "E": Q(99), "R": Q(51)}),
            ),
        )


def argue(rule: Callable = amsbound_with) -> Argument:
    """The argument about the rule with any bound functions, which its maker takes."""
    of = Repaired(rule)
    return Argument(
        (
            of.read(), of.book(), of.root(), of.roots(), of.sums(), of.starts(), of.rises_above(), of.rooted(),
            of.lengthens(), of.corridor_holds(), of.rates(), *of.common(), of.ceilings(), of.reciprocals(),
            of.rises_on(), of.reciprocal_clip(), of.unclipped(), of.hangs(), of.hung(), of.ascends(), of.turns(),
            of.summit(), of.vary(), of.prices(), of.add_round(), of.spend(), of.add_up_variation(), of.corollary(),
        ),
        assumes=of.assumes,
    )  # fmt: skip


amsbound_repaired_holds = theorem(
    "amsbound_repaired_holds",
    "AMSBound has regret at most amsbound_repaired, under the hypotheses of Luo et al.'s Theorem 5.\n\n"
    "Let amsbound play with any bound functions 0 < eta_l(t) <= eta_u(t) of which eta_l does not fall and eta_u does "
    "not rise, alpha > 0, 0 < beta2 < 1 and any beta1_t in [0, 1), on a box F with sides of at most D; let the losses "
    "be convex, g_t a subgradient at x_t, ||g_t||_2 <= G and R_inf = eta_u(1). Then for every u in F and every T, with "
    "etahat_{t,i} = min(max(alpha/sqrt(vhat_{t,i}), eta_l(t)), eta_u(t)),\n\n"
    "    sum_t f_t(x_t) - f_t(u) <= D^2/2 sqrt(T) sum_i max_{t<=T} 1/etahat_{t,i} + D sum_t beta1_t "
    "||g_t - m_{t-1}||_1\n"
    "        + (sqrt(T) - 1/2) R_inf G^2.\n\n"
    "Over the reals, for all gradients, all dimensions and all T.",
    "this project's, from Luo, Xiong, Liu and Sun 2019, Theorem 5, which has 1/etahat_{T,i} and is false",
    argue,
    remarks=NOTATION + _inv_sqrt.NOTATION + _vhat.NOTATION + "eta_l_before and eta_u_before are those of the round "
    "before (in round 1, eta_l(1) and eta_u(1)), d = max(sqrt(vhat)/alpha, 1/eta_u_before) and d' = max(sqrt(vhat')/"
    "alpha, 1/eta_u). K is the largest w/sqrt(t) so far, of one coordinate. gg, mm, mm_next and es sum g^2, m^2, m'^2 "
    "and m'^2/w' over the coordinates. The rounds of a coordinate are counted from its first gradient that is not 0, "
    "with w = pv = K = 0 before it: until then it does not move, l, e and z stay 0, and the maximum in the bound, "
    "which is over those rounds too (etahat = eta_u there), is at least K. beta1 < sqrt(beta2) is not used. Where "
    "eta_l > eta_u the bound can be false.",
)
