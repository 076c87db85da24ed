"""Padam.

    R_T <= D_inf^2 sqrt(T)/(2 alpha) sum_i vhat_{T,i}^p + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
           + alpha G_inf^(1 - 2p) sqrt(1 + ln T)/(2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

with gamma = beta1/sqrt(beta2): AMSGrad's bound with m^2/vhat^p <= G_inf^(1 - 2p) m^2/sqrt(vhat), as vhat <= G_inf^2.
"""

from types import FunctionType
from typing import cast

import numpy as np

from simlab.bounds.reddi2018_theorem_4 import energy
from simlab.history import History
from simlab.ops import children, divide, scale
from simlab.regret_bound import BETA1, GAMMA, Terms, master, regret_bound


@regret_bound(rules=("padam",), ledger=master, needs=(BETA1, GAMMA))
def padam(h: History) -> Terms:
    """A bound on the regret of Padam with any power p = 2^-n <= 1/2, read from the rule that ran.

        R_T <= D_inf^2 sqrt(T)/(2 alpha) sum_i vhat_{T,i}^p + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
               + alpha G_inf^(1 - 2p) sqrt(1 + ln T)/(2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

    Supposes convex losses, step alpha/sqrt(t), |x_i - y_i| <= D_inf on F, |g_{t,i}| <= G_inf, any beta1_t <= beta1 and
    gamma = beta1/sqrt(beta2) < 1.

    Reference: this project's, for the setting of Chen, Zhou, Tang, Yang, Cao and Gu 2020.
    """
    power = children(cast(FunctionType, h.rule.function))["root"](h.g_inf)  # G_inf^p
    return {
        "distance": h.d_inf * h.d_inf * h.w.sum(axis=1) / 2,
        "energy": scale(divide(h.g_inf, power * power), energy(h)) / 2,
        "momentum": h.d_inf * np.cumsum(h.surprise),
    }
