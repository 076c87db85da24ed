"""AMSGrad.

    R_T <= D_inf^2/(1 - beta1) sum_i 1/eta_{T,i} + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t/eta_{t,i}
           + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

with eta_{t,i} = alpha/sqrt(t vhat_{t,i}) and gamma = beta1/sqrt(beta2).
Reddi, Kale and Kumar (2018), Theorem 4.
"""

import numpy as np

from simlab.history import History, norms

RULES = ("amsgrad",)


def reddi2018_theorem_4(h: History) -> np.ndarray:
    """The bound on the regret of AMSGrad, at every round.

        R_T <= D_inf^2 sqrt(T)/(alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
               + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t sqrt(t vhat_{t,i})/alpha
               + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

    Supposes convex losses, step alpha/sqrt(t), |x_i - y_i| <= D_inf on F, beta1_t <= beta1 and
    gamma = beta1/sqrt(beta2) < 1.

    Reference: Reddi, Kale and Kumar 2018, Theorem 4.
    """
    beta1, beta2, alpha = h.hyper["beta1"], h.hyper["beta2"], h.hyper["alpha"]
    gamma = beta1 / np.sqrt(beta2)
    weight = (1 / h.rate).sum(axis=1)
    first = h.d_inf**2 / (1 - beta1) * weight
    second = h.d_inf**2 / (2 * (1 - beta1)) * np.cumsum(h.beta1 * weight)
    third = alpha * np.sqrt(1 + np.log(h.t)) / ((1 - beta1) ** 2 * (1 - gamma) * np.sqrt(1 - beta2)) * norms(h.g)
    return first + second + third
