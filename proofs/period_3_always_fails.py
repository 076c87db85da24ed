"""Adam drifts the wrong way on a linear problem of period 3, whatever beta1 and beta2: g = (2N + 1, -N, -N), N large.

    g = (a, -N, -N),  a = 2N + G,    G >= 0 at first (G = 0 is the problem (2, -1, -1), scaled by N)
    v_1 > v_2 > v_3,    as W2 (v_1 - v_2) = (1 - beta2)(a^2 - N^2) and v_2 - v_3 = beta2 (v_1 - v_2)
    D W1 r_1 r_2 r_3/alpha = r_2 X + G (r_2 (r_1 - r_3) + beta1 r_1 (r_2 - r_3))
                             + N (1 - beta1)(r_3 (r_1 - r_2) + beta1 r_1 (r_2 - r_3)),
    X = N (1 - beta1^2)(r_1 - r_3) - G W1 r_1 >= 0 if N (1 - beta1^2)(1 - beta2^2) >= 4 G W1

The problems are those of Reddi, Kale and Kumar (2018), Theorem 1, with C = 2 + 1/N. With period_2_never_fails, 3 is the
smallest period on which Adam fails, for every beta1 and beta2.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._periodic import A0, HIGH1, HIGH2, LOW1, LOW2, NOTATION, RANGES, Period, alpha, b1, b2
from simlab.checker import Proof, letter
from simlab.claims import Argument, Step, theorem
from simlab.lemma import Point, lemma, without

N, G = letter("N"), letter("G")
N0, G0 = N > 0, G >= 0
W1 = (1,), (LOW1,), (LOW1, LOW1)
W2 = (1,), (LOW2,), (LOW2, LOW2)
a = 2 * N + G
LONG = N * (1 - b1 * b1) * (1 - b2 * b2) >= 4 * G * (1 + b1 + b1 * b1)
WIDER = (3, N0, N0), (4, N0, G0), (G0, G0)  # a^2 - N^2
SQUARE = (4, N0, N0), (4, N0, G0), (G0, G0)  # a^2


class Three(Period):
    """The steady state on g = (2N + G, -N, -N)."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule, (a, -N, -N))
        r1, r2, r3 = self.roots
        # what the steps below show
        self.order = r1 - r2 > 0, r2 - r3 > 0, r1 - r3 > 0
        self.room = N * (1 - b1 * b1) * (r1 - r3) - G * self.w1 * r1 >= 0
        self.up = self.drift > 0

    def at(self, beta2: Q, a_over_n: Q, **more: Any) -> Point:
        """A steady point with N = 1 and G = a - 2."""
        return self.point(**({"beta2": beta2, "N": 1, "G": a_over_n - 2} | more))

    def first(self, **more: Any) -> Point:
        """A point where r_1 and r_2 are rational."""
        return self.at(Q(2, 3), Q(63, 25), **more)

    def last(self, **more: Any) -> Point:
        """A point where r_2 and r_3 are rational."""
        return self.at(Q(3, 5), Q(3), **more)

    def outer(self, **more: Any) -> Point:
        """A point where r_1 and r_3 are rational, and N is long enough."""
        return self.at(Q(9, 16), Q(25, 12), **more)

    def positives(self) -> Step:
        """Sums of squares, one of them of N."""
        given, here = (LOW2, N0, G0, *self.squares), self.first()
        ones = tuple((*w, N0, N0) for w in W2)
        big = tuple((*ones[:i], *((*W2[i], *s) for s in SQUARE), *ones[i + 1 :]) for i in range(3))
        return lemma(
            "positive",
            "v_1, v_2 and v_3 > 0",
            tuple(
                Proof(claim, times=W2, by=by, modulo=((1, square),))
                for claim, square, by in zip(self.positive, self.squares, big, strict=True)
            ),
            given,
            here,
            false=(
                ("v_1 >= 5 N^2", self.v[0] >= 5 * N * N, given, here),
                ("v_3 >= 2 N^2", self.v[2] >= 2 * N * N, given, self.at(Q(1, 2), Q(2))),
                ("without N > 0", self.positive[0], without(N0, given), self.at(Q(1, 2), Q(2), N=0, G=0)),
            ),
        )

    def ordered(self, i: int, j: int, scale: tuple[tuple, ...], here: Point) -> Step:
        """W2 (r_i + r_j)(r_i - r_j) = W2 (v_i - v_j), a multiple of a^2 - N^2."""
        (claim,) = (c for c, pair in zip(self.order, ((0, 1), (1, 2), (0, 2)), strict=True) if pair == (i, j))
        ri, rj = self.roots[i], self.roots[j]
        (_, ei), (_, ej), fi, fj = *map(self.reading.about, (ri, rj)), self.squares[i], self.squares[j]
        given = (LOW2, HIGH2, N0, G0, self.rooted[i], self.rooted[j], ei, ej, fi, fj)
        return lemma(
            f"order {i + 1}{j + 1}",
            f"r_{i + 1} > r_{j + 1}",
            (
                Proof(
                    claim,
                    times=tuple((*w, r) for w in W2 for r in (self.rooted[i], self.rooted[j])),
                    by=tuple((*s, *d) for s in scale for d in WIDER),
                    modulo=((self.w2, ei), (-self.w2, ej), (1, fi), (-1, fj)),
                ),
            ),
            given,
            here,
            false=(
                ("by N at least", ri - rj >= N, given, here),
                ("the other root", claim, without(self.rooted[i], given), {**here, str(ri): -here.get(str(ri), 0)}),
                ("r_j is any", claim, without(ej, given), {**here, str(rj): here.get(str(ri), 0)}),
            ),
        )

    def rooms(self) -> Step:
        """(r_1 + r_3) W2 X = (a^2 - N^2) LONG + G W1 (2 (2 (a^2 - N^2) - W2 r_1^2) + W2 r_1 (r_1 - r_3))."""
        r1, _, r3 = self.roots
        (_, e1), (_, e3), f1, f3 = *map(self.reading.about, (r1, r3)), self.squares[0], self.squares[2]
        given = (LOW1, LOW2, HIGH2, N0, G0, LONG, self.rooted[0], self.rooted[2], self.order[2], e1, e3, f1, f3)
        spare = (N0, N0, HIGH2), (N0, N0, HIGH2), (N0, N0, HIGH2, LOW2), (4, N0, G0), (G0, G0)  # 2 (a^2 - N^2) - W2 v_1
        free = N * (1 - b1 * b1)
        here = self.outer()
        return lemma(
            "room",
            "X >= 0",
            (
                Proof(
                    self.room,
                    times=tuple((*w, r) for w in W2 for r in (self.rooted[0], self.rooted[2])),
                    by=(
                        *((*d, LONG) for d in WIDER),
                        *((2, G0, *w, *s) for w in W1 for s in spare),
                        *((G0, *w, *u, self.rooted[0], self.order[2]) for w in W1 for u in W2),
                    ),
                    modulo=(
                        ((free - 2 * G * self.w1) * self.w2, e1),
                        (-free * self.w2, e3),
                        (free - 2 * G * self.w1, f1),
                        (-free, f3),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("5 G for G", free * (r1 - r3) - 5 * G * self.w1 * r1 >= 0, given, here),
                ("without the condition on N", self.room, without(LONG, given), self.outer(beta1=Q(9, 10))),
                (
                    "without the root of v_1",
                    self.room,
                    without(e1, given),
                    {**here, str(r1): here.get(str(r3), 0) + Q(1, 99)},
                ),
            ),
        )

    def sign(self) -> Step:
        """The identity at the top."""
        (p1, p2, p3), (o12, o23, o13) = self.rooted, self.order
        given = (*RANGES, N0, G0, self.room, *self.rooted, *self.order, self.cleared, *self.means)
        half, far = (A0, N0, HIGH1), {str(r): Q(value) for r, value in zip(self.roots, (4, 3, 1), strict=True)}

        def at(gap: Q, alpha: Q = Q(1)) -> Point:
            """A point with the roots 4, 3 and 1, and the quotients that go with them."""
            rates = {str(self.reading.divide(letter("alpha"), letter(r))): alpha / value for r, value in far.items()}
            return {**self.at(Q(9, 16), 2 + gap, alpha=alpha), **far, **rates}

        return lemma(
            "sign",
            "D > 0",
            (
                Proof(
                    self.up,
                    times=tuple((*w, *self.rooted) for w in W1),
                    by=(
                        (A0, p2, self.room),
                        (A0, G0, p2, o13),
                        (A0, G0, LOW1, p1, o23),
                        (*half, p3, o12),
                        (*half, LOW1, p1, o23),
                    ),
                    modulo=(
                        (self.w1, self.cleared),
                        *((-alpha * o, f) for o, f in zip(self.others, self.means, strict=True)),
                    ),
                ),
            ),
            given,
            at(Q(1, 12)),
            false=(
                ("D > alpha", self.drift > alpha, given, at(Q(1, 12))),
                ("without room", self.up, without(self.room, given), at(Q(10))),
                ("without alpha > 0", self.up, without(A0, given), at(Q(1, 12), Q(-1))),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Three(rule)
    steps = (
        of.read(),
        of.steady(of.first(beta1=Q(1, 2))),
        of.positives(),
        *(of.root(i, of.first()) for i in range(3)),
        of.ordered(0, 1, ((HIGH2,),), of.first()),
        of.ordered(1, 2, ((LOW2, HIGH2),), of.last()),
        of.ordered(0, 2, ((HIGH2,), (LOW2, HIGH2)), of.outer()),
        of.clear(of.first()),
        of.rooms(),
        of.sign(),
    )
    return Argument(steps, assumes=(*of.reading.defined, *RANGES, *of.closed, N0, G0, LONG))


period_3_always_fails = theorem(
    "period_3_always_fails",
    "Adam drifts the wrong way on a linear problem of period 3, whatever beta1 and beta2.\n\n"
    "Let 0 <= beta1 < 1, 0 < beta2 < 1, alpha > 0, N > 0 and G >= 0 with N (1 - beta1^2)(1 - beta2^2) >= "
    "4 G (1 + beta1 + beta1^2). On the gradients g = (2N + G, -N, -N), repeated for ever, the drift D = "
    "-alpha (m_1/sqrt(v_1) + m_2/sqrt(v_2) + m_3/sqrt(v_3)), by which x moves in a period of the steady state of "
    "adam_analysed without projection and schedule, is positive.\n\n"
    "(a) G = 0: D(2, -1, -1) > 0 for all beta1 and beta2.\n"
    "(b) G = 1: on the integer problem (2N + 1, -N, -N), whose gradients sum to G = 1, D G > 0 for every "
    "N >= 4 (1 + beta1 + beta1^2)/((1 - beta1^2)(1 - beta2^2)): x drifts away from the best decision.\n\n"
    "Over the reals, for all real beta1, beta2, N and G.",
    "this project; the problems are those of Reddi, Kale and Kumar 2018, Theorem 1, with C = 2 + 1/N",
    argue,
    remarks=NOTATION + "What a drift means for the decisions is drift_decides. The condition on N is not sharp: for "
    "beta1 = 0, beta2 = 1/2 it asks for N >= 6, and D > 0 for N = 2 too.",
)
