"""AdaBound and AMSBound, with what the corridor alone says of how much the weights can grow.

    R_T <= d D_inf^2/2 (1/eta_l(1) + sum_{t=2}^T max(0, sqrt(t)/eta_l(t) - sqrt(t-1)/eta_u(t-1)))
           + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1 + (sqrt(T) - 1/2) R_inf G_2^2,          R_inf = eta_u(1)

from master_m, as sqrt(t)/eta_u(t) <= w_t <= sqrt(t)/eta_l(t). For the paper's bound functions it is O(sqrt(T)).
"""

import numpy as np

from simlab.bounds.luo2019_theorem_4 import luo2019_theorem_4
from simlab.corridor import corridor
from simlab.history import History
from simlab.ops import divide, maximum, sqrt
from simlab.regret_bound import Terms, master, regret_bound


@regret_bound(rules=("adabound", "amsbound"), ledger=master, needs=luo2019_theorem_4.needs)
def adabound_repaired(h: History) -> Terms:
    """A bound for AdaBound under the hypotheses of Luo et al.'s Theorem 4, which is false.

        R_T <= d D_inf^2/2 (1/eta_l(1) + sum_{t=2}^T max(0, sqrt(t)/eta_l(t) - sqrt(t-1)/eta_u(t-1)))
               + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1 + (sqrt(T) - 1/2) R_inf G_2^2

    Supposes what luo2019_theorem_4 does; beta1_t is arbitrary. Where beta1 = 0 and G_2 is known, so is the bound before
    the run.

    Reference: this project's, from Luo, Xiong, Liu and Sun 2019, Theorem 4.
    """
    root, (lower, upper) = sqrt(h.t), corridor(h)
    heavy, light = divide(root, lower), divide(root, upper)
    rises = np.concatenate([heavy[:1], maximum(heavy[1:] - light[:-1], 0 * heavy[1:])])
    return {
        "distance": h.dimension * h.d_inf * h.d_inf * np.cumsum(rises) / 2,
        "energy": upper[0] * (2 * root - 1) * h.g_2 * h.g_2 / 2,
        "momentum": h.d_inf * np.cumsum(h.surprise),
    }
