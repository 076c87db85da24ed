"""Adaptive methods find a solution that calls every unseen point positive; gradient descent's calls each by its label.

    n_+ samples of label y = 1 and n_- < n_+ of label -1;   features x = (y, 1, 1, a block of the sample's own)
    block: 1 if y = 1;  1, 1, 1, 1, 1 if y = -1;   loss |X w - y|^2/2, full batch, from w = 0

X s = 4 y for s = sign(X'y): gradients at multiples of s are multiples of X'y, so AdaGrad, RMSProp and Adam stay on the
line of s, and w = s/4 is a solution. An unseen point has x = (y, 1, 1) where w was trained, and its score is (y + 2)/4.
Gradient descent goes to X' alpha with X X' alpha = y, whose scores have the sign of y.

Wilson, Roelofs, Stern, Srebro and Recht (2017), "The marginal value of adaptive gradient methods in machine learning".
"""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import simlab
from counterexamples._design import enclosed, lowest
from counterexamples._exact import exactly, together
from simlab.backends.arb import number
from simlab.checker import letter
from simlab.claims import Certificate, Claim
from simlab.feasible import Space
from simlab.ops import divide, dot, matvec
from simlab.problem import Best, Problem
from simlab.rule import at_least
from simlab.trajectory import precision

POSITIVE, NEGATIVE, NEAR = 12, 8, Q(1, 10**20)
ADAPTIVE: dict[str, dict[str, Any]] = {
    "adagrad": {},
    "rmsprop": {"beta2": Q(9, 10)},
    "adam_analysed": {},
    "adam": {"epsilon": 0},
}
ROUNDS, BITS, ALPHA = 30, 400, Q(1, 50)  # of the adaptive rules
LONG, LONG_BITS, GD_ALPHA = 300, 800, Q(1, 40)  # of gradient descent; |X X'| <= 65, so below 2/65 it is stable


def samples(positive: int, negative: int) -> tuple[tuple[tuple[Q, ...], ...], tuple[Q, ...]]:
    """(X, y)."""
    y = (1,) * positive + (-1,) * negative
    sizes = [1 if label > 0 else 5 for label in y]
    rows = [
        (label, 1, 1, *(0,) * sum(sizes[:i]), *(1,) * size, *(0,) * sum(sizes[i + 1 :]))
        for i, (label, size) in enumerate(zip(y, sizes, strict=True))
    ]
    return tuple(tuple(map(Q, row)) for row in rows), tuple(map(Q, y))


def loss(t: Any, w: Any, rows: Any, columns: Any, y: Any) -> Any:
    """|X w - y|^2/2."""
    off = matvec(rows, w) - y
    return divide(dot(off, off), 2)


def grad(t: Any, w: Any, rows: Any, columns: Any, y: Any) -> Any:
    """X'(X w - y)."""
    return matvec(columns, matvec(rows, w) - y)


Count = at_least(1, integer=True)


def wilson2017_problem(*, positive: Count = POSITIVE, negative: Count = NEGATIVE) -> Problem:  # type: ignore[valid-type]
    """The least-squares problem on all samples at once; its minimum is 0."""
    rows, y = samples(int(positive), int(negative))
    columns = tuple(zip(*rows, strict=True))
    best = tuple(Q(s, 4) for s in signs(rows, y))
    return Problem(
        loss, grad, Space(), (rows, columns, y), period=1, dimension=len(columns), best=lambda t: Best(best, Q(0))
    )


def signs(rows: Any, y: Any) -> tuple[int, ...]:
    """s = sign(X'y), which is nowhere 0."""
    sums = [sum(a * label for a, label in zip(column, y, strict=True)) for column in zip(*rows, strict=True)]
    assert all(sums)
    return tuple(1 if total > 0 else -1 for total in sums)


def unseen(w: Any, label: Any) -> Any:
    """The score of a point that was not seen."""
    return w[0] * label + w[1] + w[2]


def norm_solution(positive: Any, negative: Any) -> tuple[Any, Any, Any]:
    """(d alpha_+, d alpha_-, d): the samples' multipliers in the solution of least norm, and their denominator."""
    d = 8 * positive * negative + 15 * positive + 3 * negative + 5
    return 4 * negative + 5, -(4 * positive + 1), d


def least_norm(rows: Any, y: Any) -> tuple[Q, ...]:
    """w = X' alpha."""
    plus, minus, d = norm_solution(sum(label > 0 for label in y), sum(label < 0 for label in y))
    alpha = [Q(plus if label > 0 else minus, d) for label in y]
    return tuple(sum((a * k for a, k in zip(column, alpha, strict=True)), Q(0)) for column in zip(*rows, strict=True))


def check() -> Certificate:
    """Both solutions and their scores in fractions, the multipliers on letters, and runs in balls."""
    rows, y = samples(POSITIVE, NEGATIVE)
    s, w = signs(rows, y), least_norm(rows, y)
    exact: dict[str, Any] = {}
    for i, (row, label) in enumerate(zip(rows, y, strict=True)):
        exact[f"sample {i + 1}: <x, s> = 4 y"] = sum(a * b for a, b in zip(row, s, strict=True)), 4 * label
        exact[f"sample {i + 1}: <x, w> = y for the least norm"] = sum(a * b for a, b in zip(row, w, strict=True)), label
    for label in (Q(1), Q(-1)):
        exact[f"label {label}: (y + 2)/4 for adaptive methods"] = unseen([Q(v, 4) for v in s], label), Q(label + 2, 4)
        exact[f"label {label}: the least norm is right"] = label * unseen(w, label)
    p, n = letter("p"), letter("n")
    plus, minus, d = norm_solution(p, n)
    exact["row of a positive sample, all n_+ and n_-"] = 3 * p * plus + n * minus + plus, d
    exact["row of a negative sample, all n_+ and n_-"] = p * plus + 3 * n * minus + 5 * minus, -d
    runs: dict[str, Any] = {}
    counts = {"positive": POSITIVE, "negative": NEGATIVE}
    for rule, more in ADAPTIVE.items():
        hyper: dict[str, Any] = {"alpha": ALPHA, "beta1": Q(9, 10), **more}
        given = {name: v for name, v in hyper.items() if name in simlab.rules[rule].hyper} | counts
        run = simlab.run(rule, wilson2017_problem, hyper=given, rounds=ROUNDS, backend="arb", record=1, bits=BITS)
        with precision(BITS):
            along = [x * sign for x, sign in zip(run.x_last, s, strict=True)]
            runs[f"{rule}: {NEAR} - the spread of w_i/s_i"] = lowest(number(NEAR) - abs(x - along[0]) for x in along)
        runs[f"{rule}: the score of an unseen negative point"] = unseen(run.x_last, -1)
    descent: dict[str, Any] = {"alpha": GD_ALPHA, "schedule": "constant", **counts}
    run = simlab.run("sgd", wilson2017_problem, hyper=descent, rounds=LONG, backend="arb", record=1, bits=LONG_BITS)
    runs |= {f"sgd: y times the score of an unseen point, y = {k}": k * unseen(run.x_last, k) for k in (1, -1)}
    return together({"solutions": exactly(exact), "runs": enclosed(runs, f"T = {ROUNDS} and {LONG}", {})})


wilson2017 = Claim(
    "wilson2017",
    "Adaptive methods solve a least-squares problem by the solution that calls every unseen point positive.\n\n"
    "n_+ = 12, n_- = 8, 55 features. s = sign(X'y) has X s = 4 y, so w = s/4 is a solution with score (y + 2)/4 on "
    "unseen points: 3/4 and 1/4, wrong on all negative ones. The solution of least norm has 940/977 and -732/977. "
    f"adagrad, rmsprop, adam_analysed and adam (epsilon = 0) from w = 0 are on the line of s after {ROUNDS} rounds and "
    f"score an unseen negative point above 0; sgd with constant alpha = 1/40 scores both labels right after {LONG} "
    "rounds.\n\n"
    "Over the reals: the solutions in exact rationals, the least norm's multipliers on letters, for all n_+ and n_-; "
    "the runs in balls.",
    "Wilson, Roelofs, Stern, Srebro and Recht 2017, section 3.3 and Lemma 3.1",
    check,
    remarks="Every solution fits the samples; which one is reached is all that differs. Gradient descent from 0 "
    "stays in the span of the samples, so its limit is the solution of least norm.",
)
