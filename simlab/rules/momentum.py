"""Heavy-ball momentum, with dampening.

    m_t = beta1 m_{t-1} + (1 - dampening) g_t
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t )

Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
"""

from fractions import Fraction as Q

from simlab.rule import Decay, Share, Step, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def momentum(t, alpha, g, m=0, *, beta1: Decay = Q("0.9"), dampening: Share = 0):
    """Gradient descent with heavy-ball momentum and step alpha/sqrt(t).

        m_t = beta1 m_{t-1} + (1 - dampening) g_t,   direction = m_t,   rate = alpha/sqrt(t)

    beta1 in [0, 1) and dampening in [0, 1] are dimensionless; dampening = beta1 makes m_t a moving average.

    Reference: Polyak 1964; dampening as in torch.optim.SGD (which also sets m_1 = g_1 whatever the dampening).
    """
    m = beta1 * m + (1 - dampening) * g
    return Step(direction=m, rate=alpha), (m,)
