"""AMSGrad: Adam with a second moment that never falls.

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
    vhat_t = max(vhat_{t-1}, v_t)
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t/sqrt(vhat_t) )

Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", Algorithm 2.
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, maximum, sqrt
from simlab.rule import Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def amsgrad(t, alpha, g, m=0, v=0, vhat=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.999")):
    """AMSGrad, as in its paper (torch's and optax's differ: they correct the bias, each in its own way).

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2,
        vhat_t = max(vhat_{t-1}, v_t)
        direction = m_t,   rate = alpha/(sqrt(t) sqrt(vhat_t))

    alpha > 0 has the unit of x; beta1, beta2 in [0, 1) are dimensionless.

    Reference: Reddi, Kale and Kumar 2018, Algorithm 2; as analysed.
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    vhat = maximum(vhat, v)
    return Step(direction=m, rate=divide(alpha, sqrt(vhat))), (m, v, vhat)
