"""What a regret bound is: terms that add up, hypotheses on the run, and the ledger of its proof.

A proof is a chain of inequalities left <= right over one run and one comparator u; each replaces a part of what is to
be bounded by another, so their slacks right - left add up to bound - R_T(u). Four chains serve all theorems here.

published (Kingma and Ba 2015; Reddi et al. 2018; Luo et al. 2019), with c_t = 1/(1 - beta1_t):

    convexity     R_T(u)  <=  sum <g_t, Delta_t>
    moment        sum <g_t, Delta_t>  =  sum c_t <m_t, Delta_t> - sum c_t beta1_t <m_{t-1}, Delta_t>
    projection    sum c_t <m_t, Delta_t>  <=  sum c_t w_t/2 (Delta_t^2 - Delta_{t+1}^2) + sum c_t m_t^2/(2 w_t)
    telescoping   sum c_t w_t/2 (Delta_t^2 - Delta_{t+1}^2)  <=  distance
    momentum      - sum c_t beta1_t <m_{t-1}, Delta_t>  <=  momentum + sum c_t beta1_t m_{t-1}^2/(2 w_t)
    energy        sum c_t m_t^2/(2 w_t) + sum c_t beta1_t m_{t-1}^2/(2 w_t)  <=  energy

master (any weights, any beta1_t; no factor 1/(1 - beta1)):

    convexity     as above
    moment        sum <g_t, Delta_t>  =  sum <m_t, Delta_t> + sum beta1_t <g_t - m_{t-1}, Delta_t>
    projection    sum <m_t, Delta_t>  <=  sum w_t/2 (Delta_t^2 - Delta_{t+1}^2) + sum m_t^2/(2 w_t)
    variation     sum w_t/2 (Delta_t^2 - Delta_{t+1}^2)  <=  D_inf^2/2 sum_i PV_i
    surprise      sum beta1_t <g_t - m_{t-1}, Delta_t>  <=  D_inf sum beta1_t ||g_t - m_{t-1}||_1
    corollary     the master terms  <=  the bound's own terms

averaged (any weights, one beta1; q = beta1/(1 - beta1)): of the master chain all but

    moment        sum <g_t, Delta_t>  =  sum <m_t, Delta_t> + q <m_T, Delta_T> + q sum_{t<T} <m_t, x_t - x_{t+1}>
    last          q <m_T, Delta_T>  <=  q (D_inf^2 sum_i w_{T,i}/2 + sum_i m_{T,i}^2/(2 w_{T,i}))
    moves         q sum_{t<T} <m_t, x_t - x_{t+1}>  <=  q sum_{t<T} sum_i m_{t,i}^2/w_{t,i}

curved (losses that curve as much as the weights grow): of the master chain all but

    convexity     R_T(u)  <=  sum <g_t, Delta_t> - sum (w_t - w_{t-1})/2 Delta_t^2,    w_0 = delta/alpha, or 0
    telescoping   sum w_t/2 (Delta_t^2 - Delta_{t+1}^2) - sum (w_t - w_{t-1})/2 Delta_t^2  <=  d D_inf^2 w_0/2
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np

from simlab import catalog
from simlab.history import History, over
from simlab.ops import absolute, divide
from simlab.protocol import Plan
from simlab.rule import read_doc

Terms = dict[str, np.ndarray]


class Row(NamedTuple):
    """One inequality of a proof: left <= right, numbers of the run's system."""

    name: str
    left: Any
    right: Any

    @property
    def slack(self) -> Any:
        """right - left; negative where the step breaks."""
        return self.right - self.left


class Hypothesis(NamedTuple):
    """What a theorem supposes: words, and margin(h), positive (or zero, unless strict) in each round where it holds.

    A margin is dimensionless, so that rounding can be told from failure: a number, exact where it is one of exact
    hyperparameters, or an array with a row for each of the last rounds.
    """

    words: str
    margin: Callable[[History], Any]
    strict: bool = False


@dataclass(frozen=True)
class RegretBound:
    """A theorem R_T <= sum of terms, for every T; called with a History it gives the bound at every round.

    rules: what it is about.    needs: its hypotheses on the run.    ledger: (h, u, terms) -> the rows of its proof at
    the last round.    schedule, beta1_schedule: those of the theorem, the defaults of an audit; schedule None: any.
    false: the claim that holds an instance against the theorem as it is stated, or nothing.
    """

    name: str
    terms: Callable[[History], Terms]
    rules: tuple[str, ...]
    needs: tuple[Hypothesis, ...]
    ledger: Callable[[History, np.ndarray, Terms], list[Row]]
    schedule: str | None
    beta1_schedule: str
    false: str
    __doc__: str

    def __call__(self, h: History) -> np.ndarray:
        return reduce(add, self.terms(h).values())

    def about(self, plan: Plan) -> bool:
        """Whether the theorem is about the rule of a run and its schedule."""
        return plan.rule.name in self.rules and self.schedule in (None, plan.rate_schedule.__name__)

    @property
    def status(self) -> str:
        """What is known of the theorem: false as stated, shown by a theorem of that name, or not checked here."""
        shown = f"{self.name}_holds"
        if self.false:
            return f"false as stated: see the claim {self.false}"
        if shown in catalog.claim_modules():
            return f"shown by {shown} (simlab check {shown})"
        return "not checked here, except along runs; the proof is that of its source"

    @property
    def statement(self) -> str:
        """The docstring, and what the theorem supposes of a run."""
        supposes = "".join(f"\n  supposes: {need.words}" for need in self.needs)
        about = f"\n  is about: {', '.join(self.rules)}"
        return f"{read_doc(self)[1]}\n{about}{supposes}\n  status: {self.status}"

    @property
    def summary(self) -> str:
        return read_doc(self)[0]

    @property
    def reference(self) -> str:
        return read_doc(self)[2]


def regret_bound(
    rules: tuple[str, ...],
    ledger: Callable,
    needs: tuple[Hypothesis, ...] = (),
    false: str = "",
    schedule: str | None = "inv_sqrt",
    beta1_schedule: str = "constant",
) -> Callable[[Callable[[History], Terms]], RegretBound]:
    """The RegretBound of a function that gives the terms by name."""

    def make(terms: Callable[[History], Terms]) -> RegretBound:
        doc = terms.__doc__ or ""
        return RegretBound(terms.__name__, terms, rules, needs, ledger, schedule, beta1_schedule, false, doc)

    return make


def _sum(a: np.ndarray) -> Any:
    return a.sum()


def _start(h: History, u: np.ndarray) -> tuple[Any, ...]:
    """(Delta_t for t = 1..T, Delta_t^2 - Delta_{t+1}^2, <g_t, Delta_t> summed, the row of convexity)."""
    away = h.x - u
    now, after = away[:-1], away[1:]
    linear = _sum(h.g * now)
    return now, now * now - after * after, linear, Row("convexity", h.regret[-1], linear)


def published_terms(h: History) -> Terms:
    """What the second and third row of the published chain come to where the weights c_t w_t never fall."""
    rest, weight = 1 - h.hyper["beta1"], h.w.sum(axis=1)
    half = divide(h.d_inf * h.d_inf, 2 * rest)
    return {"distance": half * weight, "momentum": half * np.cumsum(h.beta1 * weight)}


def published(h: History, u: np.ndarray, terms: Terms) -> list[Row]:
    """The published chain at the last round; terms: distance, momentum, energy."""
    now, fall, linear, convexity = _start(h, u)
    c, beta1 = divide(1 + 0 * h.t, 1 - h.beta1)[:, None], h.beta1[:, None]
    moved, lagged = _sum(c * h.m * now), -_sum(c * beta1 * h.before * now)
    squares = _sum(c * h.w * fall) / 2
    fresh, stale = _sum(c * over(h.m, h.w)) / 2, _sum(c * beta1 * over(h.before, h.w)) / 2
    distance, momentum, energy = (terms[n][-1] for n in ("distance", "momentum", "energy"))
    return [
        convexity,
        Row("moment", linear, moved + lagged),
        Row("projection", moved, squares + fresh),
        Row("telescoping", squares, distance),
        Row("momentum", lagged, momentum + stale),
        Row("energy", fresh + stale, energy),
    ]


def master_terms(h: History) -> Terms:
    """The three terms of the master inequality, at every round."""
    return {
        "distance": h.d_inf * h.d_inf * h.variation / 2,
        "energy": np.cumsum(h.energy) / 2,
        "momentum": h.d_inf * np.cumsum(h.surprise),
    }


def _corollary(own: Terms, terms: Terms) -> list[Row]:
    """The steps from what a chain ends with to the terms of the bound, one by one where both have the same names."""
    last = {name: values[-1] for name, values in own.items()}
    if terms.keys() == own.keys():
        return [Row(f"corollary, {n}", last[n], terms[n][-1]) for n in own]
    return [Row("corollary", sum(last.values()), sum(v[-1] for v in terms.values()))]


def master(h: History, u: np.ndarray, terms: Terms) -> list[Row]:
    """The master chain at the last round, and the step from its terms to the bound's."""
    now, fall, linear, convexity = _start(h, u)
    moved, lagged = _sum(h.m * now), _sum(h.beta1[:, None] * (h.g - h.before) * now)
    squares, own = _sum(h.w * fall) / 2, master_terms(h)
    return [
        convexity,
        Row("moment", linear, moved + lagged),
        Row("projection", moved, squares + own["energy"][-1]),
        Row("variation", squares, own["distance"][-1]),
        Row("surprise", lagged, own["momentum"][-1]),
        *_corollary(own, terms),
    ]


def averaged_terms(h: History) -> Terms:
    """The two terms of the master inequality for one beta1, at every round."""
    q, energy = divide(h.hyper["beta1"], 1 - h.hyper["beta1"]), np.cumsum(h.energy)
    return {
        "distance": h.d_inf * h.d_inf * (h.variation + q * h.w.sum(axis=1)) / 2,
        "energy": energy / 2 + q * (energy - h.energy / 2),
    }


def averaged(h: History, u: np.ndarray, terms: Terms) -> list[Row]:
    """The averaged chain at the last round, and the step from its terms to the bound's."""
    now, fall, linear, convexity = _start(h, u)
    q, energy = divide(h.hyper["beta1"], 1 - h.hyper["beta1"]), h.energy
    moved, last = _sum(h.m * now), q * _sum(h.m[-1] * now[-1])
    moves = q * _sum((h.m * (h.x[:-1] - h.x[1:]))[:-1])
    squares = _sum(h.w * fall) / 2
    return [
        convexity,
        Row("moment", linear, moved + last + moves),
        Row("projection", moved, squares + _sum(energy) / 2),
        Row("variation", squares, h.d_inf * h.d_inf * h.variation[-1] / 2),
        Row("last", last, q * (h.d_inf * h.d_inf * _sum(h.w[-1]) + energy[-1]) / 2),
        Row("moves", moves, q * (_sum(energy) - energy[-1])),
        *_corollary(averaged_terms(h), terms),
    ]


def _initial(h: History) -> Any:
    """w_0."""
    return divide(h.hyper.get("delta", 0 * h.d_inf), h.hyper["alpha"])


def _bend(h: History, u: np.ndarray) -> np.ndarray:
    """sum_i (w_{t,i} - w_{t-1,i})/2 Delta_{t,i}^2 for each t."""
    away, rises = h.x[:-1] - u, np.concatenate([h.w[:1] - _initial(h), h.w[1:] - h.w[:-1]])
    return (rises * away * away).sum(axis=1) / 2


def curved_terms(h: History) -> Terms:
    """The three terms that the curved chain ends with, at every round."""
    distance = h.dimension * h.d_inf * h.d_inf * _initial(h) / 2 + 0 * h.t
    return {**master_terms(h), "distance": distance}


def curved(h: History, u: np.ndarray, terms: Terms) -> list[Row]:
    """The curved chain at the last round, and the step from its terms to the bound's."""
    now, fall, linear, convexity = _start(h, u)
    moved, lagged = _sum(h.m * now), _sum(h.beta1[:, None] * (h.g - h.before) * now)
    squares, bend, own = _sum(h.w * fall) / 2, _sum(_bend(h, u)), curved_terms(h)
    return [
        Row("convexity", convexity.left, linear - bend),
        Row("moment", linear, moved + lagged),
        Row("projection", moved, squares + own["energy"][-1]),
        Row("telescoping", squares - bend, own["distance"][-1]),
        Row("surprise", lagged, own["momentum"][-1]),
        *_corollary(own, terms),
    ]


def following(theorem: RegretBound) -> Callable:
    """The ledger of a corollary: the theorem's own, and the step from the theorem's terms to the corollary's."""

    def ledger(h: History, u: np.ndarray, terms: Terms) -> list[Row]:
        own = theorem.terms(h)
        return [*theorem.ledger(h, u, own), *_corollary(own, terms)]

    return ledger


# --- hypotheses that several theorems share -------------------------------------------------------------------------


def decay(h: History) -> Any:
    """lambda of the run's beta1 schedule; 0, its most favourable value, where beta1 = 0 and it plays no part."""
    return 0 * h.hyper["lambda"] if h.plan.hyper["beta1"] == 0 else h.hyper["lambda"]


def curving(h: History) -> Any:
    """f_t(u) - f_t(x_t) + <g_t, Delta_t> - sum_i (w_{t,i} - w_{t-1,i})/2 Delta_{t,i}^2, as a share of its parts.

    Delta_t = x_t - u, u the best decision; the share is of 1 + the sum of the sizes of the four parts.
    """
    u = h.point
    parts = h.losses(u), -h.losses(h.x[:-1]), (h.g * (h.x[:-1] - u)).sum(axis=1), -_bend(h, u)
    return divide(reduce(add, parts), 1 + reduce(add, map(absolute, parts)))


GAMMA = Hypothesis("beta1 < sqrt(beta2)", lambda h: h.plan.hyper["beta2"] - h.plan.hyper["beta1"] ** 2, True)
BETA1 = Hypothesis("beta1_t <= beta1", lambda h: h.hyper["beta1"] - h.beta1)
CONSTANT = Hypothesis("beta1_t = beta1", lambda h: -absolute(h.hyper["beta1"] - h.beta1))
GEOMETRIC = Hypothesis("beta1_t = lambda beta1_{t-1}", lambda h: -absolute(h.beta1[1:] - decay(h) * h.beta1[:-1]))
INVERSE = Hypothesis("beta1_t = beta1/t", lambda h: -absolute(divide(h.hyper["beta1"], h.t) - h.beta1))
LAMBDA = Hypothesis("lambda < 1", lambda h: 1 - decay(h), True)
CURVED = Hypothesis("losses curve as the weights grow: at the best decision, by (w_t - w_{t-1})/2 Delta_t^2", curving)
