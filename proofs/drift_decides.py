"""A steady drift takes the decisions of a linear problem to its end of F, with 1/sqrt(t) steps, and at that rate.

    near       sqrt(t) s_t <= A   if s_i = 0, s > 0 after round i and up to t, and 2 delta sqrt(t) >= A
    arrives    2 delta (sqrt(t) - 1) <= upper - lower + A   as long as s > 0 since round 1

for the distance s to that end and a window (d_i + delta) + ... + (d_t + delta) <= A, see proofs/_drift.py. Steady steps
that sum to -D over a period P have a window, with delta = D/P, and so have steps that approach them fast.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._drift import BOUND, DELTA, Drift, a, amp, d, delta, first, run, s, s0
from simlab.checker import Proof, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import Point, induction, lemma, without

h, h0, e, e1, d1, n, total = (letter(n) for n in ("h", "h_i", "e", "e_next", "d_steady", "n", "S"))
width, fluctuation, transient, lost, period = (letter(n) for n in ("W", "h_most", "e_most", "D", "P"))

DISTANCE, TOUCHED, FIRST, LATER = s >= 0, s0 == 0, a * first == 1, a >= 1
EARLIEST, ONE, START = first == 1, a == 1, s0 <= width
SPLIT, FLUCTUATES, FADES = d == d1 + e1, h - h0 <= fluctuation, e <= transient
LOSES, WHOLE, EVEN = total == -lost, n == period, delta * period == lost
# what the steps show
SUMMED, RAISED = run == h - h0 + e, h == h0 + total + n * delta


class Arrival(Drift):
    """The distance before round t, whose root is p."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.late, self.ordered = 2 * delta * self.p >= amp, self.p >= a
        self.assumed += (self.late, self.ordered, DISTANCE, TOUCHED, FIRST, LATER, EARLIEST, ONE, START)
        self.assumed += (SPLIT, FLUCTUATES, FADES, LOSES, WHOLE, EVEN)
        # what the steps below show
        self.near = self.p * s <= amp

    def nears(self) -> Step:
        """a (A - b s) >= (b - a)(2 delta a b - A), and a >= 1, for b = sqrt(t)."""
        b, of_a = self.p, ((1,), (LATER,))  # a = 1 + (a - 1)
        given = (LATER, self.ordered, DELTA, self.rooted[0], self.late, BOUND, self.sigma, TOUCHED, FIRST)

        def point(**more: Any) -> Point:
            """A point where nothing is to spare: s was 0 just before."""
            now = {"a": Q(4, 3), "r_first": Q(3, 4), "s_i": 0, "s": Q(3, 4), "A": 1, "delta": 1, "sigma": 0}
            return self.at(**(now | more))

        return lemma(
            "near",
            "sqrt(t) s_t <= A if s was 0 before the round whose root is a, and 2 delta sqrt(t) >= A",
            (
                Proof(
                    self.near,
                    times=of_a,
                    by=(
                        *((*w, self.rooted[0], BOUND) for w in of_a),
                        *((*w, DELTA, self.rooted[0], self.sigma) for w in of_a),
                        (self.ordered, self.late),
                        (2, self.ordered, DELTA, self.rooted[0], LATER),
                    ),
                    modulo=((-a * b, TOUCHED), (-b * amp, FIRST)),
                ),
            ),
            given,
            point(),
            false=(
                ("half of A", 2 * b * s <= amp, given, point()),
                (
                    "too early",
                    self.near,
                    without(self.late, given),
                    point(a=1, r_first=1, sigma=Q(2, 3), delta=Q(1, 100), s=Q(99, 100)),
                ),
                ("from elsewhere", self.near, without(TOUCHED, given), point(s_i=1, s=Q(7, 4))),
            ),
        )

    def arrives(self) -> Step:
        """While s > 0 since round 1, so that a = 1, the bound on s falls."""
        given = (BOUND, self.sigma, DELTA, DISTANCE, START, EARLIEST, ONE)
        claim = 2 * delta * (self.p - 1) <= width + amp

        def point(**more: Any) -> Point:
            """A point where little is to spare."""
            now = {"a": 1, "r_first": 1, "s_i": 2, "s": 0, "A": 1, "delta": 4, "sigma": Q(2, 3), "W": 2}
            return self.at(**(now | more))

        return lemma(
            "arrives",
            "2 delta (sqrt(t) - 1) <= W + A as long as s > 0, where s_1 <= W",
            (
                Proof(
                    claim,
                    by=((START,), (BOUND,), (DISTANCE,), (DELTA, self.sigma)),
                    modulo=((-amp, EARLIEST), (-2 * delta, ONE)),
                ),
            ),
            given,
            point(),
            false=(
                ("W - A", 2 * delta * (self.p - 1) <= width - amp, given, point()),
                ("4 delta", 4 * delta * (self.p - 1) <= width + amp, given, point()),
                ("without s >= 0", claim, without(DISTANCE, given), point(s=-99, delta=20)),
            ),
        )


def potential() -> Step:
    """The sum of d + delta, for steps d = d* + (transient), through a potential h of the steady d*."""
    after = {"Y": run + d + delta, "h": h + d1 + delta, "e": e + e1, "S": total + d1, "n": n + 1}
    here = {name: Q(1) for name in ("h", "h_i", "delta", "d", "d_steady")}
    here |= {name: Q(0) for name in ("Y", "e", "e_next", "S", "n")}
    now = (SPLIT, SUMMED, RAISED)
    return induction(
        "potential",
        "Y = h - h_i + e for d = d* + transient, where h sums d* + delta and e the transients, and "
        "h = h_i + S + n delta, where S sums d* over n rounds, by induction",
        base=(Proof(SUMMED), Proof(RAISED)),
        turn=(Proof(SUMMED, modulo=((1, SUMMED), (1, SPLIT))), Proof(RAISED, modulo=((1, RAISED),))),
        start={"Y": polynomial(0), "h": h0, "e": polynomial(0), "S": polynomial(0), "n": polynomial(0)},
        after=after,
        given=(SPLIT,),
        witness=here,
        false=(
            ("without the drift", (run == h - h0 + e + n * delta).at(after), now, here),
            ("without the transient", (run == h - h0).at(after), now, {**here, "d": Q(2), "e_next": Q(1)}),
            ("h stays", (h == h0).at(after), now, here),
        ),
    )


def window() -> Step:
    """h is periodic, so its differences are bounded, and so is Y."""
    given = (SUMMED, RAISED, FLUCTUATES, FADES, LOSES, WHOLE, EVEN)
    here = {"h": Q(1), "h_i": Q(1), "h_most": Q(1), "e": Q(0), "e_most": Q(1), "Y": Q(0), "S": Q(-2), "D": Q(2)}
    here |= {"n": Q(4), "P": Q(4), "delta": Q(1, 2)}
    full = {**here, "h": Q(2), "e": Q(1), "Y": Q(2), "S": Q(-1)}
    return lemma(
        "window",
        "Y <= max(h - h_i) + max(e), and h is after P rounds what it was if P delta = D, where d* sums to -D",
        (
            Proof(run <= fluctuation + transient, by=((FLUCTUATES,), (FADES,)), modulo=((-1, SUMMED),)),
            Proof(h == h0, modulo=((1, RAISED), (1, LOSES), (delta, WHOLE), (1, EVEN))),
        ),
        given,
        here,
        false=(
            ("without the transients", run <= fluctuation, without(LOSES, given), full),
            ("without the fluctuation", run <= transient, without(LOSES, given), full),
            ("with another delta", h == h0, without(EVEN, given), {**here, "delta": Q(3, 4), "h": Q(2), "Y": Q(1)}),
        ),
    )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Arrival(rule)
    return Argument(
        (
            of.read(),
            of.free_up(),
            of.free_low(),
            of.feasible(),
            of.roots(),
            of.falls(),
            of.abel(),
            of.bounds(),
            of.rates(),
            of.nears(),
            of.arrives(),
            potential(),
            window(),
        ),
        assumes=(*of.reading.defined, *of.assumed),
    )


drift_decides = theorem(
    "drift_decides",
    "On a linear problem a steady drift takes Adam's decisions to its end of F, as fast as 1/sqrt(t).\n\n"
    "Let adam_analysed, with its step alpha/sqrt(t), play f_t(x) = g_t x on F = [lower, upper], lower < upper, with "
    "any gradients, from any x_1 in F; let u_t = alpha m_t/sqrt(v_t). Let s_t = upper - x_t and d_t = u_t, or "
    "s_t = x_t - lower and d_t = -u_t. Suppose that there are delta > 0 and A >= 0 with "
    "(d_i + delta) + ... + (d_t + delta) <= A for all i <= t (a window). Then\n\n"
    "(a) s_t = 0 at some t: as long as it was not, 2 delta (sqrt(t) - 1) <= upper - lower + A.\n"
    "(b) From then on, s_t <= A/sqrt(t) whenever 2 delta sqrt(t) >= A. So x_t goes to that end.\n"
    "(c) Steps of period P that sum to -D < 0 in a period, plus transients whose sums are bounded above, have a window "
    "with delta = D/P.\n\nOver the reals, for all real gradients and all rounds.",
    "this project; the drift argument behind Reddi, Kale and Kumar 2018, Theorems 1-2, with explicit constants",
    argue,
    remarks="For s = upper - x the D of (c) is the drift of the steady state where it is > 0; that Adam's transients "
    "are bounded as (c) asks is steps_settle, and what (b) means for regret drift_regret. In the steps, Y is the sum "
    "of d + delta, and sigma that of 1/sqrt(t), since s was 0 (or since round 1), a the root of the first of these "
    "rounds, and o the root of the round before.",
)
