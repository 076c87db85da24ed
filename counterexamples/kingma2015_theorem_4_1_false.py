"""Adam's regret bound is false as it is printed: no projection, convex losses on the whole line, 75 rounds.

    f_t(x) = 3 |x + 1| if t mod 3 = 1,   max(-x, -1) otherwise;     x_1 = 1, alpha = 1/2, beta1 = 0, beta2 = 1/10

Between -1 and 1 these are 3x + 3, -x, -x, ...; the best decision is -1 and Adam stays near 1. The gradients are bounded
by 3, and the decisions and -1 are within D of one another, with D as the run shows it. With beta1 = 0 the bound's
lambda is free, and is taken as 0, where the bound is least. The step of the proof that fails telescopes
sqrt(t vhat_t)/alpha as if it grew.

Kingma and Ba (2015), "Adam: a method for stochastic optimization", Theorem 4.1.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Q
from typing import Any

import simlab
from counterexamples._design import enclosed, lowest
from simlab.backends.arb import number
from simlab.bounds.kingma2015_theorem_4_1 import kingma2015_theorem_4_1 as theorem
from simlab.claims import Certificate, Claim
from simlab.feasible import Box
from simlab.history import History, history, running
from simlab.ops import absolute, less, maximum, where
from simlab.problem import Best, Problem
from simlab.trajectory import precision

C, FAR, BITS, FIRST = 3, Q(10), 128, 75
HYPER = {"alpha": Q(1, 2), "beta1": 0, "beta2": Q(1, 10), "epsilon": 0, "schedule": "inv_sqrt"}


def loss(t: Any, x: Any) -> Any:
    """f_t(x)."""
    return where(t < 2, C * absolute(x + 1), maximum(-x, -1))


def grad(t: Any, x: Any) -> Any:
    """A subgradient of f_t at x."""
    return where(t < 2, where(less(x, -1), -C, C), where(less(x, 1), -1, 0))


def whole_line() -> Problem:
    """The problem on [-10, 10], which no proposal of the run leaves: nothing is ever projected."""

    def best(t: int) -> Best:
        """The sum of t losses is piecewise linear with breaks at -1 and 1, and rises outside."""
        steep = (t + 2) // 3
        sums = {u: steep * C * (u + 1) + (t - steep) * -u for u in (Q(-1), Q(1))}
        u = min(sums, key=lambda v: sums[v])
        return Best(u, sums[u])

    return Problem(loss, grad, Box(-FAR, FAR), period=3, best=best)


def played() -> History:
    """The rounds in balls, with D the largest distance from the best decision, or between decisions, that occurs."""
    run = simlab.run("adam", whole_line, hyper=HYPER, x0=1, rounds=FIRST, backend="arb", bits=BITS, record="all")
    seen = history(run)
    high, low = running(seen.x[:, 0])[-1], -running(-seen.x[:, 0])[-1]
    return replace(seen, d_inf=maximum(high, seen.point[0]) + maximum(-low, -seen.point[0]))


def check() -> Certificate:
    """R_T against the bound up to the first violation, the row of the ledger that fails, and that F plays no part."""
    with precision(BITS):
        run = played()
        excess = run.regret - theorem(run)
        slack = {row.name: row.slack for row in theorem.ledger(run, run.point, theorem.terms(run))}
        parts = {
            f"R_{FIRST} - bound": excess[-1],
            f"bound - R_T, T < {FIRST}": lowest(-e for e in excess[:-1]),
            "the telescoped sum - its bound": -slack["telescoping"],
            "10 - |x_t - eta_t m_t|": lowest(number(FAR) - abs(y) for y in (run.x[:-1] - run.m / run.w)[:, 0]),
            "G_inf = 3": number(Q(1, 10**30)) - abs(run.g_inf[-1] - C),
        }
        data = {"D": run.d_inf.str(15), **{n: str(v) for n, v in HYPER.items()}}
    return enclosed(parts, f"every T <= {FIRST}", data)


kingma2015_theorem_4_1_false = Claim(
    "kingma2015_theorem_4_1_false",
    "The regret bound that was claimed for Adam is violated, with nothing projected, in round 75.\n\n"
    "f_t(x) = 3 |x + 1| if t mod 3 = 1 and max(-x, -1) otherwise, on the real line, from x_1 = 1; bias-corrected Adam "
    f"with alpha = 1/2, beta1 = 0, beta2 = 1/10, epsilon = 0 and step alpha/sqrt(t). R_{FIRST} = 55.75... is above the "
    f"bound, 55.21..., and R_T is below it for every T < {FIRST}. The step of the proof that fails is the telescoping "
    "one.\n\n"
    "An exact run over the reals, enclosed in balls; G_inf = 3, and D = 2.15... is the largest distance among the "
    "decisions and the best one.",
    "Kingma and Ba 2015, Theorem 4.1",
    check,
    remarks="beta1 = 0 leaves lambda free; it is taken at its most favourable, 0. With lambda = 1 - 1e-8, as the paper "
    "recommends, the last term alone is above 1e15 and the bound says nothing.",
)
