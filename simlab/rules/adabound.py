"""AdaBound: Adam's rate clipped to a corridor that closes on alpha_star.

    etahat_t = clip( alpha/sqrt(v_t), eta_l(t), eta_u(t) ),   eta_t = etahat_t/sqrt(t)
    x_{t+1} = Pi_F( x_t - eta_t m_t )

    eta_l(t) = alpha_star (1 - 1/(gamma t + 1)),   eta_u(t) = alpha_star (1 + 1/(gamma t))

Luo, Xiong, Liu and Sun (2019), "Adaptive gradient methods with dynamic bound of learning rate", Algorithm 2.
"""

from fractions import Fraction as Q

from simlab.ops import clip, divide, ema, sqrt
from simlab.rule import Positive, Step, Weight, scheduled
from simlab.schedules import inv_sqrt


def eta_l(t, alpha_star, gamma):
    """The paper's lower bound function: 0 at t = 0, rising to alpha_star."""
    return alpha_star * (1 - divide(1, gamma * t + 1))


def eta_u(t, alpha_star, gamma):
    """The paper's upper bound function: infinite at t = 0, falling to alpha_star."""
    return alpha_star * (1 + divide(1, gamma * t))


def speed(beta2):
    """1 - beta2"""
    return 1 - beta2


def etahat_with(lower, upper):
    """etahat_t of AdaBound and AMSBound as a function (t, alpha, v, alpha_star, gamma), under these bound functions."""

    def etahat(t, alpha, v, alpha_star, gamma):
        return clip(divide(alpha, sqrt(v)), lower(t, alpha_star, gamma), upper(t, alpha_star, gamma))

    return etahat


def adabound_with(lower, upper):
    """AdaBound with other bound functions lower(t, alpha_star, gamma) and upper(t, alpha_star, gamma)."""
    etahat = etahat_with(lower, upper)

    @scheduled(inv_sqrt)
    def adabound(
        t,
        alpha,
        g,
        m=0,
        v=0,
        *,
        beta1: Weight = Q("0.9"),
        beta2: Weight = Q("0.999"),
        alpha_star: Positive = Q("0.1"),
        gamma: Positive = speed,
    ):
        """AdaBound as analysed: the rate is clipped first, then divided by sqrt(t); see adabound_released.

            m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
            direction = m_t,   rate = clip(alpha/sqrt(v_t), eta_l(t), eta_u(t))/sqrt(t)
            eta_l(t) = alpha_star (1 - 1/(gamma t + 1)),   eta_u(t) = alpha_star (1 + 1/(gamma t))

        alpha > 0 has the unit of x, alpha_star > 0 that of x per gradient; gamma > 0 (1 - beta2 unless set), beta1 and
        beta2 in [0, 1) are dimensionless.

        Reference: Luo et al. 2019, Algorithm 2, bound functions of section 4; as analysed.
        """
        m = ema(m, g, beta1)
        v = ema(v, g * g, beta2)
        return Step(direction=m, rate=etahat(t, alpha, v, alpha_star, gamma)), (m, v)

    return adabound


adabound = adabound_with(eta_l, eta_u)
