"""RMSProp diverges on eleven parabolas whose sum is a parabola that opens upwards; Adam with its defaults does not.

    f_t(x) = 11/2 x^2 if t mod 11 = 1,   -1/2 x^2 otherwise;   F the line;   f_1 + ... + f_11 = x^2/2

Far from 0 the gradients of a period are nearly x (11, -1, ..., -1), the linear problem of Reddi et al. with C = 11.
Chen, Liu, Sun and Hong (2019), "On the convergence of a class of Adam-type algorithms for non-convex optimization".
"""

from __future__ import annotations

from fractions import Fraction as Q
from math import ceil
from typing import Any

import simlab
from counterexamples._design import drift_of, enclosed, spiked
from simlab.claims import Certificate, Claim
from simlab.feasible import Space
from simlab.ops import divide, where
from simlab.problem import Problem

PERIOD, START, ALPHA = 11, 10, 2
BITS = 256  # |x| falls far below where it starts, and balls have to follow
WRONG, DEFAULT = {"beta1": Q(0), "beta2": Q(9, 10)}, {"beta1": Q(9, 10), "beta2": Q(999, 1000)}


def curvature(t: Any) -> Any:
    """f_t'' for the phase t = 1..11."""
    return where(t == 1, PERIOD, -1)


def loss(t: Any, x: Any) -> Any:
    """f_t(x)."""
    return divide(curvature(t) * x * x, 2)


def grad(t: Any, x: Any) -> Any:
    """f_t'(x)."""
    return curvature(t) * x


def parabolas() -> Problem:
    """The eleven parabolas in turn. After whole periods the sum is least at 0; within one it has no minimum."""
    return Problem(loss, grad, Space(), period=PERIOD, convex=False)


def horizon(drift: Any) -> int:
    """T with 2 alpha |D| sqrt(T)/P = 5/4 x_1, the way that x goes far from 0, in whole periods."""
    return PERIOD * ceil((Q(5, 8) * START * PERIOD / ALPHA / Q(float(drift))) ** 2 / PERIOD)


def check() -> Certificate:
    """The far field's drifts, and runs in balls."""
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for rule, hyper, side in (("adam_analysed", WRONG, 1), ("amsgrad", WRONG, -1), ("adam_analysed", DEFAULT, -1)):
        drift = drift_of(rule, spiked(PERIOD), hyper)
        rounds, given = horizon(drift), {**hyper, "alpha": ALPHA}
        run = simlab.run(rule, parabolas, hyper=given, x0=START, rounds=rounds, backend="arb", record=1, bits=BITS)
        name = f"{rule}, ({hyper['beta1']}, {hyper['beta2']}), T = {rounds}: "
        data[name] = {"alpha": str(ALPHA), "drift": drift.str(15), "x_(T+1)": run.x_last.str(15)}
        parts[name + ("D" if side > 0 else "-D")] = side * drift
        if side > 0:
            parts[name + "4 x_(T+1) - 5 x_1"] = 4 * run.x_last - 5 * START
        else:
            parts[name + "x_1 - 10 |x_(T+1)|"] = START - 10 * abs(run.x_last)
    return enclosed(parts, "three runs", data)


chen2019 = Claim(
    "chen2019",
    "RMSProp runs away from the minimum of a sum of parabolas; AMSGrad and Adam with its defaults go there.\n\n"
    "f_1 = 11/2 x^2, f_2 = ... = f_11 = -1/2 x^2, repeated; the sum is x^2/2, least at 0. From x_1 = 10 with "
    "alpha = 2, at the T in which the drift of the far field (11, -1^10) moves x by 5/4 x_1: adam_analysed with "
    "beta1 = 0 and beta2 = 9/10 has x_(T+1) > 5/4 x_1; amsgrad with the same constants, and adam_analysed with the "
    "default 9/10 and 999/1000, have |x_(T+1)| < x_1/10.\n\n"
    "Drifts and exact runs over the reals, enclosed in balls, for one finite T each.",
    "Chen, Liu, Sun and Hong 2019, the example of Adam's divergence",
    check,
    remarks="Only the sum is convex. With beta1 = 0 the far field's drift changes sign at beta2 = 0.96346; with "
    "beta1 = 9/10 it is wrong only between 0.0293 and 0.8296, so the example does not touch the default constants. "
    "Near 0 the gradients shrink with x.",
)
