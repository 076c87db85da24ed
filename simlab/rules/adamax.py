"""AdaMax, the maximum norm in Adam's place, as its steady state is analysed: no bias correction, step alpha/sqrt(t).

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          u_t = max(beta2 u_{t-1}, |g_t|)
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t/u_t )

Kingma and Ba (2015), "Adam: a method for stochastic optimization", Algorithm 2.
"""

from fractions import Fraction as Q

from simlab.ops import absolute, divide, ema, maximum
from simlab.rule import Decay, Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def adamax(t, alpha, g, m=0, u=0, *, beta1: Weight = Q("0.9"), beta2: Decay = Q("0.999")):
    """AdaMax without bias correction, with step alpha/sqrt(t).

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   u_t = max(beta2 u_{t-1}, |g_t|)
        direction = m_t,   rate = alpha/(sqrt(t) u_t)

    alpha > 0 has the unit of x; beta1, beta2 in [0, 1) are dimensionless. While all gradients were 0 the step is 0.

    Reference: Kingma and Ba 2015, Algorithm 2 (its correction 1 - beta1^t is left out: it is transient); as analysed.
    """
    m = ema(m, g, beta1)
    u = maximum(beta2 * u, absolute(g))
    return Step(direction=m, rate=divide(alpha, u)), (m, u)
