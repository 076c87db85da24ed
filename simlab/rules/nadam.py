"""Adam with Nesterov's look-ahead, as its steady state is analysed: no bias correction, no epsilon, step alpha/sqrt(t).

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) (beta1 m_t + (1 - beta1) g_t)/sqrt(v_t) )

Dozat (2016), "Incorporating Nesterov momentum into Adam".
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, sqrt
from simlab.rule import Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def nadam(t, alpha, g, m=0, v=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.999")):
    """NAdam without bias correction, epsilon or a schedule on beta1, with step alpha/sqrt(t).

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
        direction = beta1 m_t + (1 - beta1) g_t,   rate = alpha/(sqrt(t) sqrt(v_t))

    alpha > 0 has the unit of x; beta1, beta2 in [0, 1) are dimensionless. While all gradients were 0 the step is 0.

    Reference: Dozat 2016, Algorithm 2 (its corrections are left out: they are transient); as analysed.
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    return Step(direction=ema(m, g, beta1), rate=divide(alpha, sqrt(v))), (m, v)
