"""The files of a result: derived from the store, written whole or not at all, and read back before they get their name.

    result.nc, result.csv                           always
    result.zarr (a folder), result.parquet          on request, each with its extra

netCDF, zarr and Parquet hold the whole Dataset: what is read back from them has its digest. CSV holds the numbers of
the cells to the bit, and no curves.
"""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simlab.batch import VALUES
from simlab.errors import BadInput, NotHere, nearest
from simlab.files import netcdf, whole
from simlab.sweeps.result import dataset, digest
from simlab.sweeps.specification import Sweep, canonical
from simlab.sweeps.store import StoreTrouble

PACKAGES = {"zarr": "zarr", "parquet": "pyarrow"}  # of the formats on request
LAYOUT = b"simlab"  # the key of Parquet's metadata under which the Dataset's form is kept


def check_formats(names: Sequence[str]) -> None:
    """Raise BadInput for a format that is unknown, NotHere for one whose package is missing."""
    for name in names:
        if name not in PACKAGES:
            raise BadInput(f"unknown export {name!r}{nearest(name, PACKAGES)} (there are {', '.join(PACKAGES)})")
        if importlib.util.find_spec(PACKAGES[name]) is None:
            raise NotHere(f"--export {name} needs {PACKAGES[name]}: pip install 'simlab[{name}]'")


def export(
    sweep: Sweep, get: Callable[[str], bytes | None], folder: Path, formats: Sequence[str] = ()
) -> tuple[str, list[str], int]:
    """(digest, files, cells that failed), the result of a sweep in the folder. Raises StoreTrouble where it cannot."""
    data = dataset(sweep, get)
    data.attrs["sha256"] = digest(data)
    try:
        files = [
            _netcdf(folder, data),
            whole(folder / "result.csv", lambda path: _write_csv(sweep, data, path)),
            *({"zarr": _zarr, "parquet": _parquet}[name](folder, data) for name in formats),
        ]
    except (BadInput, OSError) as error:
        raise StoreTrouble(f"{error}; every cell is kept: make room and run the same command again") from error
    return data.attrs["sha256"], [str(f) for f in files], int((data["reason"].values != "").sum())


def _same(path: str | Path, back: Any) -> None:
    """Raise OSError where what was read back is not what was written."""
    if digest(back) != back.attrs.get("sha256"):
        raise OSError(f"{Path(path).name} does not read back as it was written")


def _netcdf(folder: Path, data: Any) -> Path:
    import xarray

    return netcdf(folder / "result.nc", data, lambda path: _same(path, xarray.load_dataset(path, engine="h5netcdf")))


def _write_csv(sweep: Sweep, data: Any, path: str) -> None:
    """One row a cell: its settings as exact text, and the numbers to the bit."""
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


# --- zarr -----------------------------------------------------------------------------------------------------------


def _zarr(folder: Path, data: Any) -> Path:
    """A folder takes its name in one step, but cannot take it from another: the old one is moved away just before."""
    target = folder / "result.zarr"
    with tempfile.TemporaryDirectory(dir=folder, prefix="zarr-") as temporary:
        made, old = Path(temporary, "new"), Path(temporary, "old")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*(Zarr|zarr).*")  # that format 3 has no standard of text yet
            data.to_zarr(made, consolidated=False)
            _same(made, read_zarr(made))
        for file in (f for f in made.rglob("*") if f.is_file()):
            with open(file, "rb") as written:
                os.fsync(written.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.replace(target, old)
        os.replace(made, target)
    return target


def read_zarr(path: str | Path) -> Any:
    """The Dataset in a zarr folder."""
    import xarray

    with xarray.open_zarr(path, consolidated=False, chunks=None) as back:
        return back.load()


# --- Parquet --------------------------------------------------------------------------------------------------------


def _parquet(folder: Path, data: Any) -> Path:
    def write(path: str) -> None:
        write_parquet(data, path)
        _same(path, read_parquet(path))

    return whole(folder / "result.parquet", write)


def write_parquet(data: Any, path: str) -> None:
    """One row a cell, with its coordinates; vectors and curves are lists; other dimensions are in the metadata."""
    import pyarrow
    from pyarrow import parquet

    axes, shape = data["stopped"].dims, data["stopped"].shape
    columns, form = {}, {}
    for name, part in data.variables.items():
        inner = [d for d in part.dims if d not in axes]
        form[name] = {"dims": part.dims, "inner": [data.sizes[d] for d in inner], "attrs": dict(part.attrs)}
        if inner == list(part.dims) and inner:  # the recorded rounds
            form[name]["values"] = part.values.tolist()
            continue
        where = tuple(slice(None) if a in part.dims else None for a in axes)
        grid = np.broadcast_to(part.values[where], shape + part.shape[len(part.dims) - len(inner) :])
        flat = pyarrow.array(grid.ravel().tolist() if part.dtype.kind not in "if" else grid.ravel())
        for d in reversed(inner):
            flat = pyarrow.FixedSizeListArray.from_arrays(flat, data.sizes[d])
        columns[name] = flat
    about = {"axes": axes, "shape": shape, "form": form, "coords": list(data.coords), "attrs": dict(data.attrs)}
    parquet.write_table(pyarrow.table(columns).replace_schema_metadata({LAYOUT: canonical(about)}), path)


def read_parquet(path: str | Path) -> Any:
    """The Dataset in a Parquet file of `write_parquet`."""
    import xarray
    from pyarrow import parquet

    table = parquet.read_table(path)
    about = json.loads(table.schema.metadata[LAYOUT])
    parts: dict[str, Any] = {}
    for name, form in about["form"].items():
        if "values" in form:
            parts[name] = (form["dims"], np.array(form["values"]), form["attrs"])
            continue
        column = table[name].combine_chunks()
        for _ in form["inner"]:
            column = column.flatten()
        text = column.type == "string"
        flat = np.array(column.to_pylist(), dtype=object) if text else column.to_numpy(zero_copy_only=False)
        grid = flat.reshape((*about["shape"], *form["inner"]))
        first = tuple(slice(None) if a in form["dims"] else 0 for a in about["axes"])
        parts[name] = (form["dims"], grid[first], form["attrs"])
    return xarray.Dataset(parts, attrs=about["attrs"]).set_coords(about["coords"])
