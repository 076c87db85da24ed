"""Batches of cells that tests play, and what it means that two machineries agree on one."""

from __future__ import annotations

from typing import Any

import numpy as np

import simlab
from simlab.backends import reference
from simlab.cells import SHOWN, CellRecords, Cells
from simlab.gather import Column, gather

NUMBERS = (*SHOWN, "x_last", "total_last", "error_last", "stopped", "underflow")
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


def varied(rule: Any) -> dict[str, list]:
    """The hyperparameter of a rule that its cells differ in; none of a function's."""
    if not isinstance(rule, str):
        return {}
    return {"beta2": ["0.5", "0.9", "0.99"]} if "beta2" in simlab.rules[rule].hyper else {"alpha": ["0.1", "1/7", "3"]}


def cells(rule: Any, problem: str, n: int, rounds: int, single: bool = False, record: int = 5, **given: list) -> Cells:
    """n cells, each setting's values in turn, in one batch."""
    settings = {"rule": [rule], "problem": [problem], "rounds": [rounds], **varied(rule), **given}
    each = np.arange(n)
    columns = {k: Column(v, each // 3 % len(v) if k == "C" else each % len(v)) for k, v in settings.items()}
    (batch,), alone = gather(columns, n, record, single)
    assert not len(alone)
    return batch


def agree(found: CellRecords, batch: Cells) -> Any:
    """The cells as they were found, which are those of the loop that defines the result, to the last bit."""
    wanted = reference.run_cells(batch)
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name, strict=True)
    assert found.reason == wanted.reason
    return found
