"""One cycle of Reddi et al.'s three rounds, read from the running code: its moments, their roots, and its three moves.

    0 <= beta2 <= 1/(1 + C^2)      N = 3k + 1, the first round of a cycle      v = v_(N-1)      x = x_N

    v1 = beta2 v + (1 - beta2) C^2        v2 = beta2 v1 + (1 - beta2)        v3 = beta2 v2 + (1 - beta2)
    s1 = -alpha C/sqrt(N v1)              s2 = alpha/sqrt((N + 1) v2)        s3 = alpha/sqrt((N + 2) v3)

With beta1 = 0 the rounds N, N + 1 and N + 2 see the gradients C, -1 and -1.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._luo2019 import A0, N1, V0, N, alpha, arguments, b, moment, v, x
from proofs._reading import Reading, positive_root
from simlab import catalog
from simlab.checker import Fact, Polynomial, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import Point, induction, lemma, without
from simlab.online import make_plan
from simlab.ops import rebind
from simlab.protocol import Round, online_round

C = letter("C")
LARGE, B0, BETA2 = C > 2, b >= 0, (1 + C * C) * b <= 1
B1, SMALL = b < 1, 5 * b < 1
V_HIGH = v <= C * C
FOUR = ((Square(C - 2),), (4, LARGE))  # C^2 - 4 = (C - 2)^2 + 4 (C - 2)

NOTATION = (
    "In the steps, N = 3k + 1 is the first round of a cycle, v the second moment before it and x its decision; v1, v2 "
    "and v3 are the second moments after the rounds N, N + 1 and N + 2, s1, s2 and s3 the moves of these rounds before "
    "projection, and y1, y2 and y3 the decisions after them. "
)


class Cycle:
    """The rounds N, N + 1 and N + 2 as the rule plays them, facts about them, and the steps that show these facts."""

    def __init__(self, rule: str, reading: Reading | None = None) -> None:
        self.rule, self.reading = rule, reading or Reading()
        self.first, self.v1 = self.play(N, 1, x, v)
        self.second, self.v2 = self.play(N + 1, 2, self.first.x, self.v1)
        self.third, self.v3 = self.play(N + 2, 3, self.second.x, self.v2)
        self.rounds = tuple(map(self.reading.sqrt, (N, N + 1, N + 2, N + 3)))
        self.roots = tuple(map(self.reading.sqrt, (self.v1, self.v2, self.v3)))
        self.moves = (
            self.first.proposal - x,
            self.second.proposal - self.first.x,
            self.third.proposal - self.second.x,
        )
        (n, n1, n2, _), (r1, r2, r3), (s1, s2, s3) = self.rounds, self.roots, self.moves
        # what the steps below show
        self.moments = self.v1 > 0, self.v2 > 0, self.v3 > 0
        self.late = tuple(n > 0 for n in self.rounds)
        self.rooted = tuple(r > 0 for r in self.roots)
        self.short = r1 <= C
        self.rates = n * r1 * s1 == -alpha * C, n1 * r2 * s2 == alpha, n2 * r3 * s3 == alpha

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """The ranges, and the definitions of the letters that the code introduced."""
        return (LARGE, B0, BETA2, N1, A0, *self.reading.defined)

    def play(self, t: Any, phase: int, x: Any, before: Any) -> tuple[Round, Polynomial]:
        """(what round t shows in that phase of a cycle, v after it), with beta1 = 0 and v = `before` before it."""
        plan, _ = make_plan(self.rule, "reddi2018_periodic", {}, None, 1, 1)
        state, hyper = arguments(self.rule, before)
        walls = tuple(map(polynomial, plan.problem.feasible.parameters))
        go = rebind(online_round(plan), self.reading)
        seen = go(t, phase, x, state, polynomial(1), alpha, polynomial(1), hyper, (C,), walls)
        return seen, moment(self.rule, seen.state)

    def point(self, **more: Any) -> Point:
        """A rational point. N, N + 1, N + 2 and N + 3 are never four squares: irrational roots get values near them."""
        near = (*zip(self.rounds, (Q(1), Q(17, 12), Q(26, 15), Q(2)), strict=True),)
        near += (*zip(self.roots, (Q(29, 10), Q(33, 25), Q(26, 25)), strict=True),)
        given = {"C": Q(3), "beta2": Q(1, 10), "v": Q(31, 10), "N": Q(1), "alpha": Q(1), "x": Q(0)}
        return self.reading.point(**({str(r): value for r, value in near} | given | more))

    def read(self) -> Step:
        """What the code does in a cycle, as formulas; RMSProp does the same."""
        twin = Cycle("rmsprop", self.reading)  # the same expression is the same letter
        claims = (
            *(polynomial(catalog.rule(rule).state["v"]) == 0 for rule in (self.rule, "rmsprop")),
            self.v1 == b * v + (1 - b) * C * C,
            self.v2 == b * self.v1 + (1 - b),
            self.v3 == b * self.v2 + (1 - b),
            twin.v3 == self.v3,
            *(a == c for a, c in zip(twin.moves, self.moves, strict=True)),
        )
        half = {"beta2": Q(1, 2), "v": Q(1), "C": Q(3)}
        return lemma(
            "reading",
            "v_0 = 0, v1 = beta2 v + (1 - beta2) C^2, v2 = beta2 v1 + (1 - beta2), v3 = beta2 v2 + (1 - beta2); "
            "rmsprop does the same as adam_analysed with beta1 = 0",
            tuple(map(Proof, claims)),
            false=(
                ("v1 = beta2 v + C^2", self.v1 == b * v + C * C, (), half),
                ("v1 from |g| instead of g^2", self.v1 == b * v + (1 - b) * C, (), half),
                ("v3 = v2", self.v3 == self.v2, (), half),
            ),
        )

    def weights(self) -> Step:
        """(1 + C^2)(1 - 5 beta2) = 5 (1 - (1 + C^2) beta2) + C^2 - 4."""
        given, here, scale = (LARGE, BETA2), {"C": Q(3), "beta2": Q(1, 10)}, ((1,), (Square(C),))
        return lemma(
            "beta2",
            "beta2 < 1/5 and beta2 < 1",
            (
                Proof(SMALL, times=scale, by=((5, BETA2), *FOUR)),
                Proof(B1, times=scale, by=((BETA2,), *FOUR, (4,))),
            ),
            given,
            here,
            false=(
                ("beta2 < 1/6", 6 * b < 1, given, {"C": Q(201, 100), "beta2": Q(19, 100)}),
                ("without C > 2", SMALL, (BETA2,), {"C": Q(1), "beta2": Q(1, 2)}),
                ("without (1 + C^2) beta2 <= 1", SMALL, (LARGE,), {"C": Q(3), "beta2": Q(1, 2)}),
            ),
        )

    def spike(self) -> Step:
        """C^2 - v3 = beta2^3 (C^2 - v) + (1 - beta2^2)(C^2 - 1)."""
        given, here = (LARGE, B0, B1), {"C": Q(3), "beta2": Q(1, 10), "v": Q(1)}
        more = (*FOUR, (3,))  # C^2 - 1
        now = (*given, V0, V_HIGH)
        return induction(
            "moments",
            "0 <= v_(3k) <= C^2, by induction on k",
            base=(Proof(V0), Proof(V_HIGH, by=((Square(C),),))),
            turn=(
                Proof(V0, by=((B0, B0, B0, V0), (B0, B0, B1, Square(C)), (B0, B1), (B1,))),
                Proof(V_HIGH, by=((B0, B0, B0, V_HIGH), *((B1, *f) for f in more), *((B0, B1, *f) for f in more))),
            ),
            start={"v": 0},
            after={"v": self.v3},
            given=given,
            witness=here,
            false=(
                ("v <= 1", self.v3 <= 1, now, here),
                ("without beta2 < 1", self.v3 >= 0, without(B1, now), {"C": Q(3), "beta2": Q(2), "v": Q(0)}),
                ("without v <= C^2", self.v3 <= C * C, without(V_HIGH, now), {**here, "v": Q(10**5)}),
            ),
        )

    def positive(self) -> Step:
        """The second moments are positive, as no gradient is 0."""
        given, here = (LARGE, B0, B1, V0), {"C": Q(3), "beta2": Q(1, 10), "v": Q(0)}
        v1, v2, v3 = self.moments
        after = (B0, V0), (B1, Square(C))  # v1
        return lemma(
            "positive",
            "v1 > 0, v2 > 0 and v3 > 0",
            (
                Proof(v1, by=((B0, V0), *((B1, *f) for f in FOUR), (4, B1))),
                Proof(v2, by=(*((B0, *f) for f in after), (B1,))),
                Proof(v3, by=(*((B0, B0, *f) for f in after), (B0, B1), (B1,))),
            ),
            given,
            here,
            false=(
                ("v1 >= C^2", self.v1 >= C * C, given, here),
                ("v3 >= v2", self.v3 >= self.v2, given, here),
                ("without v >= 0", v1, without(V0, given), {**here, "v": Q(-99)}),
            ),
        )

    def root(self) -> tuple[Step, Step]:
        """(1 + r) r = r + r^2; two steps, as N, N + 1 and N + 2 are never three rational squares."""
        about = self.reading.about
        early, rest = (*self.rounds[:2], *self.roots), self.rounds[2:]
        (n_, _, n2_, n3_), positive = self.late, (*self.late[:2], *self.rooted)
        radicands = ((1,), (N1,)), ((2,), (N1,)), *(((m,),) for m in self.moments)  # N = 1 + (N - 1), ...
        first = (N1, *self.moments, *(f for r in early for f in about(r)))
        later = (N1, *(f for r in rest for f in about(r)))
        ones = self.point(v=-71, N=Q(16, 9))  # where v1 = v2 = v3 = 1
        n, low, (n2, n3) = early[0], about(early[0])[0], rest
        far = self.point(N=Q(94, 25))  # N + 2 and N + 3 are squares
        return (
            lemma(
                "roots",
                "the square roots of N, N + 1, v1, v2 and v3 are positive",
                tuple(positive_root(p, about(r), *d) for p, r, d in zip(positive, early, radicands, strict=True)),
                first,
                ones,
                false=(
                    ("sqrt(N) >= 2", n >= 2, first, ones),
                    ("the other root", n_, without(low, first), {**ones, str(n): Q(-4, 3)}),
                    ("sqrt(N + 1) > sqrt(N) + 1", early[1] > n + 1, first, ones),
                ),
            ),
            lemma(
                "later roots",
                "the square roots of N + 2 and N + 3 are positive",
                (
                    positive_root(n2_, about(n2), (3,), (N1,)),
                    positive_root(n3_, about(n3), (4,), (N1,)),
                ),
                later,
                far,
                false=(
                    ("sqrt(N + 2) >= 3", n2 >= 3, later, far),
                    ("the other root", n2_, without(about(n2)[0], later), {**far, str(n2): Q(-12, 5)}),
                    ("sqrt(N + 3) > sqrt(N + 2) + 1", n3 > n2 + 1, later, far),
                ),
            ),
        )

    def shorter(self) -> Step:
        """C^2 - v1 = beta2 (C^2 - v)."""
        r1 = self.roots[0]
        low, e1 = self.reading.about(r1)
        given, here = (LARGE, B0, V_HIGH, low, e1), self.point()
        return lemma(
            "short root",
            "sqrt(v1) <= C",
            (Proof(self.short, times=((2,), (LARGE,), (low,)), by=((B0, V_HIGH),), modulo=((-1, e1),)),),
            given,
            here,
            false=(
                ("sqrt(v1) <= C - 1", r1 <= C - 1, given, here),
                ("sqrt(v1) <= sqrt(v2)", r1 <= self.roots[1], given, here),
                ("without v <= C^2", self.short, without(V_HIGH, given), self.point(v=Q(729))),
            ),
        )

    def rate(self) -> Step:
        """The three moves, with the roots and quotients of the code cleared."""
        divide, about = self.reading.divide, self.reading.about
        (n, n1, *_), (r1, r2, _), (s1, s2, s3) = self.rounds, self.roots, self.moves
        sizes = [divide(alpha, r) for r in self.roots]
        slows = [divide(1, n) for n in self.rounds[:3]]
        given = tuple(about(q)[0] for q in (*sizes, *slows))
        here, steps = self.point(), zip(self.rates, sizes, self.roots, (-C, 1, 1), given[:3], given[3:], strict=True)
        return lemma(
            "rates",
            "the moves are -alpha C/(sqrt(N) sqrt(v1)), alpha/(sqrt(N + 1) sqrt(v2)) and alpha/(sqrt(N + 2) sqrt(v3))",
            tuple(Proof(claim, modulo=((g * a * r, slow), (g, size))) for claim, a, r, g, size, slow in steps),
            given,
            here,
            false=(
                ("to the right", n * r1 * s1 == alpha * C, given, here),
                ("without 1/sqrt(t)", r2 * s2 == alpha, given, here),
                ("the same again", n1 * r2 * s3 == alpha, given, here),
            ),
        )
