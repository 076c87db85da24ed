"""AdaBound with the paper's bound functions and beta1_t = beta1/t.

    R_T <= 5 sqrt(T) (1 + 1/gamma)/(1 - beta1) (d D_inf^2/alpha_star + alpha_star G_2^2)

from Theorem 3 by M <= (1 + 2/gamma)/alpha_star <= 2 (1 + 1/gamma)/alpha_star, 1/etahat_{t,i} <= 1/eta_l(1) =
(1 + 1/gamma)/alpha_star, R_inf = eta_u(1) = alpha_star (1 + 1/gamma) and sum_{t=2}^T 1/sqrt(t) <= 2 sqrt(T) - 2: these
give 3 in place of the first 5 and 2 in place of the second.
Savarese (2019), "On the convergence of AdaBound and its connection to SGD", corollary of Theorem 3.
"""

from simlab.bounds.savarese2019_theorem_3 import savarese2019_theorem_3
from simlab.corridor import PAPERS
from simlab.history import History
from simlab.ops import divide, sqrt
from simlab.regret_bound import INVERSE, Terms, following, regret_bound


@regret_bound(
    rules=savarese2019_theorem_3.rules,
    ledger=following(savarese2019_theorem_3),
    needs=(*savarese2019_theorem_3.needs, PAPERS, INVERSE),
    beta1_schedule="inv",
)
def savarese2019_corollary(h: History) -> Terms:
    """The repaired bound for AdaBound in closed form, under the paper's bound functions.

        R_T <= 5 sqrt(T) (1 + 1/gamma)/(1 - beta1) (d D_inf^2/alpha_star + alpha_star G_2^2)

    Supposes what savarese2019_theorem_3 does, eta_l(t) = alpha_star (1 - 1/(gamma t + 1)),
    eta_u(t) = alpha_star (1 + 1/(gamma t)), and beta1_t = beta1/t.

    Reference: Savarese 2019, corollary of Theorem 3.
    """
    alpha_star, gamma = h.hyper["alpha_star"], h.hyper["gamma"]
    common = 5 * sqrt(h.t) * divide(gamma + 1, gamma * (1 - h.hyper["beta1"]))
    return {
        "distance": common * divide(h.dimension * h.d_inf * h.d_inf, alpha_star),
        "energy": common * alpha_star * h.g_2 * h.g_2,
    }
