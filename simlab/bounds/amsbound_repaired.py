"""AMSBound, with the largest weight along the run in place of the last one: true under Luo et al.'s hypotheses.

    R_T <= D_inf^2 sqrt(T)/2 sum_i max_{t<=T} 1/etahat_{t,i} + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
           + (sqrt(T) - 1/2) R_inf G_2^2

1/etahat_t = min(max(sqrt(vhat_t)/alpha, 1/eta_u(t)), 1/eta_l(t)) rises and then falls: with its peak at tau the rising
part of the weights sqrt(t)/etahat_t adds up to sqrt(tau) peak, the falling part to (sqrt(T) - sqrt(tau)) peak at most.
"""

from typing import Any

import numpy as np

from simlab.bounds.luo2019_theorem_4 import luo2019_theorem_4
from simlab.corridor import corridor
from simlab.history import History, running
from simlab.ops import divide, sqrt
from simlab.regret_bound import Terms, master, regret_bound


def peak(h: History) -> Any:
    """sum_i max_{s<=t} 1/etahat_{s,i} for every t."""
    inverse = divide(h.w, sqrt(h.t)[:, None])
    return sum((running(column) for column in inverse.T[1:]), running(inverse.T[0]))


@regret_bound(rules=("amsbound",), ledger=master, needs=luo2019_theorem_4.needs)
def amsbound_repaired(h: History) -> Terms:
    """A bound for AMSBound under the hypotheses of Luo et al.'s Theorem 5, which is false.

        R_T <= D_inf^2 sqrt(T)/2 sum_i max_{t<=T} 1/etahat_{t,i} + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
               + (sqrt(T) - 1/2) R_inf G_2^2

    Supposes what luo2019_theorem_5 does; beta1_t is arbitrary.

    Reference: this project's, from Luo, Xiong, Liu and Sun 2019, Theorem 5.
    """
    root, (_, upper) = sqrt(h.t), corridor(h)
    return {
        "distance": h.d_inf * h.d_inf * root * peak(h) / 2,
        "energy": upper[0] * (2 * root - 1) * h.g_2 * h.g_2 / 2,
        "momentum": h.d_inf * np.cumsum(h.surprise),
    }
