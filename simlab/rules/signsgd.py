"""The sign of the gradient in the gradient's place, with step alpha/sqrt(t).

    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) sign(g_t) )

Bernstein, Wang, Azizzadenesheli and Anandkumar (2018), "signSGD: compressed optimisation for non-convex problems".
"""

from simlab.ops import sign
from simlab.rule import Step, scheduled
from simlab.schedules import inv_sqrt


@scheduled(inv_sqrt)
def signsgd(t, alpha, g):
    """Descent along the sign of the gradient with step alpha/sqrt(t).

        direction = sign(g_t),   rate = alpha/sqrt(t)          with sign(0) = 0

    alpha > 0 has the unit of x.

    Reference: Bernstein, Wang, Azizzadenesheli and Anandkumar 2018, Algorithm 1; as printed.
    """
    return Step(direction=sign(g), rate=alpha), ()
