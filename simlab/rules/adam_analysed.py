"""Adam as its convergence is analysed: no bias correction, no epsilon, step alpha/sqrt(t).

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t/sqrt(v_t) )

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", section 2 and Theorems 1-3.
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, sqrt
from simlab.rule import Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def adam_analysed(t, alpha, g, m=0, v=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.999")):
    """Adam without bias correction or epsilon, with step alpha/sqrt(t): the form of the (non-)convergence theorems.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
        direction = m_t,   rate = alpha/(sqrt(t) sqrt(v_t))

    alpha > 0 has the unit of x; beta1, beta2 in [0, 1) are dimensionless. While all gradients were 0 the step is 0.

    Reference: Reddi, Kale and Kumar 2018, section 2; Luo et al. 2019, section 3; as analysed.
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    return Step(direction=m, rate=divide(alpha, sqrt(v))), (m, v)
