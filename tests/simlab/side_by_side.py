"""Batches of cells that tests play, and what it means that two machineries agree on one."""

from __future__ import annotations

from typing import Any

import numpy as np

import simlab
from simlab.backends import _single, reference
from simlab.cells import CellRecords, Cells, play_cells
from simlab.gather import Column, gather

CURVES = ("x", "rate", "direction", "loss", "total", "error", "x_last", "total_last", "error_last")
_PERIODS = ["3", "5", "10", "50"]
SCALAR: dict[str, dict[str, list]] = {  # every scalar problem, and what its cells differ in
    "linear_periodic": {"gradients": ["1,2,-4", "1/3,2,7", "0,0,-1", "5,-2,0"]},
    "luo2019_periodic": {"C": _PERIODS},
    "luo2019_piecewise": {"C": _PERIODS},
    "quadratic": {"curvature": ["1", "3", "1/9", "100"]},
    "reddi2018_long_period": {"C": _PERIODS},
    "reddi2018_periodic": {"C": _PERIODS},
    "reddi2018_stochastic": {"C": _PERIODS, "seed": ["0", "77", str(2**63 - 1)]},
}
VECTOR: dict[str, dict[str, list]] = {
    "quadratic": {"curvature": ["1,10,3", "2,1,1/3"], "center": ["1,0,1/7"]},
    "least_squares": {"seed": ["1", "2", "3"]},
    "logistic_regression": {"seed": ["1", "2", "3"], "radius": ["1/4", "2"]},
}


def cells(rule: str, problem: str, n: int, rounds: int, single: bool = False, record: int = 5, **given: list) -> Cells:
    """n cells, each setting's values in turn, in one batch."""
    own = {"beta2": ["0.5", "0.9", "0.99"]} if "beta2" in simlab.rules[rule].hyper else {"alpha": ["0.1", "1/7", "3"]}
    settings = {"rule": [rule], "problem": [problem], "rounds": [rounds], **own, **given}
    each = np.arange(n)
    columns = {k: Column(v, each // 3 % len(v) if k == "C" else each % len(v)) for k, v in settings.items()}
    (batch,), alone = gather(columns, n, record, single)
    assert not len(alone)
    return batch


def plain(batch: Cells) -> CellRecords:
    """The loop that defines the result."""
    with np.errstate(all="ignore"):
        return play_cells(batch, _single.SYSTEM if batch.single else reference, "numpy")


def ulps(a: CellRecords, b: CellRecords) -> float:
    """How many units in the last place of b's precision the numbers of a are away from b's, at most; inf where only one
    is a number, or where the stops or the flushes differ."""
    same = np.array_equal(a.stopped, b.stopped) and np.array_equal(a.underflow, b.underflow) and a.reason == b.reason
    worst = 0.0 if same else np.inf
    for name in CURVES:
        p, q = getattr(a, name), getattr(b, name)
        assert p.shape == q.shape, name
        differ = ~((p == q) | (np.isnan(p) & np.isnan(q)))
        if differ.any():
            p, q = p[differ], q[differ]
            with np.errstate(invalid="ignore"):
                away = np.abs(p - q) / np.spacing(np.abs(q))
            worst = max(worst, float(np.where(np.isfinite(away), away, np.inf).max()))
    return worst


def agree(found: CellRecords, batch: Cells) -> Any:
    """The cells as they were found, which are those of the plain loop to the last bit."""
    assert ulps(found, plain(batch)) == 0
    return found
