"""Padam: AMSGrad with a smaller power of the second moment, between momentum and AMSGrad.

    m_t = beta1 m_{t-1} + (1 - beta1) g_t          v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
    vhat_t = max(vhat_{t-1}, v_t)
    x_{t+1} = Pi_F( x_t - alpha/sqrt(t) m_t/vhat_t^p ),   p = 2^-n in (0, 1/2]

Chen, Zhou, Tang, Yang, Cao and Gu (2020), "Closing the generalization gap of adaptive gradient methods in training
deep neural networks", Algorithm 1.
"""

from fractions import Fraction as Q

from simlab.errors import BadInput
from simlab.ops import divide, ema, maximum, sqrt
from simlab.rule import Step, Weight, scheduled
from simlab.schedules import inv_sqrt


def root_with(halvings):
    """x -> x^(2^-halvings), by square roots; raises BadInput unless halvings is at least 1."""
    if halvings < 1:
        raise BadInput(f"Padam's power is 2^-halvings and at most 1/2, so halvings is at least 1; got {halvings}")
    if halvings == 1:
        return sqrt
    inner = root_with(halvings - 1)

    def nested(x):
        return sqrt(inner(x))

    return nested


def padam_with(halvings):
    """Padam with p = 2^-halvings; halvings = 1 is AMSGrad."""
    root = root_with(halvings)

    @scheduled(inv_sqrt)
    def padam(t, alpha, g, m=0, v=0, vhat=0, *, beta1: Weight = Q("0.9"), beta2: Weight = Q("0.999")):
        """Padam with p = 1/8, its paper's choice; padam_with has the other powers.

            m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2,
            vhat_t = max(vhat_{t-1}, v_t)
            direction = m_t,   rate = alpha/(sqrt(t) vhat_t^(1/8))

        alpha > 0 has the unit of x g^(2p - 1); beta1, beta2 in [0, 1) are dimensionless.

        Reference: Chen, Zhou et al. 2020, Algorithm 1 (p = 1/8), with the step alpha/sqrt(t) of its analysis.
        """
        m = ema(m, g, beta1)
        v = ema(v, g * g, beta2)
        vhat = maximum(vhat, v)
        return Step(direction=m, rate=divide(alpha, root(vhat))), (m, v, vhat)

    return padam


padam = padam_with(3)
