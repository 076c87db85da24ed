"""The result of a sweep: one Dataset labelled by its axes, made from the store at any time, and its files.

The digest covers coordinates, values and units, not the time, the host, or the order in which cells were computed: a
sweep that was killed and resumed has the digest of one that was not.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from simlab import exact
from simlab.errors import BadInput
from simlab.files import netcdf, whole
from simlab.online import recorded
from simlab.sweeps.specification import Axis, Sweep, canonical
from simlab.sweeps.store import decode
from simlab.sweeps.workers import CURVES

VALUES = {
    "x_last": "decision x_(T+1), after the last update",
    "regret": "regret R_T against the best fixed decision",
    "average_regret": "average regret R_T/T",
    "comparator_gap": "by how much at most R_T is under-reported",
}
WORDS = {
    **VALUES,
    "x": "decision x_t",
    "rate": "rate eta_t, the whole factor on the direction",
    "direction": "direction m_t",
    "loss": "loss f_t(x_t)",
    "regret_curve": "regret R_t against the best fixed decision of t rounds",
    "stopped": "round whose proposal was not finite, or 0",
    "reason": "why the cell has no result or stopped early",
}


def dataset(sweep: Sweep, get: Callable[[str], bytes | None]) -> Any:
    """The xarray Dataset of the cells that are there; the others are nan. Vectors and curves add their dimensions."""
    import xarray

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
    for name in VALUES:  # where no cell has a result
        columns.setdefault(name, np.full(n, np.nan))

    dims = tuple(axis.name for axis in sweep.axes)
    data: dict[str, Any] = {}
    for name, flat in {**columns, "stopped": stopped, "reason": reason}.items():
        inner = (("round", "coordinate") if name in CURVES else ("coordinate",))[: flat.ndim - 1]
        about = {"long_name": WORDS[name]} | ({} if name == "reason" else {"units": "1"})
        data[name] = (dims + inner, flat.reshape(sweep.shape + flat.shape[1:]), about)
    coords: dict[str, Any] = {}
    if sweep.record > 1:
        rounds = recorded(int(sweep.fixed["rounds"]), sweep.record)
        coords["round"] = ("round", rounds, {"long_name": "round t", "units": "1"})
    for axis in sweep.axes:
        coords |= _coordinates(axis)
    attributes = {"fixed": canonical(sweep.fixed), "backend": sweep.backend, "grade": "observed"}
    return xarray.Dataset(data, coords, attributes)


def _coordinates(axis: Axis) -> dict[str, Any]:
    """The settings of an axis as numbers, or as text where they are not numbers; the exact text is an attribute."""
    found: dict[str, Any] = {}
    for name, column in axis.columns.items():
        about = {"units": "1", "exact": canonical(column)}
        try:
            values: Any = [exact.rational(text) for text in column]
            whole_numbers = all(v.denominator == 1 and abs(v) < 2**63 for v in values)
            found[name] = (axis.name, np.array([int(v) if whole_numbers else float(v) for v in values]), about)
        except BadInput:
            found[name] = (axis.name, np.array(column, dtype=object), {"exact": about["exact"]})
    if axis.labels:
        found[f"{axis.name}_name"] = (axis.name, np.array(axis.labels, dtype=object), {})
    return found


def digest(data: Any) -> str:
    """The SHA-256 of coordinates, values and units."""
    h = hashlib.sha256(canonical(dict(data.attrs)).encode())
    for name in sorted(data.variables):
        part = data[name]
        if part.dtype == object:
            content = canonical(part.values.tolist()).encode()
        else:
            one_nan = part.values if part.dtype.kind == "i" else np.where(np.isnan(part.values), np.nan, part.values)
            content = one_nan.astype(part.dtype.newbyteorder("<")).tobytes()
        h.update(canonical([name, part.dims, part.shape, dict(part.attrs)]).encode() + content)
    return h.hexdigest()


def export(sweep: Sweep, get: Callable[[str], bytes | None], folder: Path) -> tuple[str, list[str], int]:
    """(digest, files, cells that failed): result.nc and result.csv, each written whole or not at all."""
    data = dataset(sweep, get)
    data.attrs["sha256"] = found = digest(data)
    files = [
        netcdf(folder / "result.nc", data),
        whole(folder / "result.csv", lambda path: _write_csv(sweep, data, path)),
    ]
    return found, [str(f) for f in files], int((data["reason"].values != "").sum())


def _write_csv(sweep: Sweep, data: Any, path: str) -> None:
    """One row a cell: its settings as exact text, and the numbers to the bit; curves are in the netCDF alone."""
    names = [name for axis in sweep.axes for name in axis.columns]
    columns: dict[str, Any] = {}
    for name in (*VALUES, "stopped", "reason"):
        flat = data[name].values.reshape(len(sweep), -1)
        wide = flat.shape[1] > 1
        columns |= {f"{name}_{k + 1}" if wide else name: flat[:, k].tolist() for k in range(flat.shape[1])}
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*names, *columns])
        for i, row in enumerate(zip(*columns.values(), strict=True)):
            chosen = sweep.settings(i)
            out.writerow([*(chosen[name] for name in names), *row])
