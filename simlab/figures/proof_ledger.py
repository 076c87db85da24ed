"""The ledger of a proof as a waterfall: from the regret on, each inequality adds its slack, up to the bound.

    R_T + slack_1 + ... + slack_n = bound            slack = right side - left side, negative where a step breaks

Kingma and Ba (2015), Theorem 4.1, on Reddi et al.'s periodic problem at the first T that violates it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.audit import audit
from simlab.figures.regret_bounds import PROBLEM, ROUNDS
from simlab.plotting import LOOKS, SHADES, Venue, canvas, curve, note, small_print, table


def proof_ledger(venue: Venue) -> tuple[Any, Any]:
    """Where the proof of Kingma and Ba's Theorem 4.1 breaks: the step that telescopes weights which do not grow.

    Adam (alpha = 9/10, beta1 = 0, beta2 = 1/10) on Reddi et al.'s problem with C = 3 at T = 129, the first round whose
    regret is above the bound. Bars are the slacks, right side minus left side, of the inequalities of the proof in
    their order, each beginning where the one before it ended; they lead from the regret R_T to the bound (dotted).
    Enclosed in balls, rounded.

    Reference: Kingma and Ba 2015, proof of Theorem 4.1 (10.5); Reddi, Kale and Kumar 2018, section 3.
    """
    adam = {**PROBLEM, "alpha": "9/10", "epsilon": 0}
    found = audit("adam", "reddi2018_periodic", "kingma2015_theorem_4_1", adam, 1, ROUNDS)
    slack = np.array([float(r.slack) for r in found.rows])
    ends = float(found.regret[found.at - 1]) + np.concatenate([[0.0], np.cumsum(slack)])
    names = [r.name for r in found.rows]
    data = table(
        {
            "level": ("after", ends, "R_T plus the slacks of the steps so far"),
            "bound": ("after", np.full(len(ends), float(found.curve[found.at - 1])), "the bound"),
            "slack": ("after", np.concatenate([[0.0], slack]), "slack of the step"),
        },
        {"after": ("after", np.arange(len(ends)), "steps made"), "step": ("after", ["", *names], "inequality")},
        found.grade,
        [found.run],
    )
    figure, (axes,) = canvas(venue)
    for i, (low, change) in enumerate(zip(ends[:-1], slack, strict=True)):
        breaks = names[i] == found.broken_step
        axes.bar(
            i + 0.5,
            change,
            bottom=low,
            width=1,
            color=LOOKS[0].color if breaks else SHADES[0],
            edgecolor="black",
            linewidth=0.6,
            hatch="//" if breaks else None,
        )
        words = f"{change:+.4g}".replace("-", "\N{MINUS SIGN}") if abs(change) > 1e-9 else "0"
        note(axes, i + 0.5, max(low, low + change), words, 2, ha="center")
    curve(axes, data.bound, LOOKS[3], marker="", linewidth=0.8, linestyle=":")
    curve(axes, data.level, LOOKS[3], linestyle="", marker="o", markevery=None, clip_on=False)
    note(axes, 0.05, ends[0], f"$R_T={ends[0]:.4f}$", -3, color="black")
    note(axes, len(names) - 0.5, ends[-1], f"bound\n{ends[-1]:.4f}", -3, ha="center", color="black")
    axes.set(
        xlabel="step of the proof",
        ylabel=f"level at $T={found.at}$",
        xlim=(0, len(names)),
        ylim=(0, 1.15 * float(ends.max())),
        xticks=np.arange(len(names)) + 0.5,
        xticklabels=names,
    )
    axes.tick_params(axis="x", length=0, labelrotation=20 if venue.column < 5 else 0)
    small_print(figure, found.grade)
    return figure, data
