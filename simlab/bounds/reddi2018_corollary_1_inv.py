"""AMSGrad with beta1_t = beta1/t.

    R_T <= D_inf^2 sqrt(T)/(alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
           + d beta1 D_inf^2 G_inf (2 sqrt(T) - 1)/(2 alpha (1 - beta1))
           + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

by sqrt(vhat) <= G_inf and sum_t sqrt(t)/t <= 2 sqrt(T) - 1.
Reddi, Kale and Kumar (2018), Theorem 4 and what follows Corollary 1.
"""

from simlab.bounds.reddi2018_theorem_4 import reddi2018_theorem_4
from simlab.history import History
from simlab.ops import divide, sqrt
from simlab.regret_bound import INVERSE, Terms, published, regret_bound


@regret_bound(rules=("amsgrad",), ledger=published, needs=(*reddi2018_theorem_4.needs, INVERSE), beta1_schedule="inv")
def reddi2018_corollary_1_inv(h: History) -> Terms:
    """The bound on the regret of AMSGrad under beta1_t = beta1/t; it is O(sqrt(T ln T)) as the geometric one is.

        R_T <= D_inf^2 sqrt(T)/(alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
               + d beta1 D_inf^2 G_inf (2 sqrt(T) - 1)/(2 alpha (1 - beta1))
               + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

    Supposes what reddi2018_theorem_4 does, beta1_t = beta1/t and |g_{t,i}| <= G_inf.

    Reference: Reddi, Kale and Kumar 2018, Corollary 1, for beta1_t = beta1/t.
    """
    beta1, alpha = h.hyper["beta1"], h.hyper["alpha"]
    widest = divide(h.dimension * beta1 * h.d_inf * h.d_inf, 2 * alpha * (1 - beta1))
    return {**reddi2018_theorem_4.terms(h), "momentum": widest * h.g_inf * (2 * sqrt(h.t) - 1)}
