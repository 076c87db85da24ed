"""AdaBound, with what a corridor must satisfy for its weights to grow slowly enough.

    R_T <= D_inf^2/(2 (1 - beta1)) (2 d M (sqrt(T) - 1) + sum_i (1/eta_{1,i} + sum_{t=2}^T beta1_t/eta_{t,i}))
           + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1)

    M >= t/eta_l(t) - (t-1)/eta_u(t-1) for every t <= T           (the second term is 0 at t = 1);  R_inf = eta_u(1)

since sqrt(t) (w_t - w_{t-1}) <= t/eta_l(t) - sqrt(t (t-1))/eta_u(t-1) <= M for the weights w_t = sqrt(t)/etahat_t.
Savarese (2019), "On the convergence of AdaBound and its connection to SGD", Theorem 3.
"""

from typing import Any

import numpy as np

from simlab.bounds.luo2019_theorem_4 import energy, luo2019_theorem_4
from simlab.corridor import corridor
from simlab.history import History, running
from simlab.ops import divide, sqrt
from simlab.regret_bound import Terms, published, regret_bound


def widening(h: History) -> Any:
    """M for every T: the largest t/eta_l(t) - (t-1)/eta_u(t-1) of t = 1..T."""
    lower, upper = corridor(h)
    low, high = divide(h.t, lower), divide(h.t, upper)
    return running(np.concatenate([low[:1], low[1:] - high[:-1]]))


@regret_bound(rules=("adabound", "amsbound"), ledger=published, needs=luo2019_theorem_4.needs)
def savarese2019_theorem_3(h: History) -> Terms:
    """The repaired bound for AdaBound, with the least M that the corridor allows up to T.

        R_T <= D_inf^2/(2 (1 - beta1)) (2 d M (sqrt(T) - 1) + sum_i (1/eta_{1,i} + sum_{t=2}^T beta1_t/eta_{t,i}))
               + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1)
        M = max_{t<=T} t/eta_l(t) - (t-1)/eta_u(t-1)

    Supposes what luo2019_theorem_4 does. Only the clipping matters, so it holds for AMSBound too. For the paper's bound
    functions M <= (1 + 2/gamma)/alpha_star, which is not attained.

    Reference: Savarese 2019, Theorem 3.
    """
    weight, half = h.w.sum(axis=1), divide(h.d_inf * h.d_inf, 2 * (1 - h.hyper["beta1"]))
    return {
        "distance": half * (2 * h.dimension * widening(h) * (sqrt(h.t) - 1) + weight[0]),
        "momentum": half * (np.cumsum(h.beta1 * weight) - h.beta1[0] * weight[0]),
        "energy": energy(h),
    }
