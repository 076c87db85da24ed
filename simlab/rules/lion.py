"""Lion, the sign of a momentum that is averaged twice, with step alpha/sqrt(t).

    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) sign(beta1 m_{t-1} + (1 - beta1) g_t) )
    m_t = beta2 m_{t-1} + (1 - beta2) g_t

Chen et al. (2023), "Symbolic discovery of optimization algorithms".
"""

from fractions import Fraction as Q

from simlab.ops import ema, sign
from simlab.rule import Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def lion(t, alpha, g, m=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.99")):
    """Lion without weight decay, with step alpha/sqrt(t).

        direction = sign(beta1 m_{t-1} + (1 - beta1) g_t),   rate = alpha/sqrt(t)
        m_t = beta2 m_{t-1} + (1 - beta2) g_t

    sign(0) = 0. alpha > 0 has the unit of x; beta1, beta2 in [0, 1) are dimensionless.

    Reference: Chen et al. 2023, Algorithm 2 (without weight decay); as printed.
    """
    return Step(direction=sign(ema(m, g, beta1)), rate=alpha), (ema(m, g, beta2),)
