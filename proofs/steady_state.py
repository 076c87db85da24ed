"""The steady state of Adam's moments on any periodic gradients: there is just one, and every run approaches it.

z' = beta z + (1 - beta) y            z = m, beta = beta1, y = g    or    z = v, beta = beta2, y = g^2
z_n = beta^n z_0 + (1 - beta) E_n     E_n = beta E_(n-1) + y_n = sum_(j<n) beta^j y_(n-j)
z_P = z_0  <=>  (1 - beta^P) z_0 = (1 - beta) E_P
(1 - beta)(z_1 + ... + z_n) = (1 - beta)(y_1 + ... + y_n) - beta (z_n - z_0)
"""

from __future__ import annotations

from fractions import Fraction as Q

from proofs._periodic import Rounds, b1, b2, g, m, v
from simlab.checker import Polynomial, Proof, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import induction, lemma, without

z, y, b, q, E = (letter(name) for name in ("z", "y", "beta", "q", "E"))  # q = beta^n
z0, w, d, d0, zs, ys = (letter(name) for name in ("z_0", "w", "d", "d_0", "S", "H"))
E_BEFORE, Y_THEN = letter("E_before"), letter("y_then")
average = b * z + (1 - b) * y  # z after a round
LOW, HIGH, ALIVE = b >= 0, b < 1, b > 0
SQUARE, SEEN, SQUARES = y >= 0, Y_THEN > 0, E_BEFORE >= 0

# what the steps show
Q0, Q1 = q >= 0, q < 1
UNROLLED = z == q * z0 + (1 - b) * E
FIXED, TWIN = (1 - q) * z0 == (1 - b) * E, (1 - q) * w == (1 - b) * E
SUMS = (1 - b) * zs == (1 - b) * ys - b * (z - z0)
ENERGY, POSITIVE = E >= 0, E > 0
# what is assumed of a steady state
CLOSED = z == z0

HERE = {"beta": Q(1, 2), "q": Q(1, 2), "E": Q(1), "z_0": Q(1), "z": Q(1), "w": Q(1), "y": Q(1)}


class Moments(Rounds):
    """Both moments are such averages."""

    def averages(self) -> Step:
        """m is the average of g, v that of g^2."""
        _, m1, v1 = self.play(g, m, v)
        first, second = ({"z": a, "beta": beta, "y": new} for a, beta, new in ((m, b1, g), (v, b2, g * g)))
        here = {"beta1": Q(1, 2), "beta2": Q(1, 2), "m": Q(1), "v": Q(3), "g": Q(2)}
        return lemma(
            "averages",
            "z' = beta z + (1 - beta) y for z = m, beta = beta1, y = g, and for z = v, beta = beta2, y = g^2",
            (Proof(m1 == average.at(first)), Proof(v1 == average.at(second))),
            false=(
                ("v averages g", v1 == average.at({**second, "y": g}), (), here),
                ("v decays like m^2", v1 == average.at({**second, "beta": b2 * b2}), (), here),
                ("m averages g^2", m1 == average.at({**first, "y": g * g}), (), here),
            ),
        )


def contraction() -> Step:
    """Two runs that see the same gradients, whatever they are, approach each other."""
    gap = average - average.at({"z": w})
    here = {"beta": Q(1, 2), "z": Q(1), "w": Q(0), "y": Q(2)}
    return lemma(
        "contraction",
        "z' - w' = beta (z - w) for two averages of the same y, whatever it is",
        (Proof(gap == b * (z - w)),),
        false=(
            ("they keep their distance", gap == z - w, (), here),
            ("beta^2", gap == b * b * (z - w), (), here),
            ("y enters", gap == b * (z - w) + (1 - b) * y, (), here),
        ),
    )


def decay(b: Polynomial = b, n: str = "n", words: str = "z_n - w_n = beta^n (z_0 - w_0)") -> Step:
    """The same after n rounds."""
    claim, here = d == q * d0, {str(b): Q(1, 2), "d": Q(1), "q": Q(1), "d_0": Q(1)}
    return induction(
        "decay",
        f"{words}, by induction on {n}",
        base=(Proof(claim),),
        turn=(Proof(claim, modulo=((b, claim),)),),
        start={"d": d0, "q": polynomial(1)},
        after={"d": b * d, "q": b * q},
        witness=here,
        false=(
            ("the distance stays", b * d == d0, (claim,), here),
            ("one round late", b * d == q * d0, (claim,), here),
            (f"{b}^(2{n})", b * d == b * b * q * d0, (claim,), here),
        ),
    )


def unroll() -> Step:
    """n rounds from z_0."""
    here = {**HERE, "y": Q(3)}
    return induction(
        "unrolled",
        "z_n = beta^n z_0 + (1 - beta) E_n, by induction on n",
        base=(Proof(UNROLLED),),
        turn=(Proof(UNROLLED, modulo=((b, UNROLLED),)),),
        start={"z": z0, "q": polynomial(1), "E": polynomial(0)},
        after={"z": average, "q": b * q, "E": b * E + y},
        witness=here,
        false=(
            ("z_n = beta^n z_0", average == b * q * z0, (UNROLLED,), here),
            ("z_n = beta^n z_0 + E_n", average == b * q * z0 + b * E + y, (UNROLLED,), here),
            ("z_0 does not decay", average == q * z0 + (1 - b) * (b * E + y), (UNROLLED,), here),
        ),
    )


def powers() -> Step:
    """0 <= beta^n < 1 for n >= 1."""
    given, now = (LOW, HIGH), (LOW, HIGH, Q0, Q1)
    return induction(
        "powers",
        "0 <= beta^n < 1 for n >= 1, by induction on n",
        base=(Proof(Q0, by=((LOW,),)), Proof(Q1, by=((HIGH,),))),
        turn=(Proof(Q0, by=((LOW, Q0),)), Proof(Q1, by=((Q1,), (Q0, HIGH)))),
        start={"q": b},
        after={"q": b * q},
        given=given,
        witness=HERE,
        false=(
            ("beta^n < 1/2", b * q < Q(1, 2), now, {"beta": Q(9, 10), "q": Q(9, 10)}),
            ("the powers do not fall", b * q >= q, now, HERE),
            ("without beta < 1", b * q < 1, (LOW, Q0, Q1), {"beta": Q(3), "q": Q(1, 2)}),
        ),
    )


def fixed() -> Step:
    """Where a period leads back."""
    given = (UNROLLED, CLOSED)
    return lemma(
        "steady",
        "if z_P = z_0 then (1 - beta^P) z_0 = (1 - beta) E_P",
        (Proof(FIXED, modulo=((1, UNROLLED), (-1, CLOSED))),),
        given,
        HERE,
        false=(
            ("(1 - beta^P) z_0 = E_P", (1 - q) * z0 == E, given, HERE),
            ("(1 + beta^P) z_0 = (1 - beta) E_P", (1 + q) * z0 == (1 - b) * E, given, HERE),
            ("from any z_0", FIXED, (UNROLLED,), {**HERE, "z_0": Q(0), "z": Q(1, 2)}),
        ),
    )


def attained() -> Step:
    """That point is one."""
    given, after = (TWIN,), q * w + (1 - b) * E
    return lemma(
        "attained",
        "if (1 - beta^P) w = (1 - beta) E_P then a period from w leads back to w",
        (Proof(after == w, modulo=((-1, TWIN),)),),
        given,
        HERE,
        false=(
            ("to 0", after == 0, given, HERE),
            ("to half", after == Q(1, 2) * w, given, HERE),
            ("from any w", after == w, (), {**HERE, "w": Q(0)}),
        ),
    )


def unique() -> Step:
    """There is no other."""
    given = (Q1, FIXED, TWIN)
    return lemma(
        "unique",
        "two such points are the same",
        (Proof(w == z0, times=((Q1,),), modulo=((1, TWIN), (-1, FIXED))),),
        given,
        HERE,
        false=(
            ("opposite", w == -z0, given, HERE),
            ("if beta^P = 1", w == z0, (FIXED, TWIN), {"beta": Q(1), "q": Q(1), "E": Q(1), "z_0": Q(1), "w": Q(0)}),
            ("for two gradient sequences", w == z0, (Q1, FIXED), {**HERE, "w": Q(0)}),
        ),
    )


def sums() -> Step:
    """The sum of z over n rounds."""
    after, here = {"S": zs + average, "H": ys + y, "z": average}, {**HERE, "y": Q(3), "S": Q(0), "H": Q(0)}
    plain = zs + average == ys + y
    return induction(
        "sums",
        "(1 - beta)(z_1 + ... + z_n) = (1 - beta)(y_1 + ... + y_n) - beta (z_n - z_0), by induction on n",
        base=(Proof(SUMS),),
        turn=(Proof(SUMS, modulo=((1, SUMS),)),),
        start={"S": polynomial(0), "H": polynomial(0), "z": z0},
        after=after,
        witness=here,
        false=(
            ("the sums are the same", plain, (SUMS,), here),
            ("with + beta (z_n - z_0)", ((1 - b) * zs == (1 - b) * ys + b * (z - z0)).at(after), (SUMS,), here),
            ("without z_0", ((1 - b) * zs == (1 - b) * ys - b * z).at(after), (SUMS,), here),
        ),
    )


def balance() -> Step:
    """In the steady state the two sums are the same."""
    given, here = (HIGH, SUMS, CLOSED), {**HERE, "S": Q(5), "H": Q(5)}
    return lemma(
        "balance",
        "z_1 + ... + z_P = y_1 + ... + y_P in the steady state: sum m_i = G and sum v_i = sum g_i^2",
        (Proof(zs == ys, times=((HIGH,),), modulo=((1, SUMS), (-b, CLOSED))),),
        given,
        here,
        false=(
            ("half", zs == Q(1, 2) * ys, given, here),
            ("before the steady state", zs == ys, (HIGH, SUMS), {**here, "z": Q(2), "S": Q(4)}),
            ("without beta < 1", zs == ys, (SUMS, CLOSED), {**here, "beta": Q(1), "S": Q(0)}),
        ),
    )


def energy() -> Step:
    """E_n >= 0 where all y >= 0."""
    given, later = (LOW, SQUARE), b * E + y
    return induction(
        "energy",
        "E_n >= 0 where all y >= 0, by induction on n",
        base=(Proof(ENERGY),),
        turn=(Proof(ENERGY, by=((LOW, ENERGY), (SQUARE,))),),
        start={"E": polynomial(0)},
        after={"E": later},
        given=given,
        witness=HERE,
        false=(
            ("E_n >= 2", later >= 2, (*given, ENERGY), HERE),
            ("without y >= 0", later >= 0, (LOW, ENERGY), {**HERE, "y": Q(-1)}),
            ("without beta >= 0", later >= 0, (SQUARE, ENERGY), {**HERE, "beta": Q(-2)}),
        ),
    )


def positive() -> Step:
    """E_n > 0 from a round with y > 0 on."""
    given, later = (ALIVE, SQUARE, SEEN, SQUARES), b * E + y
    here = {**HERE, "E_before": Q(0), "y_then": Q(1), "y": Q(0)}
    return induction(
        "positive",
        "E_n > 0 from a round with y > 0 on, by induction",
        base=(Proof(POSITIVE, by=((ALIVE, SQUARES), (SEEN,))),),
        turn=(Proof(POSITIVE, by=((ALIVE, POSITIVE), (SQUARE,))),),
        start={"E": b * E_BEFORE + Y_THEN},
        after={"E": later},
        given=given,
        witness=here,
        false=(
            ("E_n >= 1", later >= 1, (*given, POSITIVE), here),
            ("from the start", later > 0, (ALIVE, SQUARE, SEEN, SQUARES), {**here, "E": Q(0)}),
            ("without beta > 0", later > 0, (SQUARE, SEEN, SQUARES, POSITIVE), {**here, "beta": Q(0)}),
        ),
    )


def alive() -> Step:
    """So v* > 0 where a gradient is not 0."""
    given = (HIGH, Q1, FIXED, POSITIVE)
    return lemma(
        "alive",
        "z_0 > 0 in the steady state where E_P > 0: v* > 0 in every phase if some gradient is not 0",
        (Proof(z0 > 0, times=((Q1,),), by=((HIGH, POSITIVE),), modulo=((1, FIXED),)),),
        given,
        HERE,
        false=(
            ("z_0 > 1", z0 > 1, given, HERE),
            ("without E_P > 0", z0 > 0, without(POSITIVE, given), {**HERE, "E": Q(0), "z_0": Q(0)}),
            ("before the steady state", z0 > 0, without(FIXED, given), {**HERE, "z_0": Q(0)}),
        ),
    )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Moments(rule)
    return Argument(
        (
            of.read(),
            of.averages(),
            contraction(),
            decay(),
            unroll(),
            powers(),
            fixed(),
            attained(),
            unique(),
            sums(),
            balance(),
            energy(),
            positive(),
            alive(),
        ),
        assumes=(*of.reading.defined, LOW, HIGH, ALIVE, SQUARE, SEEN, SQUARES, CLOSED, TWIN),
    )


steady_state = theorem(
    "steady_state",
    "Adam's moments approach one steady state on any periodic gradients, geometrically and exactly.\n\n"
    "Let 0 <= beta1 < 1, 0 <= beta2 < 1, and let the gradients g_1, ..., g_P be repeated for ever, whatever they and P "
    "are. For the moments m and v of adam_analysed, in every phase i:\n\n"
    "(a) There is exactly one m*_i and one v*_i that a period leaves as they were: (1 - beta1^P) m*_i = (1 - beta1) "
    "sum_(j<P) beta1^j g_(i-j), and the same for v*_i with beta2 and g^2.\n"
    "(b) m_t - m*_t = beta1^t (m_0 - m*_0) and v_t - v*_t = beta2^t (v_0 - v*_0), from any m_0 and v_0.\n"
    "(c) sum_i m*_i = g_1 + ... + g_P and sum_i v*_i = g_1^2 + ... + g_P^2.\n"
    "(d) If beta2 > 0 and some gradient is not 0, every v*_i > 0, so the steady step alpha m*_i/sqrt(v*_i) is defined."
    "\n\nOver the reals, for all real beta1, beta2 and gradients and all rounds.",
    "this project; the steady state behind Reddi, Kale and Kumar 2018, Theorems 1-2, and Luo et al. 2019, Theorem 1",
    argue,
    remarks="In the steps, z is m or v and y what it averages, g or g^2; E_n is the weighted sum of n values of y, "
    "q = beta^n, S and H are the sums of z and y over n rounds. A phase i other than the last is the last one of the "
    "period that begins after phase i.",
)
