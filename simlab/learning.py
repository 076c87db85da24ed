"""`train`: an experiment from end to end, in a folder that keeps what is done, whatever happens.

every setting and seed, one run each  ->  result.nc, every curve  ->  result.json, the numbers
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from simlab import datasets, training
from simlab.backends.torch import open_device
from simlab.comparison import dataset, summary
from simlab.experiment import Setting, chosen
from simlab.experiment import experiment as read
from simlab.files import check_writable, netcdf, whole
from simlab.minibatches import task
from simlab.provenance import versions
from simlab.snapshot import coordinates
from simlab.sweeps.store import locked

import torch  # isort: skip  # after the optimizers, which say what to install where it is missing


def train(
    experiment: str,
    out: Path,
    *,
    optimizers: Sequence[str] = (),
    seeds: int = 1,
    epochs: int | None = None,
    short: bool = False,
    device: str = "cpu",
    threads: int = 1,
    bf16: bool = False,
    compiled: bool = False,
    root: str | None = None,
    progress: Callable[[int], Callable[[int], None] | None] = lambda total: None,
    command: str = "",
) -> dict[str, Any]:
    """Train with every chosen setting from the seeds 0 ... seeds-1, and write result.nc and result.json into `out`.

    optimizers: names or labels of settings; all that are not optional if empty.    root: where the data sets are.
    progress: given the number of epochs to do, returns what is told how many are done, or None.

    Returns what result.json holds. Raises BadInput for an unknown name, a checkpoint of another run or damaged data;
    NotHere for a missing device or data set. Several processes may train in one folder: each takes runs that no other
    is at, and each writes the results when all are done.
    """
    made = read(experiment, short, epochs)
    settings = chosen(made.settings, optimizers)
    where = open_device(device)
    torch.set_num_threads(threads)
    data = datasets.load(made.data, root)
    check_writable(out / "result.nc")
    check_writable(out / "runs" / "any.pt")
    if isinstance(data, datasets.Text):
        made = replace(made, model_options={**made.model_options, "words": len(data.vocabulary)})
    how = {"device": where.type, "threads": threads, "bf16": bf16, "compiled": compiled}
    todo = task(made, data, where)
    runs = {  # by seed first, so that a table of fewer seeds is there early
        (s.label, seed): (s, seed, training.identity(made, s, seed, data.sha256, how), _path(out, s, seed))
        for seed in range(seeds)
        for s in settings
    }
    report = _counter(progress, sum(training.left(made, who, path) for *_, who, path in runs.values()))
    kept: dict[Any, dict[str, Any]] = {}
    for wait in (False, True):  # first the runs that no other process is at, then theirs, which are then done
        for key in [key for key in runs if key not in kept]:
            s, seed, who, path = runs[key]
            with locked(path.with_suffix(".lock"), wait) as free:
                if free:
                    state = training.run(made, s, seed, todo, who, path, where, report)
                    kept[key] = {part: state[part] for part in ("stopped", "curves")}
    provenance = {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions("torch", "xarray", "scipy"),
        "data": {"name": made.data, "sha256": data.sha256},
        **how,
        "device_name": _device_name(where),
        "settings": {s.label: {"optimizer": s.optimizer, **s.options} for s in settings},
    }
    inner = coordinates(made) if made.snapshot else {}
    result = dataset(experiment, made, settings, range(seeds), kept, todo.score, inner, provenance)
    payload: dict[str, Any] = {
        "experiment": experiment,
        "protocol": made.protocol,
        "optimizers": [s.label for s in settings],
        "seeds": list(range(seeds)),
        "epochs": made.epochs,
        "score": todo.score,
        **summary(result),
        "published": {"final": dict(made.published), "source": made.source},
        "seconds_per_epoch": float(np.nanmedian(result.seconds)) if "seconds" in result else None,
        "files": [str(out / "result.nc"), str(out / "result.json")],
        "provenance": provenance,
    }
    netcdf(out / "result.nc", result)
    text = json.dumps(payload, indent=2, allow_nan=False)
    whole(out / "result.json", lambda path: Path(path).write_text(f"{text}\n", encoding="utf-8"))
    return payload


def _path(out: Path, setting: Setting, seed: int) -> Path:
    return out / "runs" / f"{setting.label.replace(' ', '-').replace('=', '-')}-{seed}.pt"


def _counter(progress: Callable[[int], Callable[[int], None] | None], total: int) -> Callable[[], None]:
    """A function that is called once an epoch, and tells how many epochs are done."""
    tell, done = progress(total), 0

    def count() -> None:
        nonlocal done
        done += 1
        if tell is not None:
            tell(done)

    return count


def _device_name(where: torch.device) -> str:
    """The device in words, with its driver."""
    if where.type != "cuda":
        return where.type
    driver = Path("/proc/driver/nvidia/version")
    told = driver.read_text().splitlines()[0] if driver.exists() else "driver unknown"
    return f"{torch.cuda.get_device_name(where)}, CUDA {torch.version.cuda}, {told}"
