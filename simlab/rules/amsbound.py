"""AMSBound: AdaBound with a second moment that never falls.

    vhat_t = max(vhat_{t-1}, v_t),   etahat_t = clip( alpha/sqrt(vhat_t), eta_l(t), eta_u(t) )
    x_{t+1} = Pi_F( x_t - etahat_t/sqrt(t) m_t )

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Algorithm 3.
"""

from fractions import Fraction as Q

from simlab.ops import ema, maximum
from simlab.rule import Positive, Step, Weight, scheduled
from simlab.rules.adabound import eta_l, eta_u, etahat_with, speed
from simlab.schedules import inv_sqrt


def amsbound_with(lower, upper):
    """AMSBound with other bound functions lower(t, alpha_star, gamma) and upper(t, alpha_star, gamma)."""
    etahat = etahat_with(lower, upper)

    @scheduled(inv_sqrt)
    def amsbound(
        t,
        alpha,
        g,
        m=0,
        v=0,
        vhat=0,
        *,
        beta1: Weight = Q("0.9"),
        beta2: Weight = Q("0.999"),
        alpha_star: Positive = Q("0.1"),
        gamma: Positive = speed,
    ):
        """AMSBound as analysed: AMSGrad's rate clipped to AdaBound's corridor, then divided by sqrt(t).

            m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2,
            vhat_t = max(vhat_{t-1}, v_t)
            direction = m_t,   rate = clip(alpha/sqrt(vhat_t), eta_l(t), eta_u(t))/sqrt(t)

        Bound functions, ranges and units are those of adabound.

        Reference: Luo et al. 2019, Algorithm 3; as analysed.
        """
        m = ema(m, g, beta1)
        v = ema(v, g * g, beta2)
        vhat = maximum(vhat, v)
        return Step(direction=m, rate=etahat(t, alpha, vhat, alpha_star, gamma)), (m, v, vhat)

    return amsbound


amsbound = amsbound_with(eta_l, eta_u)
