"""AdaBound with beta1_t = beta1 lambda^(t-1); it rests on Theorem 4, and is as false.

    R_T <= D_inf^2 sqrt(T)/(2 (1 - beta1)) sum_i 1/etahat_{T,i}
           + d beta1 D_inf^2/(2 (1 - beta1) (1 - lambda)^2 L_inf)
           + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1),             L_inf = eta_l(1), R_inf = eta_u(1)

Luo, Xiong, Liu and Sun (2019), Corollary 4.1.
"""

from simlab.bounds.luo2019_theorem_4 import luo2019_theorem_4
from simlab.corridor import corridor
from simlab.history import History
from simlab.ops import divide
from simlab.regret_bound import GEOMETRIC, LAMBDA, Terms, decay, published, regret_bound


@regret_bound(
    rules=("adabound",),
    ledger=published,
    needs=(*luo2019_theorem_4.needs, GEOMETRIC, LAMBDA),
    false=luo2019_theorem_4.false,
    beta1_schedule="geometric",
)
def luo2019_corollary_4_1(h: History) -> Terms:
    """The bound that was claimed for AdaBound under a beta1 that falls geometrically.

        R_T <= D_inf^2 sqrt(T)/(2 (1 - beta1)) sum_i 1/etahat_{T,i}
               + d beta1 D_inf^2/(2 (1 - beta1) (1 - lambda)^2 L_inf)
               + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1)

    Supposes what luo2019_theorem_4 does, beta1_t = beta1 lambda^(t-1) with lambda < 1, and L_inf = eta_l(1). Where
    beta1 = 0 the two are one.

    Reference: Luo, Xiong, Liu and Sun 2019, Corollary 4.1.
    """
    beta1, slow = h.hyper["beta1"], (1 - decay(h)) * (1 - decay(h))
    lower, _ = corridor(h)
    widest = divide(h.dimension * beta1 * h.d_inf * h.d_inf, 2 * (1 - beta1) * slow * lower[0])
    return {**luo2019_theorem_4.terms(h), "momentum": widest + 0 * h.t}
