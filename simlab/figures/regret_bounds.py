"""Regret along a run beside what theorems say of it: a bound that holds, and one that does not.

Reddi et al.'s periodic problem with C = 3, x_1 = 1, beta1 = 0 and beta2 = 1/10:

    f_t(x) = 3x if t mod 3 = 1, else -x;    F = [-1, 1]

Kingma and Ba (2015), Theorem 4.1; Reddi, Kale and Kumar (2018), Theorem 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab import catalog
from simlab.audit import audit
from simlab.history import history
from simlab.minimax import minimax
from simlab.plotting import GUIDE, LOOKS, Venue, canvas, curve, legend, note, small_print, table

ROUNDS = 1000
PROBLEM = {"C": 3, "beta1": 0, "beta2": "1/10"}


def regret_bounds(venue: Venue) -> tuple[Any, Any]:
    """AMSGrad's regret stays below its bounds; Adam's passes the bound that was published for it, first at T = 129.

    Regret R_T against the best fixed decision of T rounds after each period, on Reddi et al.'s problem with C = 3
    (F = [-1, 1], x_1 = 1, beta1 = 0, beta2 = 1/10). Left: AMSGrad, alpha = 1/2, with Theorem 4 of Reddi et al., the
    positive-variation bound master_m, and the regret that no algorithm can avoid on the worst sequence of gradients of
    this size (the exact minimax value). Right: Adam, alpha = 9/10, with Kingma and Ba's Theorem 4.1, which is false as
    stated: the first violation, dotted, is enclosed in balls. Curves are observed, in float64.

    Reference: Kingma and Ba 2015, Theorem 4.1; Reddi, Kale and Kumar 2018, Theorems 1 and 4.
    """
    amsgrad = {**PROBLEM, "alpha": "1/2"}
    sound = audit("amsgrad", "reddi2018_periodic", "reddi2018_theorem_4", amsgrad, 1, ROUNDS)
    seen = history(sound.run)
    adam = {**PROBLEM, "alpha": "9/10", "epsilon": 0}
    false = audit("adam", "reddi2018_periodic", "kingma2015_theorem_4_1", adam, 1, ROUNDS)
    t = np.arange(3, ROUNDS + 1, 3)  # ends of periods: within one, bounds and regret swing with the gradient
    data = table(
        {
            "amsgrad": ("t", sound.regret[t - 1], "regret R_T of AMSGrad"),
            "reddi2018_theorem_4": ("t", sound.curve[t - 1], "Reddi et al.'s Theorem 4"),
            "master_m": ("t", catalog.bound("master_m")(seen)[t - 1], "the positive-variation bound"),
            "minimax": ("t", minimax(seen)[t - 1], "minimax regret of |g| <= 3 on [-1, 1]"),
            "adam": ("t", false.regret[t - 1], "regret R_T of Adam"),
            "kingma2015_theorem_4_1": ("t", false.curve[t - 1], "Kingma and Ba's Theorem 4.1"),
        },
        {"t": ("t", t, "horizon T")},
        "observed",
        [sound.run, false.run],
    )
    figure, (left, right) = canvas(venue, panels=2, ratio=0.8)
    lines = [curve(left, data.amsgrad, LOOKS[0], label="$R_T$")]
    curve(right, data.adam, LOOKS[0])
    lines.append(curve(left, data.reddi2018_theorem_4, LOOKS[1], label="theorem"))
    curve(right, data.kingma2015_theorem_4_1, LOOKS[1])
    lines.append(curve(left, data.master_m, LOOKS[2], label="master bound"))
    lines.append(curve(left, data.minimax, LOOKS[3], label="minimax"))
    left.set_title("AMSGrad, Theorem 4: holds", fontsize="medium")
    right.set_title("Adam, Theorem 4.1: false", fontsize="medium")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="$T$", xlim=(3, ROUNDS), ylim=(1, 2000))
    left.set(ylabel="regret")
    first = false.first_violation
    assert first is not None
    right.axvline(first, linestyle=":", **GUIDE)
    note(right, first, 1.5, f"$T={first}$ ", ha="right")
    legend(figure, lines)
    small_print(figure, f"observed; T = {first} {false.grade}")
    return figure, data
