"""ADOPT: the gradient is divided by the second moment of the rounds before it, and averaged only then.

    v_1 = g_1^2, m_1 = 0, x_2 = x_1;   from t = 2 on
    m_t = beta1 m_{t-1} + (1 - beta1) g_t/max(sqrt(v_{t-1}), epsilon)
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t )                       v_t = beta2 v_{t-1} + (1 - beta2) g_t^2

Taniguchi et al. (2024), "ADOPT: modified Adam can converge with any beta2 with the optimal rate".
"""

from fractions import Fraction as Q

from simlab.ops import divide, ema, less, maximum, sqrt, where
from simlab.rule import NonNegative, Step, Weight, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def adopt(
    t, alpha, g, first=1, v=0, m=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.9999"), epsilon: NonNegative = 0
):
    """ADOPT with step alpha/sqrt(t): the normalizer of a gradient does not know it.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t/max(sqrt(v_{t-1}), epsilon),   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
        direction = m_t,   rate = alpha/sqrt(t)

    The first round only sets v_1 = g_1^2; `first` is 1 in it and 0 later. A gradient after gradients that were all 0
    does not move x. alpha > 0 has the unit of x; beta1, beta2 in [0, 1) are dimensionless; epsilon >= 0 has the unit of
    a gradient (the paper's is 1e-6).

    Reference: Taniguchi et al. 2024, Algorithm 2; as printed, with the step of regret proofs.
    """
    normal = where(less(0, v), divide(g, maximum(sqrt(v), epsilon)), 0 * g)
    m = ema(m, normal, beta1)
    v = ema(v + first * (g * g - v), g * g, beta2)
    return Step(direction=m, rate=alpha), (0 * first, v, m)
