"""AdaGrad with diagonal matrices.

    s_t = s_{t-1} + g_t^2
    x_{t+1} = Pi_F( x_t - alpha g_t/sqrt(s_t) )

Duchi, Hazan and Singer (2011), "Adaptive subgradient methods", Figure 1 (with delta = 0).
"""

from simlab.ops import divide, sqrt
from simlab.rule import Step


def adagrad(t, alpha, g, s=0):
    """AdaGrad (diagonal); the step decays by itself, so the schedule is constant.

        s_t = s_{t-1} + g_t^2,   direction = g_t,   rate = alpha/sqrt(s_t)

    alpha > 0 has the unit of x. Before the first non-zero gradient the step is 0.

    Reference: Duchi, Hazan and Singer 2011, Figure 1 (diagonal, delta = 0); as printed.
    """
    s = s + g * g
    return Step(direction=g, rate=divide(alpha, sqrt(s))), (s,)
