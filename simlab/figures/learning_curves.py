"""Train and test curves of a training, with bands over seeds.

Luo et al. 2019, Figures 2 to 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.figures._training import axis, look, over_seeds, signed, titled, wanted
from simlab.plotting import Venue, canvas, curve, legend, table


def learning_curves(venue: Venue, results: Any) -> tuple[Any, Any]:
    """Training and test scores of each optimizer, epoch by epoch.

    Lines are means over seeds, bands reach from the least to the greatest. An optimizer that was trained with several
    settings is shown with the one that is best after the last epoch on validation data (where there are none, with the
    first). The worst twentieth of all scores is beyond the frame. Observed.

    Reference: Luo et al. 2019, Figures 2 to 4.
    """
    wanted(results, "learning_curves compares optimizers", variable="train")
    labels = shown(results)
    chosen = results.sel(optimizer=labels)
    columns = {
        f"{part}_{key}": (("optimizer", "epoch"), values, f"{part} score, {key} over seeds")
        for part in ("train", "test")
        for key, values in over_seeds(chosen[part]).items()
    }
    data = table(
        columns,
        {
            "optimizer": ("optimizer", labels, "setting"),
            "epoch": ("epoch", results.epoch.values, "epoch"),
        },
        "observed",
    )
    figure, panels = canvas(venue, panels=2, ratio=0.8)
    lines: list[Any] = []
    for panel, part in zip(panels, ("train", "test"), strict=True):
        for label, name in zip(labels, chosen.name.values, strict=True):
            rows = [data[f"{part}_{key}"].sel(optimizer=label) for key in ("mean", "low", "high")]
            marks = (len(lines) % len(labels), max(1, data.sizes["epoch"] // 8))
            lines.append(curve(panel, rows[0], look(str(name)), label=titled(label), markevery=marks))
            panel.fill_between(
                data.epoch, rows[1], rows[2], color=look(str(name)).color, alpha=0.15, linewidth=0, zorder=1
            )
        panel.set(xlabel="epoch", ylabel=f"{part} {axis(results)}", xlim=(1, max(2, results.sizes["epoch"])))
        _frame(panel, data, part, results.attrs["score"])
    legend(figure, lines[: len(labels)])
    signed(figure, data, results)
    return figure, data


def shown(results: Any) -> list[str]:
    """One label for each optimizer."""
    best: dict[str, tuple[float, str]] = {}
    for label, name in zip(results.optimizer.values, results.name.values, strict=True):
        last = float(results.valid.sel(optimizer=label).isel(epoch=-1).mean()) if "valid" in results else 0.0
        rank = last if np.isfinite(last) else np.inf
        if str(name) not in best or rank < best[str(name)][0]:
            best[str(name)] = (rank, str(label))
    return [label for _, label in best.values()]


def _frame(panel: Any, data: Any, part: str, score: str) -> None:
    """Leave out the worst twentieth of the scores, mostly of the first epochs: it would flatten all others."""
    low, high = (data[f"{part}_{end}"].values for end in ("low", "high"))
    if not np.isfinite(low).any():
        return
    worst, best = (np.nanquantile(low, 0.05), np.nanmax(high))
    if score == "perplexity":
        worst, best = np.nanquantile(high, 0.95), np.nanmin(low)
        panel.set_yscale("log")
    margin = 0.04 * abs(best - worst) or 1.0
    panel.set_ylim(min(worst, best) - margin, max(worst, best) + margin)
