"""`run`: one online run of a rule on a problem, and the regret along it.

    R_t = sum_{s<=t} f_s(x_s) - min_{u in F} sum_{s<=t} f_s(u)

The first sum is carried as an unevaluated pair (TwoSum), the second is exact or comes with a certified gap, u is
re-optimised at every recorded round, and the subtraction is done in rationals and rounded once.

What that is worth in float64, for T rounds: R_T differs from the exact regret of the losses as they were rounded by at
most gamma^2 sum |f_t(x_t)| and one rounding, gamma = T u/(1 - T u), u = 2^-53. For T = 10^9 that is 1.3e-14 times the
losses suffered, so 1e-10 R_T while they are at most 8000 R_T; Adam and AMSGrad on Reddi et al.'s problem, C = 3, were
found to be off by the one rounding alone, beside sums in integers. How far the rounding of x_t leads a float run from
the exact one is not bounded here: balls enclose the exact one, and on these two agree to 1e-15 at T = 10^6 (AMSGrad at
T = 10^7 too).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from simlab import catalog, exact
from simlab.errors import BadInput, nearest
from simlab.problem import check_start, comparators
from simlab.protocol import Plan, Records
from simlab.provenance import provenance
from simlab.rule import settle
from simlab.schedules import BETA1, RATE, schedule
from simlab.trajectory import Trajectory

MOST_ROUNDS = 2**53  # beyond, a round number is not a double
_PATIENCE = 600  # seconds that are spent without asking
_ROOM = 2 << 30  # bytes of records that are kept without asking
_ROW = 6 * 8  # bytes of the record of one scalar round
_FULL = 1 << 38  # bytes of records beyond which not even a list of the rounds is made


def run(
    rule: Any,
    problem: Any,
    *,
    hyper: dict[str, Any] | None = None,
    x0: Any = None,
    rounds: Any = 1000,
    backend: str = "numba",
    device: str | None = None,
    record: Any = 1000,
    bits: int = 128,
    project_x0: bool = False,
    yes: bool = False,
    progress: Callable[[int], None] | None = None,
    command: str = "",
) -> Trajectory:
    """One online run of `rounds` rounds.

    rule, problem: names (see simlab.rules, simlab.problems), or functions that declare one.
    hyper: hyperparameters of the rule and constants of the problem together, as exact numbers or text ("9/10"); also
        schedule = constant | inv_sqrt | inv, beta1_schedule = constant | geometric | inv | inv_sqrt, lambda in (0, 1].
    x0: the first decision x_1 (the point of F nearest to 0 unless set); a number, or a sequence of d numbers.
    record: "all", a sequence of rounds, or how many log-spaced rounds to keep (the last is always kept).
    backend: numba, reference, torch, arb (balls of `bits` bits) or sympy; device: for torch, such as "cpu" or "cuda".
    yes: go ahead although the run would take long or its records much memory.

    Returns a Trajectory. Raises BadInput for anything out of range, NotHere for a missing device or extra. A proposal
    that is not finite ends the run early: see Trajectory.stopped.
    """
    plan, family = make_plan(rule, problem, dict(hyper or {}), x0, rounds, record, project_x0)
    if device and backend != "torch":
        raise BadInput(f"a device is for the torch backend; {backend} runs on the CPU")
    module = catalog.backend(backend)
    if not yes:
        _ask(plan, backend, module.NANOSECONDS)
    began = time.perf_counter()
    records: Records = module.run(plan, device=device, bits=bits, progress=progress or _silent)
    seconds = time.perf_counter() - began
    best = comparators(plan.problem, records.t)
    info = provenance(plan, device, bits if module.GRADE == "enclosed" else None, command, module.PACKAGES)
    return Trajectory(plan.rule.name, family.name, backend, module.GRADE, plan, records, best, seconds, info)


def _silent(t: int) -> None:
    pass


def horizon(rounds: Any) -> int:
    """T, the exact integer that is meant. Raises BadInput for what is none, or beyond 2^53."""
    if (found := exact.integer(rounds, "rounds")) > MOST_ROUNDS:
        raise BadInput(f"rounds must be at most 2^53 = {MOST_ROUNDS}; got {rounds}")
    return found


def make_plan(
    rule: Any, problem: Any, given: dict[str, Any], x0: Any, rounds: Any, record: Any, project_x0: bool = False
) -> tuple[Plan, Any]:
    """(the Plan of a run, the ProblemFamily), everything validated; all wrong parameters are reported together."""
    spec, family = catalog.rule(rule), catalog.problem(problem)
    length = horizon(rounds)
    rate_schedule = schedule(given.pop("schedule", spec.schedule), RATE, "schedule")
    beta1_schedule = schedule(given.pop("beta1_schedule", "constant"), BETA1, "beta1_schedule")
    decay = exact.rational(given.pop("lambda", 1), "lambda")
    if not 0 < decay <= 1:
        raise BadInput(f"lambda must be in (0, 1]; got {decay}")
    if beta1_schedule.__name__ != "constant" and "beta1" not in spec.hyper:
        raise BadInput(f"rule {spec.name} has no beta1, so beta1_schedule does not apply")
    if (beta1_schedule.__name__ == "geometric") != (decay != 1):
        raise BadInput("lambda < 1 goes with beta1_schedule=geometric, and that schedule needs it")
    both = {**spec.hyper, **family.constants}
    values: dict[str, Any] = {}
    wrong = [
        f"neither rule {spec.name} nor problem {family.name} has a parameter {n!r}{nearest(n, both)}"
        for n in given
        if n not in both
    ]
    for name in given.keys() & both.keys():
        try:
            values[name] = exact.array(given[name], name, both[name].range.depth)
        except BadInput as error:
            wrong += error.problems
    settled: list[dict] = []
    for known, owner in ((spec.hyper, f"rule {spec.name}"), (family.constants, f"problem {family.name}")):
        try:
            settled.append(settle(known, {n: v for n, v in values.items() if n in known}, owner))
        except BadInput as error:
            wrong += error.problems
    if wrong:
        raise BadInput(*wrong)
    posed = family.function(**settled[1])
    start = posed.start() if x0 is None else exact.array(_plain(x0), "x0", 1)
    if x0 is not None and posed.dimension == 1 and not isinstance(start, tuple):
        start = (start,)
    start = check_start(posed, start, project_x0)
    return Plan(
        spec,
        posed,
        settled[0],
        start,
        length,
        recorded(length, record),
        rate_schedule,
        beta1_schedule,
        decay,
        settled[1],
    ), family


def _plain(x0: Any) -> Any:
    return tuple(x0.tolist()) if isinstance(x0, np.ndarray) else x0


def recorded(horizon: int, record: Any) -> np.ndarray:
    """The rounds to record: all of 1..T, those named, or at most `record` of them, log-spaced; the last is included."""
    if isinstance(record, (list, tuple, np.ndarray)):
        named = np.unique([*(exact.integer(int(t), "a recorded round") for t in record), horizon])
        if named[-1] > horizon:
            raise BadInput(f"a recorded round is at most the horizon {horizon}; got {named[-1]}")
        return named.astype(np.int64)
    if record == "all":
        if (room := _ROW * horizon) > _FULL:
            raise BadInput(f"recording all of {horizon} rounds takes {room / 1e9:.0f} GB; record=1000 is log-spaced")
        return np.arange(1, horizon + 1)
    count = exact.integer(record, "record")
    if count >= horizon:
        return np.arange(1, horizon + 1)
    spaced = np.geomspace(1, horizon, count) if count > 1 else np.array([horizon])
    return np.unique(np.append(np.round(spaced), horizon).astype(np.int64))


def _ask(plan: Plan, backend: str, nanoseconds: int) -> None:
    """Refuse a run that would take long or much memory, and say what it would cost."""
    width = plan.problem.dimension or 1
    seconds = plan.rounds * nanoseconds * width * 1e-9
    room = len(plan.recorded) * (3 * width + 3) * (8 if backend == "numba" else 100)
    if seconds > _PATIENCE or room > _ROOM:
        raise BadInput(
            f"{plan.rounds} rounds on {backend} take about {duration(seconds)} and {room / 1e6:.3g} MB of records; "
            "--yes (yes=True) goes ahead"
        )


def duration(seconds: float) -> str:
    """Seconds in words, to one unit."""
    for size, unit in ((365.25 * 86400, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} seconds"
