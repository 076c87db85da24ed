"""AdamNC with beta2_t = 1 - 1/t, with one factor 1/(1 - beta1) and a momentum term that follows the gradients.

    R_T <= (D_inf^2/(2 alpha) + alpha/(1 - beta1)) sum_i ||g_{1:T,i}||_2 + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1

by m_t^2 <= sum_{j<=t} beta1^(t-j) g_j^2, weights ||g_{1:t}||/alpha that never fall, and
sum_t g_t^2/||g_{1:t}|| <= 2 ||g_{1:T}||.
"""

import numpy as np

from simlab.history import History
from simlab.ops import divide
from simlab.regret_bound import BETA1, Terms, master, regret_bound


@regret_bound(rules=("adamnc",), ledger=master, needs=(BETA1,), schedule="constant")
def reddi2018_theorem_5_sharpened(h: History) -> Terms:
    """A bound on the regret of AdamNC for any beta1_t <= beta1; where beta1 = 0 it is AdaGrad's.

        R_T <= (D_inf^2/(2 alpha) + alpha/(1 - beta1)) sum_i ||g_{1:T,i}||_2 + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1

    Supposes what reddi2018_theorem_5 does.

    Reference: this project's, from Reddi, Kale and Kumar 2018, Theorem 5.
    """
    alpha, rest = h.hyper["alpha"], 1 - h.hyper["beta1"]
    return {
        "distance": divide(h.d_inf * h.d_inf, 2 * alpha) * h.norms,
        "energy": divide(alpha, rest) * h.norms,
        "momentum": h.d_inf * np.cumsum(h.surprise),
    }
