"""AdamNC: Adam with the plain mean of all squared gradients as its second moment.

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = (g_1^2 + ... + g_t^2)/t,   which is beta2_t = 1 - 1/t
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t/sqrt(v_t) ) = Pi_F( x_t - alpha m_t/||g_{1:t}||_2 )

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Algorithm 3.
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, sqrt
from simlab.rule import Step, Weight


def adamnc(t, alpha, g, m=0, s=0, *, beta1: Weight = Q("0.9")):
    """AdamNC with beta2_t = 1 - 1/t, which is AdaGrad with a moving average of gradients.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   s_t = s_{t-1} + g_t^2 = t v_t
        direction = m_t,   rate = alpha/sqrt(s_t)

    The two square roots of t cancel, so the schedule is constant. alpha > 0 has the unit of x; beta1 in [0, 1) is
    dimensionless.

    Reference: Reddi, Kale and Kumar 2018, Algorithm 3 with beta2_t = 1 - 1/t; as analysed.
    """
    m = ema(m, g, beta1)
    s = s + g * g
    return Step(direction=m, rate=divide(alpha, sqrt(s))), (m, s)
