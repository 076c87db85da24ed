"""Compiled floats: the rule, the losses and the protocol as one machine-code loop, bit for bit the reference.

A kernel is compiled once per combination of rule, problem, schedules and shapes (about a second) and kept on disk by
simlab.machine_code; later processes load it without importing Numba.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from simlab.backends import reference
from simlab.machine_code import Unknown, digest, kernel, surroundings
from simlab.ops import Weight
from simlab.protocol import Plan, Records, bound, online_round, proposer, why

GRADE, NANOSECONDS, PACKAGES = "observed", 10, ("numba", "llvmlite")
CELL_NANOSECONDS = 2  # of a round of a cell among many, on one core
JUMPS = True  # run_cells jumps stretches of idle rounds
LEAST = 3  # a round of one register of lanes takes as long as some two rounds by themselves
number, finite = reference.number, reference.finite  # numbers enter and leave as the reference's
BORROWED = (reference.add, reference.bisect)  # what kernels compile besides the plan's own functions
HEAD, COUNTERS, SHAPES = 5, 9, 64  # entries of the buffers: see simlab.kernels
CHUNK = 1 << 27  # rounds a call: under a second, so that Ctrl-C and progress are prompt
_CALL = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 6)


def _kinds(values: tuple) -> str:
    def kind(v: Any) -> str:
        if isinstance(v, Weight):
            return "w"
        if isinstance(v, np.ndarray):
            return "vm"[v.ndim - 1]
        return "i" if isinstance(v, int) else "s"

    return "".join(map(kind, values))


def _flatten(values: tuple) -> tuple[list, list]:
    reals: list = []
    ints: list = []
    for v in values:
        if isinstance(v, Weight):
            reals += v
        elif isinstance(v, np.ndarray):
            reals.append(v.ravel())
            ints += v.shape
        else:
            (ints if isinstance(v, int) else reals).append(v)
    return reals, ints


_loaded: dict[str, Any] = {}


def _kernel(plan: Plan, kinds: tuple[str, str, str]) -> Any:
    """The plan's kernel, to be called with the six buffers."""
    p, scalar = plan.problem, plan.problem.dimension is None
    parts = [proposer(plan), p.loss, p.grad, p.feasible.project]
    facts = (len(plan.rule.state), *kinds, p.period is not None, scalar, HEAD, COUNTERS, SHAPES)
    try:
        key: str | None = digest([*parts, online_round(plan), *BORROWED], facts, surroundings())
    except Unknown:
        key = None
    if key in _loaded:
        return _loaded[key]

    def build() -> tuple[dict, bytes]:
        from simlab import kernels

        memo: dict = {}
        n, periodic = len(plan.rule.state), p.period is not None
        if scalar:
            driver = kernels.scalar_driver(kernels.native(online_round(plan), memo), n, kinds, periodic)
        else:
            propose, loss, grad, project = (kernels.native(f, memo) for f in parts)
            driver = kernels.vector_driver(propose, loss, grad, project, n, kinds, periodic)
        return kernels.build(driver)

    address, _ = kernel(key, build)
    call = _CALL(address)
    if key:
        _loaded[key] = call
    return call


def run(plan: Plan, *, progress: Callable = lambda t: None, **_: Any) -> Records:
    """The run as machine code; about 6 nanoseconds a round for scalar Adam."""
    alpha, decay, hyper, data, region = bound(plan, reference.number)
    kinds = (_kinds(hyper), _kinds(region), _kinds(data))
    call = _kernel(plan, kinds)
    reals, ints = _flatten((*hyper, *region, *data))
    flat = [np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in ([1.0, 0.0, 0.0, alpha, decay], *reals)]
    numbers = np.concatenate(flat)
    d, count = plan.problem.dimension, len(plan.recorded)
    counters = np.zeros(COUNTERS + SHAPES, dtype=np.int64)
    shapes = ints if d is None else [d, *ints]
    counters[:COUNTERS] = (0, 0, 1, plan.problem.period or 0, 0, count, 0, 0, len(numbers))
    counters[COUNTERS : COUNTERS + len(shapes)] = shapes
    rounds = np.append(plan.recorded, plan.rounds + 1).astype(np.int64)
    records = np.zeros((count + 1, 6 if d is None else 3 * d + 3))
    x = np.atleast_1d(reference.number(plan.x0)).copy()
    state = np.array([np.full(len(x), float(s)) for s in plan.rule.state.values()] or [np.zeros(len(x))])
    buffers = [numbers, counters, rounds, records, x, state]
    pointers = [b.ctypes.data for b in buffers]
    advance = None
    if d is not None:
        from simlab.stream import quickly

        advance = quickly(plan, d, (hyper, region, data))
    while counters[0] < plan.rounds and not counters[7]:
        t, k = int(counters[0]), int(counters[4])
        end = min(plan.rounds, t + CHUNK // (d or 1) + 1)
        if advance:
            end = min(plan.rounds, advance.until(t, k))
            if advance(t, end, k, (counters, numbers, x, state)):
                progress(end)
                continue
        counters[1] = end
        call(*pointers)
        progress(int(counters[0]))
    return _records(plan, counters, records, x, state)


def run_cells(cells: Any, *, progress: Callable = lambda t: None, threads: int = 0, jump: Any = None, **_: Any) -> Any:
    """Scalar cells in the lanes of vectors, on one thread for each core unless told: a nanosecond a cell and round.

    What is no straight-line arithmetic is played by NumPy, a column at a time. jump: see simlab.jump.
    """
    from simlab.blocks import play
    from simlab.vectors import Untraceable

    try:
        return play(cells, progress, threads, jump)
    except Untraceable:
        if jump:
            raise
        return reference.run_cells(cells, progress=progress)


def _records(plan: Plan, counters: np.ndarray, records: np.ndarray, x: np.ndarray, state: np.ndarray) -> Records:
    d, kept = plan.problem.dimension, records[: counters[4]]
    rounds = plan.recorded[: counters[4]].tolist()
    stopped = int(counters[7])
    if stopped and (len(rounds) < len(kept) or rounds[-1] != stopped):
        rounds = [*rounds[: len(kept) - 1], stopped]
    w = 1 if d is None else d
    columns = [kept[:, i * w : (i + 1) * w] for i in range(3)]
    if d is None:
        columns = [column[:, 0] for column in columns]
        x, state = x[0], state[:, 0]
    out = Records(
        rounds,
        list(columns[0]),
        list(columns[1]),
        list(columns[2]),
        kept[:, 3 * w].tolist(),
        [tuple(row) for row in kept[:, 3 * w + 1 :].tolist()],
    )
    out.x_last, out.state = x, tuple(state[: len(plan.rule.state)])
    out.underflow, out.stopped = int(counters[6]), stopped
    if stopped:
        out.reason = why(out.rate[-1], out.direction[-1], sys.modules[__name__])
    return out
