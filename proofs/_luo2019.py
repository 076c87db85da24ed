"""One period of Luo et al.'s problem, read from the running code, and the steps that its theorems share.

    beta2 in (0, 1)      p = beta2^(C-2)      N = k C + 1, the first round of period k      v = v_(N-1)      x = x_N

With beta1 = 0 the rounds N and N + 1 see the gradients -1 and 2, and the other C - 2 rounds see 0.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._reading import Reading, positive_root
from simlab import catalog
from simlab.checker import Fact, Polynomial, Proof, letter, polynomial
from simlab.claims import Step
from simlab.lemma import Point, induction, lemma, without
from simlab.online import make_plan
from simlab.ops import Weight, rebind
from simlab.protocol import Round, online_round

b, p, v, N, alpha, x = (letter(name) for name in ("beta2", "p", "v", "N", "alpha", "x"))
B0, B1, P0, P1 = b > 0, b < 1, p > 0, p < 1
V0, N1, A0 = v >= 0, N >= 1, alpha > 0

NOTATION = (
    "In the steps, N = k C + 1 is the first round of a period, v the second moment before it, v1 and v2 those "
    "after the rounds N and N + 1. "
)


class _Rest:
    """Every phase from 3 on at once: all that can be asked of it is whether it is 1 or 2, and it is neither."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if other == 1 or other == 2:
            return False
        raise TypeError(f"a loss asks whether the phase is {other!r}, so the phases from 3 on are not all alike")


REST = _Rest()


def arguments(rule: str, before: Any) -> tuple[tuple, tuple]:
    """(state, hyperparameters) of the rule with v = `before`, beta1 = 0 and the letter beta2."""
    known = {"m": letter("m"), "v": before, "beta1": Weight(0, 1), "beta2": Weight(b, 1 - b)}
    spec = catalog.rule(rule)
    return tuple(known[n] for n in spec.state), tuple(known[n] for n in spec.hyper if n != "alpha")


def moment(rule: str, state: tuple) -> Polynomial:
    """The second moment in a state of the rule."""
    return dict(zip(catalog.rule(rule).state, state, strict=True))["v"]


class Period:
    """The rounds N and N + 1 as the rule plays them, facts about them, and the steps that show these facts."""

    def __init__(self, rule: str = "adam_analysed", reading: Reading | None = None) -> None:
        self.rule, self.reading = rule, reading or Reading()
        self.first, self.v1 = self.play(N, 1, x, v)
        self.second, self.v2 = self.play(N + 1, 2, self.first.x, self.v1)
        self.roots = tuple(map(self.reading.sqrt, (N, N + 1, self.v1, self.v2)))
        self.moves = self.first.proposal - x, self.second.proposal - self.first.x  # were it not for the walls of F
        n, n1, r1, r2 = self.roots
        s1, s2 = self.moves
        # what the steps below show
        self.moments = self.v1 > 0, self.v2 > 0
        self.rooted = tuple(r > 0 for r in self.roots)
        self.rates = n * r1 * s1 == alpha, n1 * r2 * s2 == -2 * alpha
        self.dominance = self.v2 - 4 * self.v1 >= 0
        self.slope = n1 * r2 - 2 * n * r1 > 0
        self.forward = s1 + s2 > 0

    @property
    def assumes(self) -> tuple[Fact, ...]:
        """The ranges, and the definitions of the letters that the code introduced."""
        return (B0, B1, N1, A0, *self.reading.defined)

    def play(self, t: Any, phase: Any, x: Any, before: Any, **more: Any) -> tuple[Round, Polynomial]:
        """(what round t shows in that phase of a period, v after it), with beta1 = 0 and v = `before` before it."""
        plan, _ = make_plan(self.rule, "luo2019_periodic", more, None, 1, 1)
        state, hyper = arguments(self.rule, before)
        walls = tuple(map(polynomial, plan.problem.feasible.parameters))
        go = rebind(online_round(plan), self.reading)
        seen = go(t, phase, x, state, polynomial(1), alpha, polynomial(1), hyper, (), walls)
        return seen, moment(self.rule, seen.state)

    def point(self, r1: Q = Q(1, 2), r2: Q = Q(21, 20), **more: Any) -> Point:
        """A rational point with v1 = r1^2, v2 = r2^2 and p v2 = v, where the roots of N and N + 1 are rational too."""
        beta2 = (4 - r2 * r2) / (4 - r1 * r1)
        before = (r1 * r1 - 1 + beta2) / beta2
        given = {"beta2": beta2, "v": before, "p": before / (r2 * r2), "N": Q(16, 9), "alpha": Q(1), "x": Q(0)}
        return self.reading.point(**(given | more))

    def goes_right(self) -> tuple[Step, ...]:
        """The steps from v2 >= 4 v1 to the net move of a period."""
        return self.positive(), self.root(), self.rate(), self.steeper(), self.move()

    def read(self) -> Step:
        """What the code does in a period, as formulas; RMSProp does the same."""
        w = letter("w")
        rest, rested = Period(self.rule).play(N, REST, x, w)
        twin = Period("rmsprop", self.reading)  # the same expression is the same letter
        claims = (
            polynomial(catalog.rule(self.rule).state["v"]) == 0,
            self.v1 == b * v + (1 - b),
            self.v2 == b * self.v1 + 4 * (1 - b),
            rested == b * w,
            rest.proposal == x,
            polynomial(rest.loss) == 0,
            twin.v2 == self.v2,
            *(a == c for a, c in zip(twin.moves, self.moves, strict=True)),
        )
        half = {"beta2": Q(1, 2), "v": Q(1), "w": Q(1)}
        return lemma(
            "reading",
            "v_0 = 0, v1 = beta2 v + (1 - beta2), v2 = beta2 v1 + 4 (1 - beta2); a round with gradient 0 "
            "costs 0, multiplies v by beta2 and moves nothing; rmsprop does the same as adam_analysed with beta1 = 0",
            tuple(map(Proof, claims)),
            false=(
                ("v1 = beta2 v + 1", self.v1 == b * v + 1, (), half),
                ("v2 from |g| instead of g^2", self.v2 == b * self.v1 + 2 * (1 - b), (), half),
                ("a round with gradient 0 keeps v", rested == w, (), half),
            ),
        )

    def powers(self) -> Step:
        """0 < p < 1, as p = beta2^n with n = C - 2 >= 1."""
        half = {"beta2": Q(1, 2), "p": Q(1, 2)}
        return induction(
            "powers",
            "0 < beta2^n < 1 for n >= 1, by induction on n",
            base=(Proof(P0, by=((B0,),)), Proof(P1, by=((B1,),))),
            turn=(Proof(P0, by=((B0, P0),)), Proof(P1, by=((P1,), (P0, B1)))),
            start={"p": b},
            after={"p": b * p},
            given=(B0, B1),
            witness=half,
            false=(
                ("beta2^n < 1/2", b < Q(1, 2), (B0, B1), {"beta2": Q(3, 4)}),
                ("the powers do not fall", b * p >= p, (B0, B1, P0, P1), half),
                ("without beta2 < 1", b * p < 1, (B0, P0, P1), {"beta2": Q(3), "p": Q(1, 2)}),
            ),
        )

    def zeros(self) -> Step:
        """v after a period is p v2."""
        w, u, q = letter("w"), letter("u"), letter("q")
        after = Period(self.rule).play(N, REST, x, w)[1]
        claim = w == q * u
        point = {"beta2": Q(1, 2), "w": Q(1), "u": Q(1), "q": Q(1)}
        return induction(
            "zeros",
            "n rounds with gradient 0 after v = u leave v = beta2^n u, by induction on n",
            base=(Proof(claim),),
            turn=(Proof(claim, modulo=((b, claim),)),),
            start={"w": u, "q": polynomial(1)},
            after={"w": after, "q": b * q},
            witness=point,
            false=(
                ("v = u", after == u, (claim,), point),
                ("v = beta2^(n-1) u", after == q * u, (claim,), point),
                ("v = beta2^(n+1) u", after == b * b * q * u, (claim,), point),
            ),
        )

    def positive(self) -> Step:
        """v1 > 0 and v2 > 0."""
        v1, v2 = self.moments
        point = {"beta2": Q(1, 2), "v": Q(0)}
        return lemma(
            "positive",
            "v1 > 0 and v2 > 0",
            (Proof(v1, by=((B0, V0), (B1,))), Proof(v2, by=((B0, B0, V0), (4, B1), (B0, B1)))),
            (B0, B1, V0),
            point,
            false=(
                ("v1 >= 1", self.v1 >= 1, (B0, B1, V0), point),
                ("v2 >= 4", self.v2 >= 4, (B0, B1, V0), point),
                ("without beta2 < 1", v1, (B0, V0), {"beta2": Q(2), "v": Q(0)}),
            ),
        )

    def root(self) -> Step:
        """The square roots are positive: (1 + r) r = r + r^2."""
        defined = [self.reading.about(r) for r in self.roots]
        radicands = (((1,), (N1,)), ((2,), (N1,)), *(((m,),) for m in self.moments))  # N = 1 + (N - 1), ...
        proofs = tuple(
            positive_root(positive, about, *radicand)
            for positive, about, radicand in zip(self.rooted, defined, radicands, strict=True)
        )
        given = (N1, *self.moments, *(f for facts in defined for f in facts))
        r1, low, here = self.roots[2], defined[2][0], self.point()
        return lemma(
            "roots",
            "the square roots of N, N + 1, v1 and v2 are positive",
            proofs,
            given,
            here,
            false=(
                ("sqrt(v1) > 1", r1 > 1, given, here),
                ("the other root", self.rooted[2], without(low, given), {**here, str(r1): -Q(1, 2)}),
                ("without v1 > 0", self.rooted[2], without(self.moments[0], given), self.point(Q(0), Q(1))),
            ),
        )

    def rate(self) -> Step:
        """The two moves, with the roots and quotients of the code cleared."""
        (n, n1, r1, r2), (s1, s2) = self.roots, self.moves
        divide, about = self.reading.divide, self.reading.about
        a1, a2, q1, q2 = divide(alpha, r1), divide(alpha, r2), divide(1, n), divide(1, n1)
        ((ea1,), (ea2,), (eq1,), (eq2,)), here = map(about, (a1, a2, q1, q2)), self.point()
        return lemma(
            "rates",
            "the moves are alpha/(sqrt(N) sqrt(v1)) and -2 alpha/(sqrt(N + 1) sqrt(v2))",
            (
                Proof(self.rates[0], modulo=((a1 * r1, eq1), (1, ea1))),
                Proof(self.rates[1], modulo=((-2 * a2 * r2, eq2), (-2, ea2))),
            ),
            (ea1, ea2, eq1, eq2),
            here,
            false=(
                ("to the left", n * r1 * s1 == -alpha, (ea1, eq1), here),
                ("without 1/sqrt(t)", r1 * s1 == alpha, (ea1, eq1), here),
                ("the same again", n1 * r2 * s2 == -alpha, (ea2, eq2), here),
            ),
        )

    def steeper(self) -> Step:
        """sqrt(N + 1) sqrt(v2) > 2 sqrt(N) sqrt(v1): the difference of squares is v2 + N (v2 - 4 v1)."""
        (n, n1, r1, r2), (n_, n1_, r1_, r2_) = self.roots, self.rooted
        (_, en), (_, en1), (_, er1), (_, er2) = map(self.reading.about, self.roots)
        given, here = (N1, self.moments[1], self.dominance, *self.rooted, en, en1, er1, er2), self.point()
        return lemma(
            "slope",
            "sqrt(N + 1) sqrt(v2) > 2 sqrt(N) sqrt(v1) where v2 >= 4 v1",
            (
                Proof(
                    self.slope,
                    times=((n1_, r2_), (2, n_, r1_)),
                    by=((self.moments[1],), (self.dominance,), (N1, self.dominance)),
                    modulo=((r2 * r2, en1), (N + 1, er2), (-4 * r1 * r1, en), (-4 * N, er1)),
                ),
            ),
            given,
            here,
            false=(
                ("3 for 2", n1 * r2 - 3 * n * r1 > 0, given, here),
                ("the difference is at least 1", n1 * r2 - 2 * n * r1 >= 1, given, here),
                ("without v2 >= 4 v1", self.slope, without(self.dominance, given), self.point(Q(9, 10), Q(1))),
            ),
        )

    def move(self) -> Step:
        """A period's two moves together go to the right."""
        (n, n1, r1, r2), (s1, s2), (e1, e2) = self.roots, self.moves, self.rates
        given, here = (A0, *self.rooted, self.slope, e1, e2), self.point()
        return lemma(
            "move",
            "the net move of a period, before projection, is to the right",
            (Proof(self.forward, times=(self.rooted,), by=((A0, self.slope),), modulo=((n1 * r2, e1), (n * r1, e2))),),
            given,
            here,
            false=(
                ("by alpha at least", s1 + s2 >= alpha, given, here),
                ("with 3 for the gradient 2", s1 + Q(3, 2) * s2 > 0, given, here),
                ("without alpha > 0", self.forward, without(A0, given), self.point(alpha=Q(-1))),
            ),
        )
