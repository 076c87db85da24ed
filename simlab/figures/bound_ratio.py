"""How much of each bound a run uses: R_T divided by the bound, above 1 where the bound is violated.

Reddi et al.'s periodic problem with C = 3, x_1 = 1, beta1 = 0 and beta2 = 1/10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab import catalog
from simlab.audit import audit
from simlab.figures.regret_bounds import PROBLEM, ROUNDS
from simlab.history import history
from simlab.plotting import GUIDE, LOOKS, Venue, canvas, curve, legend, note, small_print, table

AMSGRAD = {"reddi2018_theorem_4": "Theorem 4", "alacaoglu2020": "Alacaoglu et al.", "master_m": "master bound"}


def bound_ratio(venue: Venue) -> tuple[Any, Any]:
    """What regret is of its bounds: those for AMSGrad are loose by a constant or more, Adam's is passed.

    R_T/bound after each period on Reddi et al.'s problem with C = 3 (F = [-1, 1], x_1 = 1, beta1 = 0, beta2 = 1/10).
    AMSGrad with alpha = 1/2 against Theorem 4 of Reddi et al., the bound of Alacaoglu et al. and the positive-variation
    bound; Adam with alpha = 9/10 against Kingma and Ba's Theorem 4.1, which it violates (above 1, first at T = 129).
    Observed, in float64.

    Reference: Kingma and Ba 2015, Theorem 4.1; Reddi, Kale and Kumar 2018, Theorem 4; Alacaoglu et al. 2020.
    """
    t = np.arange(3, ROUNDS + 1, 3)
    sound = audit("amsgrad", "reddi2018_periodic", next(iter(AMSGRAD)), {**PROBLEM, "alpha": "1/2"}, 1, ROUNDS)
    adam = {**PROBLEM, "alpha": "9/10", "epsilon": 0}
    false = audit("adam", "reddi2018_periodic", "kingma2015_theorem_4_1", adam, 1, ROUNDS)
    seen = history(sound.run)
    ratios = {name: sound.regret / catalog.bound(name)(seen) for name in AMSGRAD}
    ratios["kingma2015_theorem_4_1"] = false.ratio
    data = table(
        {name: ("t", row[t - 1], f"R_T divided by {name}") for name, row in ratios.items()},
        {"t": ("t", t, "horizon T")},
        "observed",
        [sound.run, false.run],
    )
    figure, (axes,) = canvas(venue)
    words = {"kingma2015_theorem_4_1": "Adam, Theorem 4.1", **{n: f"AMSGrad, {w}" for n, w in AMSGRAD.items()}}
    lines = [curve(axes, data[n], look, label=w) for (n, w), look in zip(words.items(), LOOKS, strict=False)]
    axes.axhline(1, **GUIDE)
    note(axes, 3, 1, "  violated", 2)
    axes.set(xscale="log", yscale="log", xlabel="$T$", ylabel="$R_T/$bound", xlim=(3, ROUNDS))
    legend(figure, lines)
    small_print(figure, "observed, float64")
    return figure, data
