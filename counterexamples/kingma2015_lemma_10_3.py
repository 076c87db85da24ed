"""A lemma of Adam's regret proof is false from the 31st round on, for gradients 1/sqrt(t).

    Lemma 10.3:  sum_{t<=T} sqrt(g_t^2/t) <= 2 G_inf ||g_{1:T}||_2     where |g_t| <= G_inf

    g_t = 1/sqrt(t), G_inf = 1:   H_T <= 2 sqrt(H_T), false iff H_T > 4,   H_T = 1 + 1/2 + ... + 1/T
    g_t = c, G_inf = c, T = 1:    c <= 2 c^2, false for every c < 1/2

Kingma and Ba (2015), "Adam: a method for stochastic optimization", appendix, Lemma 10.3.
"""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import accumulate

from counterexamples._exact import exactly, together
from simlab.claims import Certificate, Claim

FIRST, SMALL = 31, Q(1, 10)


def excess(left: Q, bound: Q, squares: Q) -> Q:
    """(left side)^2 - (right side)^2, from the left side, G_inf and ||g_{1:T}||^2: positive where the lemma is
    false."""
    return left**2 - 4 * bound**2 * squares


def check() -> Certificate:
    """Every T up to the first failure, in fractions; and a scale at which the first round fails."""
    harmonic = list(accumulate(Q(1, t) for t in range(1, FIRST + 1)))  # both sum |g_t|/sqrt(t) and ||g_{1:T}||^2
    parts = {f"T = {t}: true": -excess(h, Q(1), h) for t, h in enumerate(harmonic[:-1], 1)}
    parts[f"T = {FIRST}: false"] = excess(harmonic[-1], Q(1), harmonic[-1])
    parts[f"and for every later T, as H_T grows: H_{FIRST} - 4"] = harmonic[-1] - 4
    parts[f"g_1 = {SMALL}, T = 1: false"] = excess(SMALL, SMALL, SMALL**2)
    return together({"both sides": exactly(parts)})


kingma2015_lemma_10_3 = Claim(
    "kingma2015_lemma_10_3",
    "The lemma that bounds sum |g_t|/sqrt(t) by 2 G_inf ||g_(1:T)|| in Adam's proof is false.\n\n"
    "For g_t = 1/sqrt(t) and G_inf = 1 it holds for T = 1, ..., 30 and is false for every T >= 31; for a constant "
    "gradient 1/10 and G_inf = 1/10 it is false at T = 1.\n\n"
    "For real gradients in one dimension; in exact rationals, both sides squared.",
    "Kingma and Ba 2015, Lemma 10.3 (appendix)",
    check,
    remarks="The two sides scale differently: g -> c g multiplies the left by c and the right by c^2, so no "
    "constant in place of 2 mends it.",
)
