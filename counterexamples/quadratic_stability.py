"""The largest step size at which momentum methods are stable on a quadratic, from the rules' own source.

    f(x) = lambda x^2/2, h = alpha lambda, 0 <= beta < 1, a constant step: one round is linear in (x, m), stable iff

    heavy ball                             h < 2 (1 + beta)
    momentum as a moving average (Adam's)  h < 2 (1 + beta)/(1 - beta)         38 at beta = 0.9; gradient descent: 2
    Nesterov                               h < 2 (1 + beta)/(1 + 2 beta)       1.357... at beta = 0.9

z^2 + p z + q has both roots inside the unit circle iff 1 + p + q > 0, 1 - p + q > 0 and 1 - q > 0 (Jury). The first is
a positive multiple of h, the third is 1 - beta or more, and the second is the bound.

Polyak (1964), "Some methods of speeding up the convergence of iteration methods"; the other two are classical.
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import simlab
from counterexamples._design import enclosed
from counterexamples._exact import exactly, together
from simlab import catalog
from simlab.checker import Polynomial, letter
from simlab.claims import Certificate, Claim
from simlab.rule import Decay, Step

BETA, ROUNDS, BITS = Q(9, 10), 2000, 12000


def nesterov(t: Any, alpha: Any, g: Any, m: Any = 0, *, beta1: Decay = Q("0.9")) -> tuple:  # type: ignore[valid-type]
    """Nesterov's momentum, in the variable at which the gradient is taken.

        m_t = beta1 m_{t-1} + g_t,   direction = g_t + beta1 m_t,   rate = alpha

    Reference: Sutskever, Martens, Dahl and Hinton 2013, section 2 (Nesterov's accelerated gradient as momentum).
    """
    m = beta1 * m + g
    return Step(direction=g + beta1 * m, rate=alpha), (m,)


# rule, its hyperparameters besides beta1 as multiples of it, and c of the bound 2 (1 + beta)/(1 + c beta)
METHODS: dict[str, tuple[Any, dict[str, int], int]] = {
    "heavy ball": ("momentum", {"dampening": 0}, 0),
    "a moving average": ("momentum", {"dampening": 1}, -1),
    "Nesterov": (nesterov, {}, 2),
}


def bound(beta: Q, c: int) -> Q:
    """2 (1 + beta)/(1 + c beta)."""
    return 2 * (1 + beta) / (1 + c * beta)


def characteristic(rule: Any, more: dict[str, int]) -> tuple[Polynomial, Polynomial]:
    """(p, q) of the round (x, m) -> (x', m') on letters, with alpha = 1 and gradient h x."""
    x, m, h, beta = (letter(n) for n in ("x", "m", "h", "beta"))
    hyper = {"beta1": beta, **{n: times * beta for n, times in more.items()}}
    step, (after,) = catalog.rule(rule).function(1, 1, h * x, m, **hyper)
    rows = [[value.at({"x": 1 - i, "m": i}) for i in (0, 1)] for value in (x - step.direction * step.rate, after)]
    (a, b), (c, d) = rows
    return -(a + d), a * d - b * c


def last(rule: Any, more: dict[str, int], h: Q) -> Any:
    """|x_(T+1)| of a run in balls from x_1 = 1 on x^2/2 with alpha = h."""
    hyper = {"alpha": h, "beta1": BETA, "schedule": "constant", **{n: times * BETA for n, times in more.items()}}
    run = simlab.run(rule, "quadratic", hyper=hyper, x0=1, rounds=ROUNDS, backend="arb", record=1, bits=BITS)
    return abs(run.x_last)


def check() -> Certificate:
    """Jury's three expressions on letters, and runs at 99 and at 101 hundredths of each bound."""
    h, beta = letter("h"), letter("beta")
    identities: dict[str, Any] = {}
    runs: dict[str, Any] = {}
    for name, (rule, more, c) in METHODS.items():
        p, q = characteristic(rule, more)
        at_bound = 2 * (1 + beta) - (1 + c * beta) * h
        identities[f"{name}: 1 - p + q = 2 (1 + beta) - (1 + c beta) h, c = {c}"] = 1 - p + q, at_bound
        share = 1 - beta if more.get("dampening") else 1
        identities[f"{name}: 1 + p + q = h times a positive number"] = 1 + p + q, h * share
        identities[f"{name}: q"] = q, beta * (1 - h) if c == 2 else beta
        limit = bound(BETA, c)
        runs[f"{name}, h = 0.99 * {limit}: 1 - |x|"] = 1 - last(rule, more, limit * Q(99, 100))
        runs[f"{name}, h = 1.01 * {limit}: |x| - 1000"] = last(rule, more, limit * Q(101, 100)) - 1000
    return together({"Jury": exactly(identities), "runs": enclosed(runs, f"T = {ROUNDS}, beta1 = {BETA}", {})})


quadratic_stability = Claim(
    "quadratic_stability",
    "On lambda x^2/2 heavy ball, averaged momentum and Nesterov's are stable below 2(1+b), 2(1+b)/(1-b), "
    "2(1+b)/(1+2b).\n\n"
    "For real h = alpha lambda > 0, b = beta1 in [0, 1) and a constant step, the round of momentum, of momentum with "
    "dampening = beta1 (the direction of Adam) and of Nesterov's method is linear; its characteristic polynomial z^2 "
    "+ p z + q has 1 - p + q = 2 (1 + b) - (1 + c b) h with c = 0, -1, 2, which is positive below the bound only. At "
    "b = 9/10 the bounds are 19/5, 38 and 19/14, and runs at 0.99 and 1.01 of them shrink and grow.\n\n"
    "Identities in the rules' own source on letters; the runs are exact over the reals, enclosed in balls. That the "
    "polynomial decides is Jury's criterion, taken from the books.",
    "Polyak 1964 (heavy ball); the others classical",
    check,
    remarks="38 alpha/sqrt(v) is how far Adam's step on a frozen v may go where gradient descent's may reach 2; the "
    "other conditions, 1 + p + q > 0 and q < 1, hold for all h > 0: for Nesterov q = b (1 - h).",
)
