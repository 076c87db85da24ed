"""How AdaBound's corridor of learning rates turns the drift on the C-periodic problem.

    etahat_t = clip( alpha/sqrt(v_t), eta_l(t), eta_u(t) ),   x_{t+1} = Pi_F( x_t - etahat_t/sqrt(t) g_t )

With g_t = -1 at t mod C = 1 and g_{t+1} = 2, a period moves x to the right, away from x* = -2, if and only if

    etahat_t/etahat_{t+1} > 2 sqrt(t/(t+1))

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.figures._luo2019 import FLIP, HYPER, LOOK, NAMES, C, played
from simlab.plotting import GUIDE, SHADES, Venue, canvas, curve, legend, note, small_print, table
from simlab.rules.adabound import eta_l, eta_u

ROUNDS = 20_000  # 8 times the turning point: the bounds are within 5 per cent of alpha_star
SHOWN = ("adam_analysed", "amsgrad", "adabound")


def adabound_corridor(venue: Venue) -> tuple[Any, Any]:
    """The corridor makes AdaBound's two learning rates meet, and the drift turns where their ratio falls below 2.

    Left: learning rates etahat before the factor 1/sqrt(t), in the only two rounds of a period whose gradient is not 0,
    g_t = -1 and g_{t+1} = 2, t mod C = 1; shaded, the corridor between eta_l(t) and eta_u(t). Right: the ratio of the
    two; above 2 a period moves x away from the best decision. Adam's ratio stays there, AMSGrad's tends to 1 at once,
    AdaBound's falls below 2 at the latest when gamma t = 1 + sqrt(2) (dotted). C = 50, beta1 = 0, beta2 = 9/10,
    alpha = 1, alpha_star = 2, gamma = 1/1000. Observed, in float64.

    Reference: Luo et al. 2019, Algorithm 2 and section 4; Reddi, Kale and Kumar 2018, Algorithm 2.
    """
    runs = [played(rule, ROUNDS, "all") for rule in SHOWN]
    period = np.unique(np.geomspace(1, ROUNDS // C - 1, 100).round().astype(int))  # the first is left out
    t = np.array([period * C + 1, period * C + 2])
    down, up = (np.array([r.rate[s - 1] * np.sqrt(s) for r in runs]) for s in t)
    alpha_star, gamma = float(HYPER["alpha_star"]), float(HYPER["gamma"])
    data = table(
        {
            "rate": (("optimizer", "t"), down, "rate etahat_t = sqrt(t) eta_t, where the gradient is -1"),
            "rate_next": (("optimizer", "t"), up, "rate etahat_(t+1), where the gradient is 2"),
            "ratio": (("optimizer", "t"), down / up, "etahat_t/etahat_(t+1)"),
            "eta_l": ("t", [eta_l(s, alpha_star, gamma) for s in t[0].tolist()], "lower bound eta_l(t)"),
            "eta_u": ("t", [eta_u(s, alpha_star, gamma) for s in t[0].tolist()], "upper bound eta_u(t)"),
        },
        {"optimizer": ("optimizer", list(SHOWN), "update rule"), "t": ("t", t[0], "round t")},
        runs[0].grade,
        runs,
    )
    figure, (left, right) = canvas(venue, panels=2, ratio=0.8)
    left.fill_between(data.t, data.eta_l, data.eta_u, color=SHADES[0], linewidth=0)
    lines = []
    for rule in SHOWN:
        row = data.sel(optimizer=rule)
        curve(left, row.rate, LOOK[rule])
        curve(left, row.rate_next, LOOK[rule])
        lines.append(curve(right, row.ratio, LOOK[rule], label=NAMES[rule]))
    left.set(yscale="log", ylabel=r"$\hat\eta_t$ and $\hat\eta_{t+1}$", ylim=(0.3, 12))
    right.set(ylabel=r"$\hat\eta_t\,/\,\hat\eta_{t+1}$", ylim=(0.9, 2.4))
    for axes in (left, right):
        axes.axvline(FLIP, linestyle=":", **GUIDE)
        axes.set(xscale="log", xlabel="$t$", xlim=(C, ROUNDS))
    right.axhline(2, **GUIDE)
    note(left, C, down[0, 0], r"  $\hat\eta_t$, at $g_t=-1$", 3)
    note(left, C, up[0, 0], r"  $\hat\eta_{t+1}$, at $g_{t+1}=2$", -3)
    for name, lift in (("eta_u", 2), ("eta_l", -2)):
        bound = data[name].sel(t=500, method="nearest")
        note(left, float(bound.t), float(bound), rf"$\{name}(t)$", lift)
    note(right, C, 2, r"  away from $x^{\star}$", 2)
    note(right, C, 2, r"  towards $x^{\star}$", -2)
    note(right, FLIP, 1.3, r"$\gamma t=1+\sqrt{2}$ ", ha="right")
    legend(figure, lines)
    small_print(figure, "observed, float64")
    return figure, data
