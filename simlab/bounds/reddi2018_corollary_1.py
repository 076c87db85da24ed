"""AMSGrad with beta1_t = beta1 lambda^(t-1).

    R_T <= D_inf^2 sqrt(T)/(alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
           + d beta1 D_inf^2 G_inf/(2 alpha (1 - beta1) (1 - lambda)^2)
           + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

by sqrt(vhat) <= G_inf and sum_t sqrt(t) lambda^(t-1) <= sum_t t lambda^(t-1) = 1/(1 - lambda)^2.
Reddi, Kale and Kumar (2018), Corollary 1.
"""

from simlab.bounds.reddi2018_theorem_4 import reddi2018_theorem_4
from simlab.history import History
from simlab.ops import divide
from simlab.regret_bound import GEOMETRIC, LAMBDA, Terms, decay, published, regret_bound


@regret_bound(
    rules=("amsgrad",),
    ledger=published,
    needs=(*reddi2018_theorem_4.needs, GEOMETRIC, LAMBDA),
    beta1_schedule="geometric",
)
def reddi2018_corollary_1(h: History) -> Terms:
    """The bound on the regret of AMSGrad under a beta1 that falls geometrically.

        R_T <= D_inf^2 sqrt(T)/(alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
               + d beta1 D_inf^2 G_inf/(2 alpha (1 - beta1) (1 - lambda)^2)
               + alpha sqrt(1 + ln T)/((1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

    Supposes what reddi2018_theorem_4 does, beta1_t = beta1 lambda^(t-1) with lambda < 1, and |g_{t,i}| <= G_inf.

    Reference: Reddi, Kale and Kumar 2018, Corollary 1, with the factor d/alpha that the units ask for.
    """
    beta1, slow = h.hyper["beta1"], (1 - decay(h)) * (1 - decay(h))
    widest = divide(h.dimension * beta1 * h.d_inf * h.d_inf, 2 * h.hyper["alpha"] * (1 - beta1) * slow)
    return {**reddi2018_theorem_4.terms(h), "momentum": widest * h.g_inf}
