"""AMSBound's 1/etahat is min(d', 1/eta_l), and d' = max(sqrt(vhat')/alpha, 1/eta_u) rises.

    etahat d' >= 1,   (etahat - eta_l)(1 - etahat d') >= 0

That one of two numbers is 0 is said by their product.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as Q
from typing import Any, ClassVar

from proofs._corridor import OPEN, POSITIVE, Corridor, high, high_before, low
from proofs._growing import A0
from proofs._inv_sqrt import LATE
from proofs._regret import alpha
from proofs._vhat import Vhat
from simlab.checker import Fact, Proof, Square
from simlab.claims import Step
from simlab.lemma import Point, lemma, without

CEILING, HIGH, HIGH_BEFORE = high_before >= high, high > 0, high_before > 0


class Reciprocal(Vhat, Corridor):
    """The reciprocals of AMSBound's rates, facts about them, and the steps that show these facts."""

    values: ClassVar = {**Corridor.values, **Vhat.values, "alpha": Q(3, 5)}

    def __init__(self, rule: Callable) -> None:
        super().__init__(rule)
        divide, maximum, z = self.reading.divide, self.reading.maximum, self.etahat
        self.raw = divide(alpha, self.q_root)
        self.reach, self.lid = divide(self.q_root, alpha), divide(1, high)
        self.reach_before, self.lid_before = divide(self.q_before, alpha), divide(1, high_before)
        self.d, self.d_before = maximum(self.reach, self.lid), maximum(self.reach_before, self.lid_before)
        # what the steps below show
        self.raw_positive, self.lid_positive, self.reach_positive = self.raw > 0, self.lid_before > 0, self.reach > 0
        self.reach_rises, self.lid_rises = self.reach >= self.reach_before, self.lid >= self.lid_before
        self.cancels = self.raw * self.reach == 1
        self.d_rises, self.d_positive, self.before_positive = self.d >= self.d_before, self.d > 0, self.d_before > 0
        self.under, self.flat = (z - low) * (self.raw - z) >= 0, (z - low) * (1 - z * self.lid) >= 0
        self.least, self.most = z * self.d >= 1, (z - low) * (1 - z * self.d) >= 0

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """What is supposed besides: eta_u does not rise."""
        return (*super().assumes, A0, CEILING)

    def late(self, **more: Any) -> Point:
        """A point in a later round, where nothing is clipped."""
        return self.point(**{**LATE, "alpha": 1, "vhat": Q(9, 25), "w": Q(9, 20), "pv": Q(9, 20)} | more)

    def ceilings(self) -> Step:
        """The upper bounds are positive."""
        given, here = (POSITIVE, OPEN, CEILING), self.point()
        return lemma(
            "ceiling",
            "eta_u > 0 in this round and in the one before",
            (Proof(HIGH, by=((POSITIVE,), (OPEN,))), Proof(HIGH_BEFORE, by=((POSITIVE,), (OPEN,), (CEILING,)))),
            given,
            here,
            false=(
                ("eta_u > 2", high > 2, given, here),
                ("without eta_l <= eta_u", HIGH, without(OPEN, given), self.point(eta_u=-1)),
                ("without a ceiling that falls", HIGH_BEFORE, without(CEILING, given), self.point(eta_u_before=-1)),
            ),
        )

    def reciprocals(self) -> Step:
        """alpha (a' - a) = sqrt(vhat') - sqrt(vhat) for a = sqrt(vhat)/alpha, and likewise 1/eta_u."""
        facts = self.about(self.raw, self.reach, self.reach_before, self.lid, self.lid_before)
        (is_raw,), (is_reach,), (was_reach,), (is_lid,), (was_lid,) = facts
        q0, here = self.root_positive, self.late()
        given = (
            A0, q0, self.root_longer, HIGH, HIGH_BEFORE, CEILING, is_raw, is_reach, was_reach, is_lid, was_lid,
        )  # fmt: skip
        return lemma(
            "reciprocals",
            "alpha/sqrt(vhat') > 0 and its reciprocal; that and 1/eta_u do not fall and are positive",
            (
                Proof(self.raw_positive, times=((q0,),), by=((A0,),), modulo=((1, is_raw),)),
                Proof(self.cancels, times=((A0,),), modulo=((self.raw, is_reach), (1, is_raw))),
                Proof(self.reach_positive, times=((A0,),), by=((q0,),), modulo=((1, is_reach),)),
                Proof(
                    self.reach_rises,
                    times=((A0,),),
                    by=((self.root_longer,),),
                    modulo=((1, is_reach), (-1, was_reach)),
                ),
                Proof(self.lid_positive, times=((HIGH_BEFORE,),), by=((1,),), modulo=((1, was_lid),)),
                Proof(
                    self.lid_rises,
                    times=((HIGH, HIGH_BEFORE),),
                    by=((CEILING,),),
                    modulo=((high_before, is_lid), (-high, was_lid)),
                ),
            ),
            given,
            here,
            false=(
                ("sqrt(vhat')/alpha > 1", self.reach > 1, given, here),
                ("1/eta_u > 1/eta_u_before", self.lid > self.lid_before, given, here),
                (
                    "without sqrt(vhat') >= sqrt(vhat)",
                    self.reach_rises,
                    without(self.root_longer, given),
                    {**here, str(self.q_before): Q(9), str(self.reach_before): Q(9)},
                ),
            ),
        )

    def rises_on(self) -> Step:
        """c = d' - d obeys (s + s') c = c^2 + s s' for s = d' - a and s' = d' - b, as d is a or b."""
        (up, over, _), (_, before, is_before) = self.about(self.d, self.d_before)
        grows, lifts, here = self.reach_rises, self.lid_rises, self.late()
        given = (up, over, before, is_before, grows, lifts, self.lid_positive)
        one, two = ((up,), (grows,)), ((over,), (lifts,))
        return lemma(
            "crest",
            "d' >= d > 0 for d' = max(sqrt(vhat')/alpha, 1/eta_u) and d of the round before",
            (
                Proof(
                    self.d_rises,
                    times=(*one, *two),
                    by=((Square(self.d - self.d_before),), *(a + b for a in one for b in two)),
                    modulo=((-1, is_before),),
                ),
                Proof(self.d_positive, by=((over,), (lifts,), (self.lid_positive,))),
                Proof(self.before_positive, by=((before,), (self.lid_positive,))),
            ),
            given,
            here,
            false=(
                ("d' > d", self.d > self.d_before, given, here),
                ("d' >= 1", self.d >= 1, given, here),
                (
                    "without 1/eta_u that rises",
                    self.d_rises,
                    without(lifts, given),
                    {**here, str(self.lid_before): Q(9), str(self.d_before): Q(9)},
                ),
            ),
        )

    def reciprocal_clip(self) -> Step:
        """c = etahat d' - 1 obeys (s + s') c = c^2 + s s', s of the clip from below, s' of eta_u."""
        (over, _, is_inner), (under, roof, is_hat) = self.about(self.inner, self.etahat)
        (up, lid, _), (is_lid,) = self.about(self.d, self.lid)
        z, d, here = self.etahat, self.d, self.late()
        one, two = ((over, self.d_positive), (self.raw_positive, up)), ((HIGH, lid),)
        given = (
            over, is_inner, under, roof, is_hat, up, lid, is_lid, self.above, self.cancels, self.raw_positive,
            self.d_positive, self.lid_rises, self.lid_positive, HIGH,
        )  # fmt: skip
        return lemma(
            "clip",
            "etahat >= 1/d', and etahat <= alpha/sqrt(vhat') and etahat <= eta_u unless etahat = eta_l",
            (
                Proof(
                    self.least,
                    times=(*one, *two),
                    by=((Square(z * d - 1),), *(a + b for a in one for b in two)),
                    modulo=(
                        (-d * d, is_hat),
                        (high * (d - self.lid) - (z * d - 1), self.cancels),
                        ((self.inner - z) * d, is_lid),
                    ),
                ),
                Proof(self.under, by=((self.above, under), (under, over)), modulo=((-1, is_inner),)),
                Proof(
                    self.flat,
                    by=((self.above, self.lid_rises, roof), (self.above, self.lid_positive, roof)),
                    modulo=((low - z, is_lid),),
                ),
            ),
            given,
            here,
            false=(
                ("etahat > 1/d'", z * d > 1, given, here),
                ("etahat = eta_l", z == low, given, here),
                ("without etahat >= eta_l", self.under, without(self.above, given), self.late(eta_u=Q(1, 2))),
            ),
        )

    def unclipped(self) -> Step:
        """c = (etahat - eta_l)(1 - etahat d') likewise, s with sqrt(vhat')/alpha for d', s' with 1/eta_u."""
        (_, _, is_d), z, here = self.reading.about(self.d), self.etahat, self.late()
        claim, flat = self.most.polynomial, self.flat.polynomial
        given = (self.under, self.flat, self.reach_positive, self.cancels, is_d)
        reached = (self.reach_positive, self.under)
        return lemma(
            "unclipped",
            "etahat <= 1/d' unless etahat = eta_l",
            (
                Proof(
                    self.most,
                    times=(reached, (self.flat,)),
                    by=((Square(claim),), (*reached, self.flat)),
                    modulo=((-(z - low) * (z - low) * z * z, is_d), ((z - low) * (claim - flat), self.cancels)),
                ),
            ),
            given,
            here,
            false=(
                ("etahat <= 1", z <= 1, given, here),
                ("etahat < 1/d'", z * self.d < 1, given, here),
                (
                    "without etahat <= eta_u",
                    self.most,
                    without(self.flat, given),
                    {**here, str(self.lid): Q(9), str(self.d): Q(9)},
                ),
            ),
        )
