"""AMSGrad with one beta1.

    R_T <= D_inf^2 sqrt(T)/(2 alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
           + alpha sqrt(1 + ln T)/sqrt((1 - beta2)(1 - gamma)) sum_i ||g_{1:T,i}||_2,     gamma = beta1^2/beta2

Alacaoglu, Malitsky, Mertikopoulos and Cevher (2020), "A new regret analysis for Adam-type algorithms", Theorem 1.
"""

from simlab.history import History
from simlab.ops import divide, log1p, sqrt
from simlab.regret_bound import CONSTANT, GAMMA, Terms, averaged, regret_bound


@regret_bound(rules=("amsgrad",), ledger=averaged, needs=(CONSTANT, GAMMA))
def alacaoglu2020(h: History) -> Terms:
    """The bound on the regret of AMSGrad that needs no beta1 that falls.

        R_T <= D_inf^2 sqrt(T)/(2 alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
               + alpha sqrt(1 + ln T)/sqrt((1 - beta2)(1 - gamma)) sum_i ||g_{1:T,i}||_2

    Supposes convex losses, step alpha/sqrt(t), |x_i - y_i| <= D_inf on F, constant beta1 and gamma = beta1^2/beta2 < 1.
    The second term is true with a factor (1 + beta1)/2 besides.

    Reference: Alacaoglu, Malitsky, Mertikopoulos and Cevher 2020, Theorem 1.
    """
    beta1, beta2, alpha = h.hyper["beta1"], h.hyper["beta2"], h.hyper["alpha"]
    gamma = divide(beta1 * beta1, beta2)
    return {
        "distance": divide(h.d_inf * h.d_inf, 2 * (1 - beta1)) * h.w.sum(axis=1),
        "energy": divide(alpha, sqrt((1 - beta2) * (1 - gamma))) * sqrt(1 + log1p(h.t - 1)) * h.norms,
    }
