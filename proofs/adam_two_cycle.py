"""Adam's 2-cycle on c x^2/2: x and -x in turn, for ever, at a distance that neither c nor beta2 changes.

    (x, m, v) -> (-x, -m, v),   x = alpha (1 - beta1)/(2 (1 + beta1)),   m = -(1 - beta1) c x/(1 + beta1),   v = c^2 x^2

Turned back by (x, m, v) -> (-x, -m, v), the step has a fixed point there. Its derivative J, by the chain rule along the
rule's own code, has det(L - J) = p(L), the cubic of proofs/_two_cycle_roots.py: all its roots have modulus < 1 if and
only if 1 - 3 beta1 (1 + beta2) + beta1^2 beta2 > 0.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._periodic import HIGH2, LOW1, RANGES, Rounds, alpha, b1, b2, m, v, x
from proofs._tangent import Tangents
from proofs._two_cycle_roots import ASSUMED, K, L, p, steps
from simlab.checker import Fact, Proof, letter
from simlab.claims import Argument, Step, theorem
from simlab.lemma import Point, lemma, without

c = letter("c")
C0, X0 = c > 0, x > 0
AMPLITUDE = 2 * (1 + b1) * x == alpha * (1 - b1)
MOMENTUM, SECOND = (1 + b1) * m == -(1 - b1) * c * x, v == c * c * x * x
ONE_PLUS = (1,), (LOW1,)


class Cycle(Rounds):
    """A step on c x^2/2 from (x, m, v), and its slopes."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        numbers = Tangents(self.reading, 3)

        def step(x: Any, m: Any, v: Any) -> tuple[Any, Any, Any]:
            """What follows x, m and v."""
            data = numbers.number(c), numbers.number(0)
            seen, m1, v1 = self.on("quadratic", data, x, m, v, numbers, schedule="constant")
            return seen.x, m1, v1

        here_x, here_m, here_v = numbers.vary((x, m, v))
        self.after = step(here_x, here_m, here_v)
        self.mirrored = step(-here_x, -here_m, here_v)
        self.x1, self.m1, self.v1 = (z.value for z in self.after)
        self.root = self.reading.sqrt(self.v1)
        self.rate = self.reading.divide(alpha, self.root)
        self.slopes = self.after[0].slopes
        # what the steps below show
        self.halfway = self.x1 == -x, self.m1 == -m, self.v1 == v
        self.size = self.root == c * x
        self.steep = (1 - b1) * c * self.rate == 2 * (1 + b1)
        self.push = self.rate * self.m1 == 2 * x
        jx, jm, jv = self.slopes
        divide = self.reading.divide  # the letters of the chain rule: slopes of the root and of the rate
        self.rx, self.rv = divide(2 * (1 - b2) * c * c * x, 2 * self.root), divide(b2, 2 * self.root)
        self.qx, self.qv = divide(-self.rate * self.rx, self.root), divide(-self.rate * self.rv, self.root)
        self.bends: tuple[Fact, ...] = (
            self.rx == (1 - b2) * c,
            x * self.qx == -(1 - b2) * self.rate,
            2 * c * x * self.rv == b2,
            c * x * self.qv == -self.rate * self.rv,
        )
        self.entries = jx == 1 - 2 * b1 - 2 * b2, (1 - b1) * c * jm == -2 * b1 * (1 + b1), c * c * x * jv == b2

    def at(self, **more: Any) -> Point:
        """A point of the cycle: x = 1/2, c = 2, alpha = 3, beta1 = 1/2."""
        known = {"beta1": Q(1, 2), "beta2": Q(1, 3), "c": 2, "alpha": 3, "x": Q(1, 2), "m": Q(-1, 3), "v": 1, "L": 2}
        return self.reading.point(**(known | more))

    def odd(self) -> Step:
        """The mirror image of a step is the step of the mirror image."""
        (mx, mm, mv), here = (z.value for z in self.mirrored), self.at()
        return lemma(
            "odd",
            "from (-x, -m, v) the step leads to (-x', -m', v')",
            (Proof(mx == -self.x1), Proof(mm == -self.m1), Proof(mv == self.v1)),
            false=(
                ("x' is even", mx == self.x1, (), here),
                ("m' is even", mm == self.m1, (), here),
                ("v' is odd", mv == -self.v1, (), here),
            ),
        )

    def sizes(self) -> Step:
        """sqrt(v') = c x: (r + c x)(r - c x) = r^2 - c^2 x^2."""
        (low, is_root), here = self.reading.about(self.root), self.at()
        given = (C0, X0, SECOND, low, is_root)
        return lemma(
            "size",
            "sqrt(v') = c x where v = c^2 x^2",
            (Proof(self.size, times=((low,), (C0, X0)), modulo=((1, is_root), (b2, SECOND))),),
            given,
            here,
            false=(
                ("x", self.root == x, given, here),
                ("from any v", self.size, without(SECOND, given), self.at(v=10)),
                ("the other root", self.size, without(low, given), {**here, str(self.root): Q(-1)}),
            ),
        )

    def exists(self) -> Step:
        """Half a turn."""
        (quotient,), here = self.reading.about(self.rate), self.at()
        x_is, m_is, v_is = self.halfway
        given = (LOW1, C0, X0, AMPLITUDE, MOMENTUM, SECOND, self.size, quotient)
        return lemma(
            "half a turn",
            "(x, m, v) goes to (-x, -m, v) if 2 (1 + beta1) x = alpha (1 - beta1), (1 + beta1) m = -(1 - beta1) c x "
            "and v = c^2 x^2",
            (
                Proof(m_is, modulo=((1, MOMENTUM),)),
                Proof(v_is, modulo=((b2 - 1, SECOND),)),
                Proof(
                    x_is,  # c x (1 + beta1)(x' + x) = c x (2 (1 + beta1) x - rate (1 + beta1) m')
                    times=((C0, X0), (LOW1, C0, X0)),
                    modulo=(
                        (c * x, AMPLITUDE),
                        (-c * x * b1 * self.rate, MOMENTUM),
                        (-(1 - b1) * c * x, quotient),
                        ((1 - b1) * c * x * self.rate, self.size),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("x' = 0", self.x1 == 0, given, here),
                ("at another distance", x_is, without(AMPLITUDE, given), self.at(x=1, m=Q(-2, 3), v=4)),
                ("from another m", x_is, without(MOMENTUM, given), self.at(m=0)),
            ),
        )

    def only(self) -> Step:
        """No other state is half a turn away from its mirror image; `size` follows from the v that is found first."""
        (quotient,), (x_is, m_is, v_is), here = self.reading.about(self.rate), self.halfway, self.at()
        second, momentum, amplitude = (f.at({}) for f in (SECOND, MOMENTUM, AMPLITUDE))
        given = (HIGH2, C0, X0, x_is, m_is, v_is, self.size, quotient)
        wide = c * x * (1 - b1)
        return lemma(
            "no other",
            "if (x, m, v) goes to (-x, -m, v) and x > 0, then it is that state",
            (
                Proof(second, times=((HIGH2,),), modulo=((-1, v_is),)),
                Proof(momentum, modulo=((1, m_is),)),
                Proof(
                    amplitude,
                    times=((C0, X0),),
                    modulo=(
                        (c * x * (1 + b1), x_is),
                        (c * x * b1 * self.rate, m_is),
                        (wide, quotient),
                        (-wide * self.rate, self.size),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("twice as far", (1 + b1) * x == alpha * (1 - b1), given, here),
                ("without x' = -x", amplitude, without(x_is, given), self.at(x=1, m=Q(-2, 3), v=4)),
                ("without v' = v", second, without(v_is, given), {**here, "v": Q(4)}),
            ),
        )

    def steepness(self) -> Step:
        """The rate, and the step, on the cycle."""
        (quotient,), q, here = self.reading.about(self.rate), self.rate, self.at()
        given = (LOW1, X0, AMPLITUDE, MOMENTUM, self.size, quotient)
        far = self.at(x=1, m=Q(-2, 3), v=4)
        return lemma(
            "steepness",
            "alpha/sqrt(v') = 2 (1 + beta1)/((1 - beta1) c), and times m' it is 2 x",
            (
                Proof(
                    self.steep,
                    times=((X0,),),
                    modulo=(((1 - b1), quotient), (-(1 - b1) * q, self.size), (-1, AMPLITUDE)),
                ),
                Proof(
                    self.push,
                    times=tuple((*w, X0) for w in ONE_PLUS),
                    modulo=(
                        (x * b1 * q, MOMENTUM),
                        (x * (1 - b1), quotient),
                        (-x * (1 - b1) * q, self.size),
                        (-x, AMPLITUDE),
                    ),
                ),
            ),
            given,
            here,
            false=(
                ("half as steep", (1 - b1) * c * q == 1 + b1, given, here),
                ("x for 2 x", q * self.m1 == x, given, here),
                ("at another distance", self.steep, without(AMPLITUDE, given), far),
            ),
        )

    def bent(self) -> Step:
        """The slopes of sqrt(v') and of alpha/sqrt(v') along x and v."""
        letters = self.rx, self.qx, self.rv, self.qv
        ex, eqx, ev, eqv = (self.reading.about(z)[0] for z in letters)
        rx, qx, rv, qv = letters
        given, here, size = (C0, X0, self.size, ex, eqx, ev, eqv), self.at(), self.size
        of_rx = (C0, X0)
        return lemma(
            "bends",
            "along x: sqrt(v')' = (1 - beta2) c, x rate' = -(1 - beta2) rate; along v: 2 c x sqrt(v')' = beta2, "
            "c x rate' = -rate sqrt(v')'",
            (
                Proof(self.bends[0], times=(of_rx,), modulo=((Q(1, 2), ex), (-rx, size))),
                Proof(
                    self.bends[1],
                    times=((C0, *of_rx),),
                    modulo=((c * x, eqx), (-c * x * qx, size), (-self.rate * Q(1, 2), ex), (self.rate * rx, size)),
                ),
                Proof(self.bends[2], modulo=((1, ev), (-2 * rv, size))),
                Proof(self.bends[3], modulo=((1, eqv), (-qv, size))),
            ),
            given,
            here,
            false=(
                ("beta2 for 1 - beta2", rx == b2 * c, given, here),
                ("the rate rises", x * qx == (1 - b2) * self.rate, given, here),
                ("without 2", c * x * rv == b2, given, here),
            ),
        )

    def derivative(self) -> Step:
        """The slopes of the step."""
        (jx, jm, jv), along_m, along_v, here = self.slopes, self.after[1].slopes, self.after[2].slopes, self.at()
        _, qx_is, rv_is, qv_is = self.bends
        given = (X0, self.steep, self.push, *self.bends)
        return lemma(
            "derivative",
            "x' has the slopes 1 - 2 beta1 - 2 beta2, -2 beta1 (1 + beta1)/((1 - beta1) c) and beta2/(c^2 x) along "
            "x, m and v; m' has (1 - beta1) c, beta1 and 0, v' has 2 (1 - beta2) c^2 x, 0 and beta2",
            (
                Proof(
                    self.entries[0],
                    times=((X0,),),
                    modulo=((-x, self.steep), (1 - b2, self.push), (-self.m1, qx_is)),
                ),
                Proof(self.entries[1], modulo=((-b1, self.steep),)),
                Proof(self.entries[2], modulo=((-c * self.m1, qv_is), (1, rv_is), (c * self.rv, self.push))),
                *(Proof(a == e) for a, e in zip(along_m, ((1 - b1) * c, b1, 0), strict=True)),
                *(Proof(a == e) for a, e in zip(along_v, (2 * (1 - b2) * c * c * x, 0, b2), strict=True)),
            ),
            given,
            here,
            false=(
                ("1 - beta1 - 2 beta2", jx == 1 - b1 - 2 * b2, given, here),
                ("beta1^2", (1 - b1) * c * jm == -2 * b1 * b1, given, here),
                ("the other sign", c * c * x * jv == -b2, given, here),
            ),
        )

    def determinant(self) -> Step:
        """det(L - J), where J is the derivative with its first two rows turned back."""
        turned = (tuple(-z for z in self.slopes), tuple(-z for z in self.after[1].slopes), self.after[2].slopes)
        rows = [[L * int(i == j) - z for j, z in enumerate(row)] for i, row in enumerate(turned)]
        (a, q, r), (d, e, f), (g, h, k) = rows
        value, here = a * (e * k - f * h) - q * (d * k - f * g) + r * (d * h - e * g), self.at()
        return lemma(
            "determinant",
            "det(L - J) = p(L)",
            (
                Proof(
                    value == p(L),
                    modulo=(
                        ((L + b1) * (L - b2), self.entries[0]),
                        (b2 - L, self.entries[1]),
                        (2 * (1 - b2) * (L + b1), self.entries[2]),
                    ),
                ),
            ),
            self.entries,
            here,
            false=(
                ("A with 2 beta2", value == p(L) + b2 * L * L, self.entries, here),
                ("without K", value == p(L) - K, self.entries, here),
                ("of the step, not turned back", value == -p(-L), self.entries, here),
            ),
        )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Cycle(rule)
    return Argument(
        (
            of.read(),
            of.odd(),
            of.sizes(),
            of.exists(),
            of.only(),
            of.steepness(),
            of.bent(),
            of.derivative(),
            of.determinant(),
            *steps(),
        ),
        assumes=(*of.reading.defined, *RANGES, C0, X0, AMPLITUDE, MOMENTUM, SECOND, *ASSUMED),
    )


adam_two_cycle = theorem(
    "adam_two_cycle",
    "With a constant step Adam has a 2-cycle on c x^2/2, whose size depends neither on c nor on beta2.\n\n"
    "Let 0 <= beta1 < 1, 0 < beta2 < 1, c > 0, and let alpha > 0 be constant: adam_analysed with schedule = constant, "
    "on quadratic with curvature c, center 0 and no walls.\n\n"
    "(a) With x = alpha (1 - beta1)/(2 (1 + beta1)), the state (x, m, v) with m = -(1 - beta1) c x/(1 + beta1) and "
    "v = c^2 x^2 goes to (-x, -m, v), and that to (x, m, v). No other x > 0, m, v does so.\n"
    "(b) There, the derivative of the step followed by (x, m, v) -> (-x, -m, v) has the characteristic polynomial "
    "p(L) = L^3 + (1 - beta1 - 3 beta2) L^2 + (3 beta1 + beta2 - beta1 beta2) L - beta1 beta2.\n"
    "(c) p has a real root in [0, 1); let margin = 1 - 3 beta1 (1 + beta2) + beta1^2 beta2. All roots of p have "
    "modulus < 1 if margin > 0; the other two have product 1 if margin = 0; one has modulus > 1 if margin < 0, as for "
    "every beta2 where beta1 >= 1/3.\n\nOver the reals, for all real beta1 and beta2.",
    "cf. Bock and Weiss 2019, on 2-cycles of Adam; the proof is this project's",
    argue,
    remarks="In the steps, a prime marks what is after a step (and, in bends, a slope); rho is a root of p in [0, 1), "
    "which there is by the intermediate value theorem as p(0) <= 0 < p(1), and s and u are the coefficients of "
    "p(L)/(L - rho) = L^2 + s L + u. That a cycle attracts what starts near it if margin > 0, and not if margin < 0, "
    "is the classical theorem on linearization and not part of the statement.",
)
