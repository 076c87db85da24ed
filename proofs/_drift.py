"""A round of a linear problem between two walls, and how far a steady drift lets the distance to its end of F grow.

s_t = the distance to that end before round t, d_t = how far round t would go from it, but for 1/sqrt(t) and the walls
window    (d_i + delta) + ... + (d_t + delta) <= A for all i <= t: a drift delta > 0, and fluctuations
free      s_(t+1) <= s_t + d_t/sqrt(t)   where s_(t+1) > 0
Abel      s_t + delta sigma <= s_i + A/sqrt(i)   where s > 0 after round i and up to t,
          sigma = 1/sqrt(i) + ... + 1/sqrt(t - 1) >= 2 (sqrt(t) - a),   a = sqrt(i)
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._periodic import Rounds, g, m, t, v, x
from proofs._reading import positive_root
from simlab.checker import Fact, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import Point, induction, lemma, without

lo, hi = letter("lower"), letter("upper")
s, s0, s1, d, delta, amp, run, sigma = (letter(n) for n in ("s", "s_i", "s_next", "d", "delta", "A", "Y", "sigma"))
before, first, a, o = (letter(n) for n in ("r_before", "r_first", "a", "o"))

ROUND, ROOM, DELTA, PREVIOUS = t >= 1, hi - lo > 0, delta > 0, o > 0
WINDOW, FALLING = run <= amp, before >= 0
# what the steps show
ABEL = s + delta * sigma <= s0 + before * run + (first - before) * amp
BOUND = s + delta * sigma <= s0 + first * amp


class Drift(Rounds):
    """A round between two walls, and the rates of this round and the next."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        seen, _, _ = self.on("linear_periodic", ((g,),), x, m, v, self.reading, walls=(lo, hi))
        plain, _, _ = self.on("linear_periodic", ((g,),), x, m, v, self.reading, schedule="constant")
        self.loss, self.step, self.y, self.x1 = seen.loss, plain.rate * plain.direction, seen.proposal, seen.x
        self.raised = self.reading.maximum(self.y, lo)
        self.up, self.floor, self.raised_is = self.reading.about(self.raised)
        self.below, self.high, self.x1_is = self.reading.about(self.reading.minimum(self.raised, hi))
        self.p, self.p1 = self.reading.sqrt(t), self.reading.sqrt(t + 1)
        self.rate = self.reading.divide(1, self.p)
        self.not_high, self.not_low = self.x1 < hi, self.x1 > lo
        self.free = s1 <= s + self.rate * d
        self.fall, self.from_o, self.held = self.rate <= before, before * o == 1, self.p >= o
        (self.inverse,) = self.reading.about(self.rate)
        self.assumed: tuple[Fact, ...] = (
            *(ROUND, ROOM, DELTA, PREVIOUS, WINDOW, FALLING),
            *(self.not_high, self.not_low, self.free, self.from_o, self.held),
        )
        # what the steps below show
        self.rooted = self.p > 0, self.p1 > 0
        self.next = self.p1 * self.p1 == self.p * self.p + 1
        self.sigma = sigma >= 2 * (self.p - a)

    def at(self, **more: Any) -> Point:
        """A point: round 16/9 with roots 4/3 and 5/3, an x that moves freely from 0 to 3/4 in F = [-1, 1]."""
        known = {"beta1": 0, "beta2": Q(1, 2), "m": 0, "v": 1, "g": -1, "alpha": 1, "t": Q(16, 9), "x": 0, "lower": -1}
        return self.reading.point(**(known | {"upper": 1} | more))

    def free_up(self) -> Step:
        """(upper - x')(x' - y) = (upper - x')(raised - y), as x' is raised or upper."""
        claim = self.free.at({"s": hi - x, "s_next": hi - self.x1, "d": self.step})
        given = (self.not_high, self.up, self.x1_is)
        return lemma(
            "free of the upper wall",
            "s_(t+1) <= s_t + d_t/sqrt(t) for s = upper - x and d = alpha m_t/sqrt(v_t), where x_(t+1) < upper",
            (Proof(claim, times=((self.not_high,),), by=((self.not_high, self.up),), modulo=((-1, self.x1_is),)),),
            given,
            self.at(),
            false=(
                ("it does not move", hi - self.x1 == hi - x, given, self.at()),
                ("at the wall", claim, (self.up, self.x1_is), self.at(x=1)),
                ("the other way", hi - self.x1 <= hi - x - self.rate * self.step - 1, given, self.at(g=1)),
            ),
        )

    def free_low(self) -> Step:
        """(raised - lower)(y - raised) = 0, and raised > lower."""
        claim = self.free.at({"s": x - lo, "s_next": self.x1 - lo, "d": -self.step})
        given = (self.not_low, self.below, self.raised_is)
        return lemma(
            "free of the lower wall",
            "the same for s = x - lower and d = -alpha m_t/sqrt(v_t), where x_(t+1) > lower",
            (
                Proof(
                    claim,
                    times=((self.not_low,), (self.below,)),
                    by=((self.not_low, self.below), (self.below, self.below)),
                    modulo=((-1, self.raised_is),),
                ),
            ),
            given,
            self.at(),
            false=(
                ("it does not move", self.x1 == x, given, self.at()),
                ("at the wall", claim, (self.below, self.raised_is), self.at(x=-1, g=1)),
                ("half as far", self.x1 - x <= -self.rate * self.step * Q(1, 2), given, self.at()),
            ),
        )

    def feasible(self) -> Step:
        """With X = x' - lower: (raised - lower + upper - lower) X = (raised - lower)(upper - lower) + X^2."""
        claims, given = (self.x1 <= hi, self.x1 >= lo), (ROOM, self.high, self.floor, self.x1_is)
        return lemma(
            "feasible",
            "lower <= x_(t+1) <= upper",
            (
                Proof(claims[0], by=((self.high,),)),
                Proof(
                    claims[1],
                    times=((ROOM,), (self.floor,)),
                    by=((ROOM, self.floor), (Square(self.x1 - lo),)),
                    modulo=((-1, self.x1_is),),
                ),
            ),
            given,
            self.at(),
            false=(
                ("x' < upper", self.not_high, given, self.at(x=1)),
                ("x' > lower", self.not_low, given, self.at(x=-1, g=1)),
                ("without lower < upper", claims[1], without(ROOM, given), self.at(upper=-3)),
            ),
        )

    def roots(self) -> Step:
        """The roots of t and t + 1."""
        (low, square), (low1, square1), here = self.reading.about(self.p), self.reading.about(self.p1), self.at()
        given = (ROUND, low, square, low1, square1)
        return lemma(
            "roots",
            "sqrt(t) > 0, sqrt(t + 1) > 0 and sqrt(t + 1)^2 = sqrt(t)^2 + 1",
            (
                positive_root(self.rooted[0], (low, square), (1,), (ROUND,)),
                positive_root(self.rooted[1], (low1, square1), (2,), (ROUND,)),
                Proof(self.next, modulo=((1, square1), (-1, square))),
            ),
            given,
            here,
            false=(
                ("sqrt(t) > 2", self.p > 2, given, here),
                ("the other root", self.rooted[0], without(low, given), {**here, str(self.p): Q(-4, 3)}),
                ("without t >= 1", self.rooted[0], without(ROUND, given), self.at(t=0)),
            ),
        )

    def falls(self) -> Step:
        """o p (r_before - 1/sqrt(t)) = p - o."""
        given = (PREVIOUS, self.rooted[0], self.held, self.from_o, self.inverse)
        here = {**self.at(), "o": Q(1), "r_before": Q(1)}
        return lemma(
            "falls",
            "1/sqrt(t) is at most the rate before, 1/o, where sqrt(t) >= o > 0",
            (
                Proof(
                    self.fall,
                    times=((PREVIOUS, self.rooted[0]),),
                    by=((self.held,),),
                    modulo=((self.p, self.from_o), (-o, self.inverse)),
                ),
            ),
            given,
            here,
            false=(
                ("at most half", 2 * self.rate <= before, given, here),
                (
                    "without sqrt(t) >= o",
                    self.fall,
                    without(self.held, given),
                    {**here, "o": Q(2), "r_before": Q(1, 2)},
                ),
                ("without the rate before", self.fall, without(self.from_o, given), {**here, "r_before": Q(0)}),
            ),
        )

    def abel(self) -> Step:
        """Summation by parts, a round at a time: what a round adds is (r_before - 1/sqrt(t))(A - Y)."""
        r, given = self.rate, (self.free, self.fall, WINDOW)
        now, sums = (*given, ABEL), {"Y": run + d + delta, "sigma": sigma + r, "r_before": r, "s": s1}

        def point(**more: Any) -> Point:
            """A point where nothing is to spare: t = 4."""
            known = {"s_i": 1, "r_first": 1, "r_before": 1, "Y": 1, "A": 1, "s": 2, "sigma": 0, "d": Q(1, 2)}
            known |= {"delta": Q(1, 2), "t": 4, "s_next": Q(9, 4)}
            return self.reading.point(**(known | more))

        faster = point(r_before=Q(1, 9), Y=0, s=1 + Q(8, 9), s_next=1 + Q(8, 9) + Q(1, 4))
        return induction(
            "Abel",
            "s + delta sigma <= s_i + r Y + (r_first - r) A, where Y is the sum of d + delta and sigma that of the "
            "rates, by induction over the rounds since the first",
            base=(Proof(ABEL),),
            turn=(Proof(ABEL, by=((self.free,), (ABEL,), (self.fall, WINDOW))),),
            start={"s": s0, "sigma": polynomial(0), "Y": polynomial(0), "r_before": first},
            after=sums,
            given=given,
            witness=point(),
            false=(
                (
                    "half of A",
                    (s + delta * sigma <= s0 + before * run + (first - before) * amp * Q(1, 2)).at(sums),
                    now,
                    point(),
                ),
                (
                    "2 delta",
                    (s + 2 * delta * sigma <= s0 + before * run + (first - before) * amp).at(sums),
                    now,
                    point(),
                ),
                ("without the window", ABEL.at(sums), without(WINDOW, now), point(Y=3, s=4, s_next=Q(17, 4))),
                ("rates that rise", ABEL.at(sums), without(self.fall, now), faster),
            ),
        )

    def bounds(self) -> Step:
        """As Y <= A."""
        given = (ABEL, WINDOW, FALLING)
        here = {name: Q(1) for name in ("s_i", "r_first", "r_before", "Y", "A", "delta")} | {"s": Q(2), "sigma": Q(0)}
        return lemma(
            "bound",
            "s + delta sigma <= s_i + r_first A",
            (Proof(BOUND, by=((ABEL,), (FALLING, WINDOW))),),
            given,
            here,
            false=(
                ("half of A", s + delta * sigma <= s0 + first * amp * Q(1, 2), given, here),
                ("without the window", BOUND, without(WINDOW, given), {**here, "Y": Q(3), "s": Q(4)}),
                ("rates below 0", BOUND, (ABEL, WINDOW), {**here, "r_before": Q(-1), "Y": Q(-3), "s": Q(6)}),
            ),
        )

    def rates(self) -> Step:
        """1/sqrt(t) >= 2 (sqrt(t + 1) - sqrt(t)): p (1/p - 2 (p1 - p)) = (p1 - p)^2."""
        p, p1, given = self.p, self.p1, (self.rooted[0], self.next, self.inverse)
        now, after = (*given, self.sigma), {"sigma": sigma + self.rate, str(p): p1}
        here = {**self.at(), "sigma": Q(0), "a": p.value(self.at())}
        return induction(
            "rates",
            "sigma >= 2 (sqrt(t) - a) before round t, for the sum of the rates since the round whose root is a, by "
            "induction",
            base=(Proof(self.sigma),),
            turn=(
                Proof(
                    self.sigma,
                    times=((self.rooted[0],),),
                    by=((self.rooted[0], self.sigma), (Square(p1 - p),)),
                    modulo=((1, self.inverse), (-1, self.next)),
                ),
            ),
            start={"sigma": polynomial(0), str(p): a},
            after=after,
            given=given,
            witness=here,
            false=(
                ("3 for 2", (sigma >= 3 * (p - a)).at(after), now, here),
                ("without the sum so far", self.sigma.at(after), given, {**here, "sigma": Q(-9)}),
                ("without the rate", self.sigma.at(after), without(self.inverse, now), {**here, str(self.rate): Q(0)}),
            ),
        )
