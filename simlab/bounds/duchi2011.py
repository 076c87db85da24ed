"""AdaGrad with diagonal matrices.

    R_T <= (D_inf^2/(2 alpha) + alpha) sum_i ||g_{1:T,i}||_2

Duchi, Hazan and Singer (2011), Theorem 5.
"""

import numpy as np

from simlab.history import History, norms

RULES = ("adagrad",)


def duchi2011(h: History) -> np.ndarray:
    """The bound on the regret of diagonal AdaGrad, at every round.

        R_T <= (D_inf^2/(2 alpha) + alpha) sum_i ||g_{1:T,i}||_2

    Supposes convex losses and |x_i - y_i| <= D_inf on F; delta = 0.

    Reference: Duchi, Hazan and Singer 2011, Theorem 5 (mirror descent form, delta = 0).
    """
    alpha = h.hyper["alpha"]
    return (h.d_inf**2 / (2 * alpha) + alpha) * norms(h.g)
