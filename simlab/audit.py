"""A regret bound along one run: its hypotheses, the first round that violates it, and the step of its proof that fails.

A violation that floats show is run again in balls up to that round. It is enclosed if the regret is certainly above the
bound there and certainly below it in every round before, and none if balls exclude what floats show; where they leave
both open, or the run is too long for them, it stays observed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from simlab import catalog
from simlab.errors import BadInput
from simlab.history import History, history
from simlab.online import make_plan, run
from simlab.regret_bound import Hypothesis, RegretBound, Row
from simlab.trajectory import Trajectory, precision

ROUNDING = 1e-12  # floats: what is less than this of the scale of the numbers compared is not a violation
COMPILE = 1_000  # below, a run in plain Python is done before a kernel is compiled; its bits are the same
BITS = 128  # of the balls
ENCLOSE = 20_000  # the longest run that is made again in balls
LAMBDA = "0.99999999"  # 1 - 1e-8, Kingma and Ba 2015, section 2 of the preprint; where beta1 = 0 it plays no part


@dataclass(frozen=True)
class Audit:
    """What an audit found. Curves are floats, one entry a round; rows and margin are of the grade.

    first_violation: the first round T with R_T > bound, or None.    refuted: the first round of which floats say so and
    balls exclude it, or None.    failed: for each hypothesis the first round where it fails, or None where it is not
    seen to fail (in balls: where it does not certainly fail).    rows: the ledger at `at`, which is the first violation
    or the last round.
    """

    run: Trajectory
    bound: RegretBound
    regret: np.ndarray
    curve: np.ndarray
    first_violation: int | None
    refuted: int | None
    failed: dict[str, int | None]
    rows: list[Row]
    at: int
    grade: str

    @property
    def ratio(self) -> np.ndarray:
        """R_T/bound."""
        return self.regret / self.curve

    @property
    def broken_step(self) -> str | None:
        """The first row of the ledger that does not hold."""
        suffered = float(np.abs(self.run.loss[: self.at]).sum())  # regret is a difference of sums of this size
        scale = max(suffered, *(abs(float(v)) for r in self.rows for v in (r.left, r.right)))
        return next((r.name for r in self.rows if _negative(r.slack, scale)), None)


def audit(
    rule: Any,
    problem: Any,
    bound: str | RegretBound,
    hyper: Mapping[str, Any] | None = None,
    x0: Any = None,
    rounds: Any = 1000,
    progress: Callable[[int], None] | None = None,
) -> Audit:
    """Evaluate a bound along a run, in the theorem's own schedules unless others are given.

    Raises BadInput, with the hypothesis that fails, where the bound cannot be evaluated: another rule, a loss that is
    not convex, an unbounded F. A hypothesis that is merely false is reported in `failed`.
    """
    theorem = catalog.bound(bound) if isinstance(bound, str) else bound
    spec = catalog.rule(rule)
    given = {"beta1_schedule": theorem.beta1_schedule, **(hyper or {})}
    given.setdefault("schedule", theorem.schedule or spec.schedule)
    if spec.name not in theorem.rules:
        raise BadInput(f"{theorem.name} is about {', '.join(theorem.rules)}, not about {spec.name}")
    if getattr(spec.function, "__code__", None) is not catalog.rule(spec.name).function.__code__:
        raise BadInput(
            f"{theorem.name} is about {spec.name} of simlab.rules, and this is another function of that name"
        )
    if "beta1" not in spec.hyper or str(given.get("beta1")) == "0":
        given.pop("beta1_schedule")
    elif given["beta1_schedule"] == "geometric":
        given.setdefault("lambda", LAMBDA)
    plan, _ = make_plan(spec, problem, dict(given), x0, rounds, 1)
    if not plan.problem.convex:
        raise BadInput(f"{theorem.name} supposes convex losses, and those of {problem} are not")
    if not theorem.about(plan):
        raise BadInput(f"{theorem.name} is about schedule={theorem.schedule}, not {plan.rate_schedule.__name__}")
    same: dict[str, Any] = {"hyper": dict(given), "x0": x0, "record": "all"}
    short = plan.rounds <= COMPILE
    made = run(spec, problem, rounds=rounds, backend="reference" if short else "numba", progress=progress, **same)
    seen = history(made)
    curve = theorem(seen)
    allowed = ROUNDING * (np.abs(curve) + np.cumsum(np.abs(made.loss)))
    above = (np.flatnonzero(seen.regret - curve > allowed) + 1).tolist()
    with precision(BITS):
        in_balls = partial(run, spec, problem, backend="arb", bits=BITS, **same)
        first, balls = _confirmed(theorem, lambda t: history(in_balls(rounds=t)), above, allowed)
        seen, at = balls or seen, first or seen.rounds
        here = seen.upto(at)
        rows = theorem.ledger(here, here.point, theorem.terms(here))
        failed = {need.words: first_failure(need, seen) for need in theorem.needs}
    refuted = above[0] if above and above[0] != first else None
    return Audit(
        made, theorem, np.asarray(made.regret_curve), curve, first, refuted, failed, rows, at, seen.system.GRADE
    )


def _confirmed(
    theorem: RegretBound, play: Callable[[int], History], above: list[int], allowed: np.ndarray
) -> tuple[int | None, History | None]:
    """The first of the rounds `above` that balls do not exclude; and the run in balls up to it, if that is certain.

    They exclude a violation by more than is allowed to floats. play(T): the run of T rounds in balls.
    """
    near = [t for t in above if t <= ENCLOSE]
    for end in near[:1] + near[1:][-1:]:  # the first is the one, unless floats are wrong there
        balls = play(end)
        excess = balls.regret - theorem(balls)
        above = [t for t in above if t > end or not excess[t - 1] < allowed[t - 1]]
        if above and above[0] <= end:
            first = above[0]
            sure = excess[first - 1] > 0 and all(e < 0 for e in excess[: first - 1])
            return first, balls.upto(first) if sure else None
    return next(iter(above), None), None


def first_failure(need: Hypothesis, h: History) -> int | None:
    """The first round where a hypothesis fails, or None; one on the hyperparameters alone fails in round 1."""
    margins = np.asarray(need.margin(h))
    first = 1 + h.rounds - len(margins) if margins.ndim else 1  # those that compare with the round before start at 2
    for t, row in enumerate(np.atleast_1d(margins), first):
        if any(_negative(v, 1.0) or (need.strict and v <= 0) for v in np.ravel(row)):
            return t
    return None


def _negative(value: Any, scale: float) -> bool:
    """Whether a number is below 0: by more than rounding, if it is a float; certainly, if it is a ball or exact."""
    return bool(value < (-ROUNDING * scale if isinstance(value, float) else 0))
