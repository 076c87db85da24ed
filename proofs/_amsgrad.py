"""AMSGrad's weights w' = sqrt(t) sqrt(vhat')/alpha do not fall, and the sums of its regret bounds.

y sums |g|/sqrt(t) and S sums g^2, h sums 1/t:      y <= sqrt(h) sqrt(S)                  (Cauchy)
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any, ClassVar

from proofs import _vhat
from proofs._growing import A0, Growing
from proofs._inv_sqrt import harmonic
from proofs._reading import positive_root
from proofs._regret import alpha, g, scalar, x
from proofs._vhat import STARTS, Vhat, beta2, first_g, next_g, v, vhat
from simlab.checker import Fact, Polynomial, Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import induction, lemma, standing, without

squares, gradients = letter("S"), letter("y")

NOTATION = _vhat.NOTATION + "a = sqrt(1 - beta2). y sums |g|/sqrt(t), S sums g^2 and h sums 1/t. "


class AmsGrad(Vhat, Growing):
    """The weights, facts about them, and the steps that show these facts."""

    values: ClassVar = {**Vhat.values, "S": 0, "y": 0, "h": 0}

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        sqrt, divide = self.reading.sqrt, self.reading.divide
        self.size_g = self.reading.absolute(g)
        self.over = divide(alpha, self.q_root)
        self.grow(self.r * self.q_root, self.p * self.q_before, {})
        self.size_after = {
            "vhat": self.vhat,
            str(self.q_before): self.q_root,
            str(self.p): self.r,
            "t": letter("t") + 1,
        }
        self.n, self.n_next = sqrt(squares), sqrt(squares + g * g)
        self.c, self.c_next = sqrt(harmonic), sqrt(harmonic + self.rho * self.rho)
        # what the steps below show
        self.seen_s = squares + g * g > 0
        self.longer, self.cleared = self.size >= self.size_before, self.rate * self.size == alpha
        self.sizes = self.size_g >= 0, self.size_g * self.size_g == g * g
        self.n_positive, self.c_positive = self.n_next > 0, self.c_next > 0
        self.sums_after = {
            "y": gradients + self.size_g * self.rho, "S": squares + g * g, str(self.n): self.n_next,
            "h": harmonic + self.rho * self.rho, str(self.c): self.c_next,
        }  # fmt: skip
        self.cauchy = gradients <= self.c * self.n
        self.light, self.last_low = self.inverse > 0, self.e_step >= 0
        self.cauchy_after = self.cauchy.at(self.sums_after)

    def log1p(self, _: Any) -> Any:
        """What stands for ln T in the bound that is read: h - 1 after the round."""
        return scalar(harmonic + self.rho * self.rho - 1)

    def at_first(self, name: str) -> Polynomial:
        """The value of one of these letters before the first round that moves the coordinate."""
        return letter(f"{name}_1") if name in ("t", str(self.p)) else polynomial(0)

    def read(self) -> Step:
        """What the code does in a round."""
        here = self.point(m=0, g=-1)
        maximum = self.reading.maximum
        return lemma(
            "reading",
            "v' = beta2 v + (1 - beta2) g^2, vhat' = max(vhat, v'), m' = beta1 m + (1 - beta1) g, and x moves by "
            "-alpha m'/(sqrt(t) sqrt(vhat'))",
            (
                Proof(self.v == self.average),
                Proof(self.vhat == maximum(vhat, self.average)),
                Proof(self.state["m"] == self.mean),
                Proof(self.seen.direction == self.mean),
                Proof(self.rate == self.rho * self.over),
                Proof(self.y == x - self.rho * self.over * self.mean),
            ),
            (),
            here,
            false=(
                ("|g| for g^2", self.v == beta2 * v + (1 - beta2) * g, (), here),
                ("v' = vhat'", self.vhat == self.v, (), self.point(vhat=9)),
                ("without 1/sqrt(t)", self.rate == self.over, (), self.point(vhat=1, t=4)),
            ),
        )

    def counts(self) -> Step:
        """From the first gradient that is not 0 on, S + g^2 > 0."""
        here, after = self.point(), {"S": squares + g * g, "g": next_g}
        now = (STARTS, self.seen_s)
        return induction(
            "sum of squares",
            "S + g^2 > 0 from the first gradient that is not 0 on, by induction",
            base=(Proof(self.seen_s, by=((STARTS,),)),),
            turn=(Proof(self.seen_s, by=((self.seen_s,), (Square(next_g),))),),
            start={"S": polynomial(0), "g": first_g},
            after=after,
            given=(STARTS,),
            witness=here,
            false=(
                ("S + g^2 > 2", (squares + g * g > 2).at(after), now, here),
                ("S + g^2 <= 1", (squares + g * g <= 1).at(after), now, here),
                ("without it so far", self.seen_s.at(after), (STARTS,), self.point(S=-9)),
            ),
        )

    def larger(self) -> Step:
        """r q - p q_0 = (r - p) q + p (q - q_0)."""
        p_low, _ = self.reading.about(self.p)
        given, here = (self.longer_root, self.root_positive, p_low, self.root_longer), self.point(vhat=1, t=Q(25, 16))
        return lemma(
            "size",
            "r sqrt(vhat') >= p sqrt(vhat)",
            (Proof(self.longer, by=((self.longer_root, self.root_positive), (p_low, self.root_longer))),),
            given,
            here,
            false=(
                ("by 1", self.size >= self.size_before + 1, given, here),
                ("r sqrt(vhat') >= 2 p sqrt(vhat)", self.size >= 2 * self.size_before, given, here),
                (
                    "without sqrt(vhat') >= sqrt(vhat)",
                    self.longer,
                    without(self.root_longer, given),
                    {**here, str(self.q_before): Q(5)},
                ),
            ),
        )

    def rates(self) -> Step:
        """The rate and the weight, with the quotients of the code cleared."""
        (is_rho,), (is_over,), (is_weight,) = self.about(self.rho, self.over, self.weight)
        q0, r0 = self.root_positive, self.r_positive
        given, here = (A0, r0, q0, is_rho, is_over, is_weight), self.point(vhat=1, t=4)
        clear = ((self.over * self.q_root, is_rho), (1, is_over))
        return lemma(
            "rates",
            "rate r sqrt(vhat') = alpha, rate > 0 and alpha w' = r sqrt(vhat')",
            (
                Proof(self.cleared, modulo=clear),
                Proof(self.positive, times=((r0, q0),), by=((A0,),), modulo=clear),
                Proof(
                    self.weighted,
                    modulo=((self.size, is_weight), *((-self.weight * z, e) for z, e in clear)),
                ),
            ),
            given,
            here,
            false=(
                ("rate >= alpha", self.rate >= alpha, given, here),
                ("alpha w' = sqrt(vhat')", alpha * self.weight == self.q_root, given, here),
                ("without alpha > 0", self.positive, without(A0, given), self.point(vhat=1, t=4, alpha=-1)),
            ),
        )

    def absolutes(self) -> Step:
        """|g| >= 0 and |g|^2 = g^2."""
        ((up, down, either),), here = self.about(self.size_g), self.point(g=-2, vhat=9)
        return lemma(
            "absolute value",
            "|g| >= 0 and |g|^2 = g^2",
            (
                Proof(self.sizes[0], by=((Q(1, 2), up), (Q(1, 2), down))),
                Proof(self.sizes[1], modulo=((1, either),)),
            ),
            (up, down, either),
            here,
            false=(
                ("|g| > 2", self.size_g > 2, (up, down, either), here),
                ("|g| = g", self.size_g == g, (up, down, either), here),
                ("without |g| >= g", self.sizes[0], (down, either), {**here, "g": Q(2), str(self.size_g): Q(-2)}),
            ),
        )

    def positive_sums(self) -> Step:
        """The roots of S + g^2 and of h + 1/t are positive."""
        facts = self.about(self.n_next, self.c_next, self.c)
        (n_low, is_n), (c_low, is_c), (_, is_before) = facts
        given = (self.seen_s, self.rho_positive, n_low, is_n, c_low, is_c, is_before)
        here = self.point(S=0, g=1, h=0, t=1)
        return lemma(
            "roots of the sums",
            "sqrt(S + g^2) > 0 and sqrt(h + 1/t) > 0",
            (
                positive_root(self.n_positive, (n_low, is_n), (self.seen_s,)),
                positive_root(
                    self.c_positive,
                    (c_low, is_c),
                    (Square(self.c),),
                    (self.rho_positive, self.rho_positive),
                    modulo=((-1, is_before),),
                ),
            ),
            given,
            here,
            false=(
                ("sqrt(S + g^2) > 1", self.n_next > 1, given, here),
                ("sqrt(h + 1/t) > 1", self.c_next > 1, given, here),
                ("the other root", self.n_positive, without(n_low, given), {**here, str(self.n_next): Q(-1)}),
            ),
        )

    def adds_up(self) -> tuple[Step, Step]:
        """c'^2 n'^2 - (c n + |g| rho)^2 = (c |g| - rho n)^2."""
        facts = self.about(self.n, self.n_next, self.c, self.c_next)
        (n_low, is_n), (_, is_n_next), (c_low, is_c), (_, is_c_next) = facts
        a, c, n, rho = self.size_g, self.c, self.n, self.rho
        given = (
            n_low, is_n, is_n_next, c_low, is_c, is_c_next, self.n_positive, self.c_positive, self.rho_positive,
            *self.sizes,
        )  # fmt: skip
        after, here, now = self.sums_after, self.point(S=0, g=1, h=0, t=1), (*given, self.cauchy)
        whole = ((self.c_positive, self.n_positive), (c_low, n_low), (self.sizes[0], self.rho_positive))
        proof = Proof(
            self.cauchy,
            times=whole,
            by=(*((*k, self.cauchy) for k in whole), (Square(c * a - rho * n),)),
            modulo=self.clear_cauchy(is_n, is_n_next, is_c, is_c_next),
        )
        start = {name: polynomial(0) for name in ("y", "S", str(n))} | {"h": letter("h_1"), str(c): letter("c_1")}
        false = (
            ("half of it", (2 * gradients <= c * n).at(after), now, here),
            ("with the sum of g^2 before", (gradients <= c * n).at({**after, str(n): n}), now, here),
            ("without the sum so far", self.cauchy.at(after), given, self.point(S=0, g=1, h=0, t=1, y=9)),
        )
        return standing(
            "Cauchy", "y <= sqrt(h) sqrt(S)", (proof,), (self.cauchy_after,), start, after, given, here, false
        )

    def clear_cauchy(self, *roots: Fact) -> tuple[tuple[Any, Fact], ...]:
        """c'^2 n'^2 = (c^2 + rho^2)(n^2 + |g|^2)."""
        is_n, is_n_next, is_c, is_c_next = roots
        sum_n, both = squares + g * g, self.c * self.c + self.rho * self.rho
        return (
            (self.c_next * self.c_next, is_n_next), (sum_n, is_c_next), (-sum_n, is_c),
            (-both, is_n), (-both, self.sizes[1]),
        )  # fmt: skip

    def lightness(self) -> Step:
        """w' (1/w') = 1."""
        ((is_inverse,),), here = self.about(self.inverse), self.point(vhat=1)
        given = (self.heavy, is_inverse)
        return lemma(
            "inverse weight",
            "1/w' > 0 and m'^2/w' >= 0",
            (
                Proof(self.light, times=((self.heavy,),), by=((1,),), modulo=((1, is_inverse),)),
                Proof(
                    self.last_low,
                    times=((self.heavy,),),
                    by=((Square(self.mean),),),
                    modulo=((self.mean * self.mean, is_inverse),),
                ),
            ),
            given,
            here,
            false=(
                ("1/w' > 1", self.inverse > 1, given, here),
                ("without w' > 0", self.light, (is_inverse,), self.point(vhat=1, alpha=-1)),
                ("another inverse", self.light, (self.heavy,), {**here, str(self.inverse): Q(-1)}),
            ),
        )

    def cleared_rate(self, part: Any) -> tuple[tuple[Any, Fact], ...]:
        """part (sqrt(vhat')/w' - alpha/sqrt(t)) as a combination of the equations that define the letters."""
        (is_inverse,), (is_rho,) = self.about(self.inverse, self.rho)
        k, rho = self.inverse, self.rho
        return (
            (-part * alpha * rho, is_inverse), (part * k * rho, self.weighted), (part * k * self.q_root, is_rho)
        )  # fmt: skip

    def weights(self) -> tuple[Step, ...]:
        """The steps about the weights."""
        return (
            self.read(), self.root(), self.roots(), self.next_root(), self.shortens(), self.starts(),
            self.counts(), self.rises_above(), self.rooted(), self.lengthens(), self.larger(), self.rates(),
            self.grows(), self.ascends(self.point(vhat=1)), self.absolutes(), self.positive_sums(), *self.adds_up(),
        )  # fmt: skip
