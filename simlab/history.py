"""What a regret bound may look at: every round of one run, in one number system, and sums along it.

    m_t = beta1_t m_{t-1} + (1 - beta1_t) g_t          x_{t+1} = Pi_F( x_t - m_t/w_t )          Delta_t = x_t - u

w_t are the weights of the first moment: 1/eta_t, or k_t/eta_t where the rule divides m_t by k_t = 1 - prod_s beta1_s.
Only gradients at the decisions that were played enter the theorems, so the bounds on them are taken along the run:
at round t, G = max_{s<=t} ||g_s||. Distances are bounded by the diameter of F.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import numpy as np

from simlab import catalog
from simlab.errors import BadInput
from simlab.ops import absolute, divide, maximum, rebind, scale, sqrt
from simlab.protocol import Plan, bound
from simlab.rule import UpdateRule
from simlab.trajectory import Trajectory, precision


@dataclass(frozen=True, eq=False)
class History:
    """The rounds 1..T of a run: arrays of shape T x d (T for t, beta1 and regret), floats or balls.

    x: x_t and last x_{T+1} (T + 1 rows).    g: g_t.    m: m_t.    w: w_t, positive.    eta: 1/eta_t, the rule's own
    weights (w without the correction).    beta1: beta1_t; 0 for a rule without it.    regret: R_t against the best
    fixed decision of t rounds, best[t - 1].    hyper: the rule's hyperparameters, lambda, and beta1 = 0 for a rule that
    has none.    d_inf: the largest side of F.
    """

    plan: Plan
    t: np.ndarray
    x: np.ndarray
    g: np.ndarray
    m: np.ndarray
    w: np.ndarray
    eta: np.ndarray
    beta1: np.ndarray
    regret: np.ndarray
    best: list[Any]
    hyper: dict[str, Any]
    d_inf: Any

    @property
    def rule(self) -> UpdateRule:
        return self.plan.rule

    @property
    def rounds(self) -> int:
        """T."""
        return len(self.t)

    @property
    def dimension(self) -> int:
        """d."""
        return int(self.g.shape[1])

    @property
    def system(self) -> Any:
        """The number system of the run."""
        return catalog.backend("arb" if self.x.dtype == object else "reference")

    @property
    def point(self) -> np.ndarray:
        """u, the best fixed decision of all rounds."""
        return np.atleast_1d(self.system.number(self.best[-1].u))

    def losses(self, x: np.ndarray) -> np.ndarray:
        """f_t(x_t) for each t; x has a row a round, or is one decision for all of them."""
        return _rows(_seen(self.plan, self.plan.problem.loss, np.broadcast_to(x, self.g.shape), self.system))[:, 0]

    @property
    def before(self) -> np.ndarray:
        """m_{t-1}, with m_0 = 0."""
        return _lagged(self.m)

    @property
    def energy(self) -> np.ndarray:
        """sum_i m_{t,i}^2/w_{t,i} for each t."""
        return over(self.m, self.w).sum(axis=1)

    @property
    def variation(self) -> np.ndarray:
        """sum_i PV_i for every horizon, PV_i = w_{1,i} + sum_{t>=2} max(0, w_{t,i} - w_{t-1,i})."""
        rises = np.concatenate([self.w[:1], maximum(self.w[1:] - self.w[:-1], 0 * self.w[1:])])
        return np.cumsum(rises, axis=0).sum(axis=1)

    @property
    def surprise(self) -> np.ndarray:
        """beta1_t ||g_t - m_{t-1}||_1 for each t."""
        return self.beta1 * absolute(self.g - self.before).sum(axis=1)

    @property
    def norms(self) -> np.ndarray:
        """sum_i ||g_{1:t,i}||_2 for every t."""
        return sqrt(np.cumsum(self.g * self.g, axis=0)).sum(axis=1)

    @property
    def g_2(self) -> np.ndarray:
        """max_{s<=t} ||g_s||_2 for every t."""
        return running(sqrt((self.g * self.g).sum(axis=1)))

    @property
    def g_inf(self) -> np.ndarray:
        """max_{s<=t} ||g_s||_inf for every t."""
        size = absolute(self.g)
        largest = size[:, 0]
        for column in size.T[1:]:
            largest = maximum(largest, column)
        return running(largest)

    def upto(self, rounds: int) -> History:
        """The same run, ended after that many rounds."""
        if rounds == self.rounds:
            return self
        cut = {n: getattr(self, n)[:rounds] for n in ("t", "g", "m", "w", "eta", "beta1", "regret", "best")}
        return replace(self, x=self.x[: rounds + 1], **cut)


def history(run: Trajectory) -> History:
    """The History of a run in its own numbers; raises BadInput unless every round was recorded and F is bounded."""
    plan, records, system = run.plan, run.records, catalog.backend(run.backend)
    if run.backend not in ("arb", "sympy"):
        system = catalog.backend("reference")
    if len(run.t) != run.t[-1]:
        raise BadInput("a bound along the run needs every round: run with record='all'")
    if run.stopped:
        raise BadInput(f"the run stopped in round {run.stopped['round']}: {run.stopped['reason']}")
    wide = plan.problem.feasible.diameter(plan.problem.dimension or 1)
    if wide == np.inf:
        raise BadInput(f"F = {plan.problem.feasible} is unbounded, and the theorem supposes a finite diameter")
    to = system.number
    with precision(run.provenance["bits"]):
        decay, rounds = to(plan.decay), len(run.t)
        t, x = to(np.array([int(v) for v in run.t], dtype=object)), _rows([*records.x, records.x_last])
        g = _rows(_seen(plan, plan.problem.grad, x[:-1], system))
        power = [to(1)]
        for _ in range(rounds - 1):
            power.append(power[-1] * decay)
        factor = np.array([to(plan.beta1_schedule(s, p)) for s, p in zip(t, power, strict=True)])
        beta1 = factor * to(plan.hyper.get("beta1", 0))
        m = _rows(records.direction)
        w = eta = filled(divide(to(1), _rows(records.rate)) + 0 * m)
        k = (1 - np.cumprod(beta1))[:, None]
        if _strange(m * k, g, beta1) < _strange(m, g, beta1):  # the rule divides m_t by k_t
            m, w = m * k, eta * k
        return History(
            plan,
            t,
            x,
            g,
            m,
            w,
            eta,
            beta1,
            np.array(run.regrets),
            run.best,
            {"lambda": decay, "beta1": to(0), **{n: to(v) for n, v in plan.hyper.items()}},
            to(wide),
        )


def _seen(plan: Plan, function: Any, x: np.ndarray, system: Any) -> list:
    """A loss or gradient of the problem at x_1, x_2, ..., in their rounds."""
    data, f = bound(plan, system.number)[3], rebind(function, system)
    points = x if plan.problem.dimension else x[:, 0]
    return [system.number(f(plan.problem.phase(t), point, *data)) for t, point in enumerate(points, 1)]


def _rows(values: list) -> np.ndarray:
    """One row a round."""
    plain = (v.numpy() if hasattr(v, "numpy") else v for v in values)
    return np.array([np.atleast_1d(v) for v in plain]).reshape(len(values), -1)


def _lagged(m: np.ndarray) -> np.ndarray:
    """m_{t-1} for each t, with m_0 = 0."""
    return np.concatenate([0 * m[:1], m[:-1]])


def _strange(m: np.ndarray, g: np.ndarray, beta1: np.ndarray) -> Any:
    """How far m is from the moving average of g."""
    weight = beta1[:, None]
    return absolute(m - weight * _lagged(m) - (1 - weight) * g).sum()


def filled(weight: np.ndarray) -> np.ndarray:
    """The weights, where those of a rate that is still infinite are the first positive one.

    A ball around 0 is no such weight: it stays, and encloses nothing.
    """
    for column in weight.T:
        first = len(list(takewhile(lambda w: w == 0, column)))
        if first < len(column):
            column[:first] = column[first]
    return weight


def over(m: np.ndarray, w: np.ndarray) -> np.ndarray:
    """m_{t,i}^2/w_{t,i}, and 0 where m_{t,i} is 0, whatever the weight."""
    return scale(divide(1 + 0 * w, w), m) * m


def running(a: np.ndarray) -> np.ndarray:
    """max_{s<=t} a_s for every t."""
    if a.dtype != object:
        return np.maximum.accumulate(a)
    out = a.copy()
    for i in range(1, len(out)):
        out[i] = maximum(out[i - 1], out[i])
    return out
