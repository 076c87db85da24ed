"""Test curves of SGDM over alpha and of AdaBound over alpha_star: the fans.

Luo et al. 2019, Section 6.
"""

from __future__ import annotations

from typing import Any

from simlab.errors import BadInput
from simlab.figures._training import axis, over_seeds, signed, wanted
from simlab.plotting import LOOKS, Venue, canvas, curve, legend, table

PANELS = {"sgdm alpha": r"SGDM over $\alpha$", "adabound alpha_star": r"AdaBound over $\alpha^{\star}$"}


def robustness_fans(venue: Venue, results: Any) -> tuple[Any, Any]:
    """Test accuracy epoch by epoch, over values of SGDM's alpha and the same of AdaBound's alpha_star.

    Lines are means over seeds. The narrower the fan, the less the choice matters; but SGDM's alpha steps like
    alpha_star = alpha/(1 - beta1), so the two fans do not cover the same steps. Observed.

    Reference: Luo et al. 2019, Section 6.
    """
    wanted(results, "robustness_fans shows a grid", experiment="robustness")
    labels = {kind: [str(v) for v in results.optimizer.values if str(v).startswith(f"{kind}=")] for kind in PANELS}
    values = [label.partition("=")[2] for label in labels["sgdm alpha"]]
    if not values or [label.partition("=")[2] for label in labels["adabound alpha_star"]] != values:
        raise BadInput("robustness_fans needs SGDM and AdaBound over the same values, which these results lack")
    columns = {
        kind.split()[0]: (
            ("value", "epoch"),
            over_seeds(results["test"].sel(optimizer=chosen))["mean"],
            f"test score of {kind.split()[0]}, mean over seeds",
        )
        for kind, chosen in labels.items()
    }
    data = table(
        columns,
        {"value": ("value", values, "alpha or alpha_star"), "epoch": ("epoch", results.epoch.values, "epoch")},
        "observed",
    )
    figure, panels = canvas(venue, panels=2, ratio=0.8)
    lines = []
    for panel, (kind, title) in zip(panels, PANELS.items(), strict=True):
        for value, look in zip(values, LOOKS, strict=False):
            lines.append(curve(panel, data[kind.split()[0]].sel(value=value), look, label=value))
        panel.set_title(title, fontsize="medium")
        panel.set(xlabel="epoch", xlim=(1, max(2, results.sizes["epoch"])))
        panel.sharey(panels[0])
    panels[0].set(ylabel=f"test {axis(results)}")
    legend(figure, lines[: len(values)])
    signed(figure, data, results)
    return figure, data
