"""Rules whose weights do not fall: alpha w' = size, and the rises of w add up to w.

size = r for gradient descent and AdaGrad, r sqrt(vhat') for AMSGrad
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs._descent import Descent
from proofs._regret import alpha, own_pv, own_z, w
from simlab.checker import Fact, Polynomial, Proof, polynomial
from simlab.claims import Step
from simlab.lemma import Point, induction, lemma, without

A0 = alpha > 0


class Growing(Descent):
    """The weights before and after a round, facts about them, and the steps that show these facts."""

    def __init__(self, rule: Any, **more: Any) -> None:
        super().__init__(rule, monotone=True, **more)

    def grow(self, size: Polynomial, before: Polynomial, after: Mapping[str, Polynomial]) -> None:
        """Name alpha w' and alpha w, and what becomes of the letters of the latter."""
        self.size, self.size_before, self.size_after = size, before, after
        # what the steps below, and the rule's own, show
        self.weighted, self.scaled, self.sums_up = alpha * self.weight == size, alpha * w == before, own_pv == w

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of the step size."""
        return (*super().assumes, A0)

    def grows(self) -> Step:
        """The rises of the weights add up to the weight, which starts at 0."""
        given, here = (self.weighted,), self.point()
        after = {"pv": own_pv + self.pv_step, "w": self.weight, **self.size_after}
        start = {n: polynomial(0) for n in ("pv", "w")} | {n: self.at_first(n) for n in self.size_after}
        now = (*given, self.sums_up, self.scaled)
        return induction(
            "weights",
            f"pv = w and alpha w = {self.size_before}, by induction",
            base=(Proof(self.sums_up), Proof(self.scaled)),
            turn=(Proof(self.sums_up, modulo=((1, self.sums_up),)), Proof(self.scaled, modulo=((1, self.weighted),))),
            start=start,
            after=after,
            given=given,
            witness=here,
            false=(
                ("pv stays", self.sums_up.at({**after, "pv": own_pv}), now, here),
                ("w stays", self.scaled.at({**after, "w": w}), now, here),
                ("w' twice as large", self.scaled.at({**after, "w": 2 * self.weight}), now, here),
            ),
        )

    def at_first(self, name: str) -> Polynomial:
        """The value of one of these letters before the first round that moves the coordinate."""
        return polynomial(1 if name == "t" else 0)

    def ascends(self, here: Point) -> Step:
        """alpha (w' - w) is the growth of the size."""
        longer: Fact = self.longer  # type: ignore[attr-defined]
        given, cleared = (A0, longer, self.weighted, self.scaled), ((1, self.weighted), (-1, self.scaled))
        return lemma(
            "rises",
            "w' >= w",
            (Proof(self.rises, times=((A0,),), by=((longer,),), modulo=cleared),),
            given,
            here,
            false=(
                ("by 9", self.weight >= w + 9, given, here),
                ("from another w", self.rises, without(self.scaled, given), {**here, "w": here["w"] + 99}),
                (
                    "to another w'",
                    self.rises,
                    without(self.weighted, given),
                    {**here, str(self.weight): -here["w"] - 1},
                ),
            ),
        )

    def quiet(self) -> Step:
        """A rule without beta1 has no momentum term."""
        still: Fact = self.still  # type: ignore[attr-defined]
        after = {"z": own_z + self.z_step}  # type: ignore[attr-defined]
        here = self.point()
        return induction(
            "no momentum",
            "z = 0, by induction",
            base=(Proof(still),),
            turn=(Proof(still, modulo=((1, still),)),),
            start={"z": polynomial(0)},
            after=after,
            witness=here,
            false=(
                ("z = 1", (own_z == 1).at(after), (still,), here),
                ("z < 0", (own_z < 0).at(after), (still,), here),
                ("without z = 0 so far", still.at(after), (), self.point(z=1)),
            ),
        )
