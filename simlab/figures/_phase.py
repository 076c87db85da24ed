"""What the phase diagrams share: the ends that runs reach, at a coarse part of the grid, and how all of it looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction as Q
from typing import Any, NamedTuple

import numpy as np

from simlab import run
from simlab.horizon import horizon
from simlab.orbit import verdict
from simlab.phase import Row
from simlab.plotting import LOOKS

SHARE = 0.25  # of the width of F: how near its end a run should come
LONGEST = 2_000_000  # rounds of a run
WORST, BEST, SPLIT = 1, -1, 2
MARKS = {WORST: ("to worst end", LOOKS[0], "^"), BEST: ("to best end", LOOKS[1], "o")}


class Posed(NamedTuple):
    """The problem that runs are about: its name, its constants, the ends of F, and its period."""

    name: str
    constants: dict[str, Any]
    feasible: tuple[int, int]
    period: int


def ends(row: Row, problem: Posed, column: np.ndarray) -> np.ndarray:
    """Where x is after T rounds, from both ends of F, for each beta2 of the column, as small integers.

    WORST, BEST: the half of F in which both runs are; SPLIT: one in each; 0: not simulated, since T, which follows from
    the drift, is above LONGEST.
    """
    low, high = problem.feasible
    out = np.zeros(len(column), dtype=np.int8)
    for j, beta2 in enumerate(map(float, column)):
        hyper = row.hyper | {"beta2": Q(beta2)}
        steady = verdict(row.rule, row.gradients, hyper).orbit
        weight = max(hyper.get("beta1", Q(0)), hyper["beta2"])
        alpha, rounds = horizon(steady, high - low, SHARE, weight, problem.period)
        if rounds <= LONGEST:
            given = hyper | problem.constants | {"alpha": alpha}
            last = [
                run(row.rule.name, problem.name, hyper=given, x0=x, rounds=rounds, record=1).x_last for x in (low, high)
            ]
            halves = {int(np.sign(2 * x - low - high) * np.sign(float(steady.total))) for x in last}
            out[j] = halves.pop() if len(halves) == 1 else SPLIT
    return out


def sample(
    pose: Callable[[Any], tuple[Row, Posed]],
    rows: Sequence[Any] | np.ndarray,
    column: np.ndarray,
    at: tuple[Sequence[int] | np.ndarray, np.ndarray],
) -> np.ndarray:
    """`ends` at the rows and columns of these indices, and 0 elsewhere."""
    out = np.zeros((len(rows), len(column)), dtype=np.int8)
    for i in at[0]:
        out[i, at[1]] = ends(*pose(rows[i]), column[at[1]])
    return out


def marks(axes: Any, x: Any, y: Any, simulated: Any) -> list[Any]:
    """Draw the ends that runs reached, filled triangles and hollow circles; the handles for a legend."""
    handles = []
    for code, (words, look, marker) in MARKS.items():
        i, j = np.nonzero(np.asarray(simulated) == code)
        face = look.color if code == WORST else "white"
        handles.append(
            axes.scatter(
                np.asarray(x)[j],
                np.asarray(y)[i],
                s=14,
                marker=marker,
                facecolor=face,
                edgecolor=look.color,
                linewidth=0.8,
                zorder=3,
                label=words,
            )
        )
    return handles
