"""Regret on a linear problem whose decisions go to one end of F like 1/sqrt(t): O(sqrt(T)) against it, or linear.

s_t <= A/sqrt(t)                 the distance to that end, from some T on: see drift_decides
s_(T+1) + ... + s_t <= 2 A (sqrt(t) - sqrt(T)),   as 1/sqrt(t) <= 2 (sqrt(t) - sqrt(t - 1))
|g_t| <= K:    regret against that end          <= K (s_1 + ... + s_t)
               regret against the other end     >= +-(upper - lower)(g_1 + ... + g_t) - K (s_1 + ... + s_t)
"""

from __future__ import annotations

from fractions import Fraction as Q

from proofs._drift import Drift, amp, hi, lo, o, s
from proofs._periodic import g
from simlab.checker import Proof, Square, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import Point, induction, without

big = letter("K")
z, z0, c, regret, against, grads = (letter(n) for n in ("Z", "Z_0", "c", "R", "L", "H"))
DISTANCE, POSITIVE, MORE, LESS = s >= 0, amp >= 0, g <= big, g >= -big


class Regret(Drift):
    """What the distances cost."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.near, self.root_of = self.p * s <= amp, self.p * self.p == o * o + 1
        self.assumed += (self.near, self.root_of, DISTANCE, POSITIVE, MORE, LESS)

    def distances(self) -> Step:
        """sqrt(t) s_t <= A gives s_t <= 2 A (sqrt(t) - sqrt(t - 1))."""
        p, given = self.p, (self.rooted[0], POSITIVE, self.near, self.root_of)
        claim, after = z <= z0 + 2 * amp * (o - c), {"Z": z + s, "o": p}

        def point(**more: Q | int) -> Point:
            """A point with t = 25/16."""
            return self.at(
                **({"t": Q(25, 16), "o": Q(3, 4), "c": Q(3, 4), "Z": 0, "Z_0": 0, "A": 1, "s": Q(4, 5)} | more)
            )

        now = (*given, claim)
        return induction(
            "distances",
            "s_(T+1) + ... + s_t <= 2 A (sqrt(t) - sqrt(T)), by induction from a T as in near",
            base=(Proof(claim),),
            turn=(
                Proof(
                    claim,
                    times=((self.rooted[0],),),
                    by=((self.rooted[0], claim), (self.near,), (POSITIVE, Square(p - o))),
                    modulo=((amp, self.root_of),),
                ),
            ),
            start={"Z": z0, "o": c},
            after=after,
            given=given,
            witness=point(),
            false=(
                ("A for 2 A", (z <= z0 + amp * (o - c)).at(after), now, point()),
                ("without the distance", claim.at(after), without(self.near, now), point(s=9)),
                ("without the sum so far", claim.at(after), given, point(Z=9)),
            ),
        )

    def regrets(self, end: str) -> Step:
        """Against the end that s is about, and against the other."""
        near, far, side = (hi, lo, -1) if end == "upper" else (lo, hi, 1)
        place = {"x": near + side * s}
        best, other = (self.loss.at(place) - self.loss.at({"x": u}) for u in (near, far))
        wide = hi - lo if end == "upper" else lo - hi
        low, linear = regret <= big * z, against >= wide * grads - big * z
        after, given = {"R": regret + best, "L": against + other, "Z": z + s, "H": grads + g}, (DISTANCE, MORE, LESS)
        here = {"lower": Q(-1), "upper": Q(1), "s": Q(1), "g": Q(1), "K": Q(1)}
        here |= {name: Q(0) for name in ("R", "L", "Z", "H")}
        sharp = here | {"g": Q(side)}
        now = (*given, low, linear)
        return induction(
            f"regret at the {end} end",
            f"for |g| <= K and s about the {end} end: regret against it is at most K (s_1 + ... + s_T), and against "
            f"the other at least {'' if end == 'upper' else '-'}(upper - lower) H - K (s_1 + ... + s_T), by induction",
            base=(Proof(low), Proof(linear)),
            turn=(
                Proof(low, by=((low,), (DISTANCE, LESS if end == "upper" else MORE))),
                Proof(linear, by=((linear,), (DISTANCE, MORE if end == "upper" else LESS))),
            ),
            start={name: polynomial(0) for name in ("R", "L", "Z", "H")},
            after=after,
            given=given,
            witness=here,
            false=(
                ("half of K", (regret <= big * z * Q(1, 2)).at(after), now, sharp),
                ("without the distances", (against >= wide * grads).at(after), now, {**here, "g": Q(-side)}),
                ("a larger gradient", low.at(after), (DISTANCE, low, linear), {**sharp, "K": Q(1, 2)}),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Regret(rule)
    return Argument(
        (of.read(), of.feasible(), of.roots(), of.distances(), of.regrets("upper"), of.regrets("lower")),
        assumes=(*of.reading.defined, *of.assumed),
    )


drift_regret = theorem(
    "drift_regret",
    "Decisions that go to one end of F like 1/sqrt(t) have regret O(sqrt(T)) on a linear problem, or linear regret.\n\n"
    "Let adam_analysed play f_t(x) = g_t x, |g_t| <= K, on F = [lower, upper], lower < upper. Let s_t be the distance "
    "of x_t from one end of F, and let s_t <= A/sqrt(t) for all t > T_0, as drift_decides shows for a steady drift. "
    "Then\n\n"
    "(a) s_1 + ... + s_T <= 2 A sqrt(T) + constant.\n"
    "(b) Regret against that end is at most K (s_1 + ... + s_T).\n"
    "(c) Regret against the other end is at least (upper - lower) H_T - K (s_1 + ... + s_T), where "
    "H_T = g_1 + ... + g_T if s_t = upper - x_t, and -(g_1 + ... + g_T) if s_t = x_t - lower.\n\n"
    "So with period P and G = g_1 + ... + g_P not 0, regret is O(sqrt(T)) if the end is the best decision, and "
    "R_T/T does not go to 0 if it is the worst. Over the reals, for all real gradients and all T.",
    "this project; cf. Reddi, Kale and Kumar 2018, Theorems 1-2",
    argue,
    remarks="In the steps, o is the root of t - 1, c that of T_0, Z the sum of s, H that of g, R and L the regret "
    "against that end and the other.",
)
