"""How final accuracy depends on the settings of SGDM and AdaBound.

Luo et al. 2019, Section 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.experiment import named, six
from simlab.figures._training import axis, look, option, signed, titled, wanted
from simlab.plotting import Venue, canvas, curve, legend, table

BETA1 = named(six(), "sgdm").options["momentum"]


def robustness(venue: Venue, results: Any) -> tuple[Any, Any]:
    """Test accuracy, mean of the last ten epochs and of seeds, against what is set by hand.

    Left: SGDM over alpha, AdaBound over alpha_star. Middle: the same with SGDM at alpha/(1 - beta1), since its
    direction is a sum of gradients and AdaBound's is an average: equal abscissae are equal steps in the end. Right:
    AdaBound over gamma, the speed at which its bounds close. A setting that diverged has no mark. Observed.

    Reference: Luo et al. 2019, Section 6 and Appendix.
    """
    wanted(results, "robustness shows a grid", experiment="robustness")
    test = results["test"].isel(epoch=slice(-10, None)).mean("epoch", skipna=False).mean("seed", skipna=False)
    found: dict[str, dict[float, float]] = {"alpha": {}, "alpha_star": {}, "gamma": {}}
    for label in map(str, results.optimizer.values):
        letter = label.partition(" ")[2].partition("=")[0]
        name = {"alpha": "lr", "alpha_star": "final_lr", "gamma": "gamma"}[letter]
        found[letter][option(results, label, name)] = float(test.sel(optimizer=label))
    rows = {k: (np.array(sorted(v)), np.array([v[x] for x in sorted(v)])) for k, v in found.items()}
    data = table(
        {k: (k + "_value", y, f"test score over {k}") for k, (_, y) in rows.items()}
        | {"rescaled": ("step_value", rows["alpha"][1], "test score of SGDM over alpha/(1 - beta1)")},
        {k + "_value": (k + "_value", x, k) for k, (x, _) in rows.items()}
        | {"step_value": ("step_value", rows["alpha"][0] / (1 - BETA1), "alpha/(1 - beta1)")},
        "observed",
    )
    figure, (left, middle, right) = canvas(venue, panels=3, ratio=1.1)
    for panel in (middle, right):  # before there are curves, so that the limits are of all
        panel.sharey(left)
    lines = [
        curve(left, data.alpha, look("sgdm"), label=titled("sgdm"), markevery=1),
        curve(left, data.alpha_star, look("adabound"), label=titled("adabound"), markevery=1),
    ]
    curve(middle, data.rescaled, look("sgdm"), markevery=1)
    curve(middle, data.alpha_star, look("adabound"), markevery=1)
    curve(right, data.gamma, look("adabound"), markevery=1)
    words = (r"$\alpha$ or $\alpha^{\star}$", r"$\alpha/(1-\beta_1)$ or $\alpha^{\star}$", r"$\gamma$")
    for panel, word in zip((left, middle, right), words, strict=True):
        panel.set(xscale="log", xlabel=word)
    left.set(ylabel=f"test {axis(results)}")
    legend(figure, lines)
    signed(figure, data, results)
    return figure, data
