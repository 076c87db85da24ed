"""AdamX: AMSGrad whose second moment also makes up for a beta1_t that changes.

    m_t = beta1_t m_{t-1} + (1 - beta1_t) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
    vhat_t = max( ((1 - beta1_t)/(1 - beta1_{t-1}))^2 vhat_{t-1}, v_t )
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t/sqrt(vhat_t) )

With z_t = vhat_t/(1 - beta1_t)^2 that is z_t = max(z_{t-1}, v_t/(1 - beta1_t)^2), which never falls, and so
sqrt(t vhat_t)/(1 - beta1_t), which regret proofs telescope, never falls.

Tran and Phong (2019), "On the convergence proof of AMSGrad and a new version", Algorithm 2.
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, maximum, sqrt
from simlab.rule import Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def adamx(t, alpha, g, m=0, v=0, z=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.999")):
    """AdamX; while beta1_t is constant it is AMSGrad.

        m_t = beta1_t m_{t-1} + (1 - beta1_t) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2,
        vhat_t = max(((1 - beta1_t)/(1 - beta1_{t-1}))^2 vhat_{t-1}, v_t) = (1 - beta1_t)^2 z_t
        direction = m_t,   rate = alpha/(sqrt(t) sqrt(vhat_t))

    alpha > 0 has the unit of x; beta1, beta2 in [0, 1) are dimensionless.

    Reference: Tran and Phong 2019, Algorithm 2 (AdamX); as analysed.
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    rest = ema(0, 1, beta1)  # 1 - beta1_t
    z = maximum(z, divide(v, rest * rest))
    return Step(direction=m, rate=divide(alpha, rest * sqrt(z))), (m, v, z)
