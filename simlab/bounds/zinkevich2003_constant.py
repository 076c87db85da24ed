"""Online gradient descent with a constant step.

    R_T <= D^2/(2 eta) + eta G^2 T/2                 attained with equality for some sequences

Zinkevich (2003), proof of Theorem 1, with a constant step; Hazan (2016), "Introduction to online convex optimization".
"""

from simlab.history import History
from simlab.ops import divide
from simlab.regret_bound import Terms, master, regret_bound


@regret_bound(rules=("sgd",), ledger=master, schedule="constant")
def zinkevich2003_constant(h: History) -> Terms:
    """The bound on the regret of online gradient descent with a constant step, at every horizon.

        R_T <= D^2/(2 alpha) + alpha G^2 T/2

    Supposes convex losses, step alpha, ||x - y||_2 <= D on F (here D^2 = d D_inf^2) and ||g_t||_2 <= G.

    Reference: Zinkevich 2003, proof of Theorem 1, with a constant step.
    """
    alpha = h.hyper["alpha"]
    return {
        "distance": divide(h.dimension * h.d_inf * h.d_inf, 2 * alpha) + 0 * h.t,
        "energy": alpha * h.g_2 * h.g_2 * h.t / 2,
    }
