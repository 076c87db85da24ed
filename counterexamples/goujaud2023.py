"""Heavy ball with Polyak's tuning cycles on the K-th roots of unity, for every K that passes one test.

    f(x) = L |x|^2/2 - (L - m) dist(x, conv{y_t})^2/2 on R^2,    grad f(x) = m x + (L - m) Proj(x)
    x_t = e^(i theta t), theta = 2 pi/K;    y_t = x_t (mu - m)/(L - m)
    mu = (1 + beta - beta e^(-i theta) - e^(i theta))/alpha:     x_{t+1} = x_t + beta (x_t - x_{t-1}) - alpha mu x_t
    alpha = 4/(sqrt(L) + sqrt(m))^2,   beta = ((sqrt(L) - sqrt(m))/(sqrt(L) + sqrt(m)))^2

f is m-strongly convex with an L-Lipschitz gradient. The roots are a cycle of heavy ball if Proj(x_t) = y_t for all t,
and that is so iff <x_0 - y_0, y_s - y_0> <= 0 for s = 1, ..., K - 1. For K = 4 the hull is a square, and in coordinates
along its sides f is a sum of twice the same function of one variable, f'(z) = m z + (L - m) clip(z, -1, 1).

Goujaud, Taylor and Dieuleveut (2023), "Provable non-accelerations of the heavy-ball method".
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any, NamedTuple

from flint import acb, arb, fmpq

from counterexamples._design import enclosed, lowest
from counterexamples._exact import exactly, play, together
from counterexamples._heavy_ball import attracted
from simlab.backends import arb as balls
from simlab.claims import Certificate, Claim
from simlab.feasible import Space
from simlab.online import make_plan
from simlab.ops import clip, divide, dot, less
from simlab.problem import Problem
from simlab.rule import Positive, at_least
from simlab.trajectory import precision

VALID = {Q(1, 10): (), Q(1, 25): (3,), Q(1, 100): (3, 4, 5, 6), Q(1, 1000): tuple(range(3, 13))}  # m/L: K
LARGEST = 40  # the largest K that is tried
K, RATIO, ROUNDS, BITS = 3, Q(1, 25), 300, 900
PUSHED, NEAR = Q(101, 100), Q(1, 10**12)  # x_1 = 1.01 times a root of unity; the radius 300 rounds later is 1 to this


class Roots(NamedTuple):
    """The cycle for L = 1: Polyak's alpha and beta, e^(i theta), and y_0."""

    alpha: Any
    beta: Any
    turn: Any
    corner: Any


def roots(K: int, ratio: Q) -> Roots:
    """The quantities above for m/L = ratio, in balls."""
    m = balls.number(ratio)
    alpha, beta = 4 / (1 + m.sqrt()) ** 2, ((1 - m.sqrt()) / (1 + m.sqrt())) ** 2
    turn = acb(arb(fmpq(2, K))).exp_pi_i()
    mu = (1 + beta - beta / turn - turn) / alpha
    return Roots(alpha, beta, turn, (mu - m) / (1 - m))


def room(K: int, ratio: Q) -> Any:
    """min_s of <y_0 - x_0, y_s - y_0>: positive where the roots of unity are a cycle, negative where they are not."""
    _, _, turn, y = roots(K, ratio)
    sides = [((y - 1) * (y * (turn**s - 1)).conjugate()).real for s in range(1, K)]
    least = sides[0]
    for side in sides[1:]:
        least = least.min(side)
    return least


def nearest(x: Any, corners: Any) -> Any:
    """The projection of x onto a polygon whose corners run counterclockwise."""
    found = x
    for k in range(len(corners)):
        before, here, after = corners[k - 1], corners[k], corners[(k + 1) % len(corners)]
        side, back, off = after - here, before - here, x - here
        along, length = dot(off, side), dot(side, side)
        if less(side[0] * off[1], side[1] * off[0]) and less(0, along) and less(along, length):
            found = here + divide(along, length) * side
        if less(along, 0) and less(dot(off, back), 0):
            found = here
    return found


def hull_loss(t: Any, x: Any, m: Any, corners: Any) -> Any:
    """f(x), L = 1."""
    gap = x - nearest(x, corners)
    return divide(dot(x, x) - (1 - m) * dot(gap, gap), 2)


def hull_grad(t: Any, x: Any, m: Any, corners: Any) -> Any:
    """m x + (1 - m) Proj(x)."""
    return m * x + (1 - m) * nearest(x, corners)


def hull(*, K: at_least(3, integer=True) = K, ratio: Positive = RATIO) -> Problem:  # type: ignore[valid-type]
    """f on the plane, L = 1 and m = ratio; its corners are balls of the precision that is set."""
    _, _, turn, y = roots(int(K), ratio)
    corners = tuple(((y * turn**k).real, (y * turn**k).imag) for k in range(int(K)))
    return Problem(hull_loss, hull_grad, Space(), (ratio, corners), period=1, dimension=2)


def square_loss(t: Any, z: Any) -> Any:
    """f(z) for m = 1 and L = 100."""
    gap = z - clip(z, -1, 1)
    return divide(100 * z * z - 99 * gap * gap, 2)


def square_grad(t: Any, z: Any) -> Any:
    """z + 99 clip(z, -1, 1)."""
    return z + 99 * clip(z, -1, 1)


def square() -> Problem:
    """The case K = 4 in one variable, m = 1 and L = 100."""
    return Problem(square_loss, square_grad, Space(), period=1)


def pushed(rounds: int = ROUNDS, bits: int = BITS) -> Any:
    """| |x| - 1 | after so many rounds from a cycle of which one decision was pushed off, in balls."""
    with precision(bits):
        alpha, beta, turn, _ = roots(K, RATIO)
        hyper = {"alpha": 1, "beta1": 0, "dampening": 0, "schedule": "constant"}
        plan = make_plan("momentum", hull, {**hyper, "K": K, "ratio": RATIO}, (1, 0), 1, 1)[0]
        plan.hyper.update(alpha=alpha, beta1=beta)  # not rational for every m/L
        momentum = (1 / turn - 1) / alpha
        start = balls.number((PUSHED, Q(0)))
        x, _ = play(plan, start, (balls.number((momentum.real, momentum.imag)),), rounds, balls)
        return abs((x[0] ** 2 + x[1] ** 2).sqrt() - 1)


def check() -> Certificate:
    """Which K are valid, a run in the plane, both in balls, and the square's cycle and a run to it, in fractions."""
    tests: dict[str, Any] = {}
    for ratio, valid in VALID.items():
        rooms = {k: room(k, ratio) for k in range(3, LARGEST + 1)}
        if valid:
            tests[f"m/L = {ratio}: every K in {valid} passes"] = lowest(rooms[k] for k in valid)
        tests[f"m/L = {ratio}: no other K does"] = lowest(-rooms[k] for k in rooms if k not in valid)
    run = {f"1/10^12 - | |x| - 1 | after {ROUNDS} rounds, K = {K}, m/L = {RATIO}": balls.number(NEAR) - pushed()}
    alpha, beta = Q(4, 121), Q(81, 121)  # (sqrt(L) + sqrt(m))^2 = 121 and (sqrt(L) - sqrt(m))^2 = 81
    a, b, c = 1 + beta - alpha, 1 - beta, 99 * alpha
    p, q = c * (a - b) / (a * a + b * b), c * (a + b) / (a * a + b * b)  # b q = c - a p and b p = a q - c
    hyper = {"alpha": alpha, "beta1": beta, "dampening": 0, "schedule": "constant"}
    plan = make_plan("momentum", square, hyper, 1, 1, 1)[0]
    return together(
        {
            "valid K": enclosed(tests, f"K = 3 to {LARGEST}", {}),
            "in the plane": enclosed(run, f"{BITS} bits", {}),
            "on the line": exactly(attracted(plan, (p, -q, -p, q), Q(9, 11), (Q(-1), Q(1)))),
        }
    )


goujaud2023 = Claim(
    "goujaud2023",
    "Heavy ball with Polyak's tuning cycles on the K-th roots of unity, for many K and condition numbers.\n\n"
    "For 3 <= K <= 40 the roots are a cycle for the stated f exactly for: no K at m/L = 1/10; K = 3 at 1/25; K = 3..6 "
    "at 1/100; K = 3..12 at 1/1000. At K = 3, m/L = 1/25, with one decision of the cycle pushed out by 1/100, the run "
    "is back on the unit circle to 10^-12 after 300 rounds. At K = 4, m/L = 1/100, in one variable, a cycle of four "
    "rational numbers is one of four exact rounds, and the run from x_1 = x_0 = 1 converges to it, for all T.\n\n"
    "Over the reals; enclosed in balls, the last in exact rationals.",
    "Goujaud, Taylor and Dieuleveut 2023, on cycles on the roots of unity",
    check,
    remarks="The test of K is for these cycles and this tuning; that no K passes does not say that heavy ball "
    "converges. A run from rest may well miss the cycle: at K = 3, m/L = 1/25 the runs tried converged to 0.",
)
