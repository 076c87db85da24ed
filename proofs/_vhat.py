"""Rules that keep the largest second moment: v' = beta2 v + (1 - beta2) g^2, vhat' = max(vhat, v'), whose root rises.

(q + q_0)(q - q_0) = vhat' - vhat   for   q = sqrt(vhat')   and   q_0 = sqrt(vhat)
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any, ClassVar

from proofs._inv_sqrt import InvSqrt
from proofs._reading import root
from proofs._regret import g
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import induction, lemma, without

beta2, v, vhat, first_g, next_g = (letter(n) for n in ("beta2", "v", "vhat", "g_1", "g_next"))
BETA2, BELOW, STARTS = beta2 > 0, beta2 < 1, first_g * first_g > 0

NOTATION = "r = sqrt(t), p = sqrt(t - 1), v and vhat are those before the round and v', vhat' after it. "
COUNTED = (
    "The rounds of a coordinate are counted from its first gradient that is not 0: before, it does not move, and adds "
    "0 to every sum."
)


class Vhat(InvSqrt):
    """The roots of vhat, facts about them, and the steps that show these facts."""

    values: ClassVar = {"beta2": Q(16, 25), "v": 0, "vhat": 0, "g_1": 1, "g_next": 1}

    def __init__(self, rule: Any, **more: Any) -> None:
        super().__init__(rule, **more)
        sqrt = self.reading.sqrt
        self.v, self.vhat = self.state["v"], self.state["vhat"]
        self.average = beta2 * v + (1 - beta2) * g * g
        self.q_root, self.q_before = sqrt(self.vhat), sqrt(vhat)  # of vhat
        # what the steps below show
        self.seen_v, self.vhat_positive, self.vhat_above = self.v > 0, self.vhat > 0, self.vhat >= self.v
        self.root_positive, self.root_longer = self.q_root > 0, self.q_root >= self.q_before

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of beta2 and of the first gradient."""
        return (*super().assumes, BETA2, BELOW, STARTS)

    def starts(self) -> Step:
        """From the first gradient that is not 0 on, v > 0."""
        given, here, after = (BETA2, BELOW, STARTS), self.point(), {"v": self.v, "g": next_g}
        now = (*given, self.seen_v)
        return induction(
            "start",
            "v' > 0 from the first gradient that is not 0 on, by induction",
            base=(Proof(self.seen_v, by=((BELOW, STARTS),)),),
            turn=(Proof(self.seen_v, by=((BETA2, self.seen_v), (BELOW, Square(next_g)))),),
            start={"v": polynomial(0), "g": first_g},
            after=after,
            given=given,
            witness=here,
            false=(
                ("v' >= g^2", (self.v >= g * g).at(after), now, here),
                ("v' > 1", (self.v > 1).at(after), now, here),
                ("without beta2 > 0", self.seen_v.at(after), without(BETA2, now), self.point(beta2=0, g_next=0)),
            ),
        )

    def rises_above(self) -> Step:
        """vhat' = max(vhat, v') >= v' > 0."""
        _, above, _ = self.reading.about(self.vhat)
        given, here = (self.seen_v, above), self.point()
        return lemma(
            "vhat",
            "vhat' > 0 and vhat' >= v'",
            (Proof(self.vhat_positive, by=((above,), (self.seen_v,))), Proof(self.vhat_above, by=((above,),))),
            given,
            here,
            false=(
                ("vhat' > v'", self.vhat > self.v, given, here),
                ("vhat' > 1", self.vhat > 1, given, here),
                ("without v' > 0", self.vhat_positive, (above,), self.point(g=0)),
            ),
        )

    def rooted(self) -> Step:
        """(1 + q) q = q + vhat'."""
        return root(
            "roots of vhat",
            "sqrt(vhat') > 0",
            self.root_positive,
            self.reading.about(self.q_root),
            self.vhat_positive,
            self.point(vhat=1),
            "sqrt(vhat')",
            ("without vhat' > 0", self.point(g=0)),
        )

    def lengthens(self) -> Step:
        """(q + q_0)(q - q_0) = vhat' - vhat for q = sqrt(vhat') and q_0 = sqrt(vhat)."""
        (_, is_root), (low, is_before) = self.about(self.q_root, self.q_before)
        up, _, _ = self.reading.about(self.vhat)
        q0, here = self.root_positive, self.point(vhat=1, t=Q(25, 16), m=0)
        given = (q0, is_root, low, is_before, up)
        return lemma(
            "longer root",
            "sqrt(vhat') >= sqrt(vhat)",
            (Proof(self.root_longer, times=((q0,), (low,)), by=((up,),), modulo=((1, is_root), (-1, is_before))),),
            given,
            here,
            false=(
                ("sqrt(vhat') > sqrt(vhat)", self.q_root > self.q_before, given, here),
                ("by 1", self.q_root >= self.q_before + 1, given, here),
                (
                    "without vhat' >= vhat",
                    self.root_longer,
                    without(up, given),
                    {**here, str(self.q_before): Q(5), "vhat": Q(25)},
                ),
            ),
        )
