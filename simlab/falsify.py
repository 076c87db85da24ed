"""A search for runs that violate a regret bound: differential evolution on R_T/bound, then a small exact instance.

Linear losses on [-1, 1] suffice: the bounds add up over coordinates, and a convex loss has no more regret than its
linearization. What is searched: g_1, ..., g_T in [-1, 1], x_1, and the hyperparameters of the rule (beta1 = 0). With
`free` the bounded rules get bound functions of the paper's form whose two gammas are independent. All candidates of a
generation are played at once, in floats; what is found is rounded to short fractions for as long as it stays above the
bound, and then audited in balls. Floats find, balls show; that nothing was found shows nothing.

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
from simlab.audit import Audit, audit
from simlab.backends import reference as floats
from simlab.errors import BadInput
from simlab.feasible import Box
from simlab.history import History
from simlab.online import make_plan
from simlab.problem import Problem
from simlab.protocol import Plan, run_loop
from simlab.regret_bound import RegretBound
from simlab.rule import Parameter, UpdateRule, read_rule

DECADES = -6.0, 1.0  # what a positive hyperparameter is searched over, in powers of 10
APART = 0.0, 8.0  # and the ratio of two gammas
RESTARTS = 3  # one search in two or so misses what is there
SHORT = (1, 2, 4, 10, 100, 1000, 10**4, 10**6)  # denominators, the shortest that keeps the violation is taken


@dataclass(frozen=True)
class Finding:
    """The best instance found for a bound.

    ratio: R_T/bound in floats, before rounding.    audit: the rounded instance, where it violates the bound (enclosed
    where balls agree); else None.    evaluations: how many runs were tried.
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
        if free and "alpha_star" not in self.rule.hyper:
            raise BadInput(f"free bound functions are for rules that have them (adabound, amsbound), not for {rule}")
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

    def ratios(self, z: np.ndarray) -> np.ndarray:
        """R_T/bound of every point; 0 where the run stops or the bound is not finite."""
        g, x1, hyper = self.read(z)
        blank, _ = make_plan(self.rule, "linear_periodic", self.schedules(), 0, self.rounds, "all")
        inside = {n: v for n, v in hyper.items() if n != "ratio"}
        plan = replace(
            blank,
            rule=self.made(hyper),
            problem=_many(g),
            hyper={**blank.hyper, **inside, **({"beta1": Fraction(0)} if "beta1" in blank.hyper else {})},
            x0=x1,
        )
        with np.errstate(all="ignore"):
            records = run_loop(plan, floats)
            if records.stopped:
                return np.zeros(z.shape[1])
            x, m = np.array([*records.x, records.x_last]), np.array(records.direction)
            eta = 1 / np.array([np.broadcast_to(r, x1.shape) for r in records.rate])
            regret = np.cumsum(g * x[:-1], axis=0) + np.abs(np.cumsum(g, axis=0))
            out = [self.one(plan, j, x, g, m, eta, regret, hyper) for j in range(z.shape[1])]
        return np.nan_to_num(np.array(out), nan=0.0, posinf=0.0, neginf=0.0)

    def one(self, plan: Plan, j: int, x: Any, g: Any, m: Any, eta: Any, regret: Any, hyper: Any) -> float:
        """The ratio of one of the candidates that were played together."""
        mine = {n: float(v[j]) for n, v in hyper.items()}
        column, t = slice(j, j + 1), np.arange(1.0, self.rounds + 1)
        alone = replace(plan, rule=self.made(mine), hyper={**plan.hyper, **mine})
        known = {"lambda": 1.0, "beta1": 0.0, **mine}
        w = eta[:, column]
        h = History(alone, t, x[:, column], g[:, column], m[:, column], w, w, 0 * t, regret[:, j], [], known, 2.0)
        return float(regret[-1, j] / self.bound(h)[-1])

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
        return 0.999 * z
    low, high = DECADES if p is not None else APART
    return 10 ** (low + (high - low) * z)


def _many(g: np.ndarray) -> Problem:
    """Every column of g as the gradients of a linear problem of its own on [-1, 1]."""

    def loss(t: int, x: Any) -> Any:
        return g[t - 1] * x

    def grad(t: int, x: Any) -> Any:
        return g[t - 1]

    return Problem(loss, grad, Box(Fraction(-1), Fraction(1)), dimension=g.shape[1])


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
    finds a violation being the last. progress is called with the number of generations done, of restarts * generations.
    Raises BadInput for a rule that the bound is not about, and for `free` where there are no bound functions.
    """
    from scipy.optimize import differential_evolution

    theorem = catalog.bound(bound) if isinstance(bound, str) else bound
    name = rule or theorem.rules[0]
    if name not in theorem.rules:
        raise BadInput(f"{theorem.name} is about {', '.join(theorem.rules)}, not about {name}")
    space, rng = Space(theorem, name, rounds, free), default_rng(seed)
    tried = done = 0

    def cost(z: np.ndarray) -> Any:
        nonlocal tried
        points = z if z.ndim == 2 else z[:, None]
        tried += points.shape[1]
        return -space.ratios(points)

    def tell(intermediate_result: Any) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done)

    best = None
    for _ in range(restarts):
        found = differential_evolution(
            cost,
            [(0.0, 1.0)] * space.size,
            maxiter=generations,
            init=_structured(space, 4 * space.size, rng),
            rng=rng,
            tol=0,
            polish=False,
            vectorized=True,
            updating="deferred",
            callback=tell,
        )
        best = found if best is None or found.fun < best.fun else best
        if best.fun < -1:
            break
    assert best is not None, "at least one search"
    ratio, shown, z = float(-best.fun), None, best.x
    instance = space.exact(z, SHORT[-1])
    if ratio > 1:
        for denominator in SHORT:
            candidate = space.exact(z, denominator)
            try:
                shown = space.audited(*candidate)
            except BadInput:  # rounded out of a range, or to a run that stops
                continue
            if shown.first_violation:
                instance = candidate
                break
            shown = None
    return Finding(theorem, space.rule, rounds, ratio, *instance, shown, tried)
