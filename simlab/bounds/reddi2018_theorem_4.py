"""AMSGrad.

    R_T <= D_inf^2/(1 - beta1) sum_i 1/eta_{T,i} + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t/eta_{t,i}
           + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

with eta_{t,i} = alpha/sqrt(t vhat_{t,i}) and gamma = beta1/sqrt(beta2).
Reddi, Kale and Kumar (2018), Theorem 4.
"""

import numpy as np

from simlab.history import History
from simlab.ops import divide, log1p, sqrt
from simlab.regret_bound import BETA1, GAMMA, Terms, published, regret_bound


@regret_bound(rules=("amsgrad",), ledger=published, needs=(BETA1, GAMMA))
def reddi2018_theorem_4(h: History) -> Terms:
    """The bound on the regret of AMSGrad.

        R_T <= D_inf^2 sqrt(T)/(alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
               + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t sqrt(t vhat_{t,i})/alpha
               + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

    Supposes convex losses, step alpha/sqrt(t), |x_i - y_i| <= D_inf on F, beta1_t <= beta1 and
    gamma = beta1/sqrt(beta2) < 1.

    Reference: Reddi, Kale and Kumar 2018, Theorem 4.
    """
    beta1, beta2, alpha = h.hyper["beta1"], h.hyper["beta2"], h.hyper["alpha"]
    rest, weight = 1 - beta1, h.w.sum(axis=1)
    gamma = divide(beta1, sqrt(beta2))
    return {
        "distance": divide(h.d_inf * h.d_inf, rest) * weight,
        "momentum": divide(h.d_inf * h.d_inf, 2 * rest) * np.cumsum(h.beta1 * weight),
        "energy": divide(alpha, rest * rest * (1 - gamma) * sqrt(1 - beta2)) * sqrt(1 + log1p(h.t - 1)) * h.norms,
    }
