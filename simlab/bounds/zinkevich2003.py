"""Online gradient descent with step c/sqrt(t).

    R_T <= D^2 sqrt(T)/(2 c) + c G^2 (sqrt(T) - 1/2)

Zinkevich (2003), "Online convex programming and generalized infinitesimal gradient ascent", Theorem 1 (c = 1).
"""

from simlab.history import History
from simlab.ops import divide, sqrt
from simlab.regret_bound import Terms, master, regret_bound


@regret_bound(rules=("sgd",), ledger=master)
def zinkevich2003(h: History) -> Terms:
    """Zinkevich's bound on the regret of online gradient descent.

        R_T <= D^2 sqrt(T)/(2 alpha) + alpha G^2 (sqrt(T) - 1/2)

    Supposes convex losses, step alpha/sqrt(t), ||x - y||_2 <= D on F (here D^2 = d D_inf^2) and ||g_t||_2 <= G.

    Reference: Zinkevich 2003, Theorem 1, for the step alpha/sqrt(t).
    """
    alpha, root = h.hyper["alpha"], sqrt(h.t)
    return {
        "distance": divide(h.dimension * h.d_inf * h.d_inf * root, 2 * alpha),
        "energy": alpha * h.g_2 * h.g_2 * (2 * root - 1) / 2,
    }
