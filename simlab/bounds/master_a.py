"""An inequality for every rule of the form x - m/w with one beta1, whatever its weights do.

R_T <= D_inf^2/2 sum_i (PV_i + q w_{T,i})
       + 1/2 sum_t sum_i m_{t,i}^2/w_{t,i} + q (sum_{t<T} sum_i m_{t,i}^2/w_{t,i} + 1/2 sum_i m_{T,i}^2/w_{T,i})

q = beta1/(1 - beta1),   PV_i = w_{1,i} + sum_{t>=2} max(0, w_{t,i} - w_{t-1,i}),   w = 1/eta
"""

from simlab.bounds.master_m import RULES
from simlab.history import History
from simlab.regret_bound import CONSTANT, Terms, averaged, averaged_terms, regret_bound


@regret_bound(rules=RULES, ledger=averaged, needs=(CONSTANT,), schedule=None)
def master_a(h: History) -> Terms:
    """The positive-variation bound for a constant beta1; unlike master_m it is O(sqrt(T)) where the weights grow.

        R_T <= D_inf^2/2 sum_i (PV_i + q w_{T,i})
               + 1/2 sum_t sum_i m_{t,i}^2/w_{t,i} + q (sum_{t<T} sum_i m_{t,i}^2/w_{t,i} + 1/2 sum_i m_{T,i}^2/w_{T,i})
        q = beta1/(1 - beta1),   PV_i = w_{1,i} + sum_{t=2}^T max(0, w_{t,i} - w_{t-1,i})

    Supposes convex losses, |x_i - y_i| <= D_inf on F, and m_t = beta1 m_{t-1} + (1 - beta1) g_t.

    Reference: this project's, from the identity of Alacaoglu, Malitsky, Mertikopoulos and Cevher 2020.
    """
    return averaged_terms(h)
