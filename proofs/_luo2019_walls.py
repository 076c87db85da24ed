"""Quantitative steps on Luo et al.'s problem: how far a period moves x, and what the walls of F do to it.

m = beta2 (1 - beta2)(1 - 16 p) > 0      v2 - 4 v1 >= m      8 sqrt(N) (s1 + s2) >= alpha m
y = clip(x + s1),   x2 = clip(y + s2)    s1 > 0 > s2, and s2 >= -2 once 4 (1 - beta2)(N + 1) >= alpha^2
"""

from __future__ import annotations

from fractions import Fraction as Q

from proofs._luo2019 import A0, B0, B1, N1, NOTATION, P0, P1, V0, N, alpha, b, p, v, x
from proofs.luo2019_sharp import LEFT, RIGHT, Steady
from simlab.checker import Proof, Square, letter
from simlab.claims import Step
from simlab.lemma import induction, lemma, without

SHARP = LEFT * p < RIGHT
M = b * (1 - b) * (1 - 16 * p)
M0 = (B0, B1, SHARP)  # whose product is M > 0
V4 = v <= 4 * p
SHORT = 4 * (1 - b) * (N + 1) >= alpha * alpha
LOW, HIGH = x >= -2, x <= 2
X1 = letter("x_1")
INSIDE = X1 >= -2, X1 <= 2

WALLS = (
    NOTATION + "x is the decision before round N, s1 and s2 are the moves of the two rounds before projection, "
    "y and x2 the decisions after them; m = beta2 (1 - beta2)(1 - 16 beta2^(C-2)) and kappa = "
    "(1 - beta2)/(1 - beta2^C). "
)


class Walls(Steady):
    """The two rounds of a period with the walls of F."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        (n, n1, r1, r2), (s1, s2), about = self.roots, self.moves, self.reading.about
        self.y, self.x2 = self.first.x, self.second.x
        # the code clips by a maximum and then a minimum; another way would have other facts, and no proof below
        self.raised, self.dropped = (self.reading.maximum(r.proposal, -2) for r in (self.first, self.second))
        self.up, _, _ = about(self.raised)  # raised >= x + s1
        self.down, self.floor, _ = about(self.dropped)  # dropped >= y + s2, dropped >= -2
        _, self.y_high, self.y_is = about(self.y)
        _, self.x2_high, self.x2_is = about(self.x2)
        # what the steps below show
        self.small = self.v1 <= 1, self.v2 <= 4
        self.margin = self.v2 - 4 * self.v1 >= M
        self.short_roots = r1 <= 1, r2 <= 2
        self.apart, self.later = r2 - 2 * r1 > 0, n1 - n > 0
        self.wide = 4 * (r2 - 2 * r1) >= M
        self.speed = 8 * n * (s1 + s2) >= alpha * M
        self.right, self.left = s1 > 0, s2 < 0
        self.bounded = s2 >= -2
        self.gains, self.keeps = self.y >= x, self.x2 >= self.y + s2

    def spike(self) -> Step:
        """v <= 4 p before a period, as v <= 4 always."""
        given, after = (B0, B1, P0, P1), p * self.v2
        return induction(
            "spike",
            "0 <= v_(kC) <= 4 beta2^(C-2), by induction on k",
            base=(Proof(V0), Proof(V4, by=((4, P0),))),
            turn=(
                Proof(V0, by=((P0, B0, B0, V0), (4, P0, B1), (P0, B0, B1))),
                Proof(V4, by=((P0, B0, B0, V4), (4, P0, B0, B0, P1), (3, P0, B0, B1))),
            ),
            start={"v": 0},
            after={"v": after},
            given=given,
            witness=self.point(),
            false=(
                ("2 for 4", after <= 2 * p, (*given, V0, V4), {"beta2": Q(1, 4), "p": Q(1, 4), "v": Q(0)}),
                ("without p < 1", after <= 4 * p, (B0, B1, P0, V0, V4), {"beta2": Q(9, 10), "p": Q(2), "v": Q(8)}),
                ("from v_0 = 1", 4 * p >= 1, given, {"beta2": Q(1, 2), "p": Q(1, 8)}),
            ),
        )

    def moderate(self) -> Step:
        """v1 <= 1 and v2 <= 4: 1 - v = (4 p - v) + (1 - 16 p)/4 + 3/4."""
        given, here = (B0, V4, SHARP), {"beta2": Q(1, 4), "p": Q(1, 32), "v": Q(0)}
        return lemma(
            "moderate",
            "v1 <= 1 and v2 <= 4",
            (
                Proof(self.small[0], by=((B0, V4), (Q(1, 4), B0, SHARP), (Q(3, 4), B0))),
                Proof(self.small[1], by=((B0, B0, V4), (Q(1, 4), B0, B0, SHARP), (Q(3, 4), B0, B0), (3, B0))),
            ),
            given,
            here,
            false=(
                ("v1 <= 1/2", self.v1 <= Q(1, 2), given, here),
                ("v2 <= 3", self.v2 <= 3, given, here),
                ("without v <= 4 p", self.small[0], without(V4, given), {**here, "v": Q(4)}),
            ),
        )

    def margins(self) -> Step:
        """v2 - 4 v1 >= m."""
        k = self.positives[0]
        given, here = (*M0, P0, k, self.ratio, self.below), self.point()
        return lemma(
            "margin",
            "v2 - 4 v1 >= m",
            (
                Proof(
                    self.margin,
                    by=((3, B0, self.below), (B0, B1, self.below), (k, P0, B0, B0, B0, SHARP)),
                    modulo=((-16 * p * b, self.ratio),),
                ),
            ),
            given,
            here,
            false=(
                ("2 m", self.v2 - 4 * self.v1 >= 2 * M, given, here),
                ("15 for 16", self.v2 - 4 * self.v1 >= b * (1 - b) * (1 - 15 * p), given, here),
                ("from any v_0", self.margin, without(self.below, given), {**here, "v": Q(4)}),
            ),
        )

    def shorts(self) -> Step:
        """sqrt(v1) <= 1 and sqrt(v2) <= 2."""
        _, _, r1, r2 = self.roots
        (low1, e1), (low2, e2), here = *map(self.reading.about, (r1, r2)), self.point()
        given = (*self.small, low1, e1, low2, e2)
        return lemma(
            "short roots",
            "sqrt(v1) <= 1 and sqrt(v2) <= 2",
            (
                Proof(self.short_roots[0], times=((1,), (low1,)), by=((self.small[0],),), modulo=((-1, e1),)),
                Proof(self.short_roots[1], times=((2,), (low2,)), by=((self.small[1],),), modulo=((-1, e2),)),
            ),
            given,
            here,
            false=(
                ("sqrt(v1) <= 1/4", r1 <= Q(1, 4), given, here),
                ("sqrt(v2) <= 1", r2 <= 1, given, here),
                ("without v1 <= 1", r1 <= 1, without(self.small[0], given), self.point(Q(3, 2), Q(7, 4))),
            ),
        )

    def parts(self) -> Step:
        """sqrt(v2) > 2 sqrt(v1) and sqrt(N + 1) > sqrt(N)."""
        (n, n1, r1, r2), (n_, n1_, r1_, r2_) = self.roots, self.rooted
        (_, en), (_, en1), (_, e1), (_, e2) = map(self.reading.about, self.roots)
        given, here = (*M0, self.margin, n_, n1_, r1_, r2_, en, en1, e1, e2), self.point()
        return lemma(
            "apart",
            "sqrt(v2) > 2 sqrt(v1) and sqrt(N + 1) > sqrt(N)",
            (
                Proof(self.apart, times=((r2_,), (2, r1_)), by=((self.margin,), M0), modulo=((1, e2), (-4, e1))),
                Proof(self.later, times=((n1_,), (n_,)), by=((1,),), modulo=((1, en1), (-1, en))),
            ),
            given,
            here,
            false=(
                ("3 for 2", r2 - 3 * r1 > 0, given, here),
                ("by 1", n1 - n > 1, given, here),
                ("without the margin", self.apart, without(self.margin, given), self.point(Q(9, 10), Q(1), p=Q(1, 32))),
            ),
        )

    def width(self) -> Step:
        """4 (sqrt(v2) - 2 sqrt(v1)) >= m."""
        (_, _, r1, r2), (short1, short2) = self.roots, self.short_roots
        (_, e1), (_, e2), here = *map(self.reading.about, (r1, r2)), self.point()
        given = (self.margin, short1, short2, self.apart, e1, e2)
        return lemma(
            "width",
            "4 (sqrt(v2) - 2 sqrt(v1)) >= m",
            (
                Proof(
                    self.wide,
                    by=((self.margin,), (short2, self.apart), (2, short1, self.apart)),
                    modulo=((1, e2), (-4, e1)),
                ),
            ),
            given,
            here,
            false=(
                ("3/2 for 4", Q(3, 2) * (r2 - 2 * r1) >= M, given, here),
                ("3 m", 4 * (r2 - 2 * r1) >= 3 * M, given, here),
                (
                    "without the margin",
                    self.wide,
                    without(self.margin, given),
                    self.point(Q(1, 2), Q(101, 100), p=Q(1, 1000)),
                ),
            ),
        )

    def speeds(self) -> Step:
        """8 sqrt(N) (s1 + s2) >= alpha m."""
        (n, n1, r1, r2), (_, n1_, r1_, r2_), (s1, s2) = self.roots, self.rooted, self.moves
        (e1, e2), here = self.rates, self.point()
        given = (A0, *M0, *self.rooted, *self.short_roots, self.later, self.wide, e1, e2)
        late = Q((10**6 - 1) ** 2, 4 * 10**6)  # an N that is a square, and N + 1 too
        return lemma(
            "speed",
            "8 sqrt(N) (s1 + s2) >= alpha m",
            (
                Proof(
                    self.speed,
                    times=((n1_, r1_, r2_),),
                    by=(
                        (2, A0, n1_, self.wide),
                        (16, A0, r1_, self.later),
                        (A0, *M0, n1_, self.short_roots[1]),
                        (A0, *M0, n1_, r2_, self.short_roots[0]),
                    ),
                    modulo=((8 * n1 * r2, e1), (8 * n * r1, e2)),
                ),
            ),
            given,
            here,
            false=(
                ("1/8 for 8", Q(1, 8) * n * (s1 + s2) >= alpha * M, given, here),
                ("without alpha > 0", self.speed, without(A0, given), self.point(alpha=Q(-1))),
                (
                    "without the width",
                    self.speed,
                    without(self.wide, given),
                    self.point(Q(1, 2), Q(1001, 1000), N=late, p=Q(1, 1000)),
                ),
            ),
        )

    def signs(self) -> Step:
        """s1 > 0 > s2 and s1 + s2 > 0."""
        n_, n1_, r1_, r2_ = self.rooted
        (s1, s2), (e1, e2), here = self.moves, self.rates, self.point()
        given = (A0, *M0, *self.rooted, self.speed, e1, e2)
        return lemma(
            "signs",
            "s1 > 0 > s2 and s1 + s2 > 0",
            (
                Proof(self.right, times=((n_, r1_),), by=((A0,),), modulo=((1, e1),)),
                Proof(self.left, times=((n1_, r2_),), by=((2, A0),), modulo=((-1, e2),)),
                Proof(self.forward, times=((8, n_),), by=((self.speed,), (A0, *M0))),
            ),
            given,
            here,
            false=(
                ("s1 > 2", s1 > 2, given, here),
                ("s2 > -1", s2 > -1, given, here),
                ("without alpha > 0", self.right, (n_, r1_, e1), self.point(alpha=Q(-1))),
            ),
        )

    def bounds(self) -> Step:
        """s2 >= -2 once 4 (1 - beta2)(N + 1) >= alpha^2: 4 - s2^2 has the sign of (N + 1) v2 - alpha^2."""
        (_, n1, _, r2), (_, n1_, _, r2_), (_, s2) = self.roots, self.rooted, self.moves
        (_, en1), (_, er2), e2 = self.reading.about(n1), self.reading.about(r2), self.rates[1]
        squared, v1 = (n1_, n1_, r2_, r2_), self.moments[0]
        given, here = (B0, N1, v1, SHORT, self.left, n1_, r2_, en1, er2, e2), self.point()
        return lemma(
            "bounded",
            "s2 >= -2 once 4 (1 - beta2)(N + 1) >= alpha^2",
            (
                Proof(
                    self.bounded,
                    times=((2, *squared), (self.left, *squared)),
                    by=((8, B0, v1), (4, N1, B0, v1), (4, SHORT)),
                    modulo=((4 * r2 * r2, en1), (4 * (N + 1), er2), (2 * alpha - n1 * r2 * s2, e2)),
                ),
            ),
            given,
            here,
            false=(
                ("s2 >= -1", s2 >= -1, given, here),
                (
                    "8 for 4",
                    self.bounded,
                    (*without(SHORT, given), 8 * (1 - b) * (N + 1) >= alpha * alpha),
                    self.point(alpha=Q(2)),
                ),
                ("from the start", self.bounded, without(SHORT, given), self.point(alpha=Q(2))),
            ),
        )

    def clips(self) -> Step:
        """y >= x and x2 >= y + s2: a minimum of two numbers above c, one of them strictly, is at least c."""
        s2, here = self.moves[1], self.point()
        given = (HIGH, self.right, self.left, self.up, self.y_is, self.down, self.y_high, self.x2_is)
        return lemma(
            "clips",
            "y >= x and x2 >= y + s2",
            (
                Proof(
                    self.gains,
                    times=((self.up,), (self.right,), (HIGH,)),
                    by=((self.up, HIGH), (self.right, HIGH), (Square(self.y - x),)),
                    modulo=((-1, self.y_is),),
                ),
                Proof(
                    self.keeps,
                    times=((self.down,), (self.y_high,), (self.left,)),
                    by=((self.down, self.y_high), (self.down, self.left), (Square(self.x2 - self.y - s2),)),
                    modulo=((-1, self.x2_is),),
                ),
            ),
            given,
            here,
            false=(
                ("y >= x + s1", self.y >= x + self.moves[0], given, self.point(x=Q(1))),
                ("x2 >= y", self.x2 >= self.y, given, here),
                ("without x <= 2", self.gains, without(HIGH, given), self.point(x=Q(3))),
            ),
        )

    def feasible(self) -> Step:
        """-2 <= x <= 2 before every period."""
        given = (*INSIDE, self.floor, self.x2_high, self.x2_is)
        here = self.point(x_1=Q(0))
        return induction(
            "feasible",
            "-2 <= x <= 2 before every period, by induction from x_1 in F",
            base=(Proof(LOW, by=((INSIDE[0],),)), Proof(HIGH, by=((INSIDE[1],),))),
            turn=(
                Proof(
                    LOW,
                    times=((self.floor,), (4,)),
                    by=((4, self.floor), (Square(self.x2 + 2),)),
                    modulo=((-1, self.x2_is),),
                ),
                Proof(HIGH, by=((self.x2_high,),)),
            ),
            start={"x": X1},
            after={"x": self.x2},
            given=given,
            witness=here,
            false=(
                ("x >= 0", self.x2 >= 0, (*given, LOW, HIGH), self.point(x=Q(-1), x_1=Q(0))),
                ("x <= 0", self.x2 <= 0, (*given, LOW, HIGH), here),
                (
                    "without the wall",
                    self.x2 >= -2,
                    (*without(self.floor, given), LOW, HIGH),
                    {**here, str(self.x2): Q(-3), str(self.dropped): Q(-3)},
                ),
            ),
        )

    def common(self) -> tuple[Step, ...]:
        """The steps up to here, in an order in which each uses what earlier ones show."""
        return (
            self.read(),
            self.powers(),
            self.zeros(),
            self.denominator(),
            self.factor(),
            self.approach(),
            self.spike(),
            self.moderate(),
            self.positive(),
            self.root(),
            self.rate(),
            self.margins(),
            self.shorts(),
            self.parts(),
            self.width(),
            self.speeds(),
            self.signs(),
            self.bounds(),
            self.feasible(),
            self.clips(),
        )
