"""Online gradient descent.

    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) g_t )

Zinkevich (2003), "Online convex programming and generalized infinitesimal gradient ascent", section 2.1.
"""

from simlab.rule import Step, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def sgd(t, alpha, g):
    """Online (projected, stochastic) gradient descent with step alpha/sqrt(t).

        direction = g_t,   rate = alpha/sqrt(t)

    alpha > 0 has the unit of x per unit of gradient. There is no state.

    Reference: Zinkevich 2003, section 2.1 (step 1/sqrt(t)); as analysed.
    """
    return Step(direction=g, rate=alpha), ()
