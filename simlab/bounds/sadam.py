"""SAdam, on strongly convex losses.

    R_T <= d D_inf^2 delta/(2 alpha) + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
           + alpha/(2 gamma (1 - beta1)) sum_i ln(1 + gamma ||g_{1:T,i}||^2/delta),       alpha >= G_inf^2/sigma

The weights are w_t = (t v_t + delta)/alpha, which never fall, with t v_t >= gamma ||g_{1:t}||^2; and
m_t^2 <= sum_{j<=t} beta1^(t-j) g_j^2, so that sum m_t^2/w_t <= sum g_t^2/w_t/(1 - beta1).
"""

from typing import Any

import numpy as np

from simlab.history import History
from simlab.ops import divide, log1p
from simlab.regret_bound import BETA1, CURVED, Terms, curved, regret_bound


def logarithm(h: History, factor: Any) -> np.ndarray:
    """sum_i ln(1 + factor ||g_{1:T,i}||^2) for every T."""
    return log1p(factor * np.cumsum(h.g * h.g, axis=0)).sum(axis=1)


@regret_bound(rules=("sadam",), ledger=curved, needs=(BETA1, CURVED), schedule="inv", beta1_schedule="geometric")
def sadam(h: History) -> Terms:
    """A logarithmic bound on the regret of SAdam, in terms of what the gradients show.

        R_T <= d D_inf^2 delta/(2 alpha) + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
               + alpha/(2 gamma (1 - beta1)) sum_i ln(1 + gamma ||g_{1:T,i}||^2/delta)

    Supposes what mukkamala2017 does, which it equals where beta1 = 0 and gamma = 1, and any beta1_t <= beta1. It is
    logarithmic in T where the sum of the beta1_t is.

    Reference: this project's, for the setting of Wang, Lu, Cheng, Tu and Zhang 2020, Theorem 1.
    """
    alpha, delta, gamma = h.hyper["alpha"], h.hyper["delta"], h.hyper["gamma"]
    slow = 2 * gamma * (1 - h.hyper["beta1"])
    return {
        "distance": divide(h.dimension * h.d_inf * h.d_inf * delta, 2 * alpha) + 0 * h.t,
        "energy": divide(alpha, slow) * logarithm(h, divide(gamma, delta)),
        "momentum": h.d_inf * np.cumsum(h.surprise),
    }
