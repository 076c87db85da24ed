"""The result of a sweep: one Dataset labelled by its axes, made from the store at any time.

The digest covers coordinates, values and units, not the time, the host, or the order in which cells were computed: a
sweep that was killed and resumed has the digest of one that was not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from simlab.errors import BadInput
from simlab.grid import labelled
from simlab.jump import SAID
from simlab.online import recorded
from simlab.sweeps.specification import Sweep, canonical
from simlab.sweeps.store import decode

PART = 1 << 18  # numbers that are copied at a time


def dataset(sweep: Sweep, get: Callable[[str], bytes | None]) -> Any:
    """The xarray Dataset of the cells that are there; the others are nan. Vectors and curves add their dimensions."""
    n = len(sweep)
    stopped, reason = np.zeros(n, dtype=np.int64), np.full(n, "", dtype=object)
    columns: dict[str, np.ndarray] = {}
    for i, cell in enumerate(sweep.cells()):
        blob = get(cell)
        about, numbers = ({"stopped": 0, "reason": "not computed yet"}, {}) if blob is None else decode(blob)
        stopped[i], reason[i] = about["stopped"], about["reason"]
        for name, value in numbers.items():
            if name not in columns:
                columns[name] = np.full((n, *value.shape), np.nan)
            if columns[name].shape[1:] != value.shape:
                raise BadInput(
                    "the decisions of the cells have different dimensions; sweep them apart (in the same --out)"
                )
            columns[name][i] = value
    axes = [(axis.name, axis.columns) for axis in sweep.axes]
    rounds = recorded(int(sweep.fixed["rounds"]), sweep.record) if sweep.record > 1 else None
    data = labelled(axes, sweep.shape, columns, stopped, reason, rounds)
    names = {
        f"{axis.name}_name": (axis.name, np.array(axis.labels, dtype=object)) for axis in sweep.axes if axis.labels
    }
    path = {"path": SAID} if sweep.jump else {}
    about = {"fixed": canonical(sweep.fixed), "backend": sweep.backend, **path, "grade": "observed"}
    return data.assign_coords(names).assign_attrs(about)


def digest(data: Any) -> str:
    """The SHA-256 of coordinates, values and units; a Dataset's own note of it is left out."""
    return digest_of(data.attrs, data.variables, data.__getitem__)


def digest_of(attrs: Mapping[str, Any], names: Iterable[Any], get: Callable[[str], Any]) -> str:
    """The digest of a Dataset whose variables are got one after another, so that a file need not be held whole."""
    h = hashlib.sha256(canonical({n: v for n, v in attrs.items() if n != "sha256"}).encode())
    for name in sorted(names):
        _add(h, name, get(name))
    return h.hexdigest()


def _add(h: Any, name: str, part: Any) -> None:
    values = part.values
    h.update(canonical([name, part.dims, part.shape, dict(part.attrs)]).encode())
    if part.dtype.kind not in "if":  # text, whatever NumPy calls it
        h.update(canonical(values.tolist()).encode())
        return
    flat = values.reshape(-1)
    for at in range(0, len(flat), PART):  # no copy of the whole
        some = flat[at : at + PART]
        one_nan = some if part.dtype.kind == "i" else np.where(np.isnan(some), np.nan, some)
        h.update(one_nan.astype(part.dtype.newbyteorder("<")).tobytes())
