"""AdaBound as its authors released it: bias correction inside the clip, epsilon, no 1/sqrt(t).

    a_t = alpha sqrt(1 - beta2^t)/(1 - beta1^t)
    x_{t+1} = Pi_F( x_t - clip( a_t/(sqrt(v_t) + epsilon), eta_l(t), eta_u(t) ) m_t )

The package adabound 0.0.5 of Luo et al. (2019), whose final_lr is alpha_star here.
"""

from fractions import Fraction as Q

from simlab.ops import clip, divide, ema, sqrt
from simlab.rule import NonNegative, Positive, Step, Weight
from simlab.rules.adabound import eta_l, eta_u


def etahat_released(t, alpha, v, c1, c2, alpha_star, gamma, epsilon):
    """The released rate, clipped with its bias correction: c1 = 1 - beta1^t, c2 = 1 - beta2^t."""
    rate = divide(divide(alpha * sqrt(c2), c1), sqrt(v) + epsilon)
    return clip(rate, eta_l(t, alpha_star, gamma), eta_u(t, alpha_star, gamma))


def adabound_released(
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
    alpha_star: Positive = Q("0.1"),
    gamma: Positive = Q("0.001"),
    epsilon: NonNegative = Q("1e-8"),
):
    """AdaBound, the form that was released; no regret theorem of the paper covers it.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
        direction = m_t
        rate = clip(alpha sqrt(1 - beta2^t)/(1 - beta1^t)/(sqrt(v_t) + epsilon), eta_l(t), eta_u(t))

    It differs from adabound by the bias correction, by epsilon and by a constant schedule; gamma is 1/1000 unless set.

    Reference: Luo et al. 2019, package adabound 0.0.5 (optimizer of the same name); as released.
    """
    m = ema(m, g, beta1)
    v = ema(v, g * g, beta2)
    c1 = ema(c1, 1, beta1)
    c2 = ema(c2, 1, beta2)
    rate = etahat_released(t, alpha, v, c1, c2, alpha_star, gamma, epsilon)
    return Step(direction=m, rate=rate), (m, v, c1, c2)
