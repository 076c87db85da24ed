"""The best fixed decision where no closed form is at hand: SciPy proposes, an exact gap certifies.

For convex F_t and any u in F, the Frank-Wolfe gap bounds what is lost (Jaggi 2013, "Revisiting Frank-Wolfe"):

    F_t(u) - min_F F_t <= max_{z in F} <grad F_t(u), u - z>

The gradient is evaluated at the rational point u in exact arithmetic (least squares, quadratics) or in balls (logistic
loss), so the gap is an upper bound and not an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from simlab.errors import BadInput
from simlab.feasible import Ball, Box, Space, entries
from simlab.problem import Best

_SLIGHTLY_LESS = 1 - Fraction(1, 2**50)  # SciPy's point, shrunk by this, is inside the set in exact arithmetic


def counts(t: int, n: int) -> list[int]:
    """How often each of n samples, shown in turn, was seen in t rounds."""
    return [t // n + (i < t % n) for i in range(n)]


def _inner(a: Any, b: Any) -> Any:
    return sum(p * q for p, q in zip(a, b, strict=True))


def _gap(gradient: tuple, u: tuple, feasible: Any) -> float:
    slack = _inner(gradient, u) - feasible.least(gradient)[1]
    return max(0.0, math.nextafter(float(slack), math.inf))


def least_squares_best(features: tuple, targets: tuple, box: Box) -> Callable[[int], Best]:
    """best(t) for sum_s (<a_s, x> - b_s)^2/2 over the box, samples in turn."""
    a, b = np.array(features, float), np.array(targets, float)

    def best(t: int) -> Best:
        from scipy.optimize import lsq_linear

        n = np.array(counts(t, len(targets)))
        weight = np.sqrt(n)
        found = lsq_linear(a * weight[:, None], b * weight, (float(box.lower), float(box.upper)), tol=1e-15).x
        u = tuple(min(max(Fraction(float(v)), box.lower), box.upper) for v in found)
        residuals = [_inner(row, u) - y for row, y in zip(features, targets, strict=True)]
        value = sum((int(k) * r * r / 2 for k, r in zip(n, residuals, strict=True)), Fraction(0))
        gradient = tuple(
            sum((int(k) * r * row[j] for k, r, row in zip(n, residuals, features, strict=True)), Fraction(0))
            for j in range(len(u))
        )
        return Best(u, value, _gap(gradient, u, box))

    return best


def logistic_best(features: tuple, labels: tuple, ball: Ball) -> Callable[[int], Best]:
    """best(t) for sum_s log(1 + exp(-b_s <a_s, x>)) over the ball, samples in turn."""
    signed = np.array(features, float) * np.array(labels, float)[:, None]

    def best(t: int) -> Best:
        n = np.array(counts(t, len(labels)))
        u = _minimise_on_ball(signed, n, float(ball.radius))
        exact = tuple(Fraction(float(v)) * _SLIGHTLY_LESS for v in u)
        assert ball.contains(exact)
        return _logistic_certificate(features, labels, n, exact, ball)

    return best


def _minimise_on_ball(a: np.ndarray, n: np.ndarray, radius: float) -> np.ndarray:
    """argmin over the ball of sum_i n_i log(1 + exp(-<a_i, x>)), nearly; the gap will say how nearly."""
    from scipy.optimize import minimize

    weight = n / n.sum()

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        z = a @ x
        return float(weight @ np.logaddexp(0, -z)), -(a.T @ (weight / (1 + np.exp(z))))

    inside = {"type": "ineq", "fun": lambda x: (radius**2 - x @ x) / 2, "jac": lambda x: -x}
    x = minimize(
        value,
        np.zeros(a.shape[1]),
        jac=True,
        method="SLSQP",
        constraints=[inside],
        options={"ftol": 1e-18, "maxiter": 300},
    ).x
    if np.linalg.norm(x) < (1 - 1e-6) * radius:  # the constraint is idle: Newton's method polishes
        for _ in range(3):
            p = 1 / (1 + np.exp(-(a @ x)))
            x = x - np.linalg.lstsq((a.T * (weight * p * (1 - p))) @ a, value(x)[1], rcond=None)[0]
    return x * min(1.0, radius / float(np.linalg.norm(x) or 1))


def _logistic_certificate(features: tuple, labels: tuple, n: np.ndarray, u: tuple, ball: Ball) -> Best:
    from flint import arb, fmpq

    def q(x: Fraction) -> arb:
        return arb(fmpq(x.numerator, x.denominator))

    value, gradient = arb(0), [arb(0)] * len(u)
    for row, y, k in zip(features, labels, n, strict=True):
        z = q(y * _inner(row, u))
        value += int(k) * ((-z).exp() + 1).log()
        slope = -int(k) * q(y) / (1 + z.exp())
        gradient = [g + slope * q(v) for g, v in zip(gradient, row, strict=True)]
    size = sum((arb(g.abs_upper()) * arb(g.abs_upper()) for g in gradient), arb(0)).sqrt()  # at least the norm
    slack = sum((g * q(v) for g, v in zip(gradient, u, strict=True)), arb(0)) + q(Fraction(ball.radius)) * size
    top = float(slack.upper()) if slack.is_finite() else math.inf
    above = math.nextafter(float(value.upper()), math.inf)  # so that the minimum is in [above - gap, above]
    return Best(u, above, max(0.0, math.nextafter(top, math.inf)) + 2 * (float(value.rad()) + math.ulp(above)))


def quadratic_best(curvature: Any, center: Any, feasible: Box | Space) -> Callable[[int], Best]:
    """best(t) for t (x - center)' H (x - center)/2: the centre where it is feasible, else certified.

    Raises BadInput unless H is symmetric and positive semidefinite.
    """
    dense = isinstance(curvature, tuple) and isinstance(curvature[0], tuple)
    if dense:
        _require_semidefinite(curvature)
    elif any(h < 0 for h in entries(curvature)):
        raise BadInput(f"curvature must be >= 0 for a convex loss; got {min(entries(curvature))}")

    def value(u: Any) -> tuple[Fraction, tuple]:
        off = tuple(p - q for p, q in zip(entries(u), entries(center), strict=True))
        force = (
            tuple(_inner(row, off) for row in curvature)
            if dense
            else tuple(h * z for h, z in zip(entries(curvature), off, strict=True))
        )
        return Fraction(_inner(off, force)) / 2, force

    if feasible.contains(center) or not dense:
        point, gap = feasible.nearest(center), 0.0
    else:
        point = _box_minimiser(curvature, center, feasible)
        gap = _gap(value(point)[1], point, feasible)
    least = value(point)[0]
    return lambda t: Best(point, t * least, math.nextafter(t * gap, math.inf) if gap else 0.0)


def _box_minimiser(curvature: tuple, center: tuple, box: Any) -> tuple:
    from scipy.optimize import lsq_linear

    h, c = np.array(curvature, float), np.array(center, float)
    values, vectors = np.linalg.eigh(h)
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    ends = box._pairs(len(c))
    lower, upper = (np.array(e, float) for e in zip(*ends, strict=True))
    upper = np.maximum(upper, np.nextafter(lower, np.inf))  # SciPy wants lower < upper; the clip below restores it
    found = lsq_linear(root, root @ c, (lower, upper), tol=1e-15).x
    return tuple(min(max(Fraction(float(v)), lo), hi) for v, (lo, hi) in zip(found, ends, strict=True))


def _require_semidefinite(h: tuple) -> None:
    d = len(h)
    if any(len(row) != d for row in h) or any(h[i][j] != h[j][i] for i in range(d) for j in range(i)):
        raise BadInput("a dense curvature is a square symmetric matrix")
    rows = [list(row) for row in h]
    for k in range(d):  # Gaussian elimination in fractions: all pivots >= 0, and a zero pivot has a zero column
        pivot = rows[k][k]
        if pivot < 0 or (pivot == 0 and any(rows[i][k] for i in range(k + 1, d))):
            raise BadInput("a dense curvature is positive semidefinite, else the loss is not convex")
        for i in range(k + 1, d):
            if pivot:
                factor = rows[i][k] / pivot
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
