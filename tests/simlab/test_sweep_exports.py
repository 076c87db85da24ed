"""The files of a result: each holds the whole Dataset, to the bit, and appears whole or not at all."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from simlab.sweeps import exports, result
from simlab.sweeps.result import digest
from simlab.sweeps.run import results
from simlab.sweeps.store import StoreTrouble
from tests.simlab.sweeping import HEAD, SMALL, swept

HERE = [name for name, package in exports.PACKAGES.items() if importlib.util.find_spec(package)]
READ = {"nc": xarray.load_dataset, "zarr": exports.read_zarr, "parquet": exports.read_parquet}

QUICK = 'backend = "reference"\n'  # nothing to compile
CASES = {
    "scalars": SMALL,
    "curves and names": QUICK
    + HEAD
    + 'rounds = 50\nrecord = 4\n[axes]\nC = [3, "7/2"]\nseed = { seeds = ["b", "a"] }\n',
    "vectors": QUICK + 'rule = "adam"\nproblem = "quadratic"\nrounds = 5\nrecord = 3\nx0 = [1, "1/2"]\n[set]\n'
    'center = "0,1"\n[axes]\nalpha = [0.1, 0.2]\n',
    "no result": QUICK + HEAD + "rounds = 9\n[axes]\nC = [3, 5]\ndelta = [1, 4]\n",
    "no axes": QUICK + HEAD + "rounds = 9\n",
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_read_back_has_the_digest(case: str, tmp_path: Path) -> None:
    done = swept(CASES[case], tmp_path, formats=HERE)
    made = {path.suffix[1:]: path for path in map(Path, done.files)}
    assert set(made) == {"nc", "csv", *HERE}
    data = results(tmp_path / "spec.toml", tmp_path / "out")
    assert digest(data) == done.digest
    for name in ("nc", *HERE):
        back = READ[name](made[name])
        assert back.attrs["sha256"] == digest(back) == done.digest
        assert set(back.coords) == set(data.coords)
        assert back["regret"].values.tobytes() == data["regret"].values.tobytes()


def test_parts_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written, and digests taken, some rows at a time, which does not show."""
    done = [swept(CASES["curves and names"], tmp_path / "whole", formats=HERE)]
    monkeypatch.setattr(exports, "PART", 99)
    monkeypatch.setattr(result, "PART", 3)
    done.append(swept(CASES["curves and names"], tmp_path / "parts", formats=HERE))
    assert done[0].digest == done[1].digest
    assert len({Path(one.files[1]).read_bytes() for one in done}) == 1
    for file in map(Path, done[1].files):
        if file.suffix != ".csv":
            assert READ[file.suffix[1:]](file).attrs["sha256"] == done[0].digest


@pytest.mark.parametrize("name", exports.PACKAGES)
def test_a_format_is_replaced_whole_or_stays(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second export takes the place of the first; one that does not read back as it was written never does."""
    if name not in HERE:
        pytest.skip(f"needs the extra {name}")
    first = swept(SMALL, tmp_path, formats=[name])
    path = Path(first.files[-1])
    second = swept(SMALL.replace("[3, 5]", "[5, 7]"), tmp_path, formats=[name])
    assert READ[name](path).attrs["sha256"] == second.digest != first.digest
    where = {"zarr": (xarray.Dataset, "to_zarr"), "parquet": (exports, "write_parquet")}[name]
    write = getattr(*where)

    def flipped(data: Any, *args: Any, **how: Any) -> Any:
        regret = data["regret"].copy(data=np.nextafter(data["regret"].values, np.inf))
        return write(data.assign(regret=regret), *args, **how)

    monkeypatch.setattr(*where, flipped)
    with pytest.raises(StoreTrouble, match=r"does not read back as it was written.*every cell is kept"):
        swept(SMALL, tmp_path, formats=[name])
    assert READ[name](path).attrs["sha256"] == second.digest
    assert sorted(p.name for p in path.parent.iterdir()) == sorted(
        ["lock", "result.csv", "result.nc", path.name, "shards"]
    )


def test_parquet_is_a_table_that_others_read(tmp_path: Path) -> None:
    """One row a cell, in the order of the CSV, with the same numbers."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    done = swept(SMALL, tmp_path, formats=["parquet"])
    table = parquet.read_table(done.files[-1]).to_pydict()
    rows = list(csv.DictReader(Path(done.files[1]).read_text().splitlines()))
    assert [float(row["regret"]) for row in rows] == table["regret"]
    assert [int(row["C"]) for row in rows] == table["C"]
