"""What a regret bound may look at: every round of one run, as float64 arrays (grade: observed).

Only gradients at the decisions that were played enter the theorems, so the bounds on them are taken along the run:
at round t, G = max_{s<=t} ||g_s||. Distances are bounded by the diameter of F.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simlab.backends import reference
from simlab.errors import BadInput
from simlab.ops import rebind
from simlab.protocol import bound
from simlab.trajectory import Trajectory


@dataclass(frozen=True)
class History:
    """The rounds 1..T of a run: arrays of shape T x d (T for t and beta1), rates as eta_t."""

    t: np.ndarray
    x: np.ndarray
    g: np.ndarray
    m: np.ndarray
    rate: np.ndarray
    beta1: np.ndarray  # beta1_t; 0 for a rule without it
    hyper: dict[str, float]
    d_inf: float  # the largest side of F


def history(run: Trajectory) -> History:
    """The History of a run; raises BadInput unless all rounds were recorded and F is bounded."""
    if len(run.t) != run.t[-1]:
        raise BadInput("a bound along the run needs every round: run with record='all'")
    d_inf = reference.number(run.plan.problem.feasible.diameter(run.plan.problem.dimension or 1))
    if not np.isfinite(d_inf):
        raise BadInput(f"F = {run.plan.problem.feasible} is unbounded, and the theorem supposes a finite diameter")
    hyper = {n: reference.number(v) for n, v in run.plan.hyper.items()}
    grad, (*_, data, _) = rebind(run.plan.problem.grad, reference), bound(run.plan, reference.number)
    g = [grad(run.plan.problem.phase(int(t)), x, *data) for t, x in zip(run.t, run.x, strict=True)]
    t = run.t.astype(float)
    factor = run.plan.beta1_schedule(t, float(run.plan.decay) ** (t - 1)) + 0 * t

    def columns(a: object) -> np.ndarray:
        return np.asarray(a, dtype=float).reshape(len(t), -1)

    return History(
        t,
        columns(run.x),
        columns(g),
        columns(run.direction),
        columns(run.rate),
        factor * hyper.get("beta1", 0.0),
        hyper,
        d_inf,
    )


def norms(g: np.ndarray) -> np.ndarray:
    """sum_i ||g_{1:t,i}||_2 for every t."""
    return np.sqrt(np.cumsum(g * g, axis=0)).sum(axis=1)


def largest(g: np.ndarray) -> np.ndarray:
    """max_{s<=t} ||g_s||_2 for every t."""
    return np.maximum.accumulate(np.sqrt((g * g).sum(axis=1)))
