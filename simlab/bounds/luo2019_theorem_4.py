"""AdaBound, as its authors bounded its regret; false for some admissible bound functions.

    R_T <= D_inf^2 sqrt(T)/(2 (1 - beta1)) sum_i 1/etahat_{T,i} + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t/eta_{t,i}
           + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1),                 R_inf = eta_u(1)

Luo, Xiong, Liu and Sun (2019), Theorem 4.
"""

from typing import Any

from simlab.corridor import MONOTONE, corridor
from simlab.history import History
from simlab.ops import divide, sqrt
from simlab.regret_bound import BETA1, GAMMA, Terms, published, published_terms, regret_bound


def energy(h: History) -> Any:
    """(2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1) for every T."""
    _, upper = corridor(h)
    return divide(upper[0], 1 - h.hyper["beta1"]) * (2 * sqrt(h.t) - 1) * h.g_2 * h.g_2


def terms(h: History) -> Terms:
    """The three terms of Theorems 4 and 5."""
    return {**published_terms(h), "energy": energy(h)}


@regret_bound(
    rules=("adabound",),
    ledger=published,
    needs=(BETA1, GAMMA, *MONOTONE),
    false="luo2019_theorem_4_false",
)
def luo2019_theorem_4(h: History) -> Terms:
    """The bound that was claimed for AdaBound; clipping does not make the weights sqrt(t)/etahat_t grow.

        R_T <= D_inf^2 sqrt(T)/(2 (1 - beta1)) sum_i 1/etahat_{T,i}
               + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t sqrt(t)/etahat_{t,i}
               + (2 sqrt(T) - 1) R_inf G_2^2/(1 - beta1)

    Supposes convex losses, beta1_t <= beta1, beta1 < sqrt(beta2), 0 < eta_l(t) <= eta_u(t) of which eta_l does not fall
    and eta_u does not rise, R_inf = eta_u(1), |x_i - y_i| <= D_inf on F, ||g_t||_2 <= G_2.

    Reference: Luo, Xiong, Liu and Sun 2019, Theorem 4.
    """
    return terms(h)
