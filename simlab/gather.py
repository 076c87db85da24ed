"""The settings of many cells as columns: each distinct value is read, checked and rounded once.

Cells that share rule, problem and horizon have one loop; what differs between them stands in columns. So gathering
costs as much as the distinct values, and a million cells of a 1000 x 1000 grid cost two thousand.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from simlab import catalog, exact
from simlab.backends import _single, reference
from simlab.cells import Cells
from simlab.errors import BadInput
from simlab.online import make_plan
from simlab.ops import Weight
from simlab.problem import Problem, check_start
from simlab.protocol import Plan
from simlab.rule import Parameter, settle

APART = ("rule", "problem", "rounds", "schedule", "beta1_schedule")  # settings that make another loop


class Column(NamedTuple):
    """One setting of n cells: its distinct values, exact numbers or text, and which of them each cell has."""

    values: Sequence[Any]
    at: np.ndarray  # (n,) integers


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
