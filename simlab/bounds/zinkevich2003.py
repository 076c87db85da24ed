"""Online gradient descent with step c/sqrt(t).

    R_T <= D^2 sqrt(T)/(2 c) + c G^2 (sqrt(T) - 1/2)

Zinkevich (2003), Theorem 1 (c = 1).
"""

import numpy as np

from simlab.history import History, largest

RULES = ("sgd",)


def zinkevich2003(h: History) -> np.ndarray:
    """Zinkevich's bound on the regret of online gradient descent, at every round.

        R_T <= D^2 sqrt(T)/(2 alpha) + alpha G^2 (sqrt(T) - 1/2)

    Supposes convex losses, step alpha/sqrt(t), ||x - y||_2 <= D on F (here D^2 = d D_inf^2) and ||g_t||_2 <= G.

    Reference: Zinkevich 2003, Theorem 1, for the step alpha/sqrt(t).
    """
    alpha, root = h.hyper["alpha"], np.sqrt(h.t)
    return h.x.shape[1] * h.d_inf**2 * root / (2 * alpha) + alpha * largest(h.g) ** 2 * (root - 0.5)
