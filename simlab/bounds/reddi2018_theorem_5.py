"""AdamNC with beta2_t = 1 - 1/t.

    R_T <= D_inf^2/(2 (1 - beta1)) sum_i 1/eta_{T,i} + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t/eta_{t,i}
           + 2 zeta/(1 - beta1)^3 sum_i ||g_{1:T,i}||_2,        1/eta_{t,i} = ||g_{1:t,i}||_2/alpha,   zeta = alpha

Reddi, Kale and Kumar (2018), Theorem 5 (Corollary 2 for these beta2_t).
"""

from simlab.history import History
from simlab.ops import divide
from simlab.regret_bound import BETA1, Terms, published, published_terms, regret_bound


@regret_bound(rules=("adamnc",), ledger=published, needs=(BETA1,), schedule="constant")
def reddi2018_theorem_5(h: History) -> Terms:
    """The bound on the regret of AdamNC, whose second moment is the mean of all squared gradients.

        R_T <= D_inf^2/(2 alpha (1 - beta1)) sum_i ||g_{1:T,i}||_2
               + D_inf^2/(2 alpha (1 - beta1)) sum_t sum_i beta1_t ||g_{1:t,i}||_2
               + 2 alpha/(1 - beta1)^3 sum_i ||g_{1:T,i}||_2

    Supposes convex losses, |x_i - y_i| <= D_inf on F and beta1_t <= beta1. In the paper's words the step is
    alpha/sqrt(t), v_t = ||g_{1:t}||^2/t and zeta = alpha.

    Reference: Reddi, Kale and Kumar 2018, Theorem 5 with beta2_t = 1 - 1/t.
    """
    rest = 1 - h.hyper["beta1"]
    return {**published_terms(h), "energy": divide(2 * h.hyper["alpha"], rest * rest * rest) * h.norms}
