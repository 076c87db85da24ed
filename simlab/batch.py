"""Many runs at once: cells that share rule, problem and horizon, with what differs between them in columns.

Cell i of a batch is the run of its own settings, to the last bit: each setting enters as the nearest double of its
exact value, once for every distinct value, and the loop is the one of simlab.protocol. So a column costs as much as
its distinct values, and a million cells of a 1000 x 1000 grid cost two thousand.

Grids are played slice by slice, within a budget of memory, by a backend's

    run_cells(cells, *, device, progress) -> CellRecords
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from simlab import catalog, exact
from simlab.backends import _single, reference
from simlab.cells import CellRecords, Cells
from simlab.errors import BadInput
from simlab.exact import to_float
from simlab.feasible import Box, Space
from simlab.online import make_plan, run
from simlab.ops import Weight
from simlab.problem import Problem, check_start, comparators
from simlab.protocol import Plan
from simlab.rule import Parameter, settle

APART = ("rule", "problem", "rounds", "schedule", "beta1_schedule")  # settings that make another loop
CURVES = ("x", "rate", "direction", "loss", "regret_curve")
VALUES = ("x_last", "regret", "average_regret", "comparator_gap")


class Column(NamedTuple):
    """One setting of n cells: its distinct values, exact numbers or text, and which of them each cell has."""

    values: Sequence[Any]
    at: np.ndarray  # (n,) integers


# --- gathering ------------------------------------------------------------------------------------------------------


def gather(settings: dict[str, Column], n: int, record: int, single: bool = False) -> tuple[list[Cells], np.ndarray]:
    """(batches of cells that share a loop, the cells that are left to single runs: no run allows their settings).

    settings: what simlab.run takes as hyper, and rule, problem, rounds and x0, by name.
    """
    batches, alone = [], []
    names = [name for name in APART if name in settings]
    at, choices = _combine([settings[name] for name in names])
    for k in range(len(choices)):
        some = np.flatnonzero(at == k)
        own = {name: Column(c.values, c.at[some]) for name, c in settings.items()}
        apart = dict(zip(names, choices[k], strict=True))
        rule, problem, rounds = apart.pop("rule"), apart.pop("problem"), apart.pop("rounds")
        maker = _Maker(rule, problem, own, len(some), _single.number if single else reference.number)
        for which in maker.groups():
            given = {name: c.values[c.at[which[0]]] for name, c in own.items() if name not in APART} | apart
            x0 = given.pop("x0", None)
            try:
                plan = make_plan(rule, problem, given, x0, rounds, record)[0]
            except BadInput:  # what is wrong with the schedules is wrong for all
                maker.wrong[which] = True
            else:
                batches.append(maker.batch(plan, which, some[which]))
        alone.append(some[maker.wrong])
    return batches, np.concatenate(alone)


class _Maker:
    """Settles every distinct value, and every distinct combination that a default or a problem depends on, once."""

    def __init__(self, rule: Any, problem: Any, settings: dict[str, Column], n: int, to: Callable) -> None:
        self.rule, self.family = catalog.rule(rule), catalog.problem(problem)
        self.settings, self.number = settings, to
        self.wrong = np.zeros(n, dtype=bool)
        self.zero = np.broadcast_to(np.int64(0), n)
        self.hyper = self._hyper()
        self.decay = self._read("lambda", lambda text: exact.rational(text, "lambda"), 1)
        self.problems, self.problem_at = self._problems()
        self.starts, self.start_at = self._starts()

    def _each(self, make: Callable, choices: Sequence[tuple], at: np.ndarray) -> list:
        """make(*choice) of each combination; of those that are refused, None, and their cells are wrong."""
        made: list[Any] = []
        for k, choice in enumerate(choices):
            try:
                made.append(None if any(c is None for c in choice) else make(*choice))
            except BadInput:
                made.append(None)
                self.wrong |= at == k
        return made

    def _read(self, name: str, read: Callable, default: Any) -> Column:
        column = self.settings.get(name)
        if column is None:
            return Column([default], self.zero)
        return Column(self._each(read, [(v,) for v in column.values], column.at), column.at)

    def _exactly(self, p: Parameter) -> Column:
        return self._read(p.name, lambda v: p.check(exact.array(v, p.name, p.range.depth)), p.default)

    def _hyper(self) -> dict[str, Column]:
        known: dict[str, Column] = {}
        for name, p in self.rule.hyper.items():
            column = self._exactly(p)
            if name not in self.settings and callable(p.default):
                names = list(inspect.signature(p.default).parameters)
                at, choices = _combine([known[other] for other in names])
                column = Column(self._each(lambda *v, p=p, names=names: _default(p, names, v), choices, at), at)
            known[name] = column
        return known

    def _problems(self) -> tuple[list, np.ndarray]:
        family = self.family
        names = [name for name in family.constants if name in self.settings]
        at, choices = _combine([self._exactly(family.constants[name]) for name in names])

        def pose(*values: Any) -> Problem:
            given = dict(zip(names, values, strict=True))
            return family.function(**settle(family.constants, given, f"problem {family.name}"))

        if not names:
            return [pose()], self.zero
        return self._each(pose, choices, at), at

    def _starts(self) -> tuple[list, np.ndarray]:
        given = self._read("x0", lambda v: exact.array(v, "x0", 1), None)
        if "x0" not in self.settings:
            return [p and p.start() for p in self.problems], self.problem_at
        at, choices = _combine([given, Column(self.problems, self.problem_at)])

        def start(x0: Any, problem: Problem) -> Any:
            vector = problem.dimension == 1 and not isinstance(x0, tuple)
            return check_start(problem, (x0,) if vector else x0, False)

        return self._each(start, choices, at), at

    def groups(self) -> list[np.ndarray]:
        """The cells that are sound, apart by the code and the shapes of their problems."""
        labels: dict[Hashable, int] = {}
        kinds = [-1 if p is None else labels.setdefault(_form(p), len(labels)) for p in self.problems]
        of = np.array(kinds)[self.problem_at]
        of = np.where(self.wrong, -1, of)
        return [which for k in range(len(labels)) if len(which := np.flatnonzero(of == k))]

    def batch(self, plan: Plan, which: np.ndarray, where: np.ndarray) -> Cells:
        """The columns of some cells; the plan is that of the first of them, `where` is what the caller calls them."""
        number, n = self.number, len(which)

        def column(values: Sequence[Any], at: np.ndarray, to: Callable = number) -> np.ndarray:
            if len(values) > 1:
                used, at = np.unique(at[which], return_inverse=True)
                values = [values[u] for u in used]
            rows = np.array([to(v) for v in values])
            return rows[at] if len(rows) > 1 else np.broadcast_to(rows[0], (n, *rows.shape[1:]))

        def weighed(name: str) -> Any:
            values, at = self.hyper[name]
            if not self.rule.hyper[name].range.weight:
                return column(values, at)
            return Weight(column(values, at), column(values, at, lambda v: number(1 - v)))

        def parts(take: Callable[[Problem], tuple], to: Callable = number) -> tuple:
            columns = zip(*(take(p) if p else (0,) * len(take(plan.problem)) for p in self.problems), strict=True)
            return tuple(column(values, self.problem_at, to) for values in columns)

        return Cells(
            plan,
            number,
            where,
            column(*self.hyper["alpha"]),
            column(*self.decay, reference.number),
            tuple(weighed(name) for name in self.hyper if name != "alpha"),
            parts(lambda p: p.data, lambda d: d if isinstance(d, int) else number(d)),
            parts(lambda p: p.feasible.parameters),
            column(self.starts, self.start_at),
            column([p.period or 0 if p else 0 for p in self.problems], self.problem_at, _same),
            self.problems,
            self.problem_at[which],
        )


def _same(x: Any) -> Any:
    return x


def _default(p: Parameter, names: list[str], values: tuple) -> Any:
    return p.check(p.default(**dict(zip(names, values, strict=True))))


def _combine(columns: list[Column]) -> tuple[np.ndarray, list[tuple]]:
    """(which combination each cell has, the distinct combinations)."""
    columns = [Column(list(c.values), c.at) for c in columns]
    if not columns:
        return np.zeros(0, dtype=np.int64), []
    if len(columns) == 1:
        return columns[0].at, [(v,) for v in columns[0].values]
    sizes = [len(c.values) for c in columns]
    codes, at = np.unique(np.ravel_multi_index([c.at for c in columns], sizes), return_inverse=True)
    picked = zip(*np.unravel_index(codes, sizes), strict=True)
    return at, [tuple(c.values[i] for c, i in zip(columns, choice, strict=True)) for choice in picked]


def _form(p: Problem) -> Hashable:
    """What two problems share if one loop serves both: their code and the shapes of their data."""
    shapes = tuple(type(v) is int or _shape(v) for v in (*p.data, *p.feasible.parameters))
    period = p.period if p.dimension else p.period is None  # vectors share their phase
    return (_code(p.loss), _code(p.grad), _code(p.feasible.project), shapes, p.dimension, period)


def _shape(v: Any) -> tuple:
    return (len(v), *_shape(v[0])) if isinstance(v, tuple) else ()


def _code(f: Any) -> Hashable:
    if not isinstance(f, types.FunctionType):
        return f if isinstance(f, Hashable) else id(f)
    return (f.__code__, id(f.__globals__), *(_code(cell.cell_contents) for cell in f.__closure__ or ()))


# --- playing --------------------------------------------------------------------------------------------------------


class Played(NamedTuple):
    """What n cells leave behind, whatever played them; nan where a cell has no result.

    values: x_last, regret, average_regret, comparator_gap, each (n,) or (n, d), and with record > 1 the curves x, rate,
    direction, loss, regret_curve, each (n, rounds) or (n, rounds, d).    stopped: (n,), the round of a stop, or 0.
    reason: why a cell stopped or has no result, by cell.    paths: the machineries that ran.
    """

    values: dict[str, np.ndarray]
    stopped: np.ndarray
    reason: dict[int, str]
    paths: set[str]


def play(
    settings: dict[str, Column],
    n: int,
    *,
    record: int = 1,
    backend: str = "numba",
    device: str | None = None,
    single: bool = False,
    threads: int = 0,
    progress: Callable[[int], None] = lambda t: None,
) -> Played:
    """Play n cells.

    settings: by name, rule, problem and rounds among them.    record: log-spaced rounds kept, 1 for the last alone.
    backend: numba, reference or torch, on `device`.    single: in float32.    threads: 0 for all cores.
    progress: is told how many cells are done.
    Each distinct loop is played as one batch, in columns where its backend can, else run by run, to the same bits.
    """
    module = catalog.backend(backend)
    batches, alone = gather(settings, n, record, single)
    played, done = Played({}, np.zeros(n, dtype=np.int64), {}, set()), 0
    for cells in batches:
        if not _in_columns(cells, module):
            if single:
                raise BadInput(f"float32 is for scalar problems on an interval; {backend} plays this one in doubles")
            alone = np.append(alone, cells.where)
            continue

        def report(t: int, before: int = done, cells: Cells = cells) -> None:
            progress(before + len(cells) * t // cells.plan.rounds)

        records: CellRecords = module.run_cells(cells, device=device, threads=threads, progress=report)
        done += len(cells)
        played.paths.add(records.path)
        played.stopped[cells.where] = records.stopped
        played.reason.update({int(cells.where[i]): text for i, text in records.reason.items()})
        found = {"x_last": records.x_last, **regrets(cells, records)}
        for name in VALUES:
            _put(played, n, name, cells.where, found[name])
        if record > 1:
            for name in CURVES:
                curve = found[name] if name in found else getattr(records, name)
                _put(played, n, name, cells.where, np.moveaxis(curve, 0, 1))
    for i in alone.tolist():
        _alone({name: c.values[c.at[i]] for name, c in settings.items()}, i, played, n, record, backend, device)
    return played


def nanoseconds(backend: str, dimension: int | None = None) -> float:
    """About what a round of one cell among many takes."""
    module = catalog.backend(backend)
    each: float = module.NANOSECONDS if dimension else getattr(module, "CELL_NANOSECONDS", module.NANOSECONDS)
    return each * (dimension or 1)


def _in_columns(cells: Cells, module: Any) -> bool:
    """Whether the backend plays these cells side by side."""
    problem = cells.plan.problem
    scalar = problem.dimension is None and isinstance(problem.feasible, (Box, Space))
    return hasattr(module, "run_cells") and (scalar or getattr(module, "VECTORS", False))


def _alone(
    given: dict[str, Any], i: int, played: Played, n: int, record: int, backend: str, device: str | None
) -> None:
    """Cell i by a single run. That no run allows its settings is a result too: the reason."""
    rule, problem, rounds = given.pop("rule"), given.pop("problem"), given.pop("rounds")
    x0 = given.pop("x0", None)
    try:
        one = run(
            rule, problem, hyper=given, x0=x0, rounds=rounds, record=record, backend=backend, device=device, yes=True
        )
    except (BadInput, ArithmeticError) as error:
        played.reason[i] = str(error)
        return
    played.paths.add("run by run")
    if one.stopped:
        played.stopped[i], played.reason[i] = one.stopped["round"], one.stopped["reason"]
    where = np.array([i])
    for name in VALUES:
        _put(played, n, name, where, np.asarray(getattr(one, name), dtype=np.float64)[None])
    if record > 1:
        due = np.isin(one.plan.recorded, one.t)  # after a stop, whose own round need not be one of them, all is nan
        for name in CURVES:
            curve = getattr(one, name)
            whole = np.full((1, len(due), *curve.shape[1:]), np.nan)
            whole[0, due] = curve[np.isin(one.t, one.plan.recorded)]
            _put(played, n, name, where, whole)


def _put(played: Played, n: int, name: str, where: np.ndarray, values: np.ndarray) -> None:
    column = played.values.setdefault(name, np.full((n, *values.shape[1:]), np.nan))
    if column.shape[1:] != values.shape[1:]:
        raise BadInput("the decisions of the cells have different dimensions; play them apart")
    column[where] = values


# --- regret ---------------------------------------------------------------------------------------------------------


def regrets(cells: Cells, records: CellRecords) -> dict[str, np.ndarray]:
    """R_t at the recorded rounds (k, n), R_T and R_T / T, and by how much at most R_T is under-reported (n,).

    For a cell that stopped, T is the round of the stop. Rounded as the regret of a single run is: once.
    """
    plan, n, due = cells.plan, len(cells), cells.plan.recorded
    curve, last, gap = np.full(records.total.shape, math.nan), np.empty(n), np.zeros(n)
    ended = np.where(records.stopped > 0, records.stopped, plan.rounds)
    order = np.argsort(cells.problem_at, kind="stable")
    ends = np.flatnonzero(np.diff(cells.problem_at[order])) + 1
    for some in np.split(order, ends):
        problem = cells.problems[cells.problem_at[some[0]]]
        rounds = np.unique(np.concatenate([due, ended[some]]))
        best = comparators(problem, rounds.tolist())
        for j, b in enumerate(np.searchsorted(rounds, due)):
            curve[j, some] = subtract(records.total[j, some], records.error[j, some], best[b].value)
        at = np.searchsorted(rounds, ended[some])
        for b in np.unique(at):
            these = some[at == b]
            last[these] = subtract(records.total_last[these], records.error_last[these], best[b].value)
            gap[these] = best[b].gap
    curve[np.isnan(records.total)] = math.nan
    return {"regret_curve": curve, "regret": last, "average_regret": last / ended, "comparator_gap": gap}


def subtract(total: np.ndarray, error: np.ndarray, best: Any) -> np.ndarray:
    """total + error - best, rounded once, for an exact or double `best`; where it is infinite, minus it."""
    if isinstance(best, float) and not math.isfinite(best):
        return np.full(total.shape, -best)
    with np.errstate(invalid="ignore", over="ignore"):
        high = to_float(best)
        low = to_float(Fraction(best) - Fraction(high)) if math.isfinite(high) else 0.0
        s, rest = reference.add(total, error, -high)  # total - high, exactly, and the error beside it
        s, e = reference.add(s, 0.0, rest)
        s, e = reference.add(s, e, -low)
        found = s + e
        # `rest` and `e` were rounded: where that could turn the last rounding, the sum is done in rationals
        doubt = 2.0**-50 * (np.abs(error) + np.spacing(np.abs(total) + abs(high)))
        left, half = np.abs((s - found) + e), np.spacing(np.abs(found)) / 2
        near = np.minimum(np.abs(left - half), np.abs(left - half / 2)) <= doubt
        unsure = np.isfinite(found) & near & ((error != 0) | (low != 0))
    for i in np.flatnonzero(unsure):
        found[i] = to_float(Fraction(total[i]) + Fraction(error[i]) - Fraction(best))
    return np.where(np.isfinite(total) & np.isfinite(error), found, total + error)
