"""Rules whose rate falls as 1/sqrt(t): r = sqrt(t), p = sqrt(t - 1), rho = 1/r, and h sums 1/sqrt(t).

r - p > 0        h <= 2 sqrt(T) - 1 after T rounds, as 2 r (r - p) - 1 = (r - p)^2
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._descent import Descent
from proofs._reading import positive_root
from proofs._regret import t
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import induction, lemma, without

harmonic = letter("h")
T1 = t >= 1
LATE = {"t": Q(25, 16)}  # where r = 5/4 and p = 3/4

NOTATION = "r = sqrt(t), p = sqrt(t - 1), and h sums 1/sqrt(t). "


class InvSqrt(Descent):
    """The roots of t and t - 1, facts about them, and the steps that show these facts."""

    def __init__(self, rule: Any, **more: Any) -> None:
        super().__init__(rule, **more)
        sqrt, divide = self.reading.sqrt, self.reading.divide
        self.r, self.p = sqrt(t), sqrt(t - 1)
        self.rho = divide(1, self.r)
        self.r_next = sqrt(t + 1)
        self.rho_next = divide(1, self.r_next)
        # what the steps below show
        self.r_positive, self.rho_positive, self.longer_root = self.r > 0, self.rho > 0, self.r - self.p > 0
        self.next_positive, self.shorter = self.r_next > 0, self.rho_next <= self.rho
        self.summed = harmonic <= 2 * self.p - 1

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides, of the round's number."""
        return (*super().assumes, T1)

    def root(self) -> Step:
        """(1 + r) r = r + t."""
        ((low, is_r),), late = self.about(self.r), self.point(**LATE)
        given, here = (T1, low, is_r), self.point()
        return lemma(
            "root",
            "r > 0",
            (positive_root(self.r_positive, (low, is_r), (T1,), (1,)),),
            given,
            here,
            false=(
                ("r > 1", self.r > 1, given, here),
                ("r >= t", self.r >= t, given, late),
                ("the other root", self.r_positive, without(low, given), {**here, str(self.r): Q(-1)}),
            ),
        )

    def roots(self) -> Step:
        """r rho = 1 and (r + p)(r - p) = 1."""
        ((_, is_r), (low, is_p), (is_rho,)), r0 = self.about(self.r, self.p, self.rho), self.r_positive
        given, late = (r0, is_r, low, is_p, is_rho), self.point(**LATE)
        return lemma(
            "roots",
            "1/r > 0 and r > p",
            (
                Proof(self.rho_positive, times=((r0,),), by=((1,),), modulo=((1, is_rho),)),
                Proof(self.longer_root, times=((r0,), (low,)), by=((1,),), modulo=((1, is_r), (-1, is_p))),
            ),
            given,
            late,
            false=(
                ("r >= p + 1", self.r >= self.p + 1, given, late),
                ("1/r >= 1", self.rho >= 1, given, late),
                ("without p^2 = t - 1", self.longer_root, without(is_p, given), {**late, str(self.p): Q(2)}),
            ),
        )

    def next_root(self) -> Step:
        """(1 + r) r = r + t, for t + 1."""
        ((low, is_r),), here = self.about(self.r_next), self.point(t=3)
        given = (T1, low, is_r)
        return lemma(
            "next root",
            "sqrt(t + 1) > 0",
            (positive_root(self.next_positive, (low, is_r), (T1,), (2,)),),
            given,
            here,
            false=(
                ("sqrt(t + 1) > 2", self.r_next > 2, given, here),
                ("sqrt(t + 1) >= t", self.r_next >= t, given, here),
                ("the other root", self.next_positive, without(low, given), {**here, str(self.r_next): Q(-2)}),
            ),
        )

    def shortens(self) -> Step:
        """1/r - 1/r' = (r' - r)/(r r') and (r' + r)(r' - r) = 1."""
        facts = self.about(self.r, self.r_next, self.rho, self.rho_next)
        (_, is_r), (_, is_next), (is_rho,), (is_rho_next,) = facts
        r0, n0, r, n = self.r_positive, self.next_positive, self.r, self.r_next
        given, here = (r0, n0, is_r, is_next, is_rho, is_rho_next), self.point(t=Q(9, 16))
        both = ((r0, r0, n0), (r0, n0, n0))  # r r' (r + r')
        return lemma(
            "shorter",
            "1/sqrt(t + 1) <= 1/sqrt(t)",
            (
                Proof(
                    self.shorter,
                    times=both,
                    by=((1,),),
                    modulo=((-1, is_r), (1, is_next), (n * (r + n), is_rho), (-r * (r + n), is_rho_next)),
                ),
            ),
            given,
            here,
            false=(
                ("by a half", 2 * self.rho_next <= self.rho, given, here),
                ("1/sqrt(t + 1) <= 1/2", self.rho_next <= Q(1, 2), given, here),
                (
                    "without r > 0",
                    self.shorter,
                    without(r0, given),
                    {**here, str(r): -Q(3, 4), str(self.rho): -Q(4, 3)},
                ),
            ),
        )

    def sums(self) -> Step:
        """2 r (r - p) - 1 = (r - p)^2."""
        ((_, is_r), (_, is_p), (is_rho,)), r0 = self.about(self.r, self.p, self.rho), self.r_positive
        given, late = (r0, is_r, is_p, is_rho), self.point(**LATE, h=Q(1, 2))
        after = {"h": harmonic + self.rho, str(self.p): self.r, "t": t + 1}
        now = (*given, self.summed)
        return induction(
            "sum",
            "1 + 1/sqrt(2) + ... + 1/sqrt(T) <= 2 sqrt(T) - 1 for T >= 1, by induction",
            base=(Proof(self.summed),),
            turn=(
                Proof(
                    self.summed,
                    times=((r0,),),
                    by=((r0, self.summed), (Square(self.r - self.p),)),
                    modulo=((1, is_r), (-1, is_p), (-1, is_rho)),
                ),
            ),
            start={"h": polynomial(1), str(self.p): polynomial(1), "t": polynomial(2)},
            after=after,
            given=given,
            witness=late,
            false=(
                ("2 sqrt(T) - 3/2", (harmonic <= 2 * self.p - Q(3, 2)).at(after), now, late),
                ("sqrt(T)", (harmonic <= self.p).at(after), now, late),
                ("without the sum so far", self.summed.at(after), given, {**late, "h": Q(9)}),
            ),
        )
