"""Where the optimizers of the AdaBound paper go on its C-periodic problem, and at what average regret.

    f_t(x) = -x if t mod C = 1,   2x if t mod C = 2,   0 otherwise;   F = [-2, 2],   x* = -2

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Theorem 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.figures._luo2019 import FLIP, LOOK, NAMES, C, played
from simlab.plotting import GUIDE, Venue, canvas, curve, legend, note, small_print, table

ROUNDS = 10**7  # crossing F takes Adam about 1.4e5 rounds at alpha = 1; the decay as 1/sqrt(t) shows later


def luo2019_trajectories(venue: Venue) -> tuple[Any, Any]:
    """Adam goes to the worst decision, +2, and every other optimizer of the AdaBound paper to the best, -2.

    Decisions x_t (left) and average regret R_t/t (right) on the C-periodic problem of Luo et al. with C = 50, from
    x_1 = 0: beta1 = 0, beta2 = 9/10, alpha = 1 for all, steps alpha/sqrt(t) (AdaGrad's are built in), and
    alpha_star = 2, gamma = 1/1000 for AdaBound and AMSBound. Adam's average regret tends to 4/C; that of the others
    tends to 0, in the end as 1/sqrt(t) (dotted). AdaBound follows Adam until its bounds are so close that the drift
    turns, at the latest when gamma t = 1 + sqrt(2) (dotted). AMSBound equals AMSGrad until eta_l(t) reaches the rate.
    Rounds with t mod C = 2 are left out: there x_t is one step further to the right, for one round. Observed, in
    float64.

    Reference: Luo et al. 2019, Theorem 1 and Algorithms 2 and 3; Reddi, Kale and Kumar 2018, Algorithm 2.
    """
    runs = [played(rule, ROUNDS, 700) for rule in NAMES]
    t = runs[0].t
    kept = t % C != 2
    data = table(
        {
            "x": (("optimizer", "t"), [r.x[kept] for r in runs], "decision x_t"),
            "average_regret": (("optimizer", "t"), [(r.regret_curve / t)[kept] for r in runs], "average regret R_t/t"),
        },
        {"optimizer": ("optimizer", list(NAMES), "update rule"), "t": ("t", t[kept], "round t")},
        runs[0].grade,
        runs,
    )
    figure, (left, right) = canvas(venue, panels=2, ratio=0.8)
    lines = []
    for rule, label in NAMES.items():
        lines.append(curve(left, data.x.sel(optimizer=rule), LOOK[rule], label=label))
        curve(right, data.average_regret.sel(optimizer=rule), LOOK[rule])
    left.set(xscale="log", xlabel="$t$", ylabel="$x_t$", xlim=(10, ROUNDS), ylim=(-2.6, 2.6))
    right.set(xscale="log", yscale="log", xlabel="$t$", ylabel="$R_t/t$", xlim=(10, ROUNDS))
    for x, words, lift in ((2, "worst decision", 3), (-2, r"best decision $x^{\star}$", -3)):
        left.axhline(x, **GUIDE)
        note(left, 12, x, words, lift)
    left.axvline(FLIP, linestyle=":", **GUIDE)
    note(left, FLIP, 1.2, r"$\gamma t=1+\sqrt{2}$ ", ha="right")
    right.axhline(4 / C, **GUIDE)
    note(right, ROUNDS, 4 / C, "$4/C$", 3, ha="right")
    late = np.array([ROUNDS / 300, ROUNDS])
    slope = 0.05 / np.sqrt(late)  # just below the curves
    right.plot(late, slope, linestyle=":", **GUIDE)
    note(right, late[0], slope[0], r"$t^{-1/2}$ ", ha="right")
    legend(figure, lines)
    small_print(figure, "observed, float64")
    return figure, data
