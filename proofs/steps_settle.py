"""Adam's steps on periodic gradients settle so fast that all their transients together are bounded.

u = alpha m/r,  r = sqrt(v);   a star marks the steady state, where steady_state gives |m - m*| <= M q, |v - v*| <= V q
q = beta^t, beta = max(beta1, beta2);   r, r* >= rho > 0 from some round on, as v* has a least value over the phases
(u - u*) r r* (r + r*) = alpha ((m - m*) r* (r + r*) - m* (v - v*))
2 rho^3 |u - u*| <= alpha (2 rho^2 M + m_most V) q,    and the sum of C beta^t is at most C/(1 - beta)
"""

from __future__ import annotations

from fractions import Fraction as Q

from proofs._periodic import A0, LOW1, LOW2, Rounds, alpha, b1, b2, g, m, v, x
from simlab.checker import Proof, letter, polynomial
from simlab.claims import Argument, Step, theorem
from simlab.lemma import induction, lemma, without

ms, vs, rs, us, u, r, rho, beta, q, q1, q2 = (
    letter(n) for n in ("m_star", "v_star", "r_star", "u_star", "u", "r", "rho", "beta", "q", "q1", "q2")
)
far_m, far_v, most, gap_m, gap_v = (letter(n) for n in ("M", "V", "m_most", "m_gap", "v_gap"))  # the gaps are at t = 0
v0, vs0, least, largest = (letter(n) for n in ("v_0", "v_star_0", "v_least", "v_most"))
e, C, total, q0 = (letter(n) for n in ("e", "C", "S", "q_0"))

TOP1, TOP2, HIGH = b1 <= beta, b2 <= beta, beta < 1
NOT_LOW1, NOT_LOW2 = q1 >= 0, q2 >= 0
DECAY_M, DECAY_V = m - ms == q1 * gap_m, v - vs == q2 * gap_v
WIDE_M, WIDE_V = (gap_m <= far_m, gap_m >= -far_m), (gap_v <= far_v, gap_v >= -far_v)
SIZE_M, SIZE_V = far_m >= 0, far_v >= 0
START, FLOOR, CEILING, LATE, GAP = v0 >= 0, vs >= least, vs0 <= largest, 2 * q2 * largest <= least, gap_v == v0 - vs0
MOST = ms <= most, ms >= -most
ROOTS = r * r == v, rs * rs == vs
CODE, STEADY = u * r == alpha * m, us * rs == alpha * ms
ABOVE, ABOVE_STAR, RHO = r >= rho, rs >= rho, rho > 0
TERM, SIZE = e <= C * q, C >= 0
NOT_NEGATIVE, RHO_IS = (r >= 0, rs >= 0), 2 * rho * rho == least
# what the steps show
FLOORED = 2 * v >= least
POWER, POWER1, POWER2 = q >= 0, q1 <= q, q2 <= q
NEAR_M, NEAR_V = (m - ms <= far_m * q, m - ms >= -far_m * q), (v - vs <= far_v * q, v - vs >= -far_v * q)
SUM = (1 - beta) * total <= C * (q0 - q)


class Settling(Rounds):
    """The step after a round, as the code has it, against the steady one."""

    def step(self) -> Step:
        """u, which the bounds are about, is the code's rate times its direction."""
        seen, m1, v1 = self.play(g, m, v, schedule="constant")
        root = self.reading.sqrt(v1)
        (quotient,) = self.reading.about(self.reading.divide(alpha, root))
        move, given = seen.rate * seen.direction, (quotient,)
        here = self.reading.point(alpha=1, beta1=0, beta2=Q(1, 2), g=-1, m=0, v=1, x=0)
        return lemma(
            "step",
            "u r = alpha m for u the step of a round, r the root of the second moment after it, m the first",
            (Proof(move * root == alpha * m1, modulo=((m1, quotient),)), Proof(seen.proposal == x - move)),
            given,
            here,
            false=(
                ("with v for r", move * root * root == alpha * m1 * root + 1, given, here),
                ("with m before the round", move * root == alpha * m, given, here),
                ("the other way", move * root == -alpha * m1, given, here),
            ),
        )


def powers() -> Step:
    """beta1^t and beta2^t are at most beta^t."""
    given = (LOW1, LOW2, TOP1, TOP2, NOT_LOW1, NOT_LOW2)
    now = (*given, POWER, POWER1, POWER2)
    here = {"beta1": Q(1, 2), "beta2": Q(1, 2), "beta": Q(1, 2), "q": Q(1), "q1": Q(1), "q2": Q(1)}
    return induction(
        "powers",
        "beta1^t <= beta^t and beta2^t <= beta^t for beta = max(beta1, beta2), by induction on t",
        base=(Proof(POWER, by=((1,),)), Proof(POWER1), Proof(POWER2)),
        turn=(
            Proof(POWER, by=((LOW1, POWER), (TOP1, POWER))),
            Proof(POWER1, by=((LOW1, POWER1), (TOP1, POWER1), (NOT_LOW1, TOP1))),
            Proof(POWER2, by=((LOW2, POWER2), (TOP2, POWER2), (NOT_LOW2, TOP2))),
        ),
        start={"q": polynomial(1), "q1": polynomial(1), "q2": polynomial(1)},
        after={"q": beta * q, "q1": b1 * q1, "q2": b2 * q2},
        given=given,
        witness=here,
        false=(
            ("beta1^t <= beta^t/2", 2 * b1 * q1 <= beta * q, now, here),
            ("beta1 > beta", b1 * q1 <= beta * q, without(TOP1, now), {**here, "beta1": Q(3, 4)}),
            ("without the powers so far", b2 * q2 <= beta * q, without(POWER2, now), {**here, "q2": Q(9)}),
        ),
    )


def gaps() -> Step:
    """|m - m*| <= M beta^t, |v - v*| <= V beta^t: M q - q1 gap = q1 (M - gap) + M (q - q1)."""
    given = (NOT_LOW1, NOT_LOW2, POWER1, POWER2, DECAY_M, DECAY_V, *WIDE_M, *WIDE_V, SIZE_M, SIZE_V)
    here = {name: Q(1) for name in ("q", "q1", "q2", "m", "v", "m_gap", "v_gap", "M", "V")}
    here |= {"m_star": Q(0), "v_star": Q(0)}
    signs = ((1, 0), (-1, 1))
    return lemma(
        "gaps",
        "|m_t - m*_t| <= M beta^t and |v_t - v*_t| <= V beta^t, where M and V bound the gaps at t = 0",
        (
            *(
                Proof(c, by=((NOT_LOW1, WIDE_M[i]), (SIZE_M, POWER1)), modulo=((-sign, DECAY_M),))
                for (sign, i), c in zip(signs, NEAR_M, strict=True)
            ),
            *(
                Proof(c, by=((NOT_LOW2, WIDE_V[i]), (SIZE_V, POWER2)), modulo=((-sign, DECAY_V),))
                for (sign, i), c in zip(signs, NEAR_V, strict=True)
            ),
        ),
        given,
        here,
        false=(
            ("half of M", 2 * (m - ms) <= far_m * q, given, here),
            ("without the decay", NEAR_M[0], without(DECAY_M, given), {**here, "m": Q(9)}),
            ("without M", NEAR_M[0], without(WIDE_M[0], given), {**here, "m_gap": Q(9), "m": Q(9)}),
        ),
    )


def floor() -> Step:
    """v >= v* - beta2^t v*_0 >= v_least/2 once 2 beta2^t v_most <= v_least."""
    given = (NOT_LOW2, DECAY_V, GAP, START, FLOOR, CEILING, LATE)
    here = {"q2": Q(1, 2), "v_0": Q(0), "v_star_0": Q(1), "v_gap": Q(-1), "v": Q(1, 2), "v_star": Q(1)}
    here |= {"v_least": Q(1), "v_most": Q(1)}
    early = {**here, "q2": Q(1), "v": Q(0)}
    return lemma(
        "floor",
        "v_t >= v_least/2 once 2 beta2^t v_most <= v_least, for v_0 >= 0 and v_least <= v* <= v_most in every phase",
        (
            Proof(
                FLOORED,
                by=((2, FLOOR), (2, NOT_LOW2, START), (2, NOT_LOW2, CEILING), (LATE,)),
                modulo=((2, DECAY_V), (2 * q2, GAP)),
            ),
        ),
        given,
        here,
        false=(
            ("v >= v_least", v >= least, given, here),
            ("too early", FLOORED, without(LATE, given), early),
            ("from v_0 < 0", FLOORED, without(START, given), {**here, "v_0": Q(-1), "v_gap": Q(-2), "v": Q(0)}),
        ),
    )


def above() -> Step:
    """(r + rho)(r - rho) = v - v_least/2."""
    given = (RHO, RHO_IS, *NOT_NEGATIVE, *ROOTS, FLOORED, FLOOR)
    here = {"rho": Q(1), "v_least": Q(2), "r": Q(1), "v": Q(1), "r_star": Q(2), "v_star": Q(4)}
    half = Q(1, 2)
    return lemma(
        "above",
        "r >= rho and r* >= rho where 2 rho^2 = v_least",
        (
            Proof(
                ABOVE,
                times=((RHO,), (NOT_NEGATIVE[0],)),
                by=((half, FLOORED),),
                modulo=((1, ROOTS[0]), (-half, RHO_IS)),
            ),
            Proof(
                ABOVE_STAR,
                times=((RHO,), (NOT_NEGATIVE[1],)),
                by=((FLOOR,), (RHO, RHO)),
                modulo=((1, ROOTS[1]), (-1, RHO_IS)),
            ),
        ),
        given,
        here,
        false=(
            ("r >= 2 rho", r >= 2 * rho, given, here),
            ("the other root", ABOVE, without(NOT_NEGATIVE[0], given), {**here, "r": Q(-1)}),
            ("without v >= v_least/2", ABOVE, without(FLOORED, given), {**here, "r": Q(0), "v": Q(0)}),
        ),
    )


def close(sign: int) -> Step:
    """The identity at the top; r r* (r + r*) - 2 rho^3 is a sum of products of rho, r - rho and r* - rho."""
    near_m, word = NEAR_M[0 if sign > 0 else 1], "above" if sign > 0 else "below"
    with_v, against_v = NEAR_V[:: 1 if sign > 0 else -1]
    given = (A0, RHO, ABOVE, ABOVE_STAR, POWER, SIZE_M, SIZE_V, *MOST, near_m, *NEAR_V, CODE, STEADY, *ROOTS)
    left = 2 * rho * rho * rho * (u - us) * sign
    claim = left <= alpha * (2 * rho * rho * far_m + most * far_v) * q
    of_r, of_rs = ((RHO,), (ABOVE,)), ((RHO,), (ABOVE_STAR,))  # r = rho + (r - rho)
    of_both = (*of_r, *of_rs)
    cube, p, y, z = (RHO, RHO, RHO), (RHO,), (ABOVE,), (ABOVE_STAR,)
    beyond = ((3, *p, *p, *y), (3, *p, *p, *z), (4, *p, *y, *z), (*p, *y, *y), (*p, *z, *z), (*y, *y, *z), (*y, *z, *z))
    k = 2 * rho * rho * rho * sign
    here = {
        n: Q(1) for n in ("r", "r_star", "rho", "alpha", "q", "M", "V", "m_most", "v", "v_star", "u_star", "m_star")
    }
    here |= {"m": Q(1 + sign), "u": Q(1 + sign)}
    return lemma(
        f"close from {word}",
        f"2 rho^3 (u - u*) {'<=' if sign > 0 else '>= -'} alpha (2 rho^2 M + m_most V) beta^t".replace("- a", "-a"),
        (
            Proof(
                claim,
                times=tuple((*a, *b, *c) for a in of_r for b in of_rs for c in of_both),
                by=(
                    *((2, *cube, A0, near_m, *b, *c) for b in of_rs for c in of_both),
                    (*cube, A0, MOST[0], with_v),
                    (*cube, A0, MOST[1], against_v),
                    *((2, *p, *p, A0, POWER, SIZE_M, *b, *c, ABOVE) for b in of_rs for c in of_both),
                    *((Q(1, 2), A0, POWER, SIZE_V, side, *f) for side in MOST for f in beyond),
                ),
                modulo=(
                    (-k * rs * (r + rs), CODE),
                    (k * r * (r + rs), STEADY),
                    (k * alpha * ms, ROOTS[0]),
                    (-k * alpha * ms, ROOTS[1]),
                ),
            ),
        ),
        given,
        here,
        false=(
            ("half of M alone", left <= alpha * rho * rho * far_m * q, given, here),
            ("without the gap of m", claim, without(near_m, given), {**here, "m": Q(9 * sign), "u": Q(9 * sign)}),
            ("without the steady step", claim, without(STEADY, given), {**here, "u_star": Q(-9 * sign)}),
        ),
    )


def sums() -> Step:
    """C (q_0 - beta q) - (1 - beta)(S + e) = what it was + (1 - beta)(C q - e)."""
    given, after = (HIGH, TERM), {"S": total + e, "q": beta * q}
    here = {"beta": Q(1, 2), "S": Q(0), "C": Q(1), "q_0": Q(1), "q": Q(1), "e": Q(1)}
    now = (*given, SUM)
    return induction(
        "sums",
        "(1 - beta) S <= C (beta^(t_0) - beta^t) for a sum S of terms <= C beta^t from t_0 on, by induction",
        base=(Proof(SUM),),
        turn=(Proof(SUM, by=((SUM,), (HIGH, TERM))),),
        start={"S": polynomial(0), "q": q0},
        after=after,
        given=given,
        witness=here,
        false=(
            ("without 1 - beta", (total <= C * (q0 - q)).at(after), now, here),
            ("a larger term", SUM.at(after), without(TERM, now), {**here, "e": Q(2)}),
            ("without the sum so far", SUM.at(after), given, {**here, "S": Q(9)}),
        ),
    )


def bounded() -> Step:
    """As beta^t >= 0."""
    given, claim = (SUM, SIZE, POWER), (1 - beta) * total <= C * q0
    here = {"beta": Q(1, 2), "S": Q(2), "C": Q(1), "q_0": Q(1), "q": Q(0)}
    return lemma(
        "bounded",
        "(1 - beta) S <= C beta^(t_0)",
        (Proof(claim, by=((SUM,), (SIZE, POWER))),),
        given,
        here,
        false=(
            ("half", 2 * (1 - beta) * total <= C * q0, given, here),
            ("S <= C", total <= C * q0, given, here),
            ("without the sums", claim, without(SUM, given), {**here, "S": Q(9)}),
        ),
    )


def argue(rule: str = "adam_analysed") -> Argument:
    """The argument about the rule as it runs."""
    of = Settling(rule)
    read, step = of.read(), of.step()
    cases = (TOP1, TOP2, HIGH, NOT_LOW1, NOT_LOW2, DECAY_M, DECAY_V, *WIDE_M, *WIDE_V, SIZE_M, SIZE_V, START, FLOOR)
    more = (CEILING, LATE, GAP, *MOST, *ROOTS, *NOT_NEGATIVE, RHO_IS, CODE, STEADY, RHO, TERM, SIZE)
    return Argument(
        (read, step, powers(), gaps(), floor(), above(), close(1), close(-1), sums(), bounded()),
        assumes=(*of.reading.defined, A0, LOW1, LOW2, *cases, *more),
    )


steps_settle = theorem(
    "steps_settle",
    "Adam's steps on periodic gradients settle so fast that all their transients together are bounded.\n\n"
    "Let 0 <= beta1 < 1, 0 < beta2 < 1, beta = max(beta1, beta2), alpha > 0, v_0 >= 0, and gradients of period P, not "
    "all 0. Let u_t = alpha m_t/sqrt(v_t) for adam_analysed, and u*_t the same in the steady state (steady_state).\n\n"
    "(a) v_t >= v_least/2 > 0 once 2 beta2^t v_most <= v_least, where v_least and v_most are the extremes of v*.\n"
    "(b) From then on, 2 rho^3 |u_t - u*_t| <= alpha (2 rho^2 M + m_most V) beta^t, where rho^2 = v_least/2, M and V "
    "bound |m_0 - m*_0| and |v_0 - v*_0|, and m_most bounds |m*|.\n"
    "(c) So the sums of u_t - u*_t over any rounds from some t_0 on have a common bound, from both sides.\n\n"
    "So drift_decides applies wherever D is not 0: x_t goes to the upper end of F if D > 0, to the lower if D < 0, "
    "like 1/sqrt(t). Over the reals, for all real beta1, beta2 and gradients and all rounds.",
    "this project; the transients in Reddi, Kale and Kumar 2018, Theorems 1-2, and Luo et al. 2019, Theorem 1",
    argue,
    remarks="The rounds before t_0 add a constant to A in drift_decides. In the steps, q, q1 and q2 are beta^t, "
    "beta1^t and beta2^t; close from above and from below are (b) for u - u* and u* - u; S is a sum of terms at most "
    "C beta^t.",
)
