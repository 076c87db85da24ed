"""AMSBound's 1/etahat rises and then falls: the rises of w' = sqrt(t)/etahat add up to sqrt(T) max 1/etahat at most.

    w' <= r d',   s = r - w' eta_l >= 0,   s (w' - r d') = 0,   so   s (w' - w) >= 0   as d' rises
    pv <= p K,   (pv - w)(p - w eta_l) = 0                       the weights fell only if they lie on r/eta_l by now

with r = sqrt(t), p = sqrt(t - 1) and K = max 1/etahat so far.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from types import SimpleNamespace
from typing import Any, ClassVar

from proofs._corridor import low
from proofs._reciprocal import Reciprocal
from proofs._regret import NONNEGATIVE, column, own_pv, t, w
from simlab.bounds.amsbound_repaired import peak
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import induction, lemma, without
from simlab.ops import rebind

low_before = letter("eta_l_before")
FLOOR, LOW_BEFORE = low >= low_before, low_before > 0


class Crest(Reciprocal):
    """The weights and the sum of their rises, facts about them, and the steps that show these facts."""

    values: ClassVar = {**Reciprocal.values, "eta_l_before": 1, "s": 1, "K": 0}

    def __init__(self, rule: Callable) -> None:
        super().__init__(rule)
        self.top_before, self.top = self.heights(
            column(letter("s"), t), column(letter("K"), self.weight).reshape(2, 1)
        )  # K and K': of any weight in any round before, and of w' in this round
        self.slope = self.reading.divide(self.weight, self.r)
        # what the steps below show
        self.room, self.below = self.r - self.weight * low >= 0, self.weight <= self.r * self.d
        s = self.room.polynomial
        self.free, self.was_below = s * (self.weight - self.r * self.d) >= 0, w <= self.p * self.d_before
        self.climbs, self.falls = s * (self.weight - w) >= 0, s * (self.rise - self.weight + w) <= 0
        self.steepens = s * (self.p * self.weight - self.r * w) >= 0
        self.grown, self.covered = self.top >= self.top_before, self.r * self.top >= self.weight
        self.top_low, self.more, self.varied = self.top_before >= 0, own_pv >= w, own_pv <= self.p * self.top_before
        self.turned = (own_pv - w) * (w * low_before - self.p) >= 0

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides: eta_l does not fall."""
        return (*super().assumes, FLOOR, LOW_BEFORE)

    def heights(self, rounds: Any, weights: Any) -> Any:
        """What the bound calls the peak, at each of the rounds."""
        return rebind(peak, self.system)(SimpleNamespace(t=rounds, w=weights))

    def hangs(self) -> Step:
        """The same of w' = r/etahat."""
        r, n, z, d = self.r, self.weight, self.etahat, self.d
        given, here = (self.heavy, self.weighted, self.above, self.least, self.most), self.late()
        return lemma(
            "weight below",
            "w' <= r d' and w' <= r/eta_l, and one of them is an equality",
            (
                Proof(self.below, by=((self.heavy, self.least),), modulo=((-d, self.weighted),)),
                Proof(self.room, by=((self.heavy, self.above),), modulo=((-1, self.weighted),)),
                Proof(
                    self.free,
                    by=((self.heavy, self.heavy, self.most),),
                    modulo=((n * (z - low) * d - (n - r * d), self.weighted),),
                ),
            ),
            given,
            here,
            false=(
                ("w' < r d'", n < r * d, given, here),
                ("w' = r/eta_l", n * low == r, given, here),
                ("without etahat >= 1/d'", self.below, without(self.least, given), {**here, str(d): Q(1, 9)}),
            ),
        )

    def hung(self) -> Step:
        """The same of w in every round."""
        (p_low, _), d0 = self.reading.about(self.p), self.d_before
        given, here = (p_low, self.before_positive, self.below), self.late()
        after = {"w": self.weight, str(self.p): self.r, "t": t + 1, str(d0): self.d}
        now, start = (*given, self.was_below), {name: letter(name) for name in after} | {"w": polynomial(0)}
        return induction(
            "weight below before",
            "w <= p d of the round before, by induction",
            base=(Proof(self.was_below, by=((p_low, self.before_positive),)),),
            turn=(Proof(self.was_below, by=((self.below,),)),),
            start=start,
            after=after,
            given=given,
            witness=here,
            false=(
                ("w < p d", (w < self.p * d0).at(after), now, here),
                ("w <= p d/2", (2 * w <= self.p * d0).at(after), now, here),
                (
                    "without w' <= r d'",
                    self.was_below.at(after),
                    without(self.below, now),
                    {**here, str(self.d): Q(1, 9)},
                ),
            ),
        )

    def ascends(self) -> Step:
        """w' - w = (w' - r d') + (r - p) d' + p (d' - d) + (p d - w), and likewise p w' - r w."""
        (p_low, _), r0, here = self.reading.about(self.p), self.r_positive, self.late()
        n, e = self.weight, self.room
        given = (p_low, r0, self.longer_root, self.d_positive, self.d_rises, self.free, e, self.was_below)
        return lemma(
            "climb",
            "w' >= w, and w'/sqrt(t) >= w/sqrt(t - 1), unless w' = r/eta_l",
            (
                Proof(
                    self.climbs,
                    by=(
                        (self.free,),
                        (e, self.longer_root, self.d_positive),
                        (e, p_low, self.d_rises),
                        (e, self.was_below),
                    ),
                ),
                Proof(self.steepens, by=((p_low, self.free), (e, p_low, r0, self.d_rises), (e, r0, self.was_below))),
            ),
            given,
            here,
            false=(
                ("w' >= 2 w", n >= 2 * w, given, here),
                ("w'/sqrt(t) > w/sqrt(t - 1)", self.p * n > self.r * w, given, here),
                ("without w <= p d", self.climbs, without(self.was_below, given), self.late(w=9)),
            ),
        )

    def turns(self) -> Step:
        """c = -s (e - (w' - w)) obeys s (w' - w) c = c^2 for s = r - w' eta_l and e = max(0, w' - w)."""
        (_, _, is_rise), s = self.reading.about(self.rise), self.room.polynomial
        given, here = (is_rise, self.climbs), self.late()
        return lemma(
            "fall",
            "the weight falls only if w' = r/eta_l",
            (
                Proof(
                    self.falls,
                    times=((self.climbs,),),
                    by=((Square(self.falls.polynomial),),),
                    modulo=((-s * s, is_rise),),
                ),
            ),
            given,
            here,
            false=(
                ("w' = r/eta_l", s == 0, given, here),
                ("the weight stays", self.rise == 0, given, here),
                (
                    "without that climb",
                    self.falls,
                    without(self.climbs, given),
                    {**self.late(w=9), str(self.rise): Q(0)},
                ),
            ),
        )

    def summit(self) -> Step:
        """K' = max(K, w'/sqrt(t))."""
        (up, over, _), (is_ratio,) = self.reading.about(self.top), self.reading.about(self.slope)
        given, here = (self.r_positive, up, over, is_ratio), self.late(K=Q(3, 5))
        return lemma(
            "summit",
            "K' >= K and w' <= sqrt(t) K'",
            (
                Proof(self.grown, by=((up,),)),
                Proof(self.covered, by=((self.r_positive, over),), modulo=((1, is_ratio),)),
            ),
            given,
            here,
            false=(
                ("K' > K", self.top > self.top_before, given, here),
                ("w' <= K'", self.weight <= self.top, given, here),
                (
                    "without K' >= w'/sqrt(t)",
                    self.covered,
                    without(over, given),
                    {**here, str(self.top): Q(3, 5), str(self.slope): Q(9), str(self.weight): Q(45, 4)},
                ),
            ),
        )

    def vary(self) -> Step:
        """The positive variation of one coordinate."""
        (past, rising, is_rise), (p_low, _) = self.reading.about(self.rise), self.reading.about(self.p)
        n, r, rise, s, top = self.weight, self.r, self.rise, self.room.polynomial, self.top
        room, covered, grown, below = self.room, self.covered, self.grown, self.heavy
        r0, longer = self.r_positive, self.longer_root
        claims = self.top_low, self.more, self.varied, self.turned
        low_k, more, varied, turned = claims
        given = (
            past, rising, is_rise, p_low, r0, longer, room, self.steepens, self.falls, covered, grown, below, FLOOR,
            LOW_BEFORE, NONNEGATIVE,
        )  # fmt: skip
        now = (*given, *claims)
        after = {
            "pv": own_pv + self.pv_step, "w": n, str(self.p): r, "t": t + 1, str(self.top_before): top,
            "eta_l_before": low,
        }  # fmt: skip
        start = {name: letter(name) for name in after} | dict.fromkeys(("pv", "w", str(self.top_before)), polynomial(0))
        gap, whole = r * top - own_pv, r * top - own_pv - rise  # what K leaves, before and after the rise
        parts = ((longer, low_k), (r0, grown), (varied,))  # of the gap
        held = (  # r a (r K' - w' - a), by which pv = w or the weight does not steepen
            (more, NONNEGATIVE, room), (more, NONNEGATIVE, below, FLOOR), (below, turned), (more, longer, covered),
            (more, r0, p_low, grown), (more, r0, varied),
        )  # fmt: skip
        square, flow = Square(s), (low_k, LOW_BEFORE)
        return induction(
            "variation so far",
            "K >= 0, pv >= w, pv <= p K, and pv = w unless w = p/eta_l, by induction",
            base=tuple(map(Proof, claims)),
            turn=(
                Proof(low_k, by=((low_k,), (grown,))),
                Proof(more, by=((more,), (past,))),
                Proof(
                    varied,
                    times=(*((r0, rising, covered, *k) for k in parts), *((2, r0, Square(whole), *k) for k in parts)),
                    by=(
                        (r0, Square(whole), Square(whole)),
                        (r0, Square(gap * whole)),
                        (r0, rising, covered, Square(whole)),
                        *((rising, rising, *k) for k in held),
                    ),
                    modulo=((r * (2 * whole * (gap - whole) + rise * (rise - r * top + w)), is_rise),),
                ),
                Proof(
                    turned,
                    times=(),
                    by=(
                        (Square(-(own_pv + rise - n) * s),),
                        (2, room, more, self.falls),
                        (room, past, self.falls),
                        (square, more, NONNEGATIVE),
                        (square, more, varied),
                        (low_k, square, turned),
                        (*flow, room, below, turned),
                        (*flow, more, room, below, NONNEGATIVE, FLOOR),
                        (*flow, more, self.steepens),
                    ),
                ),
            ),
            start=start,
            after=after,
            given=given,
            witness=self.late(K=Q(3, 5)),
            false=(
                ("pv > w", (own_pv > w).at(after), now, self.late(K=Q(3, 5))),
                ("pv < p K", (own_pv < self.p * self.top_before).at(after), now, self.late(K=Q(3, 5))),
                (
                    "without a floor that rises",
                    varied.at(after),
                    without(FLOOR, now),
                    self.late(alpha=Q(3, 5), eta_l_before=2, w=Q(3, 8), pv=Q(3, 4), K=1),
                ),
            ),
        )
