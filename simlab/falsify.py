"""A search for runs that violate a regret bound: ascent and evolution on R_T/bound, then a small exact instance.

Linear losses on [-1, 1] suffice: the bounds add up over coordinates, and a convex loss has no more regret than its
linearization. What is searched: g_1, ..., g_T in [-1, 1], x_1, and the hyperparameters of the rule (beta1 = 0). With
`free` the bounded rules get bound functions of the paper's form whose two gammas are independent.

    structured and random starts  ->  gradient ascent  ->  differential evolution  ->  gradient ascent from its best

until one of them passes the bound. All candidates are played at once, in floats, by the rule's own source; on tensors
R_T/bound has a gradient in all that is searched. What is found is rounded to short fractions for as long as it stays
above the bound, and then audited in balls. Floats find, balls show; that nothing was found shows nothing. Without torch
evolution searches alone.

Storn and Price (1997), "Differential evolution".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng

from simlab import catalog
from simlab.ascent import ascend
from simlab.audit import ROUNDING, Audit, audit
from simlab.backends import reference as floats
from simlab.errors import BadInput, NotHere
from simlab.feasible import Box
from simlab.history import History
from simlab.many import Many
from simlab.online import make_plan
from simlab.ops import divide
from simlab.problem import Problem
from simlab.protocol import Plan, Records, run_loop
from simlab.regret_bound import CURVED, RegretBound
from simlab.rule import Parameter, UpdateRule, read_rule

DECADES = -6.0, 1.0  # what a positive hyperparameter is searched over, in powers of 10
WEIGHTS = 1e-6, 0.999  # the weight of a moving average, not 0: theorems suppose beta1 < sqrt(beta2)
APART = 0.0, 8.0  # and the ratio of two gammas
RESTARTS = 3  # a search may miss what is there
BOUNDED = "adabound", "amsbound"  # the rules that are made with bound functions
ASCENT = 60  # steps of an ascent, or as many as there are generations
KEPT = 8  # of a population, for the last ascent
HOW = "gradient ascent and differential evolution"
HOW_WITHOUT_TORCH = "differential evolution alone; gradients need torch: pip install 'simlab[torch]'"
SHORT = (1, 2, 4, 10, 100, 1000, 10**4, 10**6)  # denominators, the shortest that keeps the violation is taken


@dataclass(frozen=True)
class Finding:
    """The best instance found for a bound.

    ratio: R_T/bound in floats, before rounding.    audit: the rounded instance, where it violates the bound (enclosed
    where balls agree); else None.    evaluations: how many runs were tried, a run with its gradient counting as one.
    how: by which means.
    """

    bound: RegretBound
    rule: UpdateRule
    rounds: int
    ratio: float
    gradients: tuple[Fraction, ...]
    x1: Fraction
    hyper: dict[str, Fraction]
    audit: Audit | None
    evaluations: int
    how: str


def with_free_gammas(rule: UpdateRule, ratio: Any) -> UpdateRule:
    """A bounded rule whose upper bound function has gamma * ratio in place of gamma."""
    from simlab.rules.adabound import eta_l, eta_u

    def upper(t: Any, alpha_star: Any, gamma: Any) -> Any:
        return eta_u(t, alpha_star, gamma * ratio)  # type: ignore[no-untyped-call]

    module = catalog.lookup("simlab.rules", rule.name, "rule")
    return read_rule(getattr(module, f"{rule.name}_with")(eta_l, upper))


class Space:
    """The instances of a bound: points z of the unit cube, and what they stand for."""

    def __init__(self, bound: RegretBound, rule: str, rounds: int, free: bool) -> None:
        self.bound, self.rule, self.rounds, self.free = bound, catalog.rule(rule), rounds, free
        if free and rule not in BOUNDED:
            raise BadInput(f"free bound functions are for {' and '.join(BOUNDED)}, not for {rule}")
        self.searched = {n: p for n, p in self.rule.hyper.items() if n != "beta1"}
        self.names = [*self.searched, *(["ratio"] if free else [])]
        self.size = rounds + 1 + len(self.names)

    def read(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """(g, x_1, hyperparameters) of points, one a column."""
        signed = 2 * z - 1
        hyper = {n: _value(self.searched.get(n), row) for n, row in zip(self.names, z[self.rounds + 1 :], strict=True)}
        return signed[: self.rounds], signed[self.rounds], hyper

    def made(self, hyper: dict[str, Any]) -> UpdateRule:
        """The rule under these hyperparameters; its own but for free bound functions."""
        return with_free_gammas(self.rule, hyper["ratio"]) if self.free else self.rule

    def ratios(self, z: Any, system: Any = floats) -> Any:
        """R_T/bound of every point, in the numbers of the system; 0 for all of them where a run stops."""
        g, x1, hyper = self.read(z)
        blank, _ = make_plan(self.rule, "linear_periodic", self.schedules(), 0, self.rounds, "all")
        inside = {n: v for n, v in hyper.items() if n != "ratio"}
        plan = replace(
            blank,
            rule=self.made(hyper),
            problem=_linear(g),
            hyper={**blank.hyper, **inside, **({"beta1": Fraction(0)} if "beta1" in blank.hyper else {})},
            x0=x1,
        )
        with np.errstate(all="ignore"):
            records = run_loop(plan, system)
            if records.stopped:
                return 0 * x1
            suffered = sum(row * x for row, x in zip(g, records.x, strict=True))
            return (suffered + abs(g.sum(0))) / self.bound(self.seen(plan, g, records, hyper, system))[-1].value

    def seen(self, plan: Plan, g: Any, records: Records, hyper: dict[str, Any], system: Any) -> History:
        """The History of all candidates at once."""
        known = {n: Many(v) for n, v in hyper.items()}
        zero, one, two = (Many(system.number(n)) for n in (0, 1, 2))
        t = np.array([Many(system.number(t)) for t in records.t])
        x, g, m = (_column(v) for v in ([*records.x, records.x_last], g, records.direction))
        w = divide(one, _column(records.rate))
        alone = replace(plan, rule=self.made(known))
        return History(alone, t, x, g, m, w, w, 0 * t, 0 * t, [], {"lambda": one, "beta1": zero, **known}, two)

    def schedules(self) -> dict[str, Any]:
        return {"schedule": self.bound.schedule or self.rule.schedule}

    def exact(self, z: np.ndarray, denominator: int) -> tuple[tuple, Fraction, dict[str, Fraction]]:
        """The instance at a point, in fractions: gradients to that denominator, hyperparameters to two digits or so."""
        g, x1, hyper = self.read(z[:, None])
        short = [Fraction(float(v)).limit_denominator(denominator) for v in (*g[:, 0], x1[0])]
        digits = len(str(denominator)) + 1
        return tuple(short[:-1]), short[-1], {n: Fraction(f"{float(v[0]):.{digits}g}") for n, v in hyper.items()}

    def audited(self, gradients: tuple, x1: Fraction, hyper: dict[str, Fraction]) -> Audit:
        """The audit of an exact instance."""
        given = {n: v for n, v in hyper.items() if n != "ratio"} | self.schedules() | {"gradients": gradients}
        if "beta1" in self.rule.hyper:
            given["beta1"] = Fraction(0)
        return audit(self.made(hyper), "linear_periodic", self.bound, given, x1, self.rounds)


def _value(p: Parameter | None, z: np.ndarray) -> np.ndarray:
    """The parameter at z in [0, 1]: moving averages linearly, all others over decades; None is the ratio."""
    if p is not None and p.range.high is not None:
        low, high = WEIGHTS
        return low + (high - low) * z
    low, high = DECADES if p is not None else APART
    return 10 ** (low + (high - low) * z)


def _linear(g: Any) -> Problem:
    """Every column of g as the gradients of a linear problem of its own on [-1, 1]."""

    def loss(t: int, x: Any) -> Any:
        return g[t - 1] * x

    def grad(t: int, x: Any) -> Any:
        return g[t - 1]

    return Problem(loss, grad, Box(Fraction(-1), Fraction(1)), dimension=g.shape[1])


def _column(values: Any) -> np.ndarray:
    """Rows of many numbers as a History has them, T x 1."""
    return np.array([[Many(v)] for v in values])


def _structured(space: Space, count: int, rng: Generator) -> np.ndarray:
    """A first generation: random points, half of them with gradients 1 that turn to -1 or 0 once, or alternate."""
    z, T = rng.random((count, space.size)), space.rounds
    for i in range(count // 2):
        at, turned = rng.integers(1, T + 1), np.ones(T)
        turned[at:] = (0.0, 0.5)[i % 2]
        row = np.arange(T) % 2 if i % 5 == 4 else turned
        z[i, :T] = row if rng.random() < 0.5 else 1 - row
        z[i, T] = rng.integers(0, 2)
    return z


class Search:
    """What was found so far: the best point and its ratio, how many runs were tried, and how."""

    def __init__(self, space: Space, progress: Callable[[int], None]) -> None:
        self.space, self.progress = space, progress
        self.best, self.ratio, self.tried, self.done, self.how = np.zeros(space.size), -np.inf, 0, 0, HOW

    def step(self) -> None:
        """One step more of either kind."""
        self.done += 1
        self.progress(self.done)

    def keep(self, z: np.ndarray, ratios: np.ndarray) -> None:
        """The best of the columns of z, if it is better than what was found before."""
        top = int(np.argmax(ratios))
        if ratios[top] > self.ratio:
            self.best, self.ratio = z[:, top].copy(), float(ratios[top])

    def climb(self, points: np.ndarray, steps: int) -> np.ndarray:
        """Points, one a row, after steps of ascent; themselves without torch."""
        try:
            from simlab.backends import torch as tensors
        except NotHere:
            self.how = HOW_WITHOUT_TORCH
            return points
        z, ratios = ascend(lambda z: self.space.ratios(z, tensors), points.T, steps, self.step)
        self.tried += steps * len(points)
        self.keep(z, ratios)
        return z.T

    def evolve(self, population: np.ndarray, generations: int, rng: Generator) -> np.ndarray:
        """The best rows of a population after differential evolution."""
        from scipy.optimize import differential_evolution

        def cost(z: np.ndarray) -> Any:
            points = z if z.ndim == 2 else z[:, None]
            ratios = np.nan_to_num(self.space.ratios(points), nan=0.0, posinf=0.0, neginf=0.0)
            self.tried += points.shape[1]
            self.keep(points, ratios)
            return -ratios

        found = differential_evolution(
            cost,
            [(0.0, 1.0)] * self.space.size,
            maxiter=generations,
            init=population,
            rng=rng,
            tol=0,
            polish=False,
            vectorized=True,
            updating="deferred",
            callback=lambda intermediate_result: self.step(),
        )
        return found.population[np.argsort(found.population_energies)[:KEPT]]


def falsify(
    bound: str | RegretBound,
    rule: str | None = None,
    rounds: int = 12,
    free: bool = False,
    seed: int = 0,
    generations: int = 150,
    restarts: int = RESTARTS,
    progress: Callable[[int], None] | None = None,
) -> Finding:
    """Search for a run of T = rounds that violates the bound, for its first rule unless another is named.

    seed: of all random choices; the same seed finds the same instance. restarts: how many searches, the first that
    finds a violation being the last. progress is called with the number of steps done, of `steps` at most. Raises
    BadInput for a rule that the bound is not about, for a bound on losses that curve, and for `free` where there are no
    bound functions.
    """
    theorem = catalog.bound(bound) if isinstance(bound, str) else bound
    name = rule or theorem.rules[0]
    if name not in theorem.rules:
        raise BadInput(f"{theorem.name} is about {', '.join(theorem.rules)}, not about {name}")
    if CURVED in theorem.needs:
        raise BadInput(f"{theorem.name} supposes losses that curve, and linear ones are searched")
    space, rng = Space(theorem, name, rounds, free), default_rng(seed)
    search = Search(space, progress or (lambda done: None))
    for _ in range(restarts):
        starts = search.climb(_structured(space, 4 * space.size, rng), ascent(generations))
        if search.ratio <= 1 + ROUNDING:
            search.climb(search.evolve(starts, generations, rng), ascent(generations))
        if search.ratio > 1 + ROUNDING:
            break
    instance, shown = space.exact(search.best, SHORT[-1]), None
    if search.ratio > 1 + ROUNDING:
        instance, shown = _short(space, search.best) or (instance, None)
    return Finding(theorem, space.rule, rounds, search.ratio, *instance, shown, search.tried, search.how)


def _short(space: Space, z: np.ndarray) -> tuple[tuple, Audit] | None:
    """The instance of the shortest fractions near a point that still violates the bound, and its audit.

    Where a hypothesis fails, it fails near the point too.
    """

    def rounded(denominator: int) -> tuple[tuple, Audit] | None:
        instance = space.exact(z, denominator)
        try:
            return instance, space.audited(*instance)
        except BadInput:  # rounded out of a range, or to a run that stops
            return None

    finest = rounded(SHORT[-1])
    near = _failures(finest[1]) if finest else set()
    for found in map(rounded, SHORT):
        if found and found[1].first_violation and _failures(found[1]) <= near:
            return found
    return None


def _failures(found: Audit) -> set[str]:
    return {words for words, at in found.failed.items() if at}


def ascent(generations: int) -> int:
    """How many steps an ascent takes in a search of so many generations."""
    return min(generations, ASCENT)


def steps(generations: int, restarts: int = RESTARTS) -> int:
    """How many steps a search takes that finds nothing."""
    return restarts * (generations + 2 * ascent(generations))
