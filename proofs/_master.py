"""The master chain in one coordinate and in all: no factor 1/(1 - beta1), nothing supposed of the weights.

g (x - u)  =  m' (x - u) + beta1 (g - m)(x - u)  <=  ... + D beta1 |g - m|
invariant    l + w/2 (x - u)^2 <= D^2/2 pv + e/2 + D z
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any, ClassVar

from proofs._descent import Descent
from proofs._regret import (
    NEAR,
    NONNEGATIVE,
    all_e,
    all_l,
    all_pv,
    all_z,
    column,
    own_e,
    own_l,
    own_pv,
    own_z,
    regret,
    side,
    u,
    w,
    x,
)
from simlab.checker import Polynomial, Proof, Square
from simlab.claims import Step
from simlab.lemma import lemma
from simlab.regret_bound import master_terms


class Master(Descent):
    """Facts that lead from a round to the bound on the regret, and the steps that show them."""

    momentum: ClassVar = "D z"

    def __init__(self, rule: Any, **more: Any) -> None:
        super().__init__(rule, **more)
        self.right = f"D^2/2 PV + E/2 + {self.momentum.upper()}"
        one, split = self.increment["moment"]
        self.lag, _ = self.increment["surprise"]
        self.z_step = self.adds_momentum()
        # what the steps below show
        self.moment, self.surprise = one == split, self.lag <= self.bound(0, 0, self.z_step)
        self.total = own_l + w * (x - u) * (x - u) / 2 <= self.bound(own_pv, own_e, own_z)
        self.one, self.all = (
            z <= self.bound(*sums) for z, *sums in ((own_l, own_pv, own_e, own_z), (all_l, all_pv, all_e, all_z))
        )
        self.result = regret <= self.bound(all_pv, all_e, all_z)

    def adds_momentum(self) -> Polynomial:
        """What the round adds to z."""
        return self.adds("surprise")

    def bound(self, pv: Any, e: Any, s: Any) -> Polynomial:
        """The terms of the bound for these sums, added up."""
        return self.read_terms(master_terms, variation=column(pv), energy=column(e), surprise=column(s))

    def moments(self) -> Step:
        """The identity g = m' + beta1 (g - m)."""
        here, (left, right) = self.point(beta1=Q(1, 2)), self.increment["moment"]
        return lemma(
            "moment",
            "g (x - u) = m' (x - u) + beta1 (g - m)(x - u)",
            (Proof(self.moment),),
            (),
            here,
            false=(
                ("twice", 2 * left == right, (), here),
                ("plus a constant", left == right + side, (), here),
                ("minus", left == -right, (), here),
            ),
        )

    def surprises(self) -> Step:
        """beta1 (g - m)(x - u) <= D beta1 |g - m|."""
        above, below, _ = self.reading.about(self.surprising)
        given, here, (low, high) = (self.beta_low, above, below, *NEAR), self.point(beta1=Q(1, 2)), NEAR
        by = ((Q(1, 2), self.beta_low, above, high), (Q(1, 2), self.beta_low, below, low))
        right = self.bound(0, 0, self.z_step)
        return lemma(
            "surprise",
            "beta1 (g - m)(x - u) <= D beta1 |g - m|",
            (
                Proof(self.surprise, by=by if self.surprise.polynomial.terms else ()),
                Proof(right == self.increment["surprise"][1]),
            ),
            given,
            here,
            false=(
                ("strictly", right - self.lag > 0, given, here),
                ("with 1 less", right - 1 - self.lag >= 0, given, here),
                ("the other way round, by 1", self.lag - 1 - right >= 0, given, here),
            ),
        )

    def sum_up(self) -> Step:
        """The invariant of one coordinate."""
        parts = (self.projection, self.variation, self.surprise)
        steps = tuple(f for f in parts if f.polynomial.terms)  # 0 >= 0 for a rule without beta1; moment is 0 = 0
        return self.along(
            f"l + w/2 (x - u)^2 <= D^2/2 pv + e/2 + {self.momentum}",
            Proof(self.total, by=((self.total,), *((f,) for f in steps))),
            steps,
            {"l": own_l + self.increment["moment"][0], "z": own_z + self.z_step},
        )

    def drop(self) -> Step:
        """The square is dropped."""
        given, here, right = (self.total, NONNEGATIVE), self.point(l=2, pv=1), self.bound(own_pv, own_e, own_z)
        return lemma(
            "one coordinate",
            f"l <= D^2/2 pv + e/2 + {self.momentum}",
            (Proof(self.one, by=((self.total,), (Q(1, 2), NONNEGATIVE, Square(x - u)))),),
            given,
            here,
            false=(
                ("strictly", right - own_l > 0, given, here),
                ("with 2 l", right - 2 * own_l >= 0, given, here),
                ("without w >= 0", self.one, (self.total,), self.point(l=2, w=-1)),
            ),
        )

    def add_up(self) -> Step:
        """All coordinates together."""
        after = {"L": all_l + own_l, "PV": all_pv + own_pv, "E": all_e + own_e, "Z": all_z + own_z}
        return self.across(after, ("strictly", self.all.polynomial > 0), self.point(l=2, pv=1, L=2, PV=1))

    def common(self) -> tuple[Step, ...]:
        """The steps from the round to the master inequality."""
        sums = (self.sum_up(), self.drop(), self.add_up(), self.linearise(), self.conclude())
        return (*self.round(), self.moments(), self.surprises(), *sums)
