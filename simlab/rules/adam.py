"""Adam as printed: bias correction and epsilon, a constant step.

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
    mhat_t = m_t/(1 - beta1^t)                     vhat_t = v_t/(1 - beta2^t)
    x_{t+1} = Pi_F( x_t - alpha mhat_t/(sqrt(vhat_t) + epsilon) )

Kingma and Ba (2015), "Adam: a method for stochastic optimization", Algorithm 1.
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, sqrt
from simlab.rule import NonNegative, Step, Weight


def adam(
    t,
    alpha,
    g,
    m=0,
    v=0,
    c1=0,
    c2=0,
    *,
    beta1: Weight = Q("0.9"),
    beta2: Weight = Q("0.999"),
    epsilon: NonNegative = Q("1e-8"),
):
    """Adam, the algorithm box of its paper (see adam_analysed for the form that regret proofs are about).

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
        direction = m_t/(1 - beta1^t),   rate = alpha/(sqrt(v_t/(1 - beta2^t)) + epsilon)

    1 - beta^t is computed as the moving average of the constant 1 (c1, c2): no power is taken. Under a beta1 schedule
    c1 is one minus the product of the weights used. alpha > 0 has the unit of x, epsilon >= 0 that of a gradient.

    Reference: Kingma and Ba 2015, Algorithm 1; as printed.
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    c1 = ema(c1, 1, beta1)
    c2 = ema(c2, 1, beta2)
    rate = divide(alpha, sqrt(divide(v, c2)) + epsilon)
    return Step(direction=divide(m, c1), rate=rate), (m, v, c1, c2)
