"""On Luo et al.'s problem Adam (beta1 = 0) cannot stay below 0: there C x - (alpha m/4) sqrt(N) does not fall.

    m = beta2 (1 - beta2)(1 - 16 beta2^(C-2)) > 0;    alpha m (sqrt(N_k) - sqrt(N_k0)) < 8 C while x < 0 from k0 to k

The problem is that of Luo, Xiong, Liu and Sun (2019), Theorem 1; the proof, at the sharp threshold, is this project's.
"""

from __future__ import annotations

from fractions import Fraction as Q

from proofs._luo2019 import A0, N, alpha, x
from proofs._luo2019_walls import INSIDE, M0, SHARP, SHORT, WALLS, M, Walls
from proofs._reading import positive_root
from simlab.checker import Proof, letter
from simlab.claims import Argument, Step, theorem
from simlab.lemma import Point, induction, lemma, without

C, X0, ROOT0 = letter("C"), letter("x_k0"), letter("sqrt(N_k0)")
LONG, FROM, NOW = C >= 3, X0 >= -2, x < 0


class Escape(Walls):
    """Periods that begin and end below 0."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        (n, *_), (s1, s2) = self.roots, self.moves
        self.n2, self.negative = self.reading.sqrt(N + C), self.x2 < 0
        # what the steps below show
        self.free = self.y < 2
        self.moved = self.x2 >= x + s1 + s2
        self.next_root, self.grown = self.n2 > 0, self.n2 > n
        self.potential = 4 * C * (self.x2 - x) >= alpha * M * (self.n2 - n)
        self.total = 4 * C * (x - X0) >= alpha * M * (n - ROOT0)
        self.over = alpha * M * (n - ROOT0) < 8 * C

    def under(self, **more: Q) -> Point:
        """A point with x = -1, where C makes the root of N + C rational."""
        return self.point(**({"x": Q(-1), "C": Q(11, 3), "x_k0": Q(-1), "sqrt(N_k0)": Q(4, 3)} | more))

    def unclipped(self) -> Step:
        """A period that ends below 0 meets no wall on its right."""
        given, here = (self.negative, self.bounded, self.keeps), self.under()
        return lemma(
            "unclipped",
            "y < 2 in a period that ends below 0",
            (Proof(self.free, by=((self.bounded,), (self.keeps,), (self.negative,))),),
            given,
            here,
            false=(
                ("y < 0", self.y < 0, given, here),
                ("without x2 < 0", self.free, without(self.negative, given), self.under(x=Q(1))),
                ("without s2 >= -2", self.free, without(self.bounded, given), self.under(alpha=Q(8))),
            ),
        )

    def whole(self) -> Step:
        """Such a period moves x by s1 + s2 at least."""
        (s1, s2), here = self.moves, self.under()
        given = (self.free, self.up, self.y_is, self.keeps)
        return lemma(
            "whole move",
            "x2 >= x + s1 + s2 in a period that ends below 0",
            (
                Proof(
                    self.moved,
                    times=((self.free,),),
                    by=((self.free, self.up), (self.free, self.keeps)),
                    modulo=((-1, self.y_is),),
                ),
            ),
            given,
            here,
            false=(
                ("x2 >= x + s1", self.x2 >= x + s1, given, here),
                ("x2 > x + s1 + s2", self.x2 > x + s1 + s2, given, here),
                ("without y < 2", self.moved, without(self.free, given), self.under(x=Q(2))),
            ),
        )

    def grows(self) -> Step:
        """sqrt(N + C) > sqrt(N)."""
        n, n_ = self.roots[0], self.rooted[0]
        (_, en), (low, en2) = map(self.reading.about, (n, self.n2))
        given, here = (LONG, n_, low, en, en2), self.under()
        return lemma(
            "next root",
            "sqrt(N + C) > sqrt(N)",
            (
                positive_root(self.next_root, (low, en2), (3,), (LONG,), (n_, n_), modulo=((-1, en),)),
                Proof(self.grown, times=((low,), (n_,)), by=((3,), (LONG,)), modulo=((1, en2), (-1, en))),
            ),
            given,
            here,
            false=(
                ("by 2", self.n2 - n >= 2, given, here),
                ("the other root", self.grown, without(low, given), {**here, str(self.n2): -self.n2.value(here)}),
                ("without C >= 3", self.grown, without(LONG, given), self.under(C=Q(0))),
            ),
        )

    def potentials(self) -> Step:
        """The potential does not fall, as sqrt(N + C) - sqrt(N) <= C/(2 sqrt(N))."""
        (n, *_), (n_, *_) = self.roots, self.rooted
        (_, en), (_, en2) = map(self.reading.about, (n, self.n2))
        given = (A0, *M0, LONG, n_, self.next_root, self.grown, self.speed, self.moved, en, en2)
        here, size = self.under(), ((3,), (LONG,))  # C = 3 + (C - 3)
        gained = ((4, n_, self.moved), (Q(1, 2), self.speed))  # 4 sqrt(N) (x2 - x) >= alpha m/2
        a, d = 10**3, Q(1, 100)  # a late period: sqrt(N) = (a - 1/a)/2, and sqrt(N + C) is larger by d
        late = Q(a * a - 1, 2 * a)
        slow = self.point(Q(1, 2), Q(1001, 1000), N=late * late, p=Q(1, 1000), x=Q(-1), C=2 * late * d + d * d)
        return lemma(
            "potential",
            "4 C (x2 - x) >= alpha m (sqrt(N + C) - sqrt(N)) in a period that ends below 0",
            (
                Proof(
                    self.potential,
                    times=((n_, self.next_root), (n_, n_)),
                    by=(
                        *((*c, r, *g) for c in size for r in (n_, self.next_root) for g in gained),
                        *((Q(1, 2), *c, A0, *M0, self.grown) for c in size),
                    ),
                    modulo=((-alpha * M * n, en2), (alpha * M * n, en)),
                ),
            ),
            given,
            here,
            false=(
                ("1/16 for 4", Q(1, 16) * C * (self.x2 - x) >= alpha * M * (self.n2 - n), given, here),
                ("without the move", self.potential, without(self.moved, given), {**here, str(self.x2): Q(-3, 2)}),
                ("without the speed", self.potential, without(self.speed, given), slow),
            ),
        )

    def totals(self) -> Step:
        """The potential since period k0."""
        n, here, given = self.roots[0], self.under(), (self.potential, self.total)
        later = 4 * C * (self.x2 - X0) >= alpha * M * (self.n2 - ROOT0)
        return induction(
            "total",
            "4 C (x - x_k0) >= alpha m (sqrt(N) - sqrt(N_k0)) as long as every period since k0 ended below 0",
            base=(Proof(self.total),),
            turn=(Proof(self.total, by=((self.total,), (self.potential,))),),
            start={"x": X0, str(n): ROOT0},
            after={"x": self.x2, str(n): self.n2},
            given=given[:1],
            witness=here,
            false=(
                ("1/16 for 4", Q(1, 16) * C * (self.x2 - X0) >= alpha * M * (self.n2 - ROOT0), given, here),
                ("without the potential", later, (self.total,), {**here, str(self.x2): Q(-3, 2)}),
                ("without the total so far", later, (self.potential,), {**here, "x_k0": Q(1)}),
            ),
        )

    def bound(self) -> Step:
        """So x < 0 ends."""
        n, given = self.roots[0], (self.total, NOW, FROM, LONG)

        def tight(now: Q, then: Q) -> Point:
            """A point where the total is an equality."""
            at = self.under(x=now, x_k0=then)
            far = 4 * at["C"] * (now - then) / (alpha * M).value(at)
            return {**at, "sqrt(N_k0)": n.value(at) - far}

        almost = Q(-1, 100)
        return lemma(
            "escape",
            "alpha m (sqrt(N) - sqrt(N_k0)) < 8 C as long as x < 0",
            (Proof(self.over, by=((self.total,), (12, NOW), (4, LONG, NOW), (12, FROM), (4, LONG, FROM))),),
            given,
            self.under(),
            false=(
                ("7 for 8", alpha * M * (n - ROOT0) < 7 * C, given, tight(almost, Q(-2))),
                ("without x < 0", self.over, without(NOW, given), tight(Q(2), Q(-2))),
                ("without x_k0 >= -2", self.over, without(FROM, given), tight(almost, Q(-3))),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Escape(rule)
    return Argument(
        (*of.common(), of.unclipped(), of.whole(), of.grows(), of.potentials(), of.totals(), of.bound()),
        assumes=(*of.assumes, *INSIDE, SHARP, SHORT, LONG, FROM, NOW, of.negative),
    )


luo2019_escape = theorem(
    "luo2019_escape",
    "Adam (beta1 = 0) leaves the good half of F if 16 beta2^(C-2) < 1.\n\n"
    "Let 0 < beta2 < 1, C >= 3, 16 beta2^(C-2) < 1, alpha > 0, v_0 = 0 and x_1 in F. On luo2019_periodic with "
    "adam_analysed, beta1 = 0 (or rmsprop), let N_k = k C + 1 be the first round of period k, and k0 such that "
    "4 (1 - beta2)(N_k0 + 1) >= alpha^2. If periods k0, ..., k all begin below 0, then "
    "alpha m (sqrt(N_k) - sqrt(N_k0)) < 8 C with m = beta2 (1 - beta2)(1 - 16 beta2^(C-2)) > 0. So some period "
    "k >= k0 begins at x >= 0.\n\nOver the reals, for all real beta2.",
    "the drift in Luo, Xiong, Liu and Sun 2019, Theorem 1, at the sharp threshold",
    argue,
    remarks=WALLS + "What happens from there on is luo2019_regret.",
)
