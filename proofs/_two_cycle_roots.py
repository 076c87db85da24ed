"""The roots of the cubic that decides whether Adam's 2-cycle attracts: where they lie, shown by certificates alone.

    p(L) = L^3 + A L^2 + B L + K,   A = 1 - beta1 - 3 beta2,   B = 3 beta1 + beta2 - beta1 beta2,   K = -beta1 beta2
    p(0) <= 0 < p(1),  p(-1) < 0;   p(L) = (L - rho)(L^2 + s L + u),   s = A + rho,   u = B + rho s,   0 <= rho < 1
    1 + s + u > 0 and 1 - s + u > 0,   from p(1) and p(-1)
    (1 - u)(1 + rho s + rho^2 u) = (1 - beta2) margin,   margin = 1 - 3 beta1 (1 + beta2) + beta1^2 beta2
    the other two roots: a complex pair of modulus^2 u, or two real ones whose product is u

rho is a root in [0, 1), which there is by the intermediate value theorem.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

from proofs._periodic import HIGH1, HIGH2, LOW1, LOW2, b1, b2
from simlab.checker import Proof, Square, letter, polynomial
from simlab.claims import Step
from simlab.lemma import Point, lemma, without

L, rho, y, w = (letter(name) for name in ("L", "rho", "y", "w"))
A, B, K = 1 - b1 - 3 * b2, 3 * b1 + b2 - b1 * b2, -b1 * b2


def p(at: Any) -> Any:
    """The cubic."""
    return at * at * at + A * at * at + B * at + K


MARGIN = 1 - 3 * b1 * (1 + b2) + b1 * b1 * b2
STABLE, EDGE, UNSTABLE = MARGIN > 0, MARGIN == 0, MARGIN < 0
ROOT, FROM, UNTIL = p(rho) == 0, rho >= 0, rho < 1
S = A + rho
U = B + rho * S
RE, IM = y * y - w * w + S * y + U == 0, 2 * y * w + S * w == 0  # y + i w is a root of the quadratic
HEAVY = b1 >= Q(1, 3)
COMPLEX, REAL = w * w > 0, y * y + S * y + U == 0
# what the steps show
RIGHT, LEFT = 1 + S + U > 0, 1 - S + U > 0
FACTOR = 1 + rho * S + rho * rho * U > 0
INNER, UNIT, OUTER = U < 1, U == 1, U > 1
MODULUS = y * y + w * w == U


def at(rho: Q = Q(1, 10), beta2: Q = Q(1, 2), **more: Any) -> Point:
    """A point where rho is a root, since p is affine in beta1."""
    here = {"rho": rho, "beta2": beta2}
    zero, one = (p(letter("rho")).value({**here, "beta1": Q(z)}) for z in (0, 1))
    return {**here, "beta1": zero / (zero - one), **more}


FAST, SLOW = at(), at(Q(1, 5), Q(9, 10))  # beta1 = 0.18 with margin 0.22, and beta1 = 0.23 with margin -0.27
LEVEL = {"beta1": Q(1, 4), "beta2": Q(4, 11), "rho": Q(1, 11)}  # margin 0
TIMES = (1,), (FROM,)


def ends() -> Step:
    """The signs of p at 0, 1 and -1."""
    given = (LOW1, HIGH1, LOW2, HIGH2)
    return lemma(
        "ends",
        "p(0) <= 0, p(1) = 2 (1 + beta1)(1 - beta2) > 0 and -p(-1) = 4 (beta1 + beta2) > 0",
        (
            Proof(p(polynomial(0)) <= 0, by=((LOW1, LOW2),)),
            Proof(p(polynomial(1)) > 0, by=((2, HIGH2), (2, LOW1, HIGH2))),
            Proof(p(polynomial(-1)) < 0, by=((4, LOW1), (4, LOW2))),
        ),
        given,
        FAST,
        false=(
            ("p(0) < 0", p(polynomial(0)) < 0, given, {"beta1": Q(0), "beta2": Q(1, 2)}),
            ("p(1/2) > 1/4", p(polynomial(Q(1, 2))) > Q(1, 4), given, {"beta1": Q(0), "beta2": Q(9, 10)}),
            ("without beta2 < 1", p(polynomial(1)) > 0, without(HIGH2, given), {"beta1": Q(0), "beta2": Q(2)}),
        ),
    )


def factors() -> Step:
    """p without its root rho."""
    quadratic = L * L + S * L + U
    here = {**FAST, "L": Q(2)}
    return lemma(
        "factor",
        "p(L) = (L - rho)(L^2 + s L + u)",
        (Proof(p(L) == (L - rho) * quadratic, modulo=((1, ROOT),)),),
        (ROOT,),
        here,
        false=(
            ("without s", p(L) == (L - rho) * (L * L + U), (ROOT,), here),
            ("-u", p(L) == (L - rho) * (quadratic - 2 * U), (ROOT,), here),
            ("rho is no root", p(L) == (L - rho) * quadratic, (), {**here, "rho": Q(1, 2)}),
        ),
    )


def sides() -> Step:
    """(1 - rho)(1 + s + u) = p(1) - p(rho), (1 + rho)(1 - s + u) = p(rho) - p(-1)."""
    given = (LOW1, LOW2, HIGH2, FROM, UNTIL, ROOT)
    return lemma(
        "sides",
        "1 + s + u > 0 and 1 - s + u > 0",
        (
            Proof(RIGHT, times=((UNTIL,),), by=((2, HIGH2), (2, LOW1, HIGH2)), modulo=((-1, ROOT),)),
            Proof(LEFT, times=TIMES, by=((4, LOW1), (4, LOW2)), modulo=((1, ROOT),)),
        ),
        given,
        FAST,
        false=(
            ("1 + s + u > 2", 1 + S + U > 2, given, FAST),
            ("1 - s + u > 3", 1 - S + U > 3, given, FAST),
            ("rho is no root", RIGHT, without(ROOT, given), {"beta1": Q(0), "beta2": Q(99, 100), "rho": Q(1, 2)}),
        ),
    )


def factor_positive() -> Step:
    """With rho u = beta1 beta2: 1 + rho s + rho^2 u = (1 - rho)(1 - beta1 beta2) + rho (1 + s + u)."""
    given = (LOW1, HIGH1, HIGH2, FROM, UNTIL, ROOT, RIGHT)
    return lemma(
        "weight",
        "1 + rho s + rho^2 u > 0",
        (
            Proof(
                FACTOR,
                by=((UNTIL, HIGH1), (UNTIL, LOW1, HIGH2), (FROM, RIGHT)),
                modulo=((rho - 1, ROOT),),
            ),
        ),
        given,
        FAST,
        false=(
            ("> 1", 1 + rho * S + rho * rho * U > 1, given, FAST),
            ("> 1 - rho^2", 1 + rho * S + rho * rho * U > 1 - rho * rho, given, FAST),
            ("without beta1 < 1", FACTOR, without(HIGH1, given), at(Q(6, 25), Q(27, 50))),
        ),
    )


def thresholds() -> tuple[Step, ...]:
    """(1 - u)(1 + rho s + rho^2 u) = (1 - beta2) margin - (A + rho u + beta1 beta2) p(rho)."""
    rest, weight = A + rho * U + b1 * b2, (FACTOR,)
    given = (HIGH2, FACTOR, ROOT)
    cases = (
        ("inside", "u < 1", INNER, STABLE, FAST, (("u < 1/2", 2 * U < 1), ("u > 1", OUTER))),
        ("edge", "u = 1", UNIT, EDGE, LEVEL, (("u < 1", INNER), ("u > 1", OUTER))),
        ("outside", "u > 1", OUTER, UNSTABLE, SLOW, (("u > 2", U > 2), ("u < 1", INNER))),
    )
    proofs = (
        Proof(INNER, times=(weight,), by=((HIGH2, STABLE),), modulo=((-rest, ROOT),)),
        Proof(UNIT, times=(weight,), modulo=((b2 - 1, EDGE), (rest, ROOT))),
        Proof(OUTER, times=(weight,), by=((HIGH2, UNSTABLE),), modulo=((rest, ROOT),)),
    )
    return tuple(
        lemma(
            name,
            f"{text} where the margin is {case.relation if case is not UNSTABLE else '<'} 0",
            (proof,),
            (*given, case),
            here,
            false=(
                *((other, false, (*given, case), here) for other, false in wrong),
                ("whatever the margin", claim, given, SLOW if case is STABLE else FAST),
            ),
        )
        for (name, text, claim, case, here, wrong), proof in zip(cases, proofs, strict=True)
    )


def pair() -> Step:
    """w^2 (y^2 + w^2 - u) = y w (2 y w + s w) - w^2 (y^2 - w^2 + s y + u)."""
    given = (RE, IM, COMPLEX)
    here = {"beta1": Q(0), "beta2": Q(1, 5), "rho": Q(0), "y": Q(-1, 5), "w": Q(2, 5)}  # s = 2/5, u = 1/5
    return lemma(
        "pair",
        "a complex root y + i w of L^2 + s L + u has y^2 + w^2 = u",
        (Proof(MODULUS, times=((COMPLEX,),), modulo=((y * w, IM), (-w * w, RE))),),
        given,
        here,
        false=(
            ("y^2 - w^2 = u", y * y - w * w == U, given, here),
            ("without Re", MODULUS, (IM, COMPLEX), {**here, "w": Q(1)}),
            ("without Im", MODULUS, (RE, COMPLEX), {**here, "y": Q(1, 10), "w": Q(1, 2)}),
        ),
    )


def real_inside() -> Step:
    """With the twin t = -s - y, y t = u: (1 - y^2)(2 - y^2 - t^2) = (1 - y^2)^2 + (1 - y^2)(1 - t^2)."""
    e = REAL.polynomial
    given = (INNER, RIGHT, LEFT, REAL)
    here = {"beta1": Q(0), "beta2": Q(1, 10), "rho": Q(0), "y": Q(-1, 2)}  # s = 7/10, u = 1/10
    return lemma(
        "real inside",
        "a real root y of L^2 + s L + u has y^2 < 1 if u < 1",
        (
            Proof(
                y * y < 1,
                times=((Q(1, 2), INNER, RIGHT), (Q(1, 2), INNER, LEFT), (RIGHT, LEFT)),
                by=((Square(1 - y * y),), (RIGHT, LEFT)),
                modulo=((e - 2 * (1 + U) + 2 * (1 - y * y), REAL),),
            ),
        ),
        given,
        here,
        false=(
            ("y^2 < 1/9", y * y < Q(1, 9), given, here),
            ("y > 0", y > 0, given, here),
            ("without 1 - s + u > 0", y * y < 1, without(LEFT, given), {**here, "beta2": Q(-3, 5), "y": Q(-3)}),
        ),
    )


def real_outside() -> Step:
    """With the twin t = -s - y: y^2 + t^2 - 2 u = (y - t)^2."""
    twin, given = -S - y, (OUTER, REAL)
    here = {"beta1": Q(0), "beta2": Q(3, 2), "rho": Q(0), "y": Q(1, 2)}  # s = -7/2, u = 3/2; t = 3
    claim = y * y + twin * twin > 2
    return lemma(
        "real outside",
        "two real roots y and t of L^2 + s L + u have y^2 + t^2 > 2 if u > 1: one of them is outside",
        (Proof(claim, by=((2, OUTER), (Square(y - twin),)), modulo=((-2, REAL),)),),
        given,
        here,
        false=(
            ("both are outside", y * y > 1, given, here),
            ("y^2 + t^2 > 10", y * y + twin * twin > 10, given, here),
            ("without u > 1", claim, (REAL,), {**here, "beta2": Q(1, 10), "y": Q(-1, 2)}),
        ),
    )


def momentum() -> Step:
    """-margin = (3 beta1 - 1) + beta1 beta2 (3 - beta1)."""
    given, claim = (HIGH1, LOW2, HEAVY), MARGIN < 0
    here, third = {"beta1": Q(9, 10), "beta2": Q(999, 1000)}, ((Q(1, 3),), (HEAVY,))  # beta1 = 1/3 + (beta1 - 1/3)
    return lemma(
        "momentum",
        "the margin is < 0 for every beta2 if beta1 >= 1/3",
        (
            Proof(
                claim,
                by=((3, HEAVY), *((*a, LOW2, *b) for a in third for b in ((2,), (HIGH1,)))),
            ),
        ),
        given,
        here,
        false=(
            ("without beta1 >= 1/3", claim, without(HEAVY, given), {"beta1": Q(0), "beta2": Q(9, 10)}),
            ("the margin is < -2", MARGIN < -2, given, {"beta1": Q(1, 3), "beta2": Q(1, 2)}),
            ("from 1/6 on", claim, (*without(HEAVY, given), b1 >= Q(1, 6)), {"beta1": Q(1, 6), "beta2": Q(9, 10)}),
        ),
    )


def steps() -> tuple[Step, ...]:
    """All of them, in an order in which each uses what earlier ones show."""
    return (
        ends(),
        factors(),
        sides(),
        factor_positive(),
        *thresholds(),
        pair(),
        real_inside(),
        real_outside(),
        momentum(),
    )


ASSUMED = (ROOT, FROM, UNTIL, STABLE, EDGE, UNSTABLE, RE, IM, COMPLEX, REAL, HEAVY)
