"""Adam, as its authors bounded its regret; the statement is false.

    R_T <= D^2/(2 alpha (1 - beta1)) sum_i sqrt(T vhat_{T,i})
           + alpha (1 + beta1) G_inf/((1 - beta1) sqrt(1 - beta2) (1 - gamma)^2) sum_i ||g_{1:T,i}||_2
           + d D_inf^2 G_inf sqrt(1 - beta2)/(2 alpha (1 - beta1) (1 - lambda)^2)

with gamma = beta1^2/sqrt(beta2). Kingma and Ba (2015), Theorem 4.1 (10.5 in the appendix).
"""

from typing import Any

from simlab.history import History
from simlab.ops import absolute, divide, scale, sqrt
from simlab.regret_bound import GEOMETRIC, LAMBDA, Hypothesis, Terms, decay, published, regret_bound


def strayed(h: History) -> Any:
    """How far x_{t+1} is from x_t - m_t/w_t as a share of D_inf, with a minus sign."""
    move = scale(divide(1 + 0 * h.w, h.w), h.m)
    return -divide(absolute(h.x[1:] - (h.x[:-1] - move)), h.d_inf)


@regret_bound(
    rules=("adam",),
    ledger=published,
    needs=(
        Hypothesis("unprojected: x_{t+1} = x_t - m_t/w_t", strayed),
        Hypothesis("beta1^2 < sqrt(beta2)", lambda h: h.plan.hyper["beta2"] - h.plan.hyper["beta1"] ** 4, True),
        GEOMETRIC,
        LAMBDA,
        Hypothesis("epsilon = 0", lambda h: -h.plan.hyper["epsilon"]),
    ),
    false="kingma2015_theorem_4_1_false",
    beta1_schedule="geometric",
)
def kingma2015_theorem_4_1(h: History) -> Terms:
    """The bound that was claimed for Adam; its proof telescopes weights that need not grow.

        R_T <= D^2/(2 alpha (1 - beta1)) sum_i sqrt(T vhat_{T,i})
               + alpha (1 + beta1) G_inf/((1 - beta1) sqrt(1 - beta2) (1 - gamma)^2) sum_i ||g_{1:T,i}||_2
               + d D_inf^2 G_inf sqrt(1 - beta2)/(2 alpha (1 - beta1) (1 - lambda)^2)

    Supposes convex losses, step alpha/sqrt(t), no projection, epsilon = 0, beta1_t = beta1 lambda^(t-1),
    0 < lambda < 1, gamma = beta1^2/sqrt(beta2) < 1, |x_i - y_i| <= D_inf among decisions (here D^2 = d D_inf^2) and
    |g_{t,i}| <= G_inf.

    Reference: Kingma and Ba 2015, Theorem 4.1.
    """
    beta1, beta2, alpha = h.hyper["beta1"], h.hyper["beta2"], h.hyper["alpha"]
    rest, square = 1 - beta1, h.d_inf * h.d_inf
    gamma = divide(beta1 * beta1, sqrt(beta2))
    slow = (1 - decay(h)) * (1 - decay(h))
    return {
        "distance": divide(h.dimension * square, 2 * rest) * h.eta.sum(axis=1),
        "energy": divide(alpha * (1 + beta1), rest * sqrt(1 - beta2) * (1 - gamma) * (1 - gamma)) * h.g_inf * h.norms,
        "momentum": divide(h.dimension * square * sqrt(1 - beta2), 2 * alpha * rest * slow) * h.g_inf,
    }
