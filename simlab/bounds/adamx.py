"""AdamX, by the proof that was given for AMSGrad: its weights are made for that proof's telescoping step.

    R_T <= D_inf^2/(2 (1 - beta1)) sum_i 1/eta_{T,i} + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t/eta_{t,i}
           + alpha sqrt(1 + ln T)/(2 (1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

with eta_{t,i} = alpha/sqrt(t vhat_{t,i}) and gamma = beta1/sqrt(beta2). With c_t = 1/(1 - beta1_t) the products
c_t w_t never fall, so the first sum telescopes to D_inf^2 c_T w_T/2, and c_t/w_t <= c_t^2/(c_{t-1} w_{t-1}) gives
sum_t c_t m_t^2/(2 w_t) + c_t beta1_t m_{t-1}^2/(2 w_t) <= sum_t m_t^2/w_t/(2 (1 - beta1)^2).
"""

from simlab.bounds.reddi2018_theorem_4 import energy
from simlab.history import History
from simlab.ops import divide
from simlab.regret_bound import BETA1, GAMMA, Terms, published, published_terms, regret_bound


@regret_bound(rules=("adamx",), ledger=published, needs=(BETA1, GAMMA))
def adamx(h: History) -> Terms:
    """A bound on the regret of AdamX for any beta1_t <= beta1, with half of AMSGrad's first and last terms.

        R_T <= D_inf^2 sqrt(T)/(2 alpha (1 - beta1)) sum_i sqrt(vhat_{T,i})
               + D_inf^2/(2 (1 - beta1)) sum_t sum_i beta1_t sqrt(t vhat_{t,i})/alpha
               + alpha sqrt(1 + ln T)/(2 (1 - beta1)^2 (1 - gamma) sqrt(1 - beta2)) sum_i ||g_{1:T,i}||_2

    Supposes what reddi2018_theorem_4 does. Every step of the published chain holds, also where beta1_t rises.

    Reference: this project's constants, by the proof of Tran and Phong 2019, section 4 (AdamX).
    """
    rest = 1 - h.hyper["beta1"]
    return {**published_terms(h), "energy": divide(energy(h), 2 * rest * rest)}
