"""RMSProp: Adam without momentum.

    v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) g_t/sqrt(v_t) )

Tieleman and Hinton (2012), lecture 6.5; as analysed by Reddi, Kale and Kumar (2018), section 2.
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, sqrt
from simlab.rule import Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def rmsprop(t, alpha, g, v=0, *, beta2: Weight = Q("0.999")):
    """RMSProp, which is adam_analysed with beta1 = 0.

        v_t = beta2 v_{t-1} + (1 - beta2) g_t^2,   direction = g_t,   rate = alpha/(sqrt(t) sqrt(v_t))

    alpha > 0 has the unit of x; beta2 in [0, 1) is dimensionless. No bias correction, no epsilon.

    Reference: Reddi, Kale and Kumar 2018, section 2 (RMSProp in the generic scheme); as analysed.
    """
    v = ema(v, g * g, beta2)
    return Step(direction=g, rate=divide(alpha, sqrt(v))), (v,)
