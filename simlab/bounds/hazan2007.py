"""Online gradient descent with step alpha/t, on strongly convex losses.

    R_T <= alpha G^2 (1 + ln T)/2,    alpha >= 1/sigma

Hazan, Agarwal and Kale (2007), "Logarithmic regret algorithms for online convex optimization", Theorem 1.
"""

from simlab.history import History
from simlab.ops import log1p
from simlab.regret_bound import CURVED, Terms, curved, regret_bound


@regret_bound(rules=("sgd",), ledger=curved, needs=(CURVED,), schedule="inv")
def hazan2007(h: History) -> Terms:
    """The logarithmic bound on the regret of online gradient descent under strong convexity.

        R_T <= alpha G^2 (1 + ln T)/2

    Supposes step alpha/t, f_t that are sigma-strongly convex with sigma >= 1/alpha, and ||g_t||_2 <= G. The proof uses
    strong convexity between x_t and the best decision only, which is what is checked along a run.

    Reference: Hazan, Agarwal and Kale 2007, Theorem 1 (alpha = 1/sigma).
    """
    return {"energy": h.hyper["alpha"] * h.g_2 * h.g_2 * (1 + log1p(h.t - 1)) / 2}
