"""AdaGrad with diagonal matrices.

    R_T <= (D_inf^2/(2 alpha) + alpha) sum_i ||g_{1:T,i}||_2

Duchi, Hazan and Singer (2011), Theorem 5.
"""

from simlab.history import History
from simlab.ops import divide
from simlab.regret_bound import Terms, master, regret_bound


@regret_bound(rules=("adagrad",), ledger=master, schedule="constant")
def duchi2011(h: History) -> Terms:
    """The bound on the regret of diagonal AdaGrad.

        R_T <= (D_inf^2/(2 alpha) + alpha) sum_i ||g_{1:T,i}||_2

    Supposes convex losses and |x_i - y_i| <= D_inf on F; delta = 0.

    Reference: Duchi, Hazan and Singer 2011, Theorem 5 (mirror descent form, delta = 0).
    """
    alpha = h.hyper["alpha"]
    return {"distance": divide(h.d_inf * h.d_inf, 2 * alpha) * h.norms, "energy": alpha * h.norms}
