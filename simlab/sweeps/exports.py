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
import math
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simlab.batch import VALUES
from simlab.errors import BadInput, NotHere, nearest
from simlab.files import netcdf, whole
from simlab.sweeps.result import PART, dataset, digest, digest_of
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


def _same(path: str | Path, attrs: Mapping[str, Any], names: Iterable[Any], get: Callable[[str], Any]) -> None:
    """Raise OSError where what is read back, one variable after another, is not what was written."""
    if digest_of(attrs, names, get) != attrs.get("sha256"):
        raise OSError(f"{Path(path).name} does not read back as it was written")


def _netcdf(folder: Path, data: Any) -> Path:
    import xarray

    def check(path: str) -> None:
        with xarray.open_dataset(path, engine="h5netcdf", cache=False) as back:
            _same(path, back.attrs, back.variables, back.__getitem__)

    return netcdf(folder / "result.nc", data, check)


def _write_csv(sweep: Sweep, data: Any, path: str) -> None:
    """One row a cell: its settings as exact text, and the numbers to the bit."""
    names = [name for axis in sweep.axes for name in axis.columns]
    columns: dict[str, np.ndarray] = {}
    for name in (*VALUES, "stopped", "reason"):
        flat = data[name].values.reshape(len(sweep), -1)
        wide = flat.shape[1] > 1
        columns |= {f"{name}_{k + 1}" if wide else name: flat[:, k] for k in range(flat.shape[1])}
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*names, *columns])
        step = -(-PART // len(columns))
        for start in range(0, len(sweep), step):
            rows = zip(*(column[start : start + step].tolist() for column in columns.values()), strict=True)
            for i, row in enumerate(rows, start):
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
            with _opened(made) as back:
                _same(made, back.attrs, back.variables, back.__getitem__)
        for file in (f for f in made.rglob("*") if f.is_file()):
            with open(file, "rb") as written:
                os.fsync(written.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.replace(target, old)
        os.replace(made, target)
    return target


def read_zarr(path: str | Path) -> Any:
    """The Dataset in a zarr folder."""
    with _opened(path) as back:
        return back.load()


def _opened(path: str | Path) -> Any:
    import xarray

    return xarray.open_dataset(path, engine="zarr", consolidated=False, cache=False)


# --- Parquet --------------------------------------------------------------------------------------------------------


def _parquet(folder: Path, data: Any) -> Path:
    def write(path: str) -> None:
        write_parquet(data, path)
        with _columns(path) as (about, get):
            _same(path, about["attrs"], about["form"], get)

    return whole(folder / "result.parquet", write)


def write_parquet(data: Any, path: str) -> None:
    """One row a cell, with its coordinates; vectors and curves are lists; other dimensions are in the metadata."""
    import pyarrow
    from pyarrow import parquet

    axes, shape = data["stopped"].dims, data["stopped"].shape
    form: dict[str, Any] = {}
    for name, part in data.variables.items():
        inner = [data.sizes[d] for d in part.dims if d not in axes]
        form[name] = {"dims": part.dims, "inner": inner, "attrs": dict(part.attrs)}
        if inner and len(inner) == len(part.dims):  # the recorded rounds
            form[name]["values"] = part.values.tolist()
    about = {"axes": axes, "shape": shape, "form": form, "coords": list(data.coords), "attrs": dict(data.attrs)}

    def column(name: str, at: dict[str, np.ndarray], n: int) -> Any:
        part, inner = data.variables[name], form[name]["inner"]
        rows = np.broadcast_to(part.values[tuple(at[a] for a in axes if a in part.dims)], (n, *inner))
        flat = pyarrow.array(rows.ravel().tolist() if part.dtype.kind not in "if" else rows.ravel())
        for size in reversed(inner):
            flat = pyarrow.FixedSizeListArray.from_arrays(flat, size)
        return flat

    def rows(start: int, stop: int) -> Any:
        cell, at = np.arange(start, stop), dict[str, np.ndarray]()
        for axis, length in reversed(list(zip(axes, shape, strict=True))):
            cell, at[axis] = np.divmod(cell, length)
        columns = {name: column(name, at, stop - start) for name in form if "values" not in form[name]}
        return pyarrow.table(columns).replace_schema_metadata({LAYOUT: canonical(about)})

    n, width = math.prod(shape), sum(math.prod(one["inner"]) for one in form.values() if "values" not in one)
    step = -(-PART // width)
    often = [name for name in (*data.coords, "reason") if "values" not in form[name]]  # the same again and again
    with parquet.ParquetWriter(path, rows(0, 1).schema, use_dictionary=often) as file:
        for start in range(0, n, step):
            file.write_table(rows(start, min(start + step, n)))


def read_parquet(path: str | Path) -> Any:
    """The Dataset in a Parquet file of `write_parquet`."""
    import xarray

    with _columns(path) as (about, get):
        parts = {name: get(name) for name in about["form"]}
    return xarray.Dataset(parts, attrs=about["attrs"]).set_coords(about["coords"])


@contextlib.contextmanager
def _columns(path: str | Path) -> Iterator[tuple[dict[str, Any], Callable[[str], Any]]]:
    """(the form of the Dataset in a Parquet file, get), where get(name) reads one variable of it."""
    import xarray
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        about = json.loads(file.schema_arrow.metadata[LAYOUT])
        axes, shape = about["axes"], about["shape"]

        def numbers(column: Any) -> np.ndarray:
            while column.type.num_fields:  # a list
                column = column.flatten()
            text = column.type == "string"
            return np.array(column.to_pylist(), dtype=object) if text else column.to_numpy(zero_copy_only=False)

        def get(name: str) -> Any:
            form = about["form"][name]
            if "values" in form:
                return xarray.Variable(form["dims"], np.array(form["values"]), form["attrs"])
            batches = file.iter_batches(columns=[name], use_threads=False)  # each would decode as much again
            flat = np.concatenate([numbers(batch.column(0)) for batch in batches])
            first = tuple(slice(None) if a in form["dims"] else 0 for a in axes)
            return xarray.Variable(form["dims"], flat.reshape((*shape, *form["inner"]))[first], form["attrs"])

        yield about, get
