"""The three moves of a cycle on Reddi et al.'s problem go to the right together, in every cycle and the first too.

    (4 + beta2) C sqrt((N + 1) v2)       <= 8 sqrt(N v1),     so   8 s2 >= (4 + beta2)(-s1)
    (33/8 - beta2) C sqrt((N + 2) v3)    <= 8 sqrt(N v1),     so   8 s3 >= (33/8 - beta2)(-s1)
    64 (s1 + s2 + s3) >= -s1 >= alpha/sqrt(N),                so   96 (s1 + s2 + s3) > alpha (sqrt(N + 3) - sqrt(N))

The squares of the first two lines are polynomials: C^2 v2 <= (2 - beta2) v1 and C^2 v3 <= (1 + 2 beta2 - beta2^2) v1.
A half of s1 each is too much to ask of s3, and what is missing there s2 has: (4 + beta2)^2 (2 - beta2) <= 32.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._luo2019 import A0, N1, V0, N, alpha, b
from proofs._reddi2018 import B0, B1, BETA2, LARGE, SMALL, C, Cycle
from simlab.checker import Polynomial, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import Point, lemma, without

SECOND, THIRD = 4 + b, Q(33, 8) - b  # eighths of -s1 that s2 and s3 make up for
MARGIN = (SECOND + THIRD - 8).value({})  # of them: what is left over
ROUNDS = ((1,), (N1,))  # N = 1 + (N - 1)


def product(*sums: tuple[tuple, ...]) -> tuple[tuple, ...]:
    """The products that a product of sums of products is the sum of."""
    every: tuple[tuple, ...] = ((),)
    for s in sums:
        every = tuple(p + q for p in every for q in s)
    return every


def in_powers(f: Polynomial) -> tuple[tuple, ...]:
    """A polynomial in beta2 as a sum of powers of 1 - 5 beta2; the checker refuses a coefficient that is not > 0."""
    return tuple((c, *[SMALL] * len(m)) for m, c in f.at({"beta2": (1 - letter("u")) / 5}).terms.items())


class Moves(Cycle):
    """Facts about the three moves of a cycle, and the steps that show these facts."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        (n, n1, n2, n3), (r1, r2, r3), (s1, s2, s3) = self.rounds, self.roots, self.moves
        self.net = s1 + s2 + s3
        # what the steps below show
        self.square2 = SECOND * SECOND * C * C * (N + 1) * self.v2 <= 64 * N * self.v1
        self.square3 = THIRD * THIRD * C * C * (N + 2) * self.v3 <= 64 * N * self.v1
        self.slope2 = SECOND * C * n1 * r2 <= 8 * n * r1
        self.slope3 = THIRD * C * n2 * r3 <= 8 * n * r1
        self.left, self.right2, self.right3 = s1 < 0, s2 > 0, s3 > 0
        self.share2, self.share3 = 8 * s2 >= -SECOND * s1, 8 * s3 >= -THIRD * s1
        self.forward = 8 * self.net >= -MARGIN * s1
        self.speed = 8 * n * self.net >= MARGIN * alpha
        self.later = n3 > n
        self.climb = 12 * self.net > MARGIN * alpha * (n3 - n)

    def where(self, net: Polynomial, **more: Any) -> Point:
        """A point, no longer of the code's moves, where s3 = 0 and s2 is such that s1 + s2 + s3 = net."""
        _, n1, n2, _ = self.rounds
        q1, q2 = (str(self.reading.divide(1, root)) for root in (n1, n2))
        at = {**self.point(**more), q1: Q(1), q2: Q(0)}
        return {**at, q1: (net - self.moves[0]).value(at) / self.moves[1].value(at)}

    def squares(self) -> Step:
        """With d = 1 - (1 + C^2) beta2: (2 - beta2) v1 - C^2 v2 = d v1 + beta2 v, and of v3 in the same way."""
        v1 = self.moments[0]
        given, here = (N1, B0, B1, BETA2, SMALL, V0, v1), self.point()
        excess2 = (BETA2, v1), (B0, V0)  # (2 - beta2) v1 - C^2 v2
        excess3 = (*product(((B0,),), excess2), (B0, V0))  # (1 + 2 beta2 - beta2^2) v1 - C^2 v3
        kept2 = (32, N1, v1), *product(((6, B0, B0, v1), (B0, B0, B0, v1)), (*ROUNDS, (1,)))
        kept3 = (
            *product(in_powers(64 - 3 * THIRD * THIRD * (1 + 2 * b - b * b)), ROUNDS, ((v1,),)),
            *product(((2, N1, v1, Square(THIRD)),), ((1,), (B0,), (B0, B1))),  # N + 2 = 3 N - 2 (N - 1)
        )
        first, tight = self.point(v=0), {"C": Q(201, 100), "beta2": Q(10**4, 50401), "N": Q(1), "v": Q(0)}
        return lemma(
            "squares",
            "(4 + beta2)^2 C^2 (N + 1) v2 <= 64 N v1 and (33/8 - beta2)^2 C^2 (N + 2) v3 <= 64 N v1",
            (
                Proof(self.square2, by=(*kept2, *product(((Square(SECOND),),), (*ROUNDS, (1,)), excess2))),
                Proof(self.square3, by=(*kept3, *product(((Square(THIRD),),), (*ROUNDS, (2,)), excess3))),
            ),
            given,
            here,
            false=(
                ("5 for 4 + beta2", 25 * C * C * (N + 1) * self.v2 <= 64 * N * self.v1, given, first),
                ("4 for 33/8 - beta2", 16 * C * C * (N + 2) * self.v3 <= 64 * N * self.v1, given, tight),
                ("without v >= 0", self.square2, without(V0, given), self.point(v=-1)),
                ("without N >= 1", self.square2, without(N1, given), self.point(N=Q(1, 9))),
                (
                    "without beta2 <= 1/(1 + C^2)",
                    self.square3,
                    (N1, B0, B1, V0, v1),
                    self.point(v=0, beta2=Q(9, 10)),
                ),
            ),
        )

    def slope(self, i: int) -> Step:
        """q >= p where q^2 >= p^2 and q > 0: (q + p)(q - p) = q^2 - p^2. It is about the second round or the third."""
        n, r1, m, r = self.rounds[0], self.roots[0], self.rounds[i], self.roots[i]
        n_, r1_, m_, r_ = self.late[0], self.rooted[0], self.late[i], self.rooted[i]
        facts = (_, en), (_, e1), (_, em), (_, er) = [self.reading.about(root) for root in (n, r1, m, r)]
        share, square, claim = ((SECOND, self.square2, self.slope2), (THIRD, self.square3, self.slope3))[i - 1]
        p, positive = share * C, (((4,), (B0,)), in_powers(THIRD))[i - 1]  # share > 0
        given = (LARGE, B0, SMALL, n_, r1_, m_, r_, square, *(e for _, e in facts))
        # the roots are rational where v is larger than it ever is, or negative
        at = {"N": (Q(16, 9), Q(49, 16))[i - 1]}
        here, low = self.point(v=(729, 2169)[i - 1], **at), self.point(v=-71, **at)
        return lemma(
            f"round {i + 1}",
            f"({share}) C sqrt(N + {i}) sqrt(v{i + 1}) <= 8 sqrt(N) sqrt(v1)",
            (
                Proof(
                    claim,
                    times=((8, n_, r1_), *product(positive, ((2,), (LARGE,)), ((m_, r_),))),
                    by=((square,),),
                    modulo=((64 * r1 * r1, en), (64 * N, e1), (-p * p * r * r, em), (-p * p * (N + i), er)),
                ),
            ),
            given,
            here,
            false=(
                ("5 times as much", 5 * p * m * r <= 8 * n * r1, given, here),
                ("without the squares", claim, without(square, given), low),
                ("without sqrt(N) > 0", claim, without(n_, given), {**here, str(n): -n.value(here)}),
            ),
        )

    def signs(self) -> Step:
        """The moves have the signs of the steps down the gradients C, -1 and -1."""
        (n_, n1_, n2_, _), (r1_, r2_, r3_), (e1, e2, e3) = self.late, self.rooted, self.rates
        (s1, s2, _), here = self.moves, self.point()
        given = (A0, LARGE, *self.late[:3], *self.rooted, e1, e2, e3)
        return lemma(
            "signs",
            "s1 < 0, s2 > 0 and s3 > 0",
            (
                Proof(self.left, times=((n_, r1_),), by=((2, A0), (LARGE, A0)), modulo=((-1, e1),)),
                Proof(self.right2, times=((n1_, r2_),), by=((A0,),), modulo=((1, e2),)),
                Proof(self.right3, times=((n2_, r3_),), by=((A0,),), modulo=((1, e3),)),
            ),
            given,
            here,
            false=(
                ("s1 > -1/2", s1 > Q(-1, 2), given, here),
                ("s2 > 1", s2 > 1, given, here),
                ("without alpha > 0", self.right2, without(A0, given), self.point(alpha=-1)),
            ),
        )

    def shares(self) -> Step:
        """With the roots cleared, these are the two slopes."""
        (n, n1, n2, _), (r1, r2, r3), (s1, s2, s3) = self.rounds, self.roots, self.moves
        (n_, n1_, n2_, _), (r1_, r2_, r3_), (e1, e2, e3) = self.late, self.rooted, self.rates
        given, here = (A0, *self.late[:3], *self.rooted, self.slope2, self.slope3, e1, e2, e3), self.point()
        return lemma(
            "shares",
            "8 s2 >= (4 + beta2)(-s1) and 8 s3 >= (33/8 - beta2)(-s1)",
            (
                Proof(
                    self.share2,
                    times=((n_, r1_, n1_, r2_),),
                    by=((A0, self.slope2),),
                    modulo=((8 * n * r1, e2), (SECOND * n1 * r2, e1)),
                ),
                Proof(
                    self.share3,
                    times=((n_, r1_, n2_, r3_),),
                    by=((A0, self.slope3),),
                    modulo=((8 * n * r1, e3), (THIRD * n2 * r3, e1)),
                ),
            ),
            given,
            here,
            false=(
                ("8 s2 >= 6 (-s1)", 8 * s2 >= -6 * s1, given, here),
                ("8 s3 >= 8 (-s1)", 8 * s3 >= -8 * s1, given, here),
                ("without alpha > 0", self.share2, without(A0, given), self.point(alpha=-1)),
            ),
        )

    def forwards(self) -> Step:
        """The shares are more than the whole."""
        (s1, *_), (_, n1, n2, _), here = self.moves, self.rounds, self.point()
        given, divide = (self.share2, self.share3), self.reading.divide
        no2, no3 = ({**here, str(divide(1, root)): Q(0)} for root in (n1, n2))  # where s2 = 0, where s3 = 0
        return lemma(
            "forward",
            "64 (s1 + s2 + s3) >= -s1",
            (Proof(self.forward, by=((self.share2,), (self.share3,))),),
            given,
            here,
            false=(
                ("1 for 64", self.net >= -s1, given, here),
                ("without the second share", self.forward, (self.share3,), no2),
                ("without the third share", self.forward, (self.share2,), no3),
            ),
        )

    def speeds(self) -> Step:
        """The first move is -alpha C/(sqrt(N) sqrt(v1)) with sqrt(v1) <= C."""
        (n, *_), (n_, *_), (r1_, *_), e1 = self.rounds, self.late, self.rooted, self.rates[0]
        given, here = (A0, n_, r1_, self.short, self.forward, e1), self.point()
        least = -MARGIN / 8 * self.moves[0]
        return lemma(
            "speed",
            "64 sqrt(N) (s1 + s2 + s3) >= alpha",
            (
                Proof(
                    self.speed,
                    times=((r1_,),),
                    by=((n_, r1_, self.forward), (MARGIN, A0, self.short)),
                    modulo=((-MARGIN, e1),),
                ),
            ),
            given,
            here,
            false=(
                ("1 for 64", n * self.net >= alpha, given, here),
                ("without sqrt(v1) <= C", self.speed, without(self.short, given), self.where(least, v=729)),
                ("without the move forward", self.speed, without(self.forward, given), self.where(polynomial(0))),
                ("without alpha > 0", self.speed, without(A0, given), self.where(least, alpha=-1)),
            ),
        )

    def grows(self) -> Step:
        """sqrt(N + 3) > sqrt(N)."""
        n, *_, n3 = self.rounds
        n_, *_, n3_ = self.late
        (_, en), (_, en3) = map(self.reading.about, (n, n3))
        given, here = (n_, n3_, en, en3), self.point()
        return lemma(
            "next root",
            "sqrt(N + 3) > sqrt(N)",
            (Proof(self.later, times=((n3_,), (n_,)), by=((3,),), modulo=((1, en3), (-1, en))),),
            given,
            here,
            false=(
                ("by more than 1", n3 > n + 1, given, here),
                ("the other root", self.later, without(n3_, given), {**here, str(n3): -n3.value(here)}),
                ("another round", self.later, without(en3, given), {**here, str(n3): Q(1)}),
            ),
        )

    def climbs(self) -> Step:
        """sqrt(N + 3) - sqrt(N) < 3/(2 sqrt(N))."""
        n, *_, n3 = self.rounds
        n_, *_, n3_ = self.late
        (_, en), (_, en3) = map(self.reading.about, (n, n3))
        given, here = (A0, n_, n3_, self.speed, self.later, en, en3), self.point()
        return lemma(
            "climb",
            "96 (s1 + s2 + s3) > alpha (sqrt(N + 3) - sqrt(N))",
            (
                Proof(
                    self.climb,
                    times=((n_, n3_), (n_, n_)),
                    by=(
                        *product(((Q(3, 2),),), ((n3_,), (n_,)), ((self.speed,),)),
                        (Q(3, 2), MARGIN, A0, self.later),
                    ),
                    modulo=((-MARGIN * alpha * n, en3), (MARGIN * alpha * n, en)),
                ),
            ),
            given,
            here,
            false=(
                ("1 for 96", self.net > alpha * (n3 - n), given, here),
                ("without the speed", self.climb, without(self.speed, given), self.where(polynomial(0))),
                ("without alpha > 0", self.climb, without(A0, given), self.where(alpha / 64, alpha=-1)),
            ),
        )

    def common(self) -> tuple[Step, ...]:
        """The steps up to here, in an order in which each uses what earlier ones show."""
        return (
            self.read(),
            self.weights(),
            self.spike(),
            self.positive(),
            *self.root(),
            self.shorter(),
            self.rate(),
            self.squares(),
            self.slope(1),
            self.slope(2),
            self.signs(),
            self.shares(),
            self.forwards(),
            self.speeds(),
            self.grows(),
            self.climbs(),
        )
