"""AMSGrad, with a momentum term that follows the gradients and no factor 1/(1 - beta1).

    R_T <= D_inf^2 sqrt(T)/(2 alpha) sum_i sqrt(vhat_{T,i}) + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
           + alpha sqrt(1 + ln T)/(2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2,     gamma = beta1/sqrt(beta2)

As m_t^2 <= beta1_t m_{t-1}^2 + (1 - beta1_t) g_t^2, by induction m_t^2 <= sqrt(v_t) sum_{j<=t} gamma^(t-j) |g_j|/
sqrt(1 - beta2); sum |g_t|/sqrt(t) <= sqrt(1 + ln T) ||g_{1:T}||_2 is Cauchy's inequality.
"""

import numpy as np

from simlab.bounds.reddi2018_theorem_4 import energy
from simlab.history import History
from simlab.regret_bound import BETA1, GAMMA, Terms, master, regret_bound


@regret_bound(rules=("amsgrad",), ledger=master, needs=(BETA1, GAMMA))
def reddi2018_theorem_4_repaired(h: History) -> Terms:
    """A bound on the regret of AMSGrad for any beta1_t <= beta1; half of Theorem 4 where beta1 = 0.

        R_T <= D_inf^2 sqrt(T)/(2 alpha) sum_i sqrt(vhat_{T,i}) + D_inf sum_t beta1_t ||g_t - m_{t-1}||_1
               + alpha sqrt(1 + ln T)/(2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

    Supposes what reddi2018_theorem_4 does. It is O(sqrt(T)) already for beta1_t = beta1/sqrt(t).

    Reference: this project's, from Reddi, Kale and Kumar 2018, Theorem 4 and its Lemma 2.
    """
    return {
        "distance": h.d_inf * h.d_inf * h.w.sum(axis=1) / 2,
        "energy": energy(h) / 2,
        "momentum": h.d_inf * np.cumsum(h.surprise),
    }
