"""The learning rates of a trained network: ten single parameters, and every layer.

Luo et al. 2019, Figure 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.figures._training import signed, wanted
from simlab.plotting import GUIDE, LOOKS, Venue, canvas, curve, legend, note, table

EXTREMES = (0.01, 1000.0)  # the paper finds rates below the one and above the other


def learning_rates(venue: Venue, results: Any) -> tuple[Any, Any]:
    """Adam's learning rates after the last epoch.

    Left: log10 of the rate alpha/(sqrt(v) + epsilon) of one weight from each of nine 3x3 kernels of different layers
    (in order of depth) and of one bias of the last layer. Right: the rates of each layer's weights, median, and 5 and
    95 percent quantiles, after the first epoch and after the last; .01 and 1000, beyond which the paper finds some, are
    marked. First seed. Observed.

    Reference: Luo et al. 2019, Section 3 and Figure 1.
    """
    wanted(results, "learning_rates shows a snapshot of rates", variable="rate_samples")
    first = results.isel(optimizer=0, seed=0)
    cells = np.log10(first.rate_samples.isel(epoch=-1).values)
    layers = np.arange(1, results.sizes["layer"] + 1)
    columns: dict[str, tuple[Any, Any, str]] = {"log_rate": ("sample", cells, "log10 of the rate of one parameter")}
    for when, epoch in (("first", 0), ("last", -1)):
        for name, q in (("low", 0.05), ("median", 0.5), ("high", 0.95)):
            values = first.rate_quantiles.isel(epoch=epoch).sel(quantile=q).values
            columns[f"{when}_{name}"] = ("layer", values, f"{name} of a layer's rates after the {when} epoch")
    data = table(
        columns,
        {
            "sample": ("sample", first["sample"].values, "parameter"),
            "layer": ("layer", layers, "layer, in order of depth"),
            "layer_name": ("layer", first.layer.values, "name of the layer's weights"),
        },
        "observed",
    )
    figure, (left, right) = canvas(venue, panels=2, ratio=0.8)
    grid = cells.reshape(2, 5)
    left.imshow(grid, cmap="Greys", aspect="auto", vmin=cells.min() - 1, vmax=cells.max() + 2)
    for i, row in enumerate(grid):
        for j, value in enumerate(row):
            word = "$b$" if (i, j) == (1, 4) else f"$w_{5 * i + j + 1}$"
            left.text(j, i, f"{word}\n{value:.1f}", ha="center", va="center", fontsize="small")
    left.set(xticks=[], yticks=[], xlabel=r"$\log_{10}$ of the rate")
    left.spines[:].set_visible(False)
    lines = []
    for when, look in (("first", LOOKS[1]), ("last", LOOKS[0])):
        lines.append(curve(right, data[f"{when}_median"], look, label=f"after the {when} epoch"))
        low, high = (data[f"{when}_{end}"] for end in ("low", "high"))
        right.fill_between(layers, low, high, color=look.color, alpha=0.2, linewidth=0, zorder=1)
    right.set(yscale="log", xlabel="layer", ylabel="rate", xlim=(1, len(layers)))
    for value in EXTREMES:
        right.axhline(value, **GUIDE)
        note(right, 1, value, f" {value:g}", 2)
    legend(figure, lines)
    signed(figure, data, results)
    return figure, data
