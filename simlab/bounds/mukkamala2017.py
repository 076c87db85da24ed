"""SC-AdaGrad, on strongly convex losses.

    R_T <= d D_inf^2 delta/(2 alpha) + alpha/2 sum_i ln(1 + ||g_{1:T,i}||^2/delta),    alpha >= G_inf^2/sigma

Mukkamala and Hein (2017), "Variants of RMSProp and Adagrad with logarithmic regret bounds", section 4.
"""

from simlab.bounds.sadam import logarithm
from simlab.history import History
from simlab.ops import divide
from simlab.regret_bound import CURVED, Terms, curved, regret_bound


@regret_bound(rules=("sc_adagrad",), ledger=curved, needs=(CURVED,), schedule="constant")
def mukkamala2017(h: History) -> Terms:
    """The logarithmic bound on the regret of SC-AdaGrad, with delta_t = delta.

        R_T <= d D_inf^2 delta/(2 alpha) + alpha/2 sum_i ln(1 + ||g_{1:T,i}||^2/delta)

    Supposes f_t that are sigma-strongly convex with sigma alpha >= G_inf^2, |g_{t,i}| <= G_inf, and
    |x_i - y_i| <= D_inf on F; checked along a run is what the proof uses, strong convexity between x_t and the best
    decision, by as much as the weights grow.

    Reference: Mukkamala and Hein 2017, theorem on SC-AdaGrad (section 4), for a constant delta.
    """
    alpha, delta = h.hyper["alpha"], h.hyper["delta"]
    return {
        "distance": divide(h.dimension * h.d_inf * h.d_inf * delta, 2 * alpha) + 0 * h.t,
        "energy": alpha * logarithm(h, divide(1 + 0 * delta, delta)) / 2,
    }
