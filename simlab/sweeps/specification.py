"""A sweep's specification: a TOML file, read exactly, that stands for a grid of cells.

    rule = "adam_analysed"              # rule, problem, rounds, x0 and every setting may be fixed or an axis
    problem = "reddi2018_stochastic"
    rounds = 1e5
    record = 1                          # log-spaced rounds of every run that are kept
    root = 7                            # the root of all random draws
    jump = true                         # stretches of rounds without gradient, in one step each (simlab.jump)
    [set]
    alpha = "1/10"
    beta2 = 0.99                        # 99/100: a decimal is read from its text, never through a float
    [axes]
    C = [3, 5, 10]                                      # a list
    beta1 = { linspace = [0, "9/10"], count = 10 }      # exact rationals, both ends included
    epsilon = { geomspace = [1e-8, 1e-2], count = 7 }   # equal ratios, rounded to 17 digits
    seed = { seeds = 20 }                               # or names: { seeds = ["a", "b"] }
    [design]                                            # points drawn independently: one axis `point`
    count = 100
    beta1 = { uniform = [0, 1] }
    alpha = { loguniform = [1e-4, 1e-1] }

A draw belongs to (root, the setting's name, its number or name) alone, by SeedSequence(root, spawn_key=...), so a cell
is the same whatever the order, the number of workers, or the size of the grid around it. Logarithms are taken in
decimals, where they are correctly rounded, so every machine has the same points.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from simlab import catalog, exact, online
from simlab.errors import BadInput, nearest
from simlab.feasible import entries
from simlab.problem import comparators
from simlab.protocol import Plan, online_round
from simlab.provenance import source_hash, versions
from simlab.rule import settle
from simlab.schedules import BETA1, RATE, schedule

TOP = ("rule", "problem", "rounds", "x0", "backend", "record", "root", "jump", "set", "axes", "design")
RUN = ("rule", "problem", "rounds", "x0")  # what a run is given beside its settings
BACKENDS = ("numba", "reference", "torch")  # those whose numbers are floats
KINDS = ("linspace", "geomspace", "seeds")
DRAWS = ("uniform", "loguniform")
LONGEST = 1_000_000  # positions on one axis; the grid may be larger
_DIGITS = Context(prec=50)
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Axis:
    """One dimension of the grid: the exact text of each setting that it varies, at every position."""

    name: str
    columns: dict[str, tuple[str, ...]]
    labels: tuple[str, ...] = ()  # names of the positions, where they have names

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class Sweep:
    """A grid of cells: the last axis varies fastest. Everything is exact text."""

    fixed: dict[str, str]
    axes: tuple[Axis, ...]
    backend: str
    record: int
    jump: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(map(len, self.axes))

    def __len__(self) -> int:
        return math.prod(self.shape)

    def settings(self, i: int) -> dict[str, str]:
        """All that cell i is run with."""
        chosen = dict(self.fixed)
        for axis in reversed(self.axes):
            i, at = divmod(i, len(axis))
            chosen |= {name: column[at] for name, column in axis.columns.items()}
        return chosen

    def cell(self, i: int) -> str:
        """The canonical text of cell i, the sources and versions that its numbers depend on included."""
        given = self.settings(i)
        code = source(given["rule"], given["problem"], self.backend)
        run = {name: given.pop(name, None) for name in RUN}
        how = {"backend": self.backend, "record": self.record, "source": code}
        if self.jump:  # no key otherwise: what earlier versions stored without it is found
            how["jump"] = True
        return canonical({**run, "set": given, **how})

    def cells(self) -> Iterator[str]:
        """The text of every cell, in order."""
        return (self.cell(i) for i in range(len(self)))


def canonical(content: Any) -> str:
    """JSON with one spelling."""
    return _JSON.encode(content)


def source(rule: str, problem: str, backend: str) -> str:
    """The SHA-256 of the code and the versions that a cell's numbers depend on; the machine is left out."""
    path, is_file, _ = rule.rpartition(".py:")
    stat = os.stat(path + ".py") if is_file else None  # a file may be edited between two sweeps of one process
    return _source(rule, problem, backend, stat and (stat.st_mtime_ns, stat.st_size))


@cache
def _source(rule: str, problem: str, backend: str, _stamp: Any) -> str:
    spec, family = catalog.rule(rule), catalog.problem(problem)
    posed = family.function(**settle(family.constants, {}, family.name))
    parts = (spec.function, family.function, posed.loss, posed.grad, posed.feasible.project)
    code = source_hash(*parts, *RATE.values(), *BETA1.values(), online_round, comparators)
    used = versions(*catalog.backend(backend).PACKAGES).items()
    return hashlib.sha256(f"{code}{[u for u in used if u[0] not in ('python', 'machine')]}".encode()).hexdigest()


def planned(sweep: Sweep, i: int) -> Plan:
    """The Plan of cell i; raises BadInput where its settings do not go together."""
    cell = json.loads(sweep.cell(i))
    given = (cell[name] for name in ("rule", "problem", "set", "x0", "rounds", "record"))
    return online.make_plan(*given)[0]


# --- reading --------------------------------------------------------------------------------------------------------


class _Reader:
    """Collects every mistake of a specification, so that all are told at once."""

    def __init__(self, text: str) -> None:
        self.lines, self.wrong = text.splitlines(), list[str]()

    def attempt(self, function: Callable, *args: Any, default: Any = None) -> Any:
        try:
            return function(*args)
        except BadInput as error:
            self.wrong += [p for p in error.problems if p not in self.wrong]
            return default

    def known(self, names: Any, allowed: Any) -> None:
        for name in names:
            if name not in allowed:
                there = f"(there are {', '.join(allowed)})"
                self.wrong.append(f"{self.line(name)}unknown key {name!r} of a sweep{nearest(name, allowed)} {there}")

    def line(self, name: str) -> str:
        """Where a key stands."""
        at = [n for n, text in enumerate(self.lines, 1) if re.match(rf"\W*{re.escape(name)}\b", text)]
        return f"line {at[0]}: " if at else ""

    def table(self, given: dict[str, Any], name: str) -> dict[str, Any]:
        found = given.get(name, {})
        if isinstance(found, dict):
            return found
        self.wrong.append(f"[{name}] is a table of settings; got {found!r}")
        return {}


def read(path: str | os.PathLike) -> Sweep:
    """The sweep that a TOML file specifies. Raises BadInput with all that is wrong in it."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        given = tomllib.loads(text, parse_float=_decimal)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"the specification {str(path)!r} cannot be read: {reason}") from error
    reader = _Reader(text)
    reader.known(given, TOP)
    fixed, axes, design = (reader.table(given, name) for name in ("set", "axes", "design"))
    backend = given.get("backend", "numba")
    if backend not in BACKENDS:
        near = nearest(str(backend), BACKENDS)
        reader.wrong.append(f"backend of a sweep must be one of {', '.join(BACKENDS)}; got {backend!r}{near}")
    jump = given.get("jump", False)
    if not isinstance(jump, bool):
        near = nearest(str(jump), ("true", "false"))
        reader.wrong.append(f"{reader.line('jump')}jump must be true or false, without quotes; got {jump!r}{near}")
    record = reader.attempt(exact.integer, given.get("record", 1), "record")
    root = reader.attempt(exact.integer, given.get("root", 0), "root", 0, default=0)
    top = {name: given[name] for name in RUN if name in given}
    drawn = {name: value for name, value in design.items() if name != "count"}
    places = [*top, *fixed, *axes, *drawn]
    reader.wrong += [f"{name} is given in two places" for name in dict.fromkeys(places) if places.count(name) > 1]
    reader.wrong += [f"{name} goes to the top of the file or under [axes]" for name in RUN if name in fixed]
    reader.wrong += [f"{name}: write it at the top of the file" for name in ("rule", "problem") if name not in places]
    if ("count" in design) != bool(drawn):
        reader.wrong.append("[design] needs count = (how many points) and at least one drawn setting")

    meaning = _meaning(reader, {**top, **axes})
    exactly = {
        name: reader.attempt(meaning, name, value, default="")
        for name, value in {"rounds": 1000, **top, **fixed}.items()
        if not (name == "rounds" and "rounds" in axes)
    }
    grid = [reader.attempt(_axis, name, value, root, meaning) for name, value in axes.items()]
    if drawn and "count" in design:
        grid.append(reader.attempt(_design, design["count"], drawn, root, meaning))
    if record and record > 1 and "rounds" in axes:
        reader.wrong.append("curves need one horizon: rounds as an axis goes with record = 1")
    if reader.wrong:
        raise BadInput(*(f"{Path(path).name}: {problem}" for problem in reader.wrong))
    return Sweep(exactly, tuple(grid), backend, record, jump)


def _decimal(text: str) -> Any:
    try:
        return exact.rational(text.replace("_", ""))
    except BadInput:  # nan and inf: refused where they are used, by the name of what they are used for
        return text


def _meaning(reader: _Reader, given: dict[str, Any]) -> Callable[[str, Any], str]:
    """meaning(name, value): the exact text of a setting's value; raises BadInput where no rule or problem allows it."""

    def every(name: str, find: Callable) -> list[Any]:
        values = given.get(name, [])
        return [reader.attempt(find, v) for v in (values if isinstance(values, list) else [values])]

    rules, families = every("rule", _named(catalog.rule)), every("problem", _named(catalog.problem))
    sound = None not in rules + families
    takers = [{**r.hyper, **f.constants} for r in rules for f in families] if sound else []

    def meaning(name: str, value: Any) -> str:
        if name in ("rule", "problem"):
            return str(value)  # looked up above
        if name == "rounds":
            return str(online.horizon(value))
        if name == "x0":
            return shown(exact.array(value, name, 1))
        if name in ("schedule", "beta1_schedule"):
            return schedule(str(value), RATE if name == "schedule" else BETA1, name).__name__
        if name == "lambda":
            return str(exact.rational(value, name))
        if not takers:
            return ""
        if not any(name in known for known in takers):
            raise BadInput(f"no rule or problem here has a parameter {name!r}{nearest(name, takers[0])}")
        if not all(name in known for known in takers):
            raise BadInput(f"not every rule and problem of this sweep has a parameter {name!r}; sweep them apart")
        parameter = takers[0][name]
        return shown(parameter.check(exact.array(value, name, parameter.range.depth)))

    return meaning


def _named(find: Callable) -> Callable[[Any], Any]:
    def found(name: Any) -> Any:
        if not isinstance(name, str):
            raise BadInput(f"a name is text in quotes; got {name!r}")
        return find(name)

    return found


def shown(value: Any) -> str:
    """A number, vector or matrix as the text that reads back as it."""
    if not isinstance(value, tuple):
        return str(value)
    rows = value if isinstance(value[0], tuple) else (value,)
    return ";".join(",".join(map(str, entries(row))) for row in rows)


# --- axes -----------------------------------------------------------------------------------------------------------


def _axis(name: str, given: Any, root: int, meaning: Callable[[str, Any], str]) -> Axis:
    labels: tuple[str, ...] = ()
    if isinstance(given, dict):
        kind = next((k for k in KINDS if k in given), "")
        allowed = ("seeds",) if kind == "seeds" else (kind, "count")
        if not kind or set(given) != set(allowed):
            near = "".join(nearest(k, KINDS) for k in given if k not in (*KINDS, "count"))
            raise BadInput(
                f"axis {name}: a list of values, {{ linspace = [a, b], count = n }}, {{ geomspace = ...,"
                f" count = n }} or {{ seeds = n }}; got keys {', '.join(given) or '(none)'}{near}"
            )
        if kind == "seeds":
            named = given["seeds"] if isinstance(given["seeds"], list) else range(_count(given["seeds"], name))
            labels = tuple(map(str, named)) if isinstance(named, list) else ()
            values: list[Any] = [draw(root, name, key) >> 1 for key in named]
        else:
            n, (a, b) = _count(given["count"], name, 2), _ends(given[kind], name, kind == "geomspace")
            between = _linear if kind == "linspace" else _geometric
            values = [between(a, b, Fraction(i, n - 1)) for i in range(n)]
    else:
        values = given if isinstance(given, list) else [given]
    if not 0 < len(values) <= LONGEST:
        raise BadInput(f"axis {name}: from 1 to {LONGEST:,} values; got {len(values):,}")
    texts: list[str] = []
    wrong: list[str] = []
    for value in values:
        try:
            texts.append(meaning(name, value))
        except BadInput as error:
            wrong += [p for p in error.problems if p not in wrong]
    if wrong:
        raise BadInput(*wrong[:5])
    [(often, times)] = Counter(texts).most_common(1)
    if often and times > 1:  # "" stands for what could not be read, and was told already
        raise BadInput(f"axis {name}: the value {often} is there twice")
    return Axis(name, {name: tuple(texts)}, labels)


def _design(count: Any, drawn: dict[str, Any], root: int, meaning: Callable[[str, Any], str]) -> Axis:
    n = _count(count, "[design]")
    columns = {}
    for name, given in drawn.items():
        if not isinstance(given, dict) or len(given) != 1 or next(iter(given)) not in DRAWS:
            raise BadInput(f"design {name}: {{ uniform = [a, b] }} or {{ loguniform = [a, b] }}; got {given!r}")
        [(kind, ends)] = given.items()
        between = _linear if kind == "uniform" else _geometric
        a, b = _ends(ends, name, kind == "loguniform")
        at = (Fraction(draw(root, name, i) >> 11, 2**53) for i in range(n))
        columns[name] = tuple(meaning(name, between(a, b, u)) for u in at)
    return Axis("point", columns)


def _count(given: Any, name: str, low: int = 1) -> int:
    n = exact.integer(given, f"the count of {name}", low)
    if n > LONGEST:
        raise BadInput(f"{name}: at most {LONGEST:,} values on one axis; got {n:,}")
    return n


def _ends(given: Any, name: str, positive: bool) -> tuple[Fraction, Fraction]:
    if not isinstance(given, list) or len(given) != 2:
        raise BadInput(f"{name}: a range is two numbers [a, b]; got {given!r}")
    a, b = (exact.rational(v, f"an end of {name}") for v in given)
    if not a < b or (positive and a <= 0):
        raise BadInput(f"{name}: a range [a, b] has {'0 < ' if positive else ''}a < b; got [{a}, {b}]")
    return a, b


def draw(root: int, name: str, key: int | str) -> int:
    """64 random bits that belong to (root, name, key) and to nothing else; a key is a number or a name."""
    from numpy.random import SeedSequence

    spawn = [int.from_bytes(hashlib.sha256(repr(part).encode()).digest()[:8]) for part in (name, key)]
    return int(SeedSequence(root, spawn_key=spawn).generate_state(1, "u8")[0])


def _linear(a: Fraction, b: Fraction, u: Fraction) -> Fraction:
    return a + (b - a) * u


def _geometric(a: Fraction, b: Fraction, u: Fraction) -> Fraction:
    """a (b/a)^u, rounded to 17 digits between the ends."""
    if u in (0, 1):
        return b if u else a
    la, lb, share = (_DIGITS.divide(Decimal(v.numerator), Decimal(v.denominator)) for v in (a, b, u))
    la, lb = _DIGITS.ln(la), _DIGITS.ln(lb)
    power = _DIGITS.exp(_DIGITS.add(la, _DIGITS.multiply(share, _DIGITS.subtract(lb, la))))
    return Fraction(Context(prec=17).plus(power))
