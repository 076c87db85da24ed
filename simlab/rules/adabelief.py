"""AdaBelief, Adam by the variance about its own mean, as its steady state is analysed: no bias correction, no epsilon.

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          s_t = beta2 s_{t-1} + (1 - beta2) (g_t - m_t)^2
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t/sqrt(s_t) )

Zhuang et al. (2020), "AdaBelief optimizer: adapting stepsizes by the belief in observed gradients".
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, sqrt
from simlab.rule import Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def adabelief(t, alpha, g, m=0, s=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.999")):
    """AdaBelief without bias correction or epsilon, with step alpha/sqrt(t).

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   s_t = beta2 s_{t-1} + (1 - beta2) (g_t - m_t)^2
        direction = m_t,   rate = alpha/(sqrt(t) sqrt(s_t))

    alpha > 0 has the unit of x; beta1, beta2 in [0, 1) are dimensionless. With beta1 = 0 every s_t is 0 and no rate is
    finite. While all gradients were 0 the step is 0.

    Reference: Zhuang et al. 2020, Algorithm 1 (its epsilon and corrections are left out); as analysed.
    """
    m = ema(m, g, beta1)
    belief = g - m
    s = ema(s, belief * belief, beta2)
    return Step(direction=m, rate=divide(alpha, sqrt(s))), (m, s)
