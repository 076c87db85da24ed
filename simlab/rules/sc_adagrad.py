"""SC-AdaGrad: AdaGrad for strongly convex losses, without the square root.

    s_t = s_{t-1} + g_t^2
    x_{t+1} = Pi_F( x_t - alpha g_t/(s_t + delta) )

Mukkamala and Hein (2017), "Variants of RMSProp and Adagrad with logarithmic regret bounds", Algorithm 2.
"""

from fractions import Fraction as Q

from simlab.ops import divide
from simlab.rule import Positive, Step


def sc_adagrad(t, alpha, g, s=0, *, delta: Positive = Q("0.01")):
    """SC-AdaGrad with a constant delta; the step decays by itself, so the schedule is constant.

        s_t = s_{t-1} + g_t^2,   direction = g_t,   rate = alpha/(s_t + delta)

    alpha > 0 has the unit of x g, delta > 0 that of g^2. On losses that are sigma-strongly convex with |g_i| <= G_inf,
    alpha >= G_inf^2/sigma gives logarithmic regret.

    Reference: Mukkamala and Hein 2017, Algorithm 2 (delta_t = delta); as analysed.
    """
    s = s + g * g
    return Step(direction=g, rate=divide(alpha, s + delta)), (s,)
