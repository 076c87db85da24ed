"""Rounds of a linear problem as the rule plays them, its steady state on a period, and the steps that theorems share.

    m' = beta1 m + (1 - beta1) g        v' = beta2 v + (1 - beta2) g^2        x' = x - s(t) alpha m'/sqrt(v')
    steady state     m and v after a period are m and v before it, so with W(beta) = 1 + beta + ... + beta^(P-1)
                     W(beta1) m_i = sum_(j<P) beta1^j g_(i-j),    W(beta2) v_i = sum_(j<P) beta2^j g_(i-j)^2
    drift            D = -(alpha m_1/sqrt(v_1) + ... + alpha m_P/sqrt(v_P)),    G = g_1 + ... + g_P

m_i and v_i are the moments after phase i of the period, indices modulo P.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from fractions import Fraction as Q
from functools import reduce
from typing import Any

from proofs._reading import Reading, root
from simlab import catalog
from simlab.checker import Polynomial, Proof, letter, polynomial
from simlab.claims import Step
from simlab.lemma import Point, lemma, without
from simlab.online import make_plan
from simlab.ops import Weight, rebind
from simlab.protocol import Round, online_round

b1, b2, alpha, t, x, g, m, v = (letter(name) for name in ("beta1", "beta2", "alpha", "t", "x", "g", "m", "v"))
A0, LOW1, HIGH1, LOW2, HIGH2 = alpha > 0, b1 >= 0, b1 < 1, b2 > 0, b2 < 1
RANGES = (A0, LOW1, HIGH1, LOW2, HIGH2)

NOTATION = (
    "In the steps, m_i and v_i are the steady moments after phase i of the period, r_i = sqrt(v_i), and "
    "W1, W2 are 1 + beta + ... + beta^(P-1) for beta1 and beta2. "
)


def total(terms: Iterable[Any]) -> Polynomial:
    """The sum."""
    return reduce(operator.add, terms, polynomial(0))


def product(factors: Iterable[Any]) -> Polynomial:
    """The product."""
    return reduce(operator.mul, factors, polynomial(1))


def power(b: Polynomial, n: int) -> Polynomial:
    """b^n."""
    return product([b] * n)


class Rounds:
    """Rounds of a linear problem as the rule plays them on letters."""

    def __init__(self, rule: str) -> None:
        self.rule, self.reading = rule, Reading()

    def play(self, g: Any, m: Any, v: Any, **more: Any) -> tuple[Round, Any, Any]:
        """(what a round with gradient g shows from x, m after it, v after it); `more` may name a schedule."""
        return self.on("linear_periodic", ((polynomial(g),),), x, m, v, self.reading, **more)

    def on(
        self, problem: str, data: tuple, x: Any, m: Any, v: Any, system: Any, walls: tuple = (), **more: Any
    ) -> tuple[Round, Any, Any]:
        """The same on a problem with its data, in any number system over the reading's."""
        plan, _ = make_plan(self.rule, problem, more, None, 1, 1)
        to, spec = system.number, catalog.rule(self.rule)
        known = {"m": m, "v": v} | {b: Weight(to(letter(b)), to(1 - letter(b))) for b in ("beta1", "beta2")}
        state, hyper = tuple(known[n] for n in spec.state), tuple(known[n] for n in spec.hyper if n != "alpha")
        region = tuple(map(to, walls or plan.problem.feasible.parameters))
        seen = rebind(online_round(plan), system)(t, 1, x, state, to(1), to(alpha), to(1), hyper, data, region)
        after = dict(zip(spec.state, seen.state, strict=True))
        return seen, after["m"], after["v"]

    def read(self) -> Step:
        """What the code does in a round, as formulas."""
        own, m1, v1 = self.play(g, m, v)
        plain, _, _ = self.play(g, m, v, schedule="constant")
        divide, sqrt, start = self.reading.divide, self.reading.sqrt, catalog.rule(self.rule).state
        average, square = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        rate, slower = divide(alpha, sqrt(square)), divide(1, sqrt(t))
        claims = (
            polynomial(start["m"]) == 0,
            polynomial(start["v"]) == 0,
            m1 == average,
            v1 == square,
            own.loss == g * x,
            plain.rate == rate,
            plain.direction == average,
            plain.proposal == x - rate * average,
            own.proposal == x - slower * rate * average,
        )
        here = self.reading.point(beta1=Q(1, 2), beta2=Q(1, 2), m=0, v=1, g=-1, alpha=1, t=4, x=0)
        return lemma(
            "reading",
            "m_0 = v_0 = 0, m' = beta1 m + (1 - beta1) g, v' = beta2 v + (1 - beta2) g^2, and before projection x "
            "moves by -alpha m'/sqrt(v'), times 1/sqrt(t) with the rule's own schedule",
            tuple(map(Proof, claims)),
            false=(
                ("m' = beta1 m + g", m1 == b1 * m + g, (), here),
                ("v' from |g| instead of g^2", v1 == b2 * v - (1 - b2) * 2 * g, (), here),
                ("uphill", plain.proposal == x + rate * average, (), here),
                ("without the schedule", own.proposal == x - rate * average, (), here),
            ),
        )


class Period(Rounds):
    """The steady state on a period of gradients, facts about it, and the steps that show these facts."""

    def __init__(self, rule: str, gradients: Sequence[Any]) -> None:
        super().__init__(rule)
        self.gradients = tuple(map(polynomial, gradients))
        phases = range(len(self.gradients))
        means, squares, moves = [], [], []
        now = [m, v]
        for each in self.gradients:
            seen, *now = self.play(each, *now, schedule="constant")
            means.append(now[0])
            squares.append(now[1])
            moves.append(seen.rate * seen.direction)
        self.m, self.v, self.roots = means, squares, tuple(map(self.reading.sqrt, squares))
        self.closed = now[0] == m, now[1] == v  # the period leaves the state as it was
        self.drift = -total(moves)
        self.sum = total(self.gradients)
        self.w1, self.w2 = (total(power(b, j) for j in phases) for b in (b1, b2))
        self.sums1 = [total(power(b1, j) * self.gradients[i - j] for j in phases) for i in phases]
        self.sums2 = [total(power(b2, j) * power(self.gradients[i - j], 2) for j in phases) for i in phases]
        self.others = [product(r for j, r in enumerate(self.roots) if j != i) for i in phases]
        # what the steps below show
        self.means = tuple(self.w1 * a == s for a, s in zip(self.m, self.sums1, strict=True))
        self.squares = tuple(self.w2 * a == s for a, s in zip(self.v, self.sums2, strict=True))
        self.whole = total(self.m) == self.sum, total(self.v) == total(power(a, 2) for a in self.gradients)
        self.positive, self.rooted = tuple(a > 0 for a in self.v), tuple(r > 0 for r in self.roots)
        self.weighed = total(a * o for a, o in zip(self.m, self.others, strict=True))
        self.cleared = self.drift * product(self.roots) == -alpha * self.weighed

    def point(self, **given: Any) -> Point:
        """A point with these letters, where m and v are steady; alpha = 1 and beta1 = 0 unless given."""
        values = {name: Q(value) for name, value in ({"alpha": 1, "beta1": 0} | given).items()}
        for name, fact in zip(("m", "v"), self.closed, strict=True):
            zero, one = (fact.polynomial.value({**values, name: Q(z)}) for z in (0, 1))  # it is affine in the letter
            if zero != one:
                values[name] = zero / (zero - one)
        return self.reading.point(**values)

    def steady(self, here: Point) -> Step:
        """The steady moments: (1 - beta)(W z_i - sum) = beta^i (z - z_P)."""
        (ended1, ended2), phases = self.closed, range(1, len(self.m) + 1)
        given = (HIGH1, HIGH2, ended1, ended2)
        return lemma(
            "steady state",
            "W1 m_i = sum_(j<P) beta1^j g_(i-j), sum m_i = G; the same for v_i with W2, beta2 and g^2",
            (
                *(
                    Proof(c, times=((HIGH1,),), modulo=((-power(b1, i), ended1),))
                    for i, c in zip(phases, self.means, strict=True)
                ),
                *(
                    Proof(c, times=((HIGH2,),), modulo=((-power(b2, i), ended2),))
                    for i, c in zip(phases, self.squares, strict=True)
                ),
                Proof(self.whole[0], times=((HIGH1,),), modulo=((-b1, ended1),)),
                Proof(self.whole[1], times=((HIGH2,),), modulo=((-b2, ended2),)),
            ),
            given,
            here,
            false=(
                ("W1 m_1 = g_1", self.w1 * self.m[0] == self.gradients[0], given, here),
                ("W2 v_1 from |g|", self.w2 * self.v[0] == self.sums1[0].at({"beta1": b2}), given, here),
                ("before the steady state", self.means[0], without(ended1, given), {**here, "m": Q(9)}),
            ),
        )

    def root(self, i: int, here: Point) -> Step:
        """r_i > 0 where v_i > 0: (1 + r) r = r + r^2."""
        r, square = self.roots[i], self.v[i]

        def at(size: Q) -> Point:
            """A point with r_i = `size`, as v_i is affine in v."""
            zero, one = (square.value({**here, "v": Q(z)}) for z in (0, 1))
            return {**here, "v": (size * size - zero) / (one - zero), str(r): size}

        return root(
            f"root {i + 1}",
            f"r_{i + 1} > 0",
            self.rooted[i],
            self.reading.about(r),
            self.positive[i],
            at(Q(1, 2)),
            "r",
            ("without v > 0", at(Q(0))),
        )

    def clear(self, here: Point) -> Step:
        """The drift with the quotients of the code cleared."""
        ratios = [self.reading.divide(alpha, r) for r in self.roots]
        given = tuple(self.reading.about(q)[0] for q in ratios)
        here = {**here, **{str(r): Q(1) for r in self.roots}, **{str(q): here["alpha"] for q in ratios}}
        scaled, weighed = self.drift * product(self.roots), self.weighed
        cofactors = [-a * o for a, o in zip(self.m, self.others, strict=True)]
        return lemma(
            "drift",
            "D r_1 ... r_P = -alpha (the sum of m_i times the other roots)",
            (Proof(self.cleared, modulo=tuple(zip(cofactors, given, strict=True))),),
            given,
            here,
            false=(
                ("the other sign", scaled == alpha * weighed, given, here),
                ("twice", scaled == -2 * alpha * weighed, given, here),
                (
                    "all the same",
                    scaled == -alpha * self.sum,
                    given,
                    {**here, str(self.roots[0]): Q(2), str(ratios[0]): here["alpha"] / 2},
                ),
            ),
        )
