"""AMSGrad.

    R_T <= D_inf^2/(1 - beta1) sum_i 1/eta_{T,i} + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t/eta_{t,i}
           + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

with eta_{t,i} = alpha/sqrt(t vhat_{t,i}) and gamma = beta1/sqrt(beta2).
Reddi, Kale and Kumar (2018), Theorem 4.
"""

from typing import Any

from simlab.history import History
from simlab.ops import divide, log1p, sqrt
from simlab.regret_bound import BETA1, GAMMA, Terms, published, published_terms, regret_bound


def energy(h: History) -> Any:
    """alpha sqrt(1 + ln T)/((1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2 >= sum_t sum_i m_{t,i}^2/w_{t,i}."""
    gamma, rest = divide(h.hyper["beta1"], sqrt(h.hyper["beta2"])), sqrt(1 - h.hyper["beta2"])
    return divide(h.hyper["alpha"], (1 - gamma) * rest) * sqrt(1 + log1p(h.t - 1)) * h.norms


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
    rest, half = 1 - h.hyper["beta1"], published_terms(h)
    return {**half, "distance": 2 * half["distance"], "energy": divide(energy(h), rest * rest)}
