"""Adam with a constant step may walk for ever over the waves of a function: its step is the wave length.

    f(x) = -(a/(2 pi)) sin(2 pi x/a),   f'(x) = -cos(2 pi x/a)
    alpha = a, x_1 = 0, epsilon = 0:    x_(k+1) = k a for all k

f' = -1 at every k a, so with bias correction mhat = -1 and vhat = 1 in every round, and Adam moves by exactly a.
Cf. Toint (2023), "Divergence of the ADAM algorithm with fixed-stepsize: a (very) simple example".
"""

from __future__ import annotations

import math
from fractions import Fraction as Q
from types import SimpleNamespace
from typing import Any

from flint import arb

import simlab
from counterexamples._design import enclosed, lowest
from counterexamples._exact import exactly, together
from simlab import catalog
from simlab.backends.arb import number
from simlab.checker import Polynomial, Refused, letter, polynomial
from simlab.claims import Certificate, Claim
from simlab.feasible import Space
from simlab.ops import divide, rebind
from simlab.problem import Problem
from simlab.protocol import bound_hyper
from simlab.rule import Positive
from simlab.trajectory import precision

WAVE, ROUNDS, BITS, NEAR = Q(1, 10), 200, 1200, Q(1, 10**20)


def wave(x: Any, a: Any, what: str) -> Any:
    """sin or cos of 2 pi x/a, in balls or in floats; the language of losses has no such operation."""
    if isinstance(x, arb):
        return getattr(2 * arb.pi() * x / a, what)()
    return getattr(math, what)(2 * math.pi * x / a)


def loss(t: Any, x: Any, a: Any) -> Any:
    """f(x)."""
    pi = arb.pi() if isinstance(x, arb) else math.pi
    return -divide(a, 2 * pi) * wave(x, a, "sin")


def grad(t: Any, x: Any, a: Any) -> Any:
    """f'(x)."""
    return -wave(x, a, "cos")


def waves(*, a: Positive = WAVE) -> Problem:  # type: ignore[valid-type]
    """f on the line, with a for the wave length."""
    return Problem(loss, grad, Space(), (a,), period=1)


def ratio(p: Any, q: Any) -> Polynomial:
    """p/q for q not 0, where that is a number times p, or 1 or -1."""
    p, q = polynomial(p), polynomial(q)
    for k in (1, -1):
        if not (p - q * k).terms:
            return polynomial(k)
    return p * (1 / q.value({}))


def root(p: Any) -> Polynomial:
    """The root of 1."""
    if (polynomial(p) - 1).terms:
        raise Refused(f"not the root of 1: {p}")
    return polynomial(1)


def one_round() -> tuple[Any, tuple]:
    """(move, state after) of adam on letters where m = -c1, v = c2 and the gradient is -1."""
    spec, system = catalog.rule("adam"), SimpleNamespace(number=polynomial, divide=ratio, sqrt=root)
    a, c1, c2 = (letter(x) for x in ("a", "c1", "c2"))
    hyper = bound_hyper(spec, {"beta1": letter("beta1"), "beta2": letter("beta2"), "epsilon": 0}, polynomial)
    step, after = rebind(spec.function, system)(1, a, polynomial(-1), -c1, c2, c1, c2, *hyper)
    return -(step.rate * step.direction), after


def check() -> Certificate:
    """The induction on letters, and runs in balls with alpha = a and with a tenth of it."""
    move, (m, v, c1, c2) = one_round()
    induction = {"the move is a": (move, letter("a")), "m' = -c1'": (m, -c1), "v' = c2'": (v, c2)}

    def after(alpha: Q) -> list[Any]:
        """x_2, ..., x_(T+1)."""
        hyper = {"alpha": alpha, "epsilon": 0, "a": WAVE}
        run = simlab.run("adam", waves, hyper=hyper, x0=0, rounds=ROUNDS, backend="arb", record="all", bits=BITS)
        return [*run.records.x[1:], run.x_last]

    far, near = after(WAVE), after(WAVE / 10)
    with precision(BITS):
        runs = {
            f"alpha = a: 1/10^20 - |x_(k+1) - k a|, k <= {ROUNDS}": lowest(
                number(NEAR) - abs(x - number(k * WAVE)) for k, x in enumerate(far, 1)
            ),
            f"alpha = a/10: a/2 - x_t, 1 < t <= {ROUNDS + 1}": lowest(number(WAVE / 2) - x for x in near),
            f"alpha = a/10: x_t, 1 < t <= {ROUNDS + 1}": lowest(near),
        }
    return together({"induction": exactly(induction), "runs": enclosed(runs, f"T = {ROUNDS}", {"a": str(WAVE)})})


aliasing = Claim(
    "aliasing",
    "Adam with step size a and bias correction walks for ever on a sine of period a, one period a round.\n\n"
    "f(x) = -(a/(2 pi)) sin(2 pi x/a) is smooth, bounded and 1-Lipschitz. With alpha = a, epsilon = 0, x_1 = 0 and any "
    "beta1, beta2 in [0, 1), adam has x_(k+1) = k a and f'(x_(k+1)) = -1 for all k. With alpha = a/10 and the default "
    f"betas it stays in the first wave for {ROUNDS} rounds.\n\n"
    "Over the reals. By induction: where m = -c1 and v = c2, c1 = 1 - beta1^t and c2 = 1 - beta2^t, a round with "
    "gradient -1 keeps that and moves by a, as identities in the rule's own source on letters; cos(2 pi k) = 1. The "
    "runs, at a = 1/10, are enclosed in balls.",
    "cf. Toint 2023 (divergence of Adam with a fixed step on another function)",
    check,
    remarks="f is not convex. In floats rounding errors in x enter f' to second order only, and the walk is seen for "
    "10^5 rounds.",
)
