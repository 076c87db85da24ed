"""AdaBound with beta1_t = beta1/t; it rests on Theorem 4, and is as false.

    R_T <= D_inf^2 sqrt(T)/(2 (1 - beta1)) sum_i 1/etahat_{T,i}
           + d beta1 D_inf^2 (2 sqrt(T) - 1)/(2 (1 - beta1) L_inf)
           + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1),             L_inf = eta_l(1), R_inf = eta_u(1)

Luo, Xiong, Liu and Sun (2019), Corollary 4.1 and the remark on beta1_t = beta1/t.
"""

from simlab.bounds.luo2019_theorem_4 import luo2019_theorem_4
from simlab.corridor import corridor
from simlab.history import History
from simlab.ops import divide, sqrt
from simlab.regret_bound import INVERSE, Terms, published, regret_bound


@regret_bound(
    rules=("adabound",),
    ledger=published,
    needs=(*luo2019_theorem_4.needs, INVERSE),
    false=luo2019_theorem_4.false,
    beta1_schedule="inv",
)
def luo2019_corollary_4_1_inv(h: History) -> Terms:
    """The bound that was claimed for AdaBound under beta1_t = beta1/t.

        R_T <= D_inf^2 sqrt(T)/(2 (1 - beta1)) sum_i 1/etahat_{T,i}
               + d beta1 D_inf^2 (2 sqrt(T) - 1)/(2 (1 - beta1) L_inf)
               + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1)

    Supposes what luo2019_theorem_4 does, beta1_t = beta1/t and L_inf = eta_l(1). Where beta1 = 0 the two are one.

    Reference: Luo, Xiong, Liu and Sun 2019, Corollary 4.1, for beta1_t = beta1/t.
    """
    beta1, (lower, _) = h.hyper["beta1"], corridor(h)
    widest = divide(h.dimension * beta1 * h.d_inf * h.d_inf, 2 * (1 - beta1) * lower[0])
    return {**luo2019_theorem_4.terms(h), "momentum": widest * (2 * sqrt(h.t) - 1)}
