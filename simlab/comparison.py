"""What a folder of runs shows: one Dataset, three numbers an optimizer, and a test before anything is called better.

    final: the last epoch.    last10: the mean of the last ten epochs.    best: of all epochs.

`best` is chosen on the test data, so it is too good by construction; it stands beside the others, never in their place.
Runs of one seed share first values, order and crops, so optimizers are compared seed by seed, on last10.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simlab.errors import BadInput
from simlab.experiment import Experiment, Setting

LEVEL, LEAST = 0.05, 3  # of significance, after Holm's correction; number of seeds for a test
ROUNDING = 1e-9  # a smaller spread is that of floats (about 1e-13 of 100); one answer of 10,000 is 1e-3 or more
BEST_IS = "chosen on test data: too good by construction"
_WORDS = {
    "train_loss": ("mean loss over the batches of the epoch, while training", "nat"),
    "seconds": ("time that the epoch took", "s"),
    "rate_quantiles": ("quantiles of the learning rates of a layer", "1"),
    "rate_samples": ("learning rates of nine weights of 3x3 kernels and one bias", "1"),
}
_INNER = {"rate_quantiles": ("layer", "quantile"), "rate_samples": ("sample",)}


def dataset(
    name: str,
    experiment: Experiment,
    settings: Sequence[Setting],
    seeds: Sequence[int],
    runs: Mapping[tuple[str, int], dict[str, Any]],
    score: str,
    coordinates: dict[str, Any],
    provenance: dict[str, Any],
) -> Any:
    """The xarray Dataset (optimizer, seed, epoch, ...) of runs; an epoch that was not reached is nan.

    runs: {"stopped", "curves"} by (label, seed).    coordinates: of the inner dimensions layer, quantile and sample.
    """
    import xarray

    shape, reasons = (len(settings), len(seeds), experiment.epochs), np.full((len(settings), len(seeds)), "", object)
    columns: dict[str, np.ndarray] = {}
    for i, setting in enumerate(settings):
        for j, seed in enumerate(seeds):
            kept = runs[setting.label, seed]
            reasons[i, j] = kept["stopped"]
            for key, rows in kept["curves"].items():
                column = columns.setdefault(key, np.full(shape + tuple(rows.shape[1:]), np.nan))
                column[i, j, : len(rows)] = rows.numpy()
    columns.setdefault("test", np.full(shape, np.nan))  # where no run reached the end of an epoch
    unit = {"accuracy": "%", "perplexity": "1"}[score]
    outer = ("optimizer", "seed", "epoch")
    data: dict[str, Any] = {"stopped": (outer[:2], reasons, {"long_name": "why the run has no last epoch"})}
    for key, column in columns.items():
        words = _WORDS.get(key, (f"{key} {score}", unit))
        data[key] = (outer + _INNER.get(key, ()), column, {"long_name": words[0], "units": words[1]})
    inner = {k: v for k, v in coordinates.items() if any(k in part[0] for part in data.values())}
    coords = {
        "optimizer": [s.label for s in settings],
        "seed": list(seeds),
        "epoch": np.arange(1, experiment.epochs + 1),
        "options": ("optimizer", [json.dumps({"optimizer": s.optimizer, **s.options}) for s in settings]),
        "name": ("optimizer", [s.name for s in settings]),
    }
    attributes = {
        "experiment": name,
        "protocol": experiment.protocol,
        "score": score,
        "grade": "observed",
        "published": json.dumps({"final": dict(experiment.published), "source": experiment.source}),
        "provenance": json.dumps(provenance),
    }
    return xarray.Dataset(data, {**coords, **inner}, attributes)


def result(folder: str | os.PathLike) -> Any:
    """The Dataset that a training wrote into a folder. Raises BadInput where there is none."""
    import xarray

    path = Path(folder) / "result.nc"
    try:
        with xarray.open_dataset(path, engine="h5netcdf") as data:
            return data.load()
    except (OSError, ValueError) as error:
        raise BadInput(f"no results of simlab train in {str(folder)!r} ({path.name} cannot be read)") from error


def summary(data: Any) -> dict[str, Any]:
    """final, last10 and best of each optimizer over its seeds, the paired tests, and what stopped early."""
    test = data["test"]
    choose = test.max if data.attrs["score"] == "accuracy" else test.min
    numbers = {
        "final": test.isel(epoch=-1),
        "mean_last10": test.isel(epoch=slice(-10, None)).mean("epoch", skipna=False),
        "best": choose("epoch"),
    }
    labels = [str(v) for v in data.optimizer.values]
    found = {key: {label: _spread(of.sel(optimizer=label).values) for label in labels} for key, of in numbers.items()}
    stopped = {
        f"{label}, seed {seed}": str(data.stopped.sel(optimizer=label, seed=seed).item())
        for label in labels
        for seed in data.seed.values.tolist()
        if data.stopped.sel(optimizer=label, seed=seed).item()
    }
    return {**found, "best_is": BEST_IS, "tests": tests(data, numbers["mean_last10"]), "stopped": stopped}


def _spread(values: np.ndarray) -> dict[str, Any]:
    """Mean and sample standard deviation over seeds; None where there is none."""
    known = values[np.isfinite(values)]
    return {
        "mean": float(known.mean()) if len(known) else None,
        "std": float(known.std(ddof=1)) if len(known) > 1 else None,
        "values": [float(v) if np.isfinite(v) else None for v in values],
    }


def tests(data: Any, last10: Any) -> list[dict[str, Any]]:
    """Every optimizer against AdaBound (the first of its settings; else the first of all): paired t-tests over seeds.

    p is two-sided; `p_holm` is corrected for the number of tests by Holm's method, and the verdict is "better" or
    "worse" (than the reference) where it is below LEVEL, else "no difference shown". Fewer than three seeds, or
    differences without spread (accuracies are multiples of one answer), are not tested.
    """
    labels = [str(v) for v in data.optimizer.values]
    reference = next((k for k, n in zip(labels, data.name.values, strict=True) if n == "adabound"), labels[0])
    rows: list[dict[str, Any]] = []
    for label in labels:
        if label != reference:
            gap = last10.sel(optimizer=label).values - last10.sel(optimizer=reference).values
            rows.append({"optimizer": label, "against": reference, **_paired(gap[np.isfinite(gap)])})
    tested = sorted((r for r in rows if r["p"] is not None), key=lambda r: r["p"])
    least = 0.0
    for rank, row in enumerate(tested):
        least = row["p_holm"] = min(1.0, max(least, row["p"] * (len(tested) - rank)))
    up = data.attrs["score"] == "accuracy"
    for row in rows:
        if row["p"] is None:
            few = row["seeds"] < LEAST
            row["verdict"] = f"not tested: {f'fewer than {LEAST} seeds' if few else 'no spread over seeds'}"
        elif row["p_holm"] >= LEVEL:
            row["verdict"] = "no difference shown"
        else:
            row["verdict"] = "better" if (row["difference"] > 0) == up else "worse"
    return rows


def _paired(gap: np.ndarray) -> dict[str, Any]:
    mean = float(gap.mean()) if len(gap) else None
    if len(gap) < LEAST or np.ptp(gap) < ROUNDING:
        return {"difference": mean, "seeds": len(gap), "p": None}
    from scipy.stats import ttest_1samp

    return {"difference": mean, "seeds": len(gap), "p": float(ttest_1samp(gap, 0).pvalue)}


def table(found: dict[str, Any]) -> list[str]:
    """What a training found, as lines for people."""
    unit = "test accuracy, %" if found["score"] == "accuracy" else "test perplexity"
    published = found["published"]["final"]

    def number(row: dict[str, Any]) -> str:
        if row["mean"] is None:
            return "-"
        return f"{row['mean']:.2f}" + ("" if row["std"] is None else f" ({row['std']:.2f})")

    width = max(map(len, [unit, *found["final"]]))
    heads = ["final", "mean of last 10", "best*", *(["published final"] if published else [])]
    rows = [(unit, heads)]
    for label in found["final"]:
        cells = [number(found[key][label]) for key in ("final", "mean_last10", "best")]
        rows.append((label, cells + ([f"{published[label]:.2f}" if label in published else ""] if published else [])))
    lines = [f"{found['experiment']}, {found['epochs']} epochs, seeds {found['seeds']}", found["protocol"], ""]
    lines += ["  ".join([f"{name:<{width}}", *(f"{cell:>15}" for cell in cells)]).rstrip() for name, cells in rows]
    lines += ["", f"mean (standard deviation over seeds); * best is {BEST_IS}"]
    lines += [f"published: {found['published']['source']}"] if published else []
    for row in found["tests"]:
        if row["p"] is not None:
            lines.append(
                f"{row['optimizer']} against {row['against']}: {row['difference']:+.2f}, {row['verdict']} "
                f"(paired t-test of the mean of the last 10 over {row['seeds']} seeds, p = {row['p_holm']:.2g})"
            )
    if found["tests"] and all(row["p"] is None for row in found["tests"]):
        reasons = dict.fromkeys(row["verdict"] for row in found["tests"])
        lines.append(f"{' or '.join(reasons)}; so nothing is called better")
    return lines + [f"{who}: {why}" for who, why in found["stopped"].items()]
