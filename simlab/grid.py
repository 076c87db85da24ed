"""A grid of runs at once, in memory: every combination of the settings that have several values.

    simlab.run_batch("adam_analysed", "luo2019_periodic", hyper={"C": [3, 10, 50], "beta2": np.linspace(0, 0.99, 100)})

The cells are played in slices of a stated budget of memory, each a batch (simlab.batch). Each cell is the run of its
own settings to the last bit, whatever the grid around it and however it was cut. What must survive being killed is a
sweep (simlab.sweeps); this is for what is done in minutes.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simlab import batch, catalog, exact
from simlab.batch import CURVES, VALUES
from simlab.errors import BadInput
from simlab.gather import Column
from simlab.online import duration, horizon, recorded
from simlab.provenance import source_hash, versions

if TYPE_CHECKING:
    from xarray import Dataset

BUDGET = 1 << 30  # bytes that a slice may take
PATIENCE = 600  # seconds that are spent without asking
ROOM = 4 << 30  # bytes of results that are kept without asking
SAMPLE = 1000  # cells whose jumps an estimate takes for those of all
WORDS = {
    "x_last": "decision x_(T+1), after the last update",
    "regret": "regret R_T against the best fixed decision",
    "average_regret": "average regret R_T/T",
    "comparator_gap": "by how much at most R_T is under-reported",
    "x": "decision x_t",
    "rate": "rate eta_t, the whole factor on the direction",
    "direction": "direction m_t",
    "loss": "loss f_t(x_t)",
    "regret_curve": "regret R_t against the best fixed decision of t rounds",
    "stopped": "round whose proposal was not finite, or 0",
    "reason": "why the cell has no result or stopped early",
}
Axes = Sequence[tuple[str, Mapping[str, Sequence[Any]]]]  # (dimension, the values of each setting along it)


def run_batch(
    rule: Any,
    problem: Any,
    *,
    hyper: dict[str, Any] | None = None,
    x0: Any = None,
    rounds: Any = 1000,
    record: int = 1,
    backend: str = "numba",
    device: str | None = None,
    single: bool = False,
    jump: bool = False,
    budget: int = BUDGET,
    yes: bool = False,
    progress: Callable[[int], None] | None = None,
    command: str = "",
) -> Dataset:
    """Every combination of the settings, each played as simlab.run plays it, as a labelled xarray Dataset.

    rule, problem, hyper, x0, rounds: as for simlab.run; each may also be a list, range or NumPy array of values, which
        then is a dimension of the result, in the order written here (a tuple is one vector).
    record: how many log-spaced rounds to keep of every run, 1 for the last alone.
    backend: numba (lanes on all cores), reference, or torch on `device`.    single: float32, for scalar problems.
    jump: jump stretches of rounds without gradient (simlab.jump), by numba; last digits change, and `path` says so.
    budget: bytes of memory a slice of the grid may take.    yes: go ahead although it would take long or much memory.
    progress: is told how many cells are done.

    Variables: x_last, regret, average_regret, comparator_gap, stopped (the round of a stop, or 0) and reason (of a
    stop, or of settings that no run allows: those cells are nan); with record > 1 the curves x, rate, direction, loss
    and regret_curve over the dimension `round`. Raises BadInput and NotHere as simlab.run does.
    """
    given = {"rule": rule, "problem": problem, **(hyper or {}), "rounds": rounds}
    if x0 is not None:
        given["x0"] = x0
    fixed = {name: value for name, value in given.items() if not _several(value)}
    axes = [(name, {name: _values(value)}) for name, value in given.items() if _several(value)]
    return play_grid(fixed, axes, record, backend, device, single, jump, budget, yes, progress, command)


def _several(value: Any) -> bool:
    return isinstance(value, (list, range, np.ndarray))


def _values(value: Any) -> list[Any]:
    return value.tolist() if isinstance(value, np.ndarray) else list(value)


def play_grid(
    fixed: dict[str, Any],
    axes: Axes,
    record: int = 1,
    backend: str = "numba",
    device: str | None = None,
    single: bool = False,
    jump: bool = False,
    budget: int = BUDGET,
    yes: bool = False,
    progress: Callable[[int], None] | None = None,
    command: str = "",
) -> Dataset:
    """See `run_batch`: the grid of `axes`, whose last one varies fastest, with the same `fixed` settings everywhere."""
    if not all(len(values) for _, columns in axes for values in columns.values()):
        raise BadInput("an axis of the grid is empty; give it at least one value")
    shape = tuple(len(next(iter(columns.values()))) for _, columns in axes)
    n = math.prod(shape)
    horizons = [horizon(r) for r in _each(fixed, axes, "rounds")]
    curves, record = record > 1, min(record, max(*horizons, 2))  # at most every round is kept
    if curves and any("rounds" in columns for _, columns in axes):
        raise BadInput("curves need one horizon: rounds as an axis goes with record = 1")
    each = _bytes(fixed, axes, record) + (8 * 64 if jump else 0)  # a power for each length of a jump
    if not yes:
        _ask(n, each, sum(horizons) / len(horizons), fixed, axes, backend, jump)
    size = max(1, budget // each)
    values: dict[str, np.ndarray] = {}
    stopped, reason, paths = np.zeros(n, dtype=np.int64), np.full(n, "", dtype=object), set[str]()
    began, tell = time.perf_counter(), progress or (lambda done: None)
    for start in range(0, n, size):
        stop = min(start + size, n)
        settings = columns(fixed, axes, np.arange(start, stop))

        def report(done: int, start: int = start) -> None:
            tell(start + done)

        played = batch.play(
            settings,
            stop - start,
            record=record,
            backend=backend,
            device=device,
            single=single,
            jump=jump,
            progress=report,
        )
        tell(stop)
        paths |= played.paths
        stopped[start:stop] = played.stopped
        for i, text in played.reason.items():
            reason[start + i] = text
        for name, part in played.values.items():
            batch.put(values, n, name, slice(start, stop), part)
    if all(reason) and not stopped.any():
        raise BadInput(*str(reason[0]).splitlines())
    rounds = recorded(max(horizons), record) if curves else None
    data = labelled(axes, shape, values, stopped, reason, rounds)
    return data.assign_attrs(
        fixed=json.dumps({name: _text(value) for name, value in fixed.items()}),
        backend=backend,
        device=device or "cpu",
        precision="float32" if single else "float64",
        path=", ".join(sorted(paths)),
        grade="observed",
        seconds=time.perf_counter() - began,
        rule_source=json.dumps(_sources(fixed, axes)),
        versions=json.dumps(versions(*catalog.backend(backend).PACKAGES)),
        command=command,
    )


def columns(fixed: dict[str, Any], axes: Axes, cell: np.ndarray) -> dict[str, Column]:
    """The settings of cells with these numbers, by name."""
    settings: dict[str, Column] = {}
    for _, varied in reversed(axes):
        cell, at = np.divmod(cell, len(next(iter(varied.values()))))
        used, which = np.unique(at, return_inverse=True)
        settings |= {name: Column([values[u] for u in used], which) for name, values in varied.items()}
    zero = np.broadcast_to(np.int64(0), len(cell))
    return settings | {name: Column([value], zero) for name, value in fixed.items()}


def labelled(
    axes: Axes,
    shape: tuple,
    values: dict[str, np.ndarray],
    stopped: np.ndarray,
    reason: np.ndarray,
    rounds: np.ndarray | None,
) -> Dataset:
    """The Dataset of a grid whose cells stand in rows; its coordinates carry their exact text."""
    from xarray import Dataset

    dims = tuple(name for name, _ in axes)
    flat = {**{name: values.get(name, np.full(len(stopped), np.nan)) for name in VALUES}, **values}
    data: dict[str, Any] = {}
    for name, column in {**flat, "stopped": stopped, "reason": reason}.items():
        inner = (("round", "coordinate") if name in CURVES else ("coordinate",))[: column.ndim - 1]
        about = {"long_name": WORDS[name]} | ({} if name == "reason" else {"units": "1"})
        data[name] = (dims + inner, column.reshape(shape + column.shape[1:]), about)
    coords: dict[str, Any] = {}
    if rounds is not None:
        coords["round"] = ("round", rounds, {"long_name": "round t", "units": "1"})
    for dim, columns in axes:
        coords |= {name: _coordinate(dim, column) for name, column in columns.items()}
    return Dataset(data, coords)


def _coordinate(dim: str, column: Sequence[Any]) -> tuple:
    """A setting along its axis as numbers, or as text where it is none; the exact text is an attribute."""
    texts = [_text(v) for v in column]
    about = {"units": "1", "exact": json.dumps(texts, separators=(",", ":"))}
    try:
        numbers = [exact.rational(v) for v in column]
    except BadInput:
        return dim, np.array(texts, dtype=object), {"exact": about["exact"]}
    integers = all(v.denominator == 1 and abs(v) < 2**63 for v in numbers)
    return dim, np.array([int(v) if integers else float(v) for v in numbers]), about


def _text(value: Any) -> str:
    if callable(value):
        return getattr(value, "__name__", str(value))
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _each(fixed: dict[str, Any], axes: Axes, name: str) -> list[Any]:
    """All values that a setting takes in the grid."""
    return next((list(c[name]) for _, c in axes if name in c), [fixed[name]] if name in fixed else [])


def _sources(fixed: dict[str, Any], axes: Axes) -> dict[str, str]:
    return {_text(r): source_hash(catalog.rule(r).function) for r in _each(fixed, axes, "rule")}


def _width(fixed: dict[str, Any], axes: Axes) -> int:
    """The coordinates of the longest vector among the settings, 0 where all are numbers."""
    first = [*fixed.values(), *(values[0] for _, columns in axes for values in columns.values())]
    return max((len(value) for value in first if isinstance(value, tuple)), default=0)


def _bytes(fixed: dict[str, Any], axes: Axes, record: int) -> int:
    """About what a cell takes: its records, its results, and a column for each setting."""
    return 8 * (max(_width(fixed, axes), 1) * (12 * record + 16) + 4 * (len(fixed) + len(axes)))


def left(fixed: dict[str, Any], axes: Axes, n: int, backend: str) -> float:
    """About which part of the work of n cells is left where idle rounds are jumped; BadInput where there is no jump."""
    last = min(n, 1 << 62) - 1  # no array counts further, nor does a sweep
    cells = np.unique(np.linspace(0, last, SAMPLE).astype(np.int64))
    return float(np.mean(1 / batch.jumped(columns(fixed, axes, cells), len(cells), backend)))


def _ask(n: int, each: int, rounds: float, fixed: dict[str, Any], axes: Axes, backend: str, jump: bool) -> None:
    """Refuse a grid that would take long or much memory, and say what it would cost."""
    if catalog.backend(backend).GRADE != "observed":
        raise BadInput(f"a batch is played in floats, by numba, reference or torch; got {backend}")
    seconds = n * rounds * batch.nanoseconds(backend, _width(fixed, axes)) * 1e-9
    if seconds > PATIENCE and jump:
        seconds *= left(fixed, axes, n, backend)
    if seconds > PATIENCE or n * each > ROOM:
        raise BadInput(
            f"{n:,} cells take about {duration(seconds)} on {backend} and {n * each / 1e9:.3g} GB of memory; "
            "--yes (yes=True) goes ahead"
        )
