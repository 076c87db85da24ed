"""SAdam: Adam for strongly convex losses, without the square root.

    m_t = beta1 m_{t-1} + (1 - beta1) g_t
    v_t = beta2_t v_{t-1} + (1 - beta2_t) g_t^2,   beta2_t = 1 - gamma/t
    x_{t+1} = Pi_F( x_t - alpha/t m_t/(v_t + delta/t) )

Wang, Lu, Cheng, Tu and Zhang (2020), "SAdam: a variant of Adam for strongly convex functions", Algorithm 1.
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema
from simlab.rule import ONE, ZERO, Positive, Range, Step, Weight, scheduled
from simlab.schedules import inv

Gamma = Range("in (0, 1]", ZERO, ONE, open_low=True)


@scheduled(inv)
def sadam(t, alpha, g, m=0, v=0, *, beta1: Weight = Q("0.9"), gamma: Gamma = Q("0.9"), delta: Positive = Q("0.01")):
    """SAdam with beta2_t = 1 - gamma/t; where beta1 = 0 and gamma = 1 it is SC-AdaGrad.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = v_{t-1} + gamma (g_t^2 - v_{t-1})/t
        direction = m_t,   rate = alpha/(t v_t + delta)

    alpha > 0 has the unit of x g, delta > 0 that of g^2; beta1 in [0, 1) and gamma in (0, 1] are dimensionless. On
    losses that are sigma-strongly convex with |g_i| <= G_inf, alpha >= G_inf^2/sigma gives logarithmic regret.

    Reference: Wang et al. 2020, Algorithm 1; as analysed.
    """
    m = ema(m, g, beta1)
    v = v + divide(gamma * (g * g - v), t)
    return Step(direction=m, rate=divide(alpha, v + divide(delta, t))), (m, v)
