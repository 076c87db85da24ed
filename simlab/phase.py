"""Phase diagrams: which way the drift of a rule points, over a grid of two parameters.

    verdict(row, column) = sign of D G        1: wrong-signed, x goes to the worst end;  -1: right-signed

D is computed in floats from the rule's own source, a whole row of cells at a time (simlab.orbit). Where floats do not
tell, |D| < 1e-9 (|u_1| + ... + |u_P|) or D not finite, the cell is decided again in balls, or by exact arithmetic where
D may be 0. A cell is the pair of doubles that it is written as, and carries the grade of its own evidence.

Long stretches of gradients 0 are one power. Where the step is then 0, and the state decays as z -> a z, n rounds are
z -> a^n z: `resting` makes the rule in which one gradient 0 stands for n of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simlab.backends import reference
from simlab.errors import BadInput
from simlab.orbit import OPAQUE, Form, Opaque, orbit, verdict
from simlab.provenance import source_hash, versions
from simlab.rule import UpdateRule

if TYPE_CHECKING:
    from xarray import Dataset

CLEAR = 1e-9  # of sum |u_i|: far above the roundings of a period, and what is left to balls are few cells
THREADS = 2  # NumPy computes without the interpreter's lock
WORDS = {"right": -1, "neutral": 0, "wrong": 1, "undecided": 2}
GRADES = {"observed": 0, "enclosed": 1, "proved": 2, "undecided": 3}


class Row(NamedTuple):
    """What all cells of a row have in common: a rule, a period of gradients, and the other hyperparameters, exactly."""

    rule: UpdateRule
    gradients: Sequence[Fraction]
    hyper: dict[str, Any]


def diagram(
    pose: Callable[[Any], Row],
    rows: tuple[str, Sequence[Any] | np.ndarray],
    columns: tuple[str, Sequence[float] | np.ndarray],
) -> Dataset:
    """The drift and its verdict over a grid, as an xarray Dataset with dimensions (row name, column name).

    pose: the Row of a value of `rows`; the gradients of a period must not sum to 0. rows: (name, values).
    columns: (name of a hyperparameter, doubles). A row costs about as much as a thousand of its cells.
    Variables: drift (the float D), verdict (1 wrong, -1 right, 0 neutral, 2 undecided) and grade (0 observed, 1
    enclosed, 2 proved, 3 undecided), all dimensionless; attributes: the least grade, how many cells floats left open,
    and, as JSON, what the numbers depend on.
    """
    from xarray import Dataset

    (row_name, row_values), (name, column) = rows, (columns[0], np.asarray(columns[1], dtype=float))
    posed = [pose(value) for value in row_values]
    for row in posed:
        for end in (column[0], column[-1]):
            row.rule.hyper[name].check(Fraction(float(end)))
        if sum(row.gradients) == 0:
            raise BadInput("the gradients of a period sum to 0, so no decision is better and no drift is wrong")
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda row: _cells(row, name, column), posed))
    drift, clear = (np.stack(part) for part in zip(*found, strict=True))
    side = np.array([np.sign(float(sum(row.gradients))) for row in posed])
    words = np.where(clear, np.sign(drift) * side[:, None], WORDS["undecided"]).astype(np.int8)
    grades = np.full(words.shape, GRADES["observed"], dtype=np.int8)
    for i, j in np.argwhere(~clear):
        row = posed[i]
        cell = verdict(row.rule, row.gradients, {**row.hyper, name: Fraction(float(column[j]))})
        words[i, j], grades[i, j] = WORDS[cell.word], GRADES[cell.grade]
    told = {
        "rules": sorted({row.rule.name for row in posed}),
        "rule_source": source_hash(*{row.rule.function: None for row in posed}),
        "hyper": [{n: str(v) for n, v in posed[k].hyper.items() if n != name} for k in (0, -1)],
        "clear": CLEAR,
        "versions": versions(),
    }
    dims = (row_name, name)
    return Dataset(
        {
            "drift": (dims, drift, {"long_name": "drift D per period, alpha = 1", "units": "1"}),
            "verdict": (dims, words, {"long_name": "sign of D G", "units": "1"} | _flags(WORDS)),
            "grade": (dims, grades, {"long_name": "grade of the verdict", "units": "1"} | _flags(GRADES)),
        },
        {row_name: list(row_values), name: column},
        {
            "grade": "undecided" if WORDS["undecided"] in words else list(GRADES)[grades.min()],
            "in_balls": int((~clear).sum()),
            "provenance": json.dumps(told),
        },
    )


def _flags(codes: dict[str, int]) -> dict[str, Any]:
    """The codes as the CF conventions for netCDF tell them."""
    return {"flag_values": np.array(list(codes.values()), dtype=np.int8), "flag_meanings": " ".join(codes)}


def _cells(row: Row, name: str, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(D, whether floats tell its sign) for the cells of a row."""
    with np.errstate(all="ignore"):
        found = orbit(row.rule, row.gradients, {**row.hyper, name: column}, reference)
        drift, size = found.drift + 0 * column, sum(abs(u) for u in found.moves)
        return drift, (abs(drift) >= CLEAR * size) & np.isfinite(size) & (size > 0)


def resting(rule: UpdateRule, rounds: int) -> UpdateRule:
    """The rule in which one gradient 0 stands for `rounds` of them, in steady states (simlab.orbit) alone.

    Raises BadInput, when it is used, where the step is not 0 or the state does more than decay while the gradient is 0.
    """
    plain, width = rule.function, len(rule.state)

    def function(t: Any, alpha: Any, g: Any, *rest: Any) -> Any:
        if g != 0 or not any(isinstance(z, Form) for z in rest):
            return plain(t, alpha, g, *rest)
        blind = [z if isinstance(z, Form) else OPAQUE for z in rest[:width]]
        step, state = plain(t, alpha, g, *blind, *rest[width:])
        forms = [z for z in state if isinstance(z, Form)]
        still = not isinstance(step.direction, Opaque) and step.direction == 0
        if not still or len(forms) != 1 or forms[0].d is not None or not np.all(forms[0].c == 0):
            raise BadInput(
                f"rule {rule.name}: rounds of gradient 0 are no single power, since it moves in them or its state does "
                "not just decay; write them out"
            )
        return step, tuple(Form(z.a**rounds, z.c) if isinstance(z, Form) else z for z in state)

    function.__name__ = rule.name
    return replace(rule, function=function)
