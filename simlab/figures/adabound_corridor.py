"""How AdaBound's corridor of learning rates turns the drift on the C-periodic problem.

    etahat_t = clip( alpha/sqrt(v_t), eta_l(t), eta_u(t) ),   x_{t+1} = Pi_F( x_t - etahat_t/sqrt(t) g_t )

With g = -1 at t mod C = 1 and g = 2 at t mod C = 2, a period moves x to the right if and only if (but for the change of
sqrt(t)) the rate at the first of these rounds is more than twice that at the second.
Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simlab.figures._luo2019 import FLIP, HYPER, LOOK, NAMES, C, played
from simlab.plotting import GUIDE, Venue, canvas, curve, legend, note, small_print
from simlab.rules.adabound import eta_l, eta_u

ROUNDS = 50_000
SHOWN = ("adam_analysed", "amsgrad", "adabound")


def adabound_corridor(venue: Venue) -> tuple[Any, Any]:
    """The corridor makes AdaBound's two learning rates meet, and the drift turns where their ratio falls below 2.

    Left: learning rates before the factor 1/sqrt(t), in the only two rounds of a period in which the gradient is not 0
    (upper curve of an optimizer: g_t = -1; lower: g_t = 2), and the corridor between eta_l(t) and eta_u(t) (shaded).
    Right: the ratio of the two; above 2 a period moves x to the right, away from the best decision. Adam's ratio stays
    there, AMSGrad's is 1 after the first period, AdaBound's falls below 2 at the latest when gamma t = 1 + sqrt(2)
    (dotted). C = 50, beta1 = 0, beta2 = 9/10, alpha = 1, alpha_star = 2, gamma = 1/1000. Observed, in float64.

    Reference: Luo et al. 2019, Algorithm 2 and section 4; Reddi, Kale and Kumar 2018, Algorithm 2.
    """
    import xarray

    runs = [played(rule, ROUNDS, "all") for rule in SHOWN]
    period = np.unique(np.geomspace(1, ROUNDS // C - 1, 100).round().astype(int))
    t = np.array([period * C + 1, period * C + 2])
    rates = np.array([r.rate[t - 1] * np.sqrt(t) for r in runs])  # optimizer, gradient, period
    alpha_star, gamma = float(HYPER["alpha_star"]), float(HYPER["gamma"])
    bounds = np.array([[bound(s, alpha_star, gamma) for s in t[0].tolist()] for bound in (eta_l, eta_u)])
    unit = {"units": "1"}
    data = xarray.Dataset(
        {"rate_down": (("optimizer", "t"), rates[:, 0], {"long_name": "rate sqrt(t) eta_t in round t, where g_t = -1"} | unit),
         "rate_up": (("optimizer", "t"), rates[:, 1], {"long_name": "rate in round t + 1, where the gradient is 2"} | unit),
         "ratio": (("optimizer", "t"), rates[:, 0] / rates[:, 1], {"long_name": "ratio of the two rates"} | unit),
         "eta_l": ("t", bounds[0], {"long_name": "lower bound eta_l(t)"} | unit),
         "eta_u": ("t", bounds[1], {"long_name": "upper bound eta_u(t)"} | unit)},
        {"optimizer": list(SHOWN), "t": ("t", t[0], {"long_name": "round t"} | unit)},
        {"grade": runs[0].grade},
    )  # fmt: skip
    figure, (left, right) = canvas(venue, panels=2, ratio=0.8)
    left.fill_between(data.t, data.eta_l, data.eta_u, color="#E4E4E4", linewidth=0)
    for rule in SHOWN:
        row = data.sel(optimizer=rule)
        curve(left, row.rate_down, LOOK[rule])
        curve(left, row.rate_up, LOOK[rule])
        curve(right, row.ratio, LOOK[rule], label=NAMES[rule])
    for axes in (left, right):
        axes.axvline(FLIP, linestyle=":", **GUIDE)
        axes.set(xscale="log", xlabel="$t$", xlim=(C, ROUNDS))
    right.axhline(2, **GUIDE)
    left.set(yscale="log", ylabel=r"$\hat\eta_t$ and $\hat\eta_{t+1}$", ylim=(0.3, 12))
    right.set(ylabel=r"$\hat\eta_t\,/\,\hat\eta_{t+1}$", ylim=(0.9, 2.4))
    early = float(data.t[0])
    note(left, early, float(data.rate_down[0, 0]), r" $\hat\eta_t$, at $g_t=-1$", 3)
    note(left, early, float(data.rate_up[0, 0]), r" $\hat\eta_{t+1}$, at $g_{t+1}=2$", -3)
    for name, lift in (("eta_u", 2), ("eta_l", -2)):
        middle = data[name].sel(t=500, method="nearest")
        note(left, float(middle.t), float(middle), rf"$\eta_{name[-1]}(t)$", lift)
    note(right, early, 2, r" away from $x^{\star}$", 2)
    note(right, early, 2, r" towards $x^{\star}$", -2)
    note(right, FLIP, 1.3, r"$\gamma t=1+\sqrt{2}$ ", ha="right")
    legend(figure, right.get_lines()[:len(SHOWN)])
    small_print(figure, "observed, float64")
    return figure, data
